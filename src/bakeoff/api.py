"""Bakeoff from Python: compare, check and reproduce."""

import inspect
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bakeoff import durable
from bakeoff.data.checks import Finding
from bakeoff.data.examine import examine
from bakeoff.data.load import load as load_images
from bakeoff.data.locations import Locations
from bakeoff.errors import SpecError, nearest
from bakeoff.result import Result, load
from bakeoff.run.device import find_device
from bakeoff.specs.arguments import naming_arguments
from bakeoff.specs.data import DataSpec
from bakeoff.specs.files import naming_lines
from bakeoff.specs.protocol import Protocol
from bakeoff.specs.study import StudySpec
from bakeoff.study.carry_out import run
from bakeoff.study.confirm import FILE, FOLDER, Confirmed, confirmation, confirmed
from bakeoff.study.declare import data_fields, declare, without_none
from bakeoff.study.lines import default_observer
from bakeoff.study.observer import Observer
from bakeoff.study.plan import make_plan
from bakeoff.study.reproduce import Reproduction, folder_name, study_of
from bakeoff.tracking import tracking
from bakeoff.tracking.together import Together

if TYPE_CHECKING:
    import pandas as pd


__all__ = [
    "Result",
    "check",
    "compare",
    "conclude",
    "conclude_confirmation",
    "confirm",
    "declare",
    "load",
    "reproduce",
    "run",
    "to_confirm",
]

REPRODUCED = Path("runs") / "reproduce"


def compare(
    data: str | Path | Mapping[str, Any] | None = None,
    models: str | Sequence[str | Mapping[str, Any]] | None = None,
    *,
    out: str | Path | None = None,
    device: str = "auto",
    data_dir: str | Path | None = None,
    offline: bool = False,
    jobs: int = 1,
    time_limit: float | None = None,
    database: str | None = None,
    retry_failed: bool = False,
    track: str | Sequence[str] | None = None,
    verbose: bool | None = None,
    observer: Observer | None = None,
    **settings: Any,
) -> Result:
    """Train several classifiers under one protocol, judge each once on the test set, and return the result.

    Args:
        data: the name of a data set, a folder of images, an .npz file, or owner/name on the hub; or the fields of a
            `DataSpec`.
        models: names or patterns, in a list or joined by commas; in a list also the fields of a `ModelSpec`.
        out: the folder to write to; the same call again goes on with what is there.
        device: auto, cpu, cuda, cuda:1 or mps.
        data_dir: a folder that holds data sets.
        offline: refuse to download.
        jobs: how many runs to train at once, each in a process with its share of the cores.
        time_limit: seconds after which training is saved and stopped.
        database: the URL of a database to use instead of one in the folder. Its password is written nowhere: where it
            is needed later, libpq finds it in `PGPASSWORD` or `~/.pgpass`.
        retry_failed: try runs again that have failed.
        track: loggers to send the study to while it runs, in a list or joined by commas: mlflow.
        verbose: print a line per run; left open, that is done in a terminal or a notebook.
        observer: told how the study goes on, instead of printing.
        settings: see `declare`.

    Raises:
        BakeoffError: a mistake in the arguments or the data, named in one sentence.
    """
    known = inspect.signature(declare).parameters
    if unknown := sorted(settings.keys() - known):
        raise SpecError(f"compare has no argument {unknown[0]!r}{nearest(unknown[0], known)}")
    config = Path(settings["config"]) if settings.get("config") else None
    where = Locations(data_dir=Path(data_dir) if data_dir else None, offline=offline)
    with naming_lines(config), naming_arguments({"data": data, **settings}):
        plan = make_plan(declare(data, models, **settings), where, find_device(device))
    folder = Path(out) if out else plan.default_folder()
    observer = observer or default_observer(verbose)
    how: dict[str, Any] = {"jobs": jobs, "time_limit": time_limit, "database": database}
    with tracking(track, plan, folder) as loggers:
        run(plan, folder, where, Together(observer, *loggers), retry_failed=retry_failed, **how)
    return Result(folder, database)


def check(
    data: str | Path | Mapping[str, Any],
    *,
    imgsz: int | None = None,
    val_fraction: float | None = None,
    skip_bad: bool | None = None,
    data_dir: str | Path | None = None,
    offline: bool = False,
) -> "pd.DataFrame":
    """Look for what would make a comparison on a data set less honest, such as copies of test images in training.

    Args:
        data: the name of a data set, a folder of images, an .npz file, or owner/name on the hub; or the fields of a
            `DataSpec`.
        imgsz: side in pixels to decode photos to.
        val_fraction: share of the training images that would be held out.
        skip_bad: leave out unreadable images instead of stopping.
        data_dir, offline: as for `compare`.

    Returns:
        A row for each finding, the grave ones first: check, grave, count, what, advice, examples, and groups, the
        indices of images that belong together.

    Raises:
        BakeoffError: the data cannot be loaded.
    """
    import pandas as pd

    spec = DataSpec.parse(data_fields(data) | without_none(image_size=imgsz, skip_bad=skip_bad))
    protocol = Protocol.parse(without_none(val_fraction=val_fraction))
    where = Locations(data_dir=Path(data_dir) if data_dir else None, offline=offline)
    found = examine(load_images(spec, where), spec, protocol, where.cache, thorough=True).findings
    return pd.DataFrame([vars(finding) for finding in found], columns=list(Finding.__dataclass_fields__))


