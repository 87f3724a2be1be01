"""What study.json holds, checked before anybody uses it: a disk can damage it, and others can write to it."""

import json
from pathlib import Path
from typing import Any

from pydantic import ConfigDict, Field, NonNegativeInt, PositiveInt, model_validator

from bakeoff.data.checks import Finding
from bakeoff.errors import SpecError, StoreError
from bakeoff.specs.base import Spec
from bakeoff.specs.study import StudySpec

LARGEST = 20_000_000  # bytes; larger ones are not what we write


class _Content(Spec):
    """Fields that we read; newer programs may have written others, which stay as they are."""

    model_config = ConfigDict(extra="allow")


class _Parts(_Content):
    train: NonNegativeInt
    val: NonNegativeInt
    test: NonNegativeInt


class _Skipped(_Content):
    name: str
    reason: str = ""


class _Provenance(_Content):
    skipped: list[_Skipped] | None = None


class _Checks(_Content):
    findings: list[Finding]
    left_out: list[str]


class _Data(_Content):
    class_names: list[str] = Field(min_length=1)
    shape: tuple[PositiveInt, PositiveInt, PositiveInt, PositiveInt]
    fingerprint: str
    provenance: _Provenance
    parts: _Parts
    split: str
    folds: int | None = None
    checks: _Checks | None = None

    @model_validator(mode="after")
    def _findings_are_of_its_images(self) -> "_Data":
        for finding in self.checks.findings if self.checks else ():
            named = [*finding.leaked, *(index for group in finding.groups for index in group)]
            if any(not 0 <= index < self.shape[0] for index in named):
                raise ValueError(f"its checks name images that are not among its {self.shape[0]:,}")
        return self


class _Study(_Content):
    study_id: str
    identity: dict[str, Any]
    study: StudySpec
    data: _Data
    data_dir: str | None
    database: str | None
    command: str


def parse(content: bytes, path: Path) -> dict[str, Any]:
    """Return what a study file says, with every field that readers use there and of its type.

    Raises:
        StoreError: it is not what we write.
    """
    try:
        if len(content) > LARGEST:
            raise ValueError(f"it has more than {LARGEST // 1_000_000} MB, which no study has")
        found = _Study.parse(json.loads(content))
    except (ValueError, RecursionError, SpecError) as error:
        raise StoreError(
            f"{path} cannot be read, it is damaged or of a newer version: {error}; put a copy of it back, or compare "
            "again in another folder"
        ) from None
    known = found.model_dump(exclude={"study"}, exclude_unset=True)
    return {**known, "study": found.study.content()}
