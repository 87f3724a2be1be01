"""`bakeoff recipes`."""


def recipes() -> None:
    """List the recipes that come with bakeoff; those of whole systems train as a document did."""
    from rich.table import Table

    from bakeoff.cli.console import out
    from bakeoff.specs.library import library

    table = Table(box=None, pad_edge=False)
    for column in ("name", "epochs", "batch", "optimizer", "schedule", "what"):
        table.add_column(column, justify="right" if column in ("epochs", "batch") else "left")
    for name, entry in library().items():
        recipe = entry.recipe
        optimizer = f"{recipe.optimizer.name} {recipe.optimizer.lr:g}"
        row = (name, str(recipe.epochs), str(recipe.batch_size), optimizer, recipe.schedule.name, entry.summary)
        table.add_row(*row)
    out.print(table)
