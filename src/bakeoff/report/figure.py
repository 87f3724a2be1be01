"""Figures for Plotly, as plain JSON.

A colour is written as the name of a variable of the style sheet, such as `var(--c3)`, so that one figure serves the
light page, the dark page and paper: the script puts in the value when it draws.
"""

import html
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from bakeoff.report.table import Table
from bakeoff.report.text import short

COLOURS = 10  # in the style sheet; further contenders repeat them
TOLD_APART = 5  # colours in a row that any colour vision tells apart; each five have dashes and symbols of their own
DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")
SYMBOLS = ("circle", "square", "diamond", "triangle-up", "cross", "star")

LAYOUT = {
    "autosize": True,
    "paper_bgcolor": "rgba(0,0,0,0)",
    "plot_bgcolor": "rgba(0,0,0,0)",
    "font": {"family": "system-ui, sans-serif", "size": 12, "color": "var(--text)"},
    "margin": {"l": 4, "r": 12, "t": 16, "b": 4},
    "showlegend": False,
    "legend": {"orientation": "h", "x": 0, "y": 1, "yanchor": "bottom"},
    "hovermode": "closest",
    "hoverlabel": {"bgcolor": "var(--raised)", "bordercolor": "var(--line)", "font": {"color": "var(--text)"}},
    "modebar": {"bgcolor": "rgba(0,0,0,0)", "color": "var(--muted)", "activecolor": "var(--text)"},
    "uirevision": 1,  # a zoom outlives a change of theme
}
AXIS = {
    "automargin": True,
    "gridcolor": "var(--line)",
    "linecolor": "var(--line)",
    "zeroline": False,
    "fixedrange": False,
}

SHARES = {"autorangeoptions": {"clipmin": 0, "clipmax": 1}}  # of an axis of shares: there is nothing beyond 100 %
WHOLE = {"cliponaxis": False}  # of a trace whose points may lie on the end of such an axis, and are not to be cut

Trace = dict[str, Any]


@dataclass(frozen=True)
class Figure:
    """A figure with its text alternative.

    Attributes:
        id: of the element it is drawn in.
        title: its heading.
        description: what is to be seen, for those who cannot.
        traces: Plotly's; `meta` is the place of the contender that a trace belongs to.
        layout: Plotly's, added to what all figures share.
        note: how to read it.
        wide: whether it takes the whole width of the page.
        height: in pixels; None for that of the style sheet.
        table: the same in numbers, if nothing else on the page gives them.
    """

    id: str
    title: str
    description: str
    traces: Sequence[Trace]
    layout: dict[str, Any]
    note: str = ""
    wide: bool = False
    height: int | None = None
    table: Table | None = None

    @property
    def plot(self) -> dict[str, Any]:
        """What the script draws: the figure over what all of them share."""
        axes = {axis: {**AXIS, **self.layout.get(axis, {})} for axis in ("xaxis", "yaxis")}
        return {"data": self.traces, "layout": {**LAYOUT, **self.layout, **axes}}


def colour(place: int) -> str:
    """Return the colour of a contender."""
    return f"var(--c{place % COLOURS})"


def dash(place: int) -> str:
    """Return the kind of line of a contender."""
    return DASHES[place // TOLD_APART % len(DASHES)]


def symbol(place: int) -> str:
    """Return the kind of point of a contender."""
    return SYMBOLS[place // TOLD_APART % len(SYMBOLS)]


def inert(name: str, length: int = 32) -> str:
    """Return a name as Plotly shows it literally: Plotly takes a subset of HTML in every text.

    Of a long name both ends are kept, since settings of one model differ in the last letters.
    """
    line, tail = short(name, max(len(name), length)), length // 2
    if len(line) > length:
        line = f"{line[: length - tail - 1].rstrip()}…{line[-tail:]}"
    return html.escape(line, quote=False)


def finite(values: Iterable[float | None], digits: int = 5) -> list[float | None]:
    """Return values rounded to so many significant digits, as JSON has them: None for what is not finite."""
    return [None if value is None or not math.isfinite(value) else float(f"{value:.{digits}g}") for value in values]
