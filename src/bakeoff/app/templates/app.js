// Keeps a page up to date, draws its figures, and sends images. Everything else is in the HTML.

const all = (selector, within = document) => [...within.querySelectorAll(selector)];
let figures = JSON.parse(document.getElementById("figures")?.textContent ?? "{}");

// --- Figures ------------------------------------------------------------------------------------------------------

let plotly; // a promise, once the script is asked for

function loadPlotly() {
  plotly ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    Object.assign(script, { src: "/assets/plotly.js", onload: resolve, onerror: reject });
    document.head.append(script);
  });
  return plotly;
}

async function drawAll() {
  const places = all(".plot").filter((place) => figures[place.id]);
  if (!places.length) return;
  await loadPlotly();
  for (const place of places) {
    const { data, layout } = coloured(figures[place.id]);
    const off = all('.chip[aria-pressed="false"]', place.closest("section")).map((chip) => Number(chip.dataset.place));
    for (const trace of data) trace.visible = !off.includes(trace.meta);
    await plot(place, data, layout);
  }
}

document.addEventListener("click", (event) => {
  const chip = event.target.closest(".chips .chip");
  if (!chip) return;
  const { show } = chip.dataset;
  for (const one of show ? all(".chip[data-place]", chip.parentElement) : [chip]) {
    one.setAttribute("aria-pressed", String(show ? show === "all" : one.getAttribute("aria-pressed") === "false"));
  }
  drawAll();
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);

// --- What changes -------------------------------------------------------------------------------------------------

// Everything that a reader has done to a part of the page outlives its replacement: figures stay the elements that
// they are, what was opened stays open, what was scrolled or hidden stays so, and the focus stays where it was.
function renew(part, html) {
  const focusable = "a[href], button, input, select, summary, [tabindex]";
  const focused = all(focusable, part).indexOf(document.activeElement);
  const label = (one) => one.id || one.getAttribute("aria-label") || one.textContent.trim();
  const before = Object.fromEntries(
    ["summary", ".plot", ".chip[data-place]", ".scroll"].map((kind) => [
      kind, new Map(all(kind, part).map((one) => [label(one), one])),
    ]),
  );
  const opened = new Set(all("details[open] > summary", part).map(label));
  const scrolled = new Map(all(".scroll", part).map((one) => [label(one), [one.scrollLeft, one.scrollTop]]));
  const fresh = document.createElement("template");
  fresh.innerHTML = html;
  for (const summary of all("summary", fresh.content)) summary.parentElement.open = opened.has(label(summary));
  for (const chip of all(".chip[data-place]", fresh.content)) {
    const old = before[".chip[data-place]"].get(label(chip));
    if (old) chip.setAttribute("aria-pressed", old.getAttribute("aria-pressed"));
  }
  for (const place of all(".plot", fresh.content)) {
    const old = before[".plot"].get(place.id);
    if (!old) continue;
    old.style.height = place.style.height;
    place.replaceWith(old);
  }
  part.replaceChildren(fresh.content);
  for (const frame of all(".scroll", part)) [frame.scrollLeft, frame.scrollTop] = scrolled.get(label(frame)) ?? [0, 0];
  if (focused >= 0) all(focusable, part)[focused]?.focus({ preventScroll: true });
}

// A browser has six connections to a server, for all tabs together: one that is not seen gives its own back.
function follow(part) {
  const lost = document.querySelector(".connection");
  let source;
  const listen = () => {
    source?.close();
    if (document.hidden) return;
    source = new EventSource(`${part.dataset.live}?seen=${part.dataset.seen}`);
    source.onopen = () => (lost.hidden = true);
    source.onerror = () => (lost.hidden = false);
    source.onmessage = async (event) => {
      const news = JSON.parse(event.data);
      figures = news.figures;
      renew(part, news.html);
      tellTimes();
      await drawAll();
      document.documentElement.dataset.news = Number(document.documentElement.dataset.news ?? 0) + 1;
    };
  };
  document.addEventListener("visibilitychange", listen);
  addEventListener("pagehide", () => source?.close());
  addEventListener("pageshow", (event) => event.persisted && listen());
  listen();
}

function tellTimes() {
  const words = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
  const units = [["second", 60], ["minute", 60], ["hour", 24], ["day", 1e9]];
  for (const time of all("time[datetime]")) {
    let past = Math.max(0, (Date.now() - Date.parse(time.dateTime)) / 1000);
    for (const [unit, most] of units) {
      if (past < most) {
        time.textContent = unit === "second" ? "just now" : words.format(-Math.floor(past), unit);
        break;
      }
      past /= most;
    }
  }
}

// --- Ticks, and an image of one's own -----------------------------------------------------------------------------

for (const button of all("[data-tick]")) {
  button.addEventListener("click", () => {
    const boxes = all("input", button.parentElement);
    const on = boxes.some((box) => !box.checked);
    for (const box of boxes) box.checked = on;
  });
}

function asks(form) {
  const drop = form.querySelector(".drop");
  const answers = document.getElementById("answers");
  const say = (sentence) => {
    const line = document.createElement("p");
    Object.assign(line, { className: "missing", textContent: sentence });
    line.setAttribute("role", "alert");
    answers.replaceChildren(line);
  };
  let turn = 0;
  const send = async (file) => {
    if (!file) return;
    if (file.size > form.dataset.megabytes * 1e6) return say(`The file has more than ${form.dataset.megabytes} MB; save the image smaller.`);
    const mine = ++turn;
    answers.setAttribute("aria-busy", "true");
    try {
      const headers = { "Content-Type": "application/octet-stream" };
      const html = await (await fetch(form.dataset.to, { method: "POST", body: file, headers })).text();
      if (mine === turn) renew(answers, html);
    } catch {
      if (mine === turn) say("The server does not answer; start bakeoff ui again.");
    }
    if (mine === turn) answers.removeAttribute("aria-busy");
  };
  form.addEventListener("change", (event) => {
    send(event.target.files[0]);
    event.target.value = ""; // so that the same file can be chosen again
  });
  form.addEventListener("submit", (event) => event.preventDefault());
  for (const name of ["dragover", "drop"]) {
    addEventListener(name, (event) => {
      event.preventDefault(); // the browser would leave the page and show the file
      drop.classList.toggle("over", name === "dragover");
      if (name === "drop") send(event.dataTransfer.files[0]);
    });
  }
  addEventListener("dragleave", () => drop.classList.remove("over"));
}

for (const link of all("nav li a")) if (link.pathname === location.pathname) link.setAttribute("aria-current", "page");
for (const form of all("#ask")) asks(form);
for (const part of all("[data-live]")) follow(part);
tellTimes();
setInterval(tellTimes, 20_000);
drawAll().finally(() => (document.documentElement.dataset.ready = "yes"));
