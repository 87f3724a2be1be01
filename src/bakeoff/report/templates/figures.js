// Draws a figure of `bakeoff.report.figure` with Plotly, in the colours of the style sheet as they are now.
"use strict";

// A colour such as var(--c3)/0.2 is that variable of the style sheet, with that opacity. Under any other key the same
// text would be a name.
function coloured(value, key = "", style = getComputedStyle(document.documentElement)) {
  if (Array.isArray(value)) return value.map((item) => coloured(item, key, style));
  if (value && typeof value === "object") {
    return Object.fromEntries(Object.entries(value).map(([inner, item]) => [inner, coloured(item, inner, style)]));
  }
  const variable = key.includes("color") && /^var\((--[\w-]+)\)(?:\/([\d.]+))?$/.exec(value);
  if (!variable) return value;
  const colour = style.getPropertyValue(variable[1]).trim();
  return variable[2] ? colour + Math.round(255 * variable[2]).toString(16).padStart(2, "0") : colour;
}

function plot(place, data, layout) {
  const coarse = matchMedia("(pointer: coarse)").matches;
  layout.dragmode = coarse ? false : "zoom"; // a finger scrolls the page
  return Plotly.react(place, data, layout, {
    responsive: true,
    displaylogo: false,
    typesetMath: false, // a name may hold a dollar sign
    displayModeBar: coarse ? false : "hover",
    // Named one by one, because by default there is one that would send the data to a server.
    modeBarButtons: [["zoomIn2d", "zoomOut2d", "resetScale2d", "toImage"]],
    toImageButtonOptions: { format: "svg", filename: place.id },
  }).then(() => place.querySelectorAll("svg.main-svg").forEach((svg) => svg.setAttribute("aria-hidden", "true")));
}

