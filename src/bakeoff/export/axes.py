"""Axes as Plotly describes them, set on matplotlib's."""

import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes

POINT = 0.72  # points of a pixel, at 100 pixels an inch
PREFIXES = ((1e9, "G"), (1e6, "M"), (1e3, "k"))


def set_axis(axes: "Axes", which: str, described: Mapping[str, Any], said: Callable[[str], str]) -> None:
    """Set the scale, range, title, ticks and grid of one axis.

    Args:
        axes: to set it on, before anything is drawn.
        which: x or y.
        described: Plotly's layout of the axis.
        said: makes plain text of Plotly's.
    """
    one = axes.xaxis if which == "x" else axes.yaxis
    if described.get("type") == "log":
        getattr(axes, f"set_{which}scale")("log")
    if title := described.get("title", {}).get("text"):
        one.set_label_text(said(title))
    _ticks(one, described, said)
    one.grid(described.get("showgrid", True), which="major")
    if described.get("zeroline"):
        getattr(axes, "axvline" if which == "x" else "axhline")(0, color="0.5", linewidth=0.8, zorder=1)
    if described.get("side") == "top":
        axes.xaxis.tick_top()
        axes.xaxis.set_label_position("top")


def finish(axes: "Axes", layout: Mapping[str, Any]) -> None:
    """Set what can only be set once everything is drawn: ranges, directions and the shape of cells."""
    for which in "xy":
        described = layout[f"{which}axis"]
        limits = getattr(axes, f"set_{which}lim")
        low, high = getattr(axes, f"get_{which}lim")()
        if "range" in described:
            limits(*described["range"])
        elif described.get("autorange") == "reversed":
            limits(max(low, high), min(low, high))
        elif described.get("rangemode") == "tozero":
            limits(0, high)
        elif clip := described.get("autorangeoptions"):
            limits(max(low, clip["clipmin"]), min(high, clip["clipmax"]))
        if "scaleanchor" in described:
            axes.set_aspect("equal", adjustable="box")


def _ticks(one: Any, described: Mapping[str, Any], said: Callable[[str], str]) -> None:
    from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, MultipleLocator, NullFormatter, NullLocator

    if "tickvals" in described:
        one.set_ticks(described["tickvals"], [said(text) for text in described["ticktext"]])
        one.set_minor_locator(NullLocator())  # a logarithmic axis has some of its own
        one.set_tick_params(labelsize=POINT * described.get("tickfont", {}).get("size", 12))
        if one.axis_name == "x" and max(map(len, described["ticktext"]), default=0) > 3:
            one.set_tick_params(rotation=45 if len(described["tickvals"]) < 10 else 90)
        if not described.get("showticklabels", True):
            one.set_tick_params(labelbottom=False, labelleft=False, length=0)
        return
    form = described.get("tickformat", "")
    one.set_major_formatter(FuncFormatter(lambda value, _: number(value, form)))
    if described.get("type") == "log":
        subs = {"D1": range(1, 10), "D2": (1, 2, 5)}.get(str(described.get("dtick")), (1,))
        one.set_major_locator(LogLocator(subs=tuple(subs)))
        one.set_minor_formatter(NullFormatter())
    elif step := described.get("dtick"):
        one.set_major_locator(MultipleLocator(step))
    elif not form:  # epochs, or images
        one.set_major_locator(MaxNLocator("auto", integer=True))


def number(value: float, form: str) -> str:
    """Return a number as d3 writes it in the few formats that are in use: shares in percent, and SI prefixes."""
    if not math.isfinite(value):
        return ""
    if form.endswith("%"):
        return f"{float(f'{100 * value:.2f}'):g}%"
    if form.endswith("s"):
        for size, prefix in PREFIXES:
            if abs(value) >= size:
                return f"{value / size:.6g}{prefix}"
        return f"{value:.6g}"
    text = f"{value:,.10g}" if "," in form else f"{value:.6g}"
    return text.replace("-", "\N{MINUS SIGN}")
