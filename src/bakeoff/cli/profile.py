"""`bakeoff profile`."""

from pathlib import Path
from typing import Annotated

from typer import Argument, Option


def profile(
    data: Annotated[str, Argument(help="As in `bakeoff compare`.")],
    models: Annotated[str, Option(help="Names or patterns, joined by commas.")],
    recipe: Annotated[str | None, Option(help="A recipe's name.", show_default="default")] = None,
    batch_size: Annotated[int | None, Option(show_default=False)] = None,
    imgsz: Annotated[int | None, Option(help="Side of the input in pixels.", show_default=False)] = None,
    amp: Annotated[str | None, Option(help="auto, off, bf16, fp16.", show_default="auto")] = None,
    engine: Annotated[str | None, Option(help="auto, eager, lean, compile, graph.", show_default="auto")] = None,
    trace: Annotated[
        Path | None, Option(help="Write traces into this folder, for TensorBoard or Perfetto.", show_default=False)
    ] = None,
    data_dir: Annotated[Path | None, Option(help="A folder that holds data sets.", show_default=False)] = None,
    device: Annotated[str, Option(help="auto, cpu, cuda, cuda:1, mps.")] = "auto",
    offline: Annotated[bool, Option(help="Refuse to download.")] = False,
) -> None:
    """Show where a training step's time goes, how much it waits for its input, and what would make it faster."""
    from bakeoff.api import declare
    from bakeoff.cli.profiles import print_profile
    from bakeoff.data.locations import Locations
    from bakeoff.run.device import find_device
    from bakeoff.run.profile import profile as measure
    from bakeoff.run.profile import trace_file
    from bakeoff.study.plan import make_plan

    study = declare(data, models, recipe=recipe, batch_size=batch_size, imgsz=imgsz, amp=amp, engine=engine, seeds=1)
    plan = make_plan(study, Locations(data_dir=data_dir, offline=offline), find_device(device))
    # All files first, so that a folder which cannot be written is found before anything is measured.
    traces = [trace_file(trace, run.spec) if trace else None for run in plan.runs]
    for run, file in zip(plan.runs, traces, strict=True):
        print_profile(run.spec, measure(run, plan.images, plan.split, plan.device, file), file)
