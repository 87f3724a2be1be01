"""Figures of the report drawn by matplotlib: the part of Plotly's JSON that they are written in."""

import html
import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from bakeoff.export.axes import POINT, finish, set_axis

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Trace = Mapping[str, Any]
Colours = Mapping[str, str]
Colour = tuple[float, float, float, float] | str
Paint = Callable[[str], Colour]

DASHES = {
    "solid": "-",
    "dash": "--",
    "dot": ":",
    "dashdot": "-.",
    "longdash": (0, (8, 3)),
    "longdashdot": (0, (8, 3, 1, 3)),
}
SYMBOLS = {"circle": "o", "square": "s", "diamond": "D", "triangle-up": "^", "cross": "P", "star": "*"}
MOST_LINES = 10  # models in a figure with a legend, the best ones, as the page shows at first


def draw(axes: "Axes", plot: Mapping[str, Any], colours: Colours) -> None:
    """Draw a figure.

    Args:
        axes: empty.
        plot: `data` and `layout` of Plotly.
        colours: the values of the variables that colours are written as, such as `c3` of `var(--c3)`.
    """
    layout = plot["layout"]
    for name in ("xaxis", "yaxis"):
        set_axis(axes, name[0], layout[name], said)
    shown = legible(plot["data"])
    draws: dict[str, Callable[[Axes, Trace, Paint], None]] = {
        "scatter": _scatter,
        "heatmap": _heatmap,
        "bar": partial(_bar, below={}),
    }
    for trace in shown:
        draws[trace["type"]](axes, trace, partial(colour, colours))
    _legend(axes, plot, fewer=len(shown) < len(plot["data"]))
    finish(axes, layout)


def said(text: str) -> str:
    """Return a text as it is meant: Plotly takes HTML, of which names are made free, and fonts know no half letters."""
    plain = html.unescape(re.sub(r"</?b>|<br>", "", text))
    return plain.encode("utf-8", "replace").decode()


def colour(colours: Colours, value: str) -> Colour:
    """Return a colour, of which `var(--c3)/0.2` is a variable with an opacity."""
    from matplotlib.colors import to_rgba

    found = re.fullmatch(r"var\(--([\w-]+)\)(?:/([\d.]+))?", value)
    if found is None:
        return "none" if value.startswith("rgba(0,0,0,0") else value
    return to_rgba(colours[found[1]], float(found[2] or 1))


def legible(traces: Sequence[Trace]) -> list[Trace]:
    """Return the traces that are drawn: where a legend is needed, those of so many models as lines can be told."""
    if not _has_legend(traces):
        return list(traces)
    return [trace for trace in traces if (trace.get("meta") or 0) < MOST_LINES]


def _has_legend(traces: Sequence[Trace]) -> bool:
    names = {trace["name"] for trace in traces if "name" in trace}
    return len(names) > 1 and not any("text" in trace.get("mode", "") for trace in traces)


def _legend(axes: "Axes", plot: Mapping[str, Any], *, fewer: bool) -> None:
    """Name each model once, by the last that was drawn of it: its mean stands before its runs."""
    if not _has_legend(plot["data"]):
        return
    handles, names = axes.get_legend_handles_labels()
    last = dict(zip(names, handles, strict=True))
    place: dict[str, Any] = {"loc": "upper left", "bbox_to_anchor": (1.01, 1.02), "borderaxespad": 0}
    axes.legend(list(last.values()), list(last), title=f"the best {MOST_LINES}" if fewer else None, **place)


def _scatter(axes: "Axes", trace: Trace, paint: Paint) -> None:
    line, marker = trace.get("line", {}), trace.get("marker", {})
    x, y = (np.array(trace[axis], dtype=float) for axis in "xy")
    shade = paint(line.get("color") or marker.get("color") or "var(--text)")
    name = said(trace["name"]) if "name" in trace else "_"
    if trace.get("fill") == "toself":
        axes.fill(x, y, color=paint(trace["fillcolor"]), linewidth=0, zorder=1)
        return
    if "lines" in trace["mode"]:
        axes.plot(
            x,
            y,
            color=shade,
            linestyle=DASHES[line.get("dash", "solid")],
            linewidth=line.get("width", 2) * POINT,
            drawstyle="steps-post" if line.get("shape") == "hv" else "default",
            marker=_symbol(marker)[0] if "markers" in trace["mode"] else None,
            markersize=marker.get("size", 6) * POINT,
            clip_on=trace.get("cliponaxis", True),
            label=name,
            zorder=2,
        )
    elif "markers" in trace["mode"]:
        _markers(axes, trace, x, y, paint, name)
    _errors(axes, trace, x, y, paint)  # after the points: on a logarithmic axis a bar alone has no place
    if "text" in trace["mode"]:
        _names(axes, trace, x, y)


