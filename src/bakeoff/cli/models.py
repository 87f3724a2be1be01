"""`bakeoff models`."""

from typing import Annotated

import typer


def models(
    pattern: Annotated[str | None, typer.Argument(help="Such as 'vgg*' or 'timm:resnet*'.", show_default=False)] = None,
    summary: Annotated[
        bool, typer.Option("--summary", help="Print the layers of each, with output shapes and parameters.")
    ] = False,
    imgsz: Annotated[int, typer.Option(min=1, help="Side of the input in pixels, for --summary.")] = 32,
    classes: Annotated[int, typer.Option(min=2, help="Number of classes, for --summary.")] = 10,
    channels: Annotated[int, typer.Option(min=1, help="Channels of the input, for --summary.")] = 3,
) -> None:
    """List the networks that can be compared; any timm or torchvision model goes by its name as well."""
    from rich.table import Table
    from rich.text import Text

    from bakeoff.cli.console import out
    from bakeoff.models.library import build, expand, find
    from bakeoff.models.summary import summarize
    from bakeoff.specs.model import ModelSpec

    names = expand(pattern or "*")
    if summary:
        for name in names:
            model = build(ModelSpec(name=name), classes, channels, imgsz)
            out.print(f"[bold]{name}[/bold]")
            out.print(Text(str(summarize(model, channels, imgsz))))
        return
    table = Table(box=None, pad_edge=False)
    for column in ("name", "least input", "what", "source"):
        table.add_column(column, justify="right" if column == "least input" else "left")
    for name in names:
        network = find(name)
        table.add_row(name, str(network.min_size or "by trial"), network.summary, network.source)
    out.print(table)
