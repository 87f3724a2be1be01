"""What a study will do, before it does it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import torch

from bakeoff.data.examine import Examined, examine
from bakeoff.data.imageset import ImageSet
from bakeoff.data.load import load
from bakeoff.data.locations import Locations
from bakeoff.data.sources import sources
from bakeoff.data.splits import Split, split, split_of
from bakeoff.errors import SpecError
from bakeoff.models.library import check
from bakeoff.models.weights import locate
from bakeoff.run.fastest import with_fastest
from bakeoff.run.resolve import PlannedRun, resolve
from bakeoff.specs.base import digest
from bakeoff.specs.protocol import BESIDE
from bakeoff.specs.run import RunSpec
from bakeoff.specs.study import StudySpec
from bakeoff.study.expand import expand


@dataclass(frozen=True)
class Plan:
    """A study with its data loaded and every run resolved.

    Attributes:
        study: what was asked for.
        images: of its data set.
        split: their parts; under cross-validation those of the first fold of seed 0.
        parts: of every run, by what they depend on.
        runs: in the order in which they are trained.
        device: to compute on.
        where: places to look in.
    """

    study: StudySpec
    images: ImageSet
    split: Split
    parts: Mapping[str, Split]
    runs: tuple[PlannedRun, ...]
    device: torch.device
    where: Locations

    @property
    def identity(self) -> dict[str, object]:
        """What must stay the same for runs to be comparable.

        That is everything but the lists of models and seeds, and what is told besides.
        """
        content = self.study.content()
        if self.study.protocol.folds is None:  # studies of one split are what they were before there were folds
            del content["protocol"]["folds"]
        if not self.study.protocol.deterministic:
            del content["protocol"]["deterministic"]
        del content["models"], content["seeds"], content["data"]["name"]
        for field in BESIDE:
            del content["protocol"][field]
        return {
            **content,
            "data": {**content["data"], "fingerprint": self.images.fingerprint},
            "split": self.split.digest,
        }

    @property
    def study_id(self) -> str:
        """The hash of the identity."""
        return digest(self.identity)

    @property
    def features(self) -> Path:
        """The folder of what frozen backbones make of images."""
        return self.where.cache / "features"

    def split_of(self, run: RunSpec) -> Split:
        """Return the parts of a run."""
        return self.parts[_parts_of(run)]

    @cached_property
    def examined(self) -> Examined:
        """What the checks of the data found, of those that are quick."""
        return examine(self.images, self.study.data, self.study.protocol, self.where.cache, thorough=False)

    def default_folder(self) -> Path:
        """Return the folder that a study goes to unless another is named."""
        name = Path(self.study.data.name).name.partition("@")[0]
        return Path("runs") / f"{name}-{self.study_id[:6]}"


def make_plan(study: StudySpec, where: Locations, device: torch.device) -> Plan:
    """Load the data, split it, and resolve every run. Mistakes are found here, before anything is trained."""
    local = Path(study.data.name)
    if study.data.name not in sources and local.exists():  # so that a report can find it from another folder
        study = study.model_copy(update={"data": study.data.model_copy(update={"name": str(local.resolve())})})
    expanded = expand(study)
    images = load(study.data, where)
    parts = {key: split_of(images, run) for key, run in {_parts_of(run): run for run in expanded}.items()}
    models = {run.model.digest(): run.model for run in expanded}
    for model in models.values():
        check(model)
    found = {key: locate(model, where) for key, model in models.items()}
    runs = tuple(
        with_fastest(run, resolve(run, images, part, device, found[run.model.digest()]), images, part, device, where)
        for run in expanded
        for part in [parts[_parts_of(run)]]
    )
    _check_different(runs)
    return Plan(study, images, split(images, study.data, study.protocol), parts, runs, device, where)


def _parts_of(run: RunSpec) -> str:
    """Return what the parts of a run depend on: without folds not on its seed, and never on the data's fingerprint."""
    turn = (run.seed, run.fold) if run.protocol.folds else ()
    data = run.data.model_copy(update={"fingerprint": ""})
    return "/".join(map(str, (data.digest(), run.protocol.digest(), *turn)))


def _check_different(runs: Iterable[PlannedRun]) -> None:
    """Refuse what was asked for in several ways, and is the same once everything is resolved."""
    seen: dict[str, PlannedRun] = {}
    for run in runs:
        other = seen.setdefault(run.spec.run_id, run)
        if other is not run:
            names = [f"{one.spec.model.title} with {one.spec.recipe.name}" for one in (other, run)]
            raise SpecError(
                f"{names[0]!r} and {names[1]!r} come to the same training here (input of {run.spec.model.image_size} "
                f"pixels, normalize {run.spec.recipe.normalize}, amp {run.spec.recipe.amp}); leave one out"
            )
