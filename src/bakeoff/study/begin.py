"""Begin a study: make a folder its own, note there what it is, and open its database."""

import shlex
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from bakeoff.data.locations import Locations
from bakeoff.records.run import RunRecord
from bakeoff.specs.protocol import BESIDE
from bakeoff.store.database import Store
from bakeoff.store.engine import noted
from bakeoff.store.folder import StudyFolder
from bakeoff.study.plan import Plan
from bakeoff.study.union import told, union

About = Mapping[str, Any]  # what stands in a study's folder


class Begun:
    """A plan with its folder and its open database.

    Attributes:
        plan: what to do.
        folder: where weights, logits and checkpoints go; one for all processes.
        store: where the runs are recorded.
        gained: what this command changes of a study that was there already, in a sentence; or empty.
        runs: of the plan, by their identity.
        before: their records as they were found.
    """

    def __init__(self, plan: Plan, folder: StudyFolder, store: Store, gained: str = "") -> None:
        self.plan, self.folder, self.store, self.gained = plan, folder, store, gained
        self.runs = {planned.spec.run_id: planned for planned in plan.runs}
        self.before = self.records()

    def records(self) -> tuple[RunRecord, ...]:
        """Return the records of the plan's runs as they are now."""
        return tuple(record for record in self.store.records() if record.run_id in self.runs)


@contextmanager
def begun(plan: Plan, folder: Path, where: Locations, database: str | None, *, retry_failed: bool) -> Iterator[Begun]:
    """Give a plan that can be carried out in its folder; see `bakeoff.study.carry_out`."""
    study_folder = StudyFolder(folder)
    changes: list[str] = []

    def joined(found: About, asked: About) -> dict[str, Any]:
        changes.append(told(found["study"], asked["study"]))
        commands = [command for command in found.get("command", "").splitlines() if command != asked["command"]]
        command = "\n".join([*commands, asked["command"]]).strip()
        return {**asked, "study": union(found["study"], asked["study"]), "command": command}

    about = study_folder.claim(_about(plan, where, noted(database) if database else None), joined)
    change = "".join(changes)
    gained = f"{folder} holds this study already, and its report shows all of its runs; {change}" if change else ""
    plan = _also_told(plan, about["study"]["protocol"])
    url = database or about["database"] or study_folder.database_url
    with closing(Store(url, plan.study_id, plan.study.content())) as store:
        store.add(planned.spec for planned in plan.runs)
        if retry_failed:
            store.retry_failed([planned.spec.run_id for planned in plan.runs])
        yield Begun(plan, study_folder, store, gained)


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
