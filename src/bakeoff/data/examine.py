"""All checks of a data set, each made once: what they find in pixels is kept beside the images in the cache."""

import json
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

from bakeoff import durable
from bakeoff.data.checks import Check, Finding, Parted, checks
from bakeoff.data.imageset import ImageSet
from bakeoff.data.splits import members, split
from bakeoff.specs.base import digest
from bakeoff.specs.data import DataSpec
from bakeoff.specs.protocol import Protocol

logger = logging.getLogger(__name__)

VERSION = 2  # to be raised when a check changes, so that what was kept is found anew
# Up to which a comparison makes a check before it starts: some seconds at most (`docs/lab-log.md`).
QUICK = {"classes": float("inf"), "pixels": 1e9, "pairs": 2e9}


@dataclass(frozen=True)
class Examined:
    """What the checks say: findings, the grave ones first, and the names of those that were not made."""

    findings: tuple[Finding, ...]
    left_out: tuple[str, ...] = ()

    def content(self) -> dict[str, Any]:
        """Return everything as JSON types."""
        return {"findings": [finding.content() for finding in self.findings], "left_out": list(self.left_out)}

    @classmethod
    def parse(cls, content: Mapping[str, Any]) -> Self:
        """Return what has such a content."""
        return cls(tuple(map(Finding.parse, content["findings"])), tuple(content["left_out"]))


def examine(images: ImageSet, spec: DataSpec, protocol: Protocol, cache: Path, *, thorough: bool) -> Examined:
    """Return what the checks find in a data set as a protocol divides it; under cross-validation, in its first fold.

    Args:
        images: the data set.
        spec: what it was loaded by.
        protocol: gives the parts.
        cache: the cache folder; where it cannot be written, the checks are made anew each time.
        thorough: make every check, however long it takes; else those alone that take a few seconds.
    """
    data = Parted(images, members(images, spec, protocol))
    kept = cache / "checks" / f"{digest([VERSION, images.fingerprint, split(images, spec, protocol).digest])}.json"
    known = _read(kept)
    found: list[Finding] = []
    left_out: list[str] = []
    fresh: dict[str, list[Finding]] = {}
    for name in checks:
        check = checks.get(name)
        if name in known:
            found += known[name]
        elif not thorough and _amount(check, data) > QUICK[check.grows_with]:
            left_out.append(name)
        else:
            of_this = list(check.find(data))
            found += of_this
            if check.grows_with != "classes":  # these are free, and files may change that are not in the fingerprint
                fresh[name] = of_this
    if fresh:
        _write(kept, {**known, **fresh})
    if protocol.folds:
        found = [_of_a_fold(finding, protocol.folds) for finding in found]
    return Examined(tuple(sorted(found, key=lambda finding: not finding.grave)), tuple(left_out))


def _of_a_fold(finding: Finding, folds: int) -> Finding:
    """Return a finding as what it is under cross-validation: of one fold, which says nothing of the others' images."""
    return replace(finding, what=f"in the first of {folds} folds, {finding.what}", leaked=())


def _amount(check: Check, data: Parted) -> float:
    if check.grows_with == "classes":
        return data.images.num_classes
    if check.grows_with == "pixels":
        return data.images.images.nbytes
    train, val, test = (len(data.parts[part]) for part in ("train", "val", "test"))
    return test * (train + val) + val * train + 2 * data.images.images.nbytes


def _read(path: Path) -> dict[str, list[Finding]]:
    try:
        content = json.loads(path.read_bytes())
        return {name: [Finding.parse(one) for one in found] for name, found in content.items()}
    except (OSError, ValueError, TypeError, KeyError, AttributeError):  # not there, or not what was written
        return {}


def _write(path: Path, found: Mapping[str, Iterable[Finding]]) -> None:
    content = {name: [one.content() for one in of_this] for name, of_this in found.items()}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        durable.write(path, json.dumps(content, indent=1).encode("utf-8", "backslashreplace"))
    except OSError as error:
        logger.warning("%s: what the checks found cannot be kept (%s)", path, error.strerror)
