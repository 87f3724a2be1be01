"""`bakeoff lr-find`."""

from pathlib import Path
from typing import Annotated, Any

from typer import Argument, Option


def lr_find(
    data: Annotated[str, Argument(help="As in `bakeoff compare`.")],
    models: Annotated[str, Option(help="Names or patterns, joined by commas.")],
    recipe: Annotated[str | None, Option(help="A recipe's name.", show_default="default")] = None,
    batch_size: Annotated[int | None, Option(show_default=False)] = None,
    optimizer: Annotated[str | None, Option(show_default=False)] = None,
    imgsz: Annotated[int | None, Option(help="Side of the input in pixels.", show_default=False)] = None,
    plot: Annotated[
        Path | None, Option(help="Draw the curves into this file: PNG, JPEG, PDF or SVG.", show_default=False)
    ] = None,
    data_dir: Annotated[Path | None, Option(help="A folder that holds data sets.", show_default=False)] = None,
    device: Annotated[str, Option(help="auto, cpu, cuda, cuda:1, mps.")] = "auto",
    offline: Annotated[bool, Option(help="Refuse to download.")] = False,
) -> None:
    """Find a learning rate for each model: the one at which the loss falls fastest (Smith 2017)."""
    from bakeoff.api import declare
    from bakeoff.cli.console import name, out
    from bakeoff.data.locations import Locations
    from bakeoff.report.pictures import check_picture, draw_lr_curves
    from bakeoff.run.device import find_device
    from bakeoff.run.estimate import learning_rates
    from bakeoff.specs.arguments import flag, naming_arguments
    from bakeoff.study.plan import make_plan

    if plot:
        check_picture(plot)
    where = Locations(data_dir=data_dir, offline=offline)
    settings: dict[str, Any] = {"batch_size": batch_size, "optimizer": optimizer, "imgsz": imgsz}
    with naming_arguments({"data": data, **settings}, flag):
        plan = make_plan(declare(data, models, recipe=recipe, seeds=1, **settings), where, find_device(device))
    curves = {}
    for run in plan.runs:
        curve = learning_rates(run, plan.images, plan.split, plan.device)
        curves[run.spec.model.title] = curve
        out.print(f"{name(run.spec.model.title)}: {run.spec.recipe.optimizer.name} --lr {curve.suggestion:.2g}")
    if plot:
        draw_lr_curves({title: (curve.rates, curve.losses, curve.suggestion) for title, curve in curves.items()}, plot)
        out.print(f"Curves: {name(plot)}")