def _markers(axes: "Axes", trace: Trace, x: Any, y: Any, paint: Paint, name: str) -> None:
    marker = trace["marker"]
    shade, size = paint(marker["color"]), (marker.get("size", 6) * POINT) ** 2
    each = marker.get("symbol", "circle")
    symbols = [each] * len(x) if isinstance(each, str) else each
    for kind in dict.fromkeys(symbols):
        chosen = np.array([symbol == kind for symbol in symbols], dtype=bool)
        form, is_open = _symbol({"symbol": kind})
        face = "none" if is_open else shade
        style: dict[str, Any] = {"facecolors": face, "edgecolors": shade, "linewidths": 1.0 if is_open else 0}
        style["clip_on"] = trace.get("cliponaxis", True)
        label = "_" if is_open else name
        axes.scatter(
            x[chosen], y[chosen], s=size, marker=form, alpha=marker.get("opacity"), label=label, zorder=3, **style
        )


def _symbol(marker: Trace) -> tuple[str, bool]:
    """Return matplotlib's name of a symbol, and whether it is open."""
    name = marker.get("symbol", "circle")
    return SYMBOLS[name.removesuffix("-open")], name.endswith("-open")


def _errors(axes: "Axes", trace: Trace, x: Any, y: Any, paint: Paint) -> None:
    for axis in "xy":
        of = trace.get(f"error_{axis}")
        if not of:
            continue
        above = np.array(of["array"], dtype=float)
        below = np.array(of.get("arrayminus", of["array"]), dtype=float)
        known = np.isfinite(above) & np.isfinite(below)
        bars: dict[str, Any] = {f"{axis}err": np.abs([below[known], above[known]])}
        axes.errorbar(
            x[known], y[known], **bars, fmt="none", ecolor=paint(of["color"]), elinewidth=1.2, capsize=2.5, zorder=2
        )


def _names(axes: "Axes", trace: Trace, x: Any, y: Any) -> None:
    """Write names beside their points."""
    vertical, horizontal = trace["textposition"].split()
    side = {"right": "left", "left": "right"}[horizontal]
    for at, of, text in zip(x, y, trace["text"], strict=True):
        axes.annotate(
            said(text).strip(),
            (at, of),
            (6 if side == "left" else -6, 4 if vertical == "top" else -4),
            textcoords="offset points",
            ha=side,
            va="bottom" if vertical == "top" else "top",
            fontsize="small",
        )


def _heatmap(axes: "Axes", trace: Trace, paint: Paint) -> None:
    from matplotlib.colors import LinearSegmentedColormap

    z = np.array(trace["z"], dtype=float)
    steps = [(stop, paint(of)) for stop, of in trace["colorscale"]]
    scale = LinearSegmentedColormap.from_list("scale", steps, N=512)
    low, high = trace.get("zmin", np.nanmin(z)), trace.get("zmax", np.nanmax(z))
    edges = [np.arange(count + 1) - 0.5 for count in reversed(z.shape)]
    gap = 0.8 if max(z.shape) <= 50 else 0
    axes.pcolormesh(*edges, np.ma.masked_invalid(z), cmap=scale, vmin=low, vmax=high, edgecolors="white", linewidth=gap)
    if "texttemplate" in trace:
        for row, cells in enumerate(trace["text"]):
            for column, text in enumerate(cells):
                axes.text(column, row, said(text), ha="center", va="center", fontsize=max(4.5, 9 - len(cells) / 4))


def _bar(axes: "Axes", trace: Trace, paint: Paint, *, below: dict[Any, float]) -> None:
    """Draw bars on top of those that were drawn before."""
    bottom = [below.get(x, 0.0) for x in trace["x"]]
    axes.bar(
        trace["x"],
        trace["y"],
        bottom=bottom,
        color=paint(trace["marker"]["color"]),
        label=said(trace["name"]),
        zorder=2,
    )
    below.update({x: y + start for x, y, start in zip(trace["x"], trace["y"], bottom, strict=True)})
