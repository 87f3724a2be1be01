// Draws the figures, sorts and filters tables, and shows one model at a time. Without it the page is still whole:
// every number is in a table.
"use strict";
(async () => {
  const root = document.documentElement;
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const figures = JSON.parse(document.getElementById("figures").textContent);
  const LABELS = 80; // pixels beside the cells of a heat map
  const PAPER = { half: 325, wide: 670 }; // widths of figures on paper, in pixels

  // --- Tables ---------------------------------------------------------------------------------------------------

  const text = (cell) => cell.textContent.trim();
  const number = (cell) => parseFloat(cell.dataset.value ?? text(cell).replaceAll(",", ""));

  function sort(table, column, numeric, ascending) {
    const body = table.tBodies[0];
    const sign = ascending ? 1 : -1;
    const compare = (a, b) => {
      const [left, right] = [a.cells[column], b.cells[column]];
      if (!numeric) return sign * text(left).localeCompare(text(right), undefined, { numeric: true });
      const [x, y] = [number(left), number(right)];
      return isNaN(x) || isNaN(y) ? isNaN(x) - isNaN(y) : sign * (x - y); // what is not known comes last
    };
    body.append(...[...body.rows].sort(compare));
  }

  for (const table of all("table.sortable")) {
    [...table.tHead.rows[0].cells].forEach((header, column) => {
      if (table.tBodies[0].rows[0]?.cells[column].className === "strip") return;
      const button = document.createElement("button");
      button.type = "button";
      button.append(...header.childNodes);
      header.append(button);
      const numeric = !header.classList.contains("text");
      button.addEventListener("click", () => {
        const before = header.getAttribute("aria-sort");
        const ascending = before ? before === "descending" : !numeric;
        for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
        header.setAttribute("aria-sort", ascending ? "ascending" : "descending");
        sort(table, column, numeric, ascending);
      });
    });
  }

  document.getElementById("filter")?.addEventListener("input", (event) => {
    const wanted = event.target.value.trim().toLowerCase();
    const rows = [...document.getElementById("ranking").tBodies[0].rows];
    for (const row of rows) row.hidden = !all(".text", row).some((cell) => text(cell).toLowerCase().includes(wanted));
    const shown = rows.filter((row) => !row.hidden).length;
    document.getElementById("filtered").textContent = wanted ? `${shown} of ${rows.length}` : "";
  });

  // --- Figures --------------------------------------------------------------------------------------------------

  let paper = false;

  function draw(id) {
    const place = document.getElementById(id);
    if (!place.offsetParent) return; // in a panel that is not shown
    const { data, layout } = coloured(figures[id]);
    const off = all('.chip[aria-pressed="false"]', place.closest("section")).map((chip) => Number(chip.dataset.place));
    for (const trace of data) {
      trace.visible = !off.includes(trace.meta);
      // Numbers in cells that are too small for them are noise.
      const side = Math.min(place.clientWidth, place.clientHeight) - LABELS;
      if (trace.texttemplate && side / trace.z.length < 18) delete trace.texttemplate;
    }
    if (paper) {
      const width = place.closest(".wide") ? PAPER.wide : PAPER.half;
      // A matrix is square, and the screen has made it larger than its place on paper.
      Object.assign(layout, { autosize: false, width }, place.closest(".panel") && { height: width });
    }
    return plot(place, data, layout);
  }

  const drawAll = () => Promise.all(Object.keys(figures).map(draw));

  for (const chip of all(".chip")) {
    chip.addEventListener("click", () => {
      const section = chip.closest("section");
      const { show } = chip.dataset;
      for (const one of show ? all(".chip[data-place]", section) : [chip]) {
        one.setAttribute("aria-pressed", String(show ? show === "all" : one.getAttribute("aria-pressed") === "false"));
      }
      if (window.Plotly) all(".plot", section).forEach((plot) => draw(plot.id));
    });
  }

  // Of the elements that its options name, a chooser shows one.
  for (const chooser of all("select.chooser")) {
    const choose = () => {
      for (const { value } of chooser.options) document.getElementById(value).hidden = value !== chooser.value;
    };
    choose();
    chooser.addEventListener("change", () => {
      choose();
      if (window.Plotly) all(`#${chooser.value} .plot`).forEach((plot) => draw(plot.id));
    });
  }

  async function loadPlotly() {
    const packed = Uint8Array.from(atob(document.getElementById("plotly").textContent), (c) => c.charCodeAt(0));
    const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
    const script = document.createElement("script");
    script.textContent = await new Response(stream).text();
    document.head.append(script);
  }

  // Paper is light, and has a width of its own.
  let closed = [];
  const printing = (now) => () => {
    paper = now;
    if (now) {
      root.dataset.theme = "light";
      closed = all("details:not([open])").filter((part) => !part.closest("figure")); // these would repeat the figures
    } else delete root.dataset.theme;
    closed.forEach((part) => (part.open = now));
    if (window.Plotly) drawAll();
  };
  addEventListener("beforeprint", printing(true));
  addEventListener("afterprint", printing(false));

  try {
    await loadPlotly();
    await drawAll();
  } catch (error) {
    all(".plot").forEach((plot) => (plot.textContent = "This browser cannot draw the figure; its numbers are in the tables."));
    throw error;
  }
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
  root.dataset.ready = "yes";
})();
