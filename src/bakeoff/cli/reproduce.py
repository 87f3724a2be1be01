"""`bakeoff reproduce`."""

from pathlib import Path
from typing import Annotated

import typer
from typer import Argument, Option


def reproduce(
    names: Annotated[
        list[str] | None, Argument(metavar="NAME...", help="Systems of the documents; see --list.", show_default=False)
    ] = None,
    list_: Annotated[bool, Option("--list", help="List the systems with their reported figures.")] = False,
    seeds: Annotated[str, Option(help="How many, or which: 3, or 0,5,7.")] = "3",
    epochs: Annotated[int | None, Option(help="Instead of the document's.", show_default=False)] = None,
    faithful: Annotated[bool, Option(help="Repeat the document's fault, in a study of its own.")] = False,
    max_train: Annotated[int | None, Option(help="Train on so many images only.", show_default=False)] = None,
    weights: Annotated[
        str | None,
        Option(help="Instead of the document's: random, pretrained, hub:owner/name or a file.", show_default=False),
    ] = None,
    out: Annotated[
        Path | None, Option(help="Folder of all studies, one per system.", show_default="runs/reproduce")
    ] = None,
    data_dir: Annotated[
        Path | None, Option(help="A folder that holds data sets and weights.", show_default=False)
    ] = None,
    device: Annotated[str, Option(help="auto, cpu, cuda, cuda:1, mps.")] = "auto",
    jobs: Annotated[int, Option(help="Runs of all systems to train at once, each with its share of the cores.")] = 1,
    time_limit: Annotated[float | None, Option(help="Seconds, then save and stop.", show_default=False)] = None,
    retry_failed: Annotated[bool, Option(help="Try again what failed.")] = False,
    offline: Annotated[bool, Option(help="Refuse to download.")] = False,
    dry_run: Annotated[bool, Option(help="Print the plans and the time they take.")] = False,
) -> None:
    """Train systems as their documents did, and compare what was reported with what comes of it here.

    The same command again goes on with what is there: finished runs are never trained twice.

    Exit status: 0 when all runs are done, 1 for a mistake or a failed run, 3 when --time-limit left runs over, 130
    after Ctrl-C.
    """
    if list_:
        from bakeoff.cli.systems import list_systems

        list_systems()
        return
    from bakeoff.cli.reproduction import run_reproductions
    from bakeoff.cli.values import seeds_value

    study = {
        "seeds": seeds_value(seeds),
        "epochs": epochs,
        "max_train": max_train,
        "weights": weights,
        "faithful": faithful,
    }
    flags = {"offline": offline, "dry_run": dry_run, "retry_failed": retry_failed}
    raise typer.Exit(run_reproductions(names or [], study, out, data_dir, device, jobs, time_limit, **flags))
