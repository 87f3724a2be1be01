"""`bakeoff compare`."""

from pathlib import Path
from typing import Annotated

import typer
from typer import Argument, Option

STUDY = "What to compare"
TRAINING = "Training"
PROTOCOL = "Protocol"
MACHINE = "This machine"


def compare(
    data: Annotated[
        str | None,
        Argument(
            help="A data set's name, a folder of images, an .npz file, or owner/name on the hub.", show_default=False
        ),
    ] = None,
    models: Annotated[
        str | None, Option(help="Names or patterns, joined by commas.", show_default=False, rich_help_panel=STUDY)
    ] = None,
    config: Annotated[
        Path | None, Option(help="A study file (YAML) instead.", show_default=False, rich_help_panel=STUDY)
    ] = None,
    seeds: Annotated[
        str | None, Option(help="How many, or which: 3, or 0,5,7.", show_default="3", rich_help_panel=STUDY)
    ] = None,
    recipe: Annotated[
        str | None,
        Option(help="Recipes by name, joined by commas.", show_default="default", rich_help_panel=TRAINING),
    ] = None,
    epochs: Annotated[int | None, Option(show_default=False, rich_help_panel=TRAINING)] = None,
    batch_size: Annotated[int | None, Option(show_default=False, rich_help_panel=TRAINING)] = None,
    imgsz: Annotated[
        int | None, Option(help="Side of the input in pixels.", show_default=False, rich_help_panel=TRAINING)
    ] = None,
    lr: Annotated[float | None, Option(help="Learning rate.", show_default=False, rich_help_panel=TRAINING)] = None,
    optimizer: Annotated[
        str | None,
        Option(help="sgd, adam, adamw, adamax, rmsprop, muon.", show_default=False, rich_help_panel=TRAINING),
    ] = None,
    patience: Annotated[
        int | None, Option(help="Epochs before early stopping.", show_default=False, rich_help_panel=TRAINING)
    ] = None,
    amp: Annotated[
        str | None, Option(help="auto, off, bf16, fp16.", show_default="auto", rich_help_panel=TRAINING)
    ] = None,
    engine: Annotated[
        str | None,
        Option(
            help="How a step is computed: auto, eager, lean, compile, graph.",
            show_default="auto",
            rich_help_panel=TRAINING,
        ),
    ] = None,
    mode: Annotated[
        str | None, Option(help="same-recipe or own-recipe.", show_default="same-recipe", rich_help_panel=PROTOCOL)
    ] = None,
    budget: Annotated[
        str | None,
        Option(
            help="Equal for every model: epochs=N, steps=N or seconds=N.", show_default=False, rich_help_panel=PROTOCOL
        ),
    ] = None,
    folds: Annotated[
        int | None,
        Option(
            help="K-fold cross-validation, dealt anew for each seed, for small data without a test set.",
            show_default=False,
            rich_help_panel=PROTOCOL,
        ),
    ] = None,
    val_fraction: Annotated[
        float | None, Option(help="Share held out for validation.", show_default="0.1", rich_help_panel=PROTOCOL)
    ] = None,
    max_train: Annotated[
        int | None, Option(help="Train on so many images.", show_default=False, rich_help_panel=PROTOCOL)
    ] = None,
    deterministic: Annotated[
        bool, Option(help="Let a GPU compute the same bits every time, more slowly.", rich_help_panel=PROTOCOL)
    ] = False,
    robustness: Annotated[bool, Option(help="Judge on corrupted test images, too.", rich_help_panel=PROTOCOL)] = False,
    target_accuracy: Annotated[
        float | None,
        Option(help="Report the time to this validation accuracy.", show_default=False, rich_help_panel=PROTOCOL),
    ] = None,
    skip_bad: Annotated[bool, Option(help="Leave out unreadable images.", rich_help_panel=PROTOCOL)] = False,
    out: Annotated[
        Path | None, Option(help="Output folder.", show_default="runs/DATA-HASH", rich_help_panel=MACHINE)
    ] = None,
    data_dir: Annotated[
        Path | None, Option(help="A folder that holds data sets.", show_default=False, rich_help_panel=MACHINE)
    ] = None,
    device: Annotated[str, Option(help="auto, cpu, cuda, cuda:1, mps.", rich_help_panel=MACHINE)] = "auto",
    jobs: Annotated[
        int, Option(help="Runs to train at once, each with its share of the cores.", rich_help_panel=MACHINE)
    ] = 1,
    time_limit: Annotated[
        float | None, Option(help="Seconds, then save and stop.", show_default=False, rich_help_panel=MACHINE)
    ] = None,
    database: Annotated[
        str | None,
        Option(
            help="Where runs are recorded: postgresql://USER@HOST/NAME.",
            show_default="a file in the output folder",
            rich_help_panel=MACHINE,
        ),
    ] = None,
    track: Annotated[
        str | None,
        Option(help="Also send the study to a logger: mlflow.", show_default=False, rich_help_panel=MACHINE),
    ] = None,
    retry_failed: Annotated[bool, Option(help="Try again what failed.", rich_help_panel=MACHINE)] = False,
    offline: Annotated[bool, Option(help="Refuse to download.", rich_help_panel=MACHINE)] = False,
    dry_run: Annotated[bool, Option(help="Print the plan and the time it takes.", rich_help_panel=MACHINE)] = False,
) -> None:
    """Train several classifiers under one protocol, repeat over seeds, and judge each once on a locked test set.

    The same command again goes on with what is there: finished runs are never trained twice. Started twice at once, it
    shares the runs between the processes.

    Exit status: 0 when all runs are done, 1 for a mistake, a failed run or one that --robustness could not judge, 3
    when --time-limit left runs over, 130 after Ctrl-C.
    """
    from bakeoff.cli.comparison import run_comparison
    from bakeoff.cli.values import budget_value, names_value, seeds_value

    study = {
        "data": data,
        "models": names_value("--models", models),
        "config": config,
        "recipe": names_value("--recipe", recipe),
        "mode": mode,
        "budget": budget_value(budget),
        "seeds": seeds_value(seeds),
        "epochs": epochs,
        "batch_size": batch_size,
        "imgsz": imgsz,
        "lr": lr,
        "optimizer": optimizer,
        "patience": patience,
        "amp": amp,
        "engine": engine,
        "folds": folds,
        "val_fraction": val_fraction,
        "max_train": max_train,
        "deterministic": deterministic or None,
        "robustness": robustness or None,
        "target_accuracy": target_accuracy,
        "skip_bad": skip_bad or None,
    }
    flags = {"offline": offline, "dry_run": dry_run, "retry_failed": retry_failed}
    raise typer.Exit(run_comparison(study, out, data_dir, device, jobs, time_limit, database, track, **flags))
