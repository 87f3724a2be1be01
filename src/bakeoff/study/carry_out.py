"""Carry a plan out in its folder, and note there what the study is."""

import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from bakeoff.data.locations import Locations
from bakeoff.specs.protocol import BESIDE
from bakeoff.store.database import Store
from bakeoff.store.engine import noted
from bakeoff.store.folder import StudyFolder
from bakeoff.study.execute import Outcome, execute
from bakeoff.study.jobs import check_jobs
from bakeoff.study.observer import Observer
from bakeoff.study.plan import Plan
from bakeoff.study.stopping import check_limit
from bakeoff.study.union import told, union

About = Mapping[str, Any]  # what stands in a study's folder


def run(
    plan: Plan,
    folder: Path,
    where: Locations,
    observer: Observer,
    *,
    time_limit: float | None = None,
    database: str | None = None,
    retry_failed: bool = False,
    jobs: int = 1,
) -> Outcome:
    """Train what a plan still lacks, in its folder; see `compare`.

    Args:
        plan: from `bakeoff.study.plan.make_plan`.
        folder: the study's folder, new or of this same study.
        where: noted in the folder, so that a report made later finds the images.
        observer: told how the study goes on.
        time_limit: seconds after which training is saved and stopped.
        database: the URL of a database; None: the one that the folder was begun with, a file in it unless another was
            named.
        retry_failed: try runs again that have failed.
        jobs: how many runs to train at once.
    """
    check_limit(time_limit)
    check_jobs(jobs)
    study_folder = StudyFolder(folder)
    changes: list[str] = []

    def joined(found: About, asked: About) -> dict[str, Any]:
        changes.append(told(found["study"], asked["study"]))
        commands = [command for command in found.get("command", "").splitlines() if command != asked["command"]]
        command = "\n".join([*commands, asked["command"]]).strip()
        return {**asked, "study": union(found["study"], asked["study"]), "command": command}

    about = study_folder.claim(_about(plan, where, noted(database) if database else None), joined)
    for change in filter(None, changes):
        observer.joined(f"{folder} holds this study already, and its report shows all of its runs; {change}")
    plan = _also_told(plan, about["study"]["protocol"])
    url = database or about["database"] or study_folder.database_url
    store = Store(url, plan.study_id, plan.study.content())
    try:
        return execute(plan, study_folder, store, observer, time_limit, retry_failed=retry_failed, jobs=jobs)
    finally:
        store.close()


def check_folder(plan: Plan, folder: Path) -> None:
    """Raise `StoreError` where another study than the plan's is in a folder; nothing is written."""
    StudyFolder(folder).check({"identity": plan.identity, "database": None})


def _also_told(plan: Plan, protocol: Mapping[str, Any]) -> Plan:
    """Return a plan that also tells what the protocol of its folder tells besides."""
    besides = {field: protocol[field] for field in BESIDE}
    own = plan.study.protocol.model_copy(update=besides)
    return replace(plan, study=plan.study.model_copy(update={"protocol": own}))


def _about(plan: Plan, where: Locations, database: str | None) -> dict[str, Any]:
    """Return what is written in the study's folder."""
    images = plan.images
    return {
        "study_id": plan.study_id,
        "identity": plan.identity,
        "study": plan.study.content(),
        "data": {
            "class_names": images.class_names,
            "shape": images.images.shape,
            "fingerprint": images.fingerprint,
            "provenance": images.provenance,
            "parts": {"train": len(plan.split.train), "val": len(plan.split.val), "test": len(plan.split.test)},
            "folds": plan.study.protocol.folds,
            "split": plan.split.digest,
            "checks": plan.examined.content(),
        },
        "data_dir": str(where.data_dir.resolve()) if where.data_dir else None,
        "database": database,
        "command": repeating(sys.argv),
    }


def repeating(argv: Sequence[str]) -> str:
    """Return the command that repeats a study, without what is for one time or one machine.

    Nor has it the password of a database. It is empty where Python was used.
    """
    program = Path(argv[0])
    if program.stem != "bakeoff" and program.parts[-2:] != ("bakeoff", "__main__.py"):
        return ""
    kept, words = ["bakeoff"], iter(argv[1:])
    for word in words:
        option, given, value = word.partition("=")
        if option in ("--time-limit", "--jobs"):
            value = value or next(words, "")
        elif option == "--database":
            kept += [option, noted(value if given else next(words, ""))]
        elif option != "--retry-failed":
            kept.append(word)
    return shlex.join(kept)
