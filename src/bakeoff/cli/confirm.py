"""`bakeoff confirm`."""

from pathlib import Path
from typing import Annotated

import typer
from typer import Argument, Option


def confirm(
    folder: Annotated[Path, Argument(metavar="OUT", help="The output folder of a comparison of settings.")],
    seeds: Annotated[int, Option(help="How many fresh ones.")] = 3,
    out: Annotated[Path | None, Option(help="Folder to write to.", show_default="OUT/confirm")] = None,
    device: Annotated[str, Option(help="auto, cpu, cuda, cuda:1, mps.")] = "auto",
    jobs: Annotated[int, Option(help="Runs to train at once, each with its share of the cores.")] = 1,
    time_limit: Annotated[float | None, Option(help="Seconds, then save and stop.", show_default=False)] = None,
    retry_failed: Annotated[bool, Option(help="Try again what failed.")] = False,
    offline: Annotated[bool, Option(help="Refuse to download.")] = False,
    dry_run: Annotated[bool, Option(help="Print the plan and the time it takes.")] = False,
) -> None:
    """Train the setting that validation chose of every model again, with seeds that had no part in the choice.

    The best of many tries is best by luck, too; what is left of its figure with fresh seeds is what may be quoted. The
    same command again goes on with what is there.

    Exit status: as of compare.
    """
    from bakeoff.cli.confirmation import run_confirmation

    flags = {"retry_failed": retry_failed, "offline": offline, "dry_run": dry_run}
    raise typer.Exit(run_confirmation(folder, seeds, out, device, jobs, time_limit, **flags))
