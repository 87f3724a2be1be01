"""What figures and tables hold, by the names that they show."""

from bakeoff.report.text import SPACE


def cells_of(table, row=0):
    return {
        column.title: getattr(cell, "text", cell).replace(SPACE, " ")
        for column, cell in zip(table.columns, table.rows[row], strict=True)
    }


def of_model(figure, place, **wanted):
    """Return the traces of a contender that have these values."""
    return [t for t in figure.traces if t["meta"] == place and all(t.get(key) == of for key, of in wanted.items())]
