"""The rules of the study, and everything that it takes to check or repeat it."""

import json
from collections.abc import Mapping
from typing import Any

import yaml

from bakeoff.records.run import RunState
from bakeoff.report.subject import Subject
from bakeoff.report.table import Rows, Table, Value, number_columns, text_columns
from bakeoff.report.text import join, moment, percent, plural

MODES = {
    "same-recipe": "every model is trained with the same recipe",
    "own-recipe": "each model is trained with the recipe declared for it",
    "budget": "each model is trained with its own recipe within an equal budget",
}
SELECTION = {
    "best": "the weights of the epoch with the best {monitor} are kept",
    "last": "the weights of the last epoch are kept",
}


def protocol_facts(subject: Subject) -> list[tuple[str, str]]:
    """Return the rules, each with what it is about."""
    protocol, study = subject.protocol, subject.about["study"]
    budget = protocol.budget.model_dump(exclude_none=True) if protocol.budget else {}
    limits = "".join(f"; {amount:g} {unit} each" for unit, amount in budget.items())
    choices = {(record.spec.recipe.select, record.spec.recipe.monitor) for record in subject.records}
    chosen = [SELECTION[select].format(monitor=_monitor(monitor)) for select, monitor in sorted(choices)]
    most = study["data"]["max_train"]
    given = {
        "none": "each image once as it is",
        "flip": "each image and its mirror image, averaged",
        "flip+shift": "each image, moved by a pixel two ways and not at all, and their mirror images, averaged",
    }[protocol.tta]
    test = (
        f"cross-validation: every image is tested in one of {protocol.folds} folds, dealt anew for each seed"
        if protocol.folds
        else f"{percent(protocol.test_fraction, 0)} of all images for the test where the data set brings none"
    )
    drawn = (
        f"{percent(protocol.val_fraction, 0)} of the training images are held out for validation, and {test}; "
        f"stratified, seed {protocol.split_seed}"
    )
    locked = "the locked test images of its fold" if protocol.folds else "the locked test set"
    return [
        ("mode", f"{protocol.mode}: {MODES[protocol.mode]}{limits}"),
        ("split", drawn),
        *([("training images", f"at most {most:,}, drawn evenly from the classes")] if most else []),
        ("seeds", ", ".join(map(str, study["seeds"]))),
        ("selection", join(chosen) or "–"),
        ("judgement", f"{locked}, opened by each run when its weights are final; {given}"),
    ]


def _monitor(monitor: str) -> str:
    return monitor.replace("val_", "validation ")


def hashes(subject: Subject) -> list[tuple[str, str]]:
    """Return what identifies the study and its data."""
    data = subject.about["data"]
    return [
        ("study", subject.about["study_id"]),
        ("data fingerprint", data["fingerprint"]),
        ("split", data["split"]),
    ]


def recipes(subject: Subject) -> list[tuple[str, str]]:
    """Return every recipe as it was carried out, in YAML, under the names of the models that it trained."""
    users: dict[str, list[str]] = {}
    for contender in subject.contenders:
        content = contender.records[0].spec.recipe.content()
        users.setdefault(_yaml(content), []).append(contender.label)
    everyone = len(users) == 1 and len(subject.contenders) > 1
    return [("every model" if everyone else join(labels), text) for text, labels in users.items()]


def study_file(subject: Subject) -> str:
    """Return the study as the file that repeats it."""
    return _yaml(subject.about["study"])


def _yaml(content: Mapping[str, Any]) -> str:
    plain = json.loads(json.dumps(content))
    return yaml.safe_dump(plain, sort_keys=False, allow_unicode=True, width=100)


def environment_table(subject: Subject) -> Table | None:
    """Return versions and hardware, and how many runs had each; None where no run has started."""
    found: dict[tuple[str, str], int] = {}
    for record in subject.records:
        for name, value in record.environment.items():
            found[name, value] = found.get((name, value), 0) + 1
    rows: Rows = [
        (name.replace("_", " "), value, Value(str(runs), runs)) for (name, value), runs in sorted(found.items())
    ]
    columns = (*text_columns("what", "value"), *number_columns("runs"))
    return Table("Versions and hardware", columns, rows) if rows else None


def period(subject: Subject) -> str:
    """Return from when to when the runs went."""
    times = sorted(time for record in subject.records for time in (record.started, record.finished) if time)
    if not times:
        return ""
    first, last = moment(times[0]), moment(times[-1])
    if first == last:
        return first
    return f"{first.removesuffix(' UTC')} to {last.removeprefix(first[:11])}"


def summary(subject: Subject) -> str:
    """Return how many runs there are, and on how many images they are judged."""
    finished = sum(record.state is RunState.FINISHED for record in subject.records)
    seeds, images, folds = len(subject.about["study"]["seeds"]), subject.test_images, subject.protocol.folds
    return (
        f"{plural(seeds, 'seed')}{f' of {folds} folds' if folds else ''} · "
        f"{finished} of {plural(len(subject.records), 'run')} finished · "
        f"{images:,} test images"
    )