def reproduce(
    name: str,
    *,
    seeds: int | Sequence[int] = 3,
    epochs: int | None = None,
    faithful: bool = False,
    max_train: int | None = None,
    weights: str | None = None,
    out: str | Path = REPRODUCED,
    device: str = "auto",
    data_dir: str | Path | None = None,
    offline: bool = False,
    jobs: int = 1,
    time_limit: float | None = None,
    retry_failed: bool = False,
    verbose: bool | None = None,
    observer: Observer | None = None,
) -> Reproduction:
    """Train a system of the library as its document did, and return what was reported against what came of it.

    The study is in a folder of the system's name within `out`, with `reproduced.json` and a report.

    Args:
        name: of the system: a row of `bakeoff reproduce --list`.
        seeds: how many, or which.
        epochs: instead of the document's.
        faithful: repeat the document's fault where it changes the figures, in a study of its own.
        max_train: train on so many images only.
        weights: other ones than the document's: `random`, `pretrained`, `hub:owner/name` or a file.
        out: the folder of all reproductions; the same call again goes on with what is there.
        device, jobs, data_dir, offline, time_limit, retry_failed, verbose, observer: as for `compare`.

    Raises:
        BakeoffError: a mistake in the arguments, the data or the weights, named in one sentence.
    """
    where = Locations(data_dir=Path(data_dir) if data_dir else None, offline=offline)
    study = study_of(name, seeds, epochs=epochs, max_train=max_train, weights=weights, faithful=faithful)
    plan = make_plan(study, where, find_device(device))
    folder = Path(out) / folder_name(name, faithful=faithful)
    observer = observer or default_observer(verbose)
    how: dict[str, Any] = {"jobs": jobs, "time_limit": time_limit, "retry_failed": retry_failed}
    outcome = run(plan, folder, where, observer, **how)
    return conclude(Reproduction(name, outcome.records, faithful), folder)


def conclude(reproduction: Reproduction, folder: Path) -> Reproduction:
    """Write `reproduced.json` and the report into a reproduction's folder, and return the reproduction."""
    durable.write(folder / "reproduced.json", json.dumps(reproduction.content(), indent=1).encode())
    Result(folder).report()
    return reproduction


def confirm(
    folder: str | Path,
    *,
    seeds: int = 3,
    out: str | Path | None = None,
    device: str = "auto",
    offline: bool = False,
    jobs: int = 1,
    time_limit: float | None = None,
    retry_failed: bool = False,
    verbose: bool | None = None,
    observer: Observer | None = None,
) -> tuple[Confirmed, ...]:
    """Train the setting that validation chose of every model with fresh seeds, and return both figures of each.

    Args:
        folder: of a finished comparison of settings.
        seeds: how many; none of them is among those of the comparison.
        out: the folder to write to, `confirm` in the comparison's unless given; the same call again goes on there.
        device, jobs, offline, time_limit, retry_failed, verbose, observer: as for `compare`.

    Raises:
        BakeoffError: the comparison is not finished, or something is wrong with the data, named in one sentence.
    """
    study, where = to_confirm(Result(Path(folder)), seeds, offline=offline)
    plan = make_plan(study, where, find_device(device))
    to = Path(out) if out else Path(folder) / FOLDER
    how: dict[str, Any] = {"jobs": jobs, "time_limit": time_limit, "retry_failed": retry_failed}
    run(plan, to, where, observer or default_observer(verbose), **how)
    return conclude_confirmation(Path(folder), to)


def to_confirm(tuned: Result, seeds: int, *, offline: bool) -> tuple[StudySpec, Locations]:
    """Return the study that confirms what another chose, and where its data is."""
    data_dir = tuned.about["data_dir"]
    where = Locations(data_dir=Path(data_dir) if data_dir else None, offline=offline)
    return confirmation(tuned.about["study"], tuned.runs, seeds), where


def conclude_confirmation(tuned: Path, folder: Path) -> tuple[Confirmed, ...]:
    """Write `confirmed.json` and the report into a confirmation's folder, and return what was confirmed.

    The report of the tuned study is written again where it finds the figures, in its folder `confirm`.
    """
    result, before = Result(folder), Result(tuned)
    found = confirmed(before.runs, result.runs)
    durable.write(folder / FILE, json.dumps([one.content() for one in found], indent=1).encode())
    result.report()
    if folder.resolve() == (tuned / FOLDER).resolve():
        before.report()
    return found
