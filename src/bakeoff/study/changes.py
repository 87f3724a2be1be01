"""In what a run was declared otherwise than its system is."""

from typing import Any

from bakeoff.data import augment
from bakeoff.models.applications import expected_by
from bakeoff.models.library import smallest_input
from bakeoff.specs.base import shown
from bakeoff.specs.protocol import BESIDE
from bakeoff.specs.run import RunSpec

# What decides no figure, what is said in words of its own, and what every machine chooses for itself.
_NO_CHANGE = {
    "data": ("name", "fingerprint", "skip_bad", "classes", "max_train"),
    "model": ("label", "weights_sha256"),
    "recipe": ("name", "cache_features"),
    "protocol": ("mode", "budget", *BESIDE),
}
_SIDES = {"cifar10": 32, "mnist": 28}  # pixels of the images of the documents' data sets


def changes(ours: RunSpec, declared: RunSpec) -> tuple[str, ...]:
    """Return in which settings a run was declared otherwise than its system.

    What the system leaves open counts too, where it is known what comes of it: the size of the input and how images
    are prepared. Precision and engine, which every machine chooses for itself, do not.

    Args:
        ours: the run, resolved.
        declared: the same of the system, as the library has it.
    """
    found = [f"the training images, to {ours.data.max_train:,}"] if ours.data.max_train else []
    found += [f"the classes, to {', '.join(ours.data.classes)}"] if ours.data.classes else []
    theirs, content = _written_out(declared), ours.content()
    pinned = declared.model.weights_sha256
    if pinned and pinned == ours.model.weights_sha256:  # the same file by another name
        content["model"]["weights"] = declared.model.weights
    return (
        *found,
        *(
            f"{part}.{field}, to {shown(content[part][field])} from {shown(value)}"
            for part, known in _NO_CHANGE.items()
            for field, value in theirs[part].items()
            if field not in known and value != "auto" and content[part][field] != value
        ),
    )


def _written_out(declared: RunSpec) -> dict[str, Any]:
    """Return the content of a system's run with what it leaves open as resolving it would fill it in."""
    content = declared.content()
    expects = expected_by(declared.model.name) if declared.model.weights != "random" else None
    size = declared.model.image_size or (expects.image_size if expects else _SIDES[declared.data.name])
    content["model"]["image_size"] = smallest_input(declared.model, 10, 3, size)
    content["recipe"]["augment"] = [one.content() for one in augment.resolve(declared.recipe.augment)]
    if declared.recipe.normalize == "auto":
        content["recipe"]["normalize"] = expects.normalize if expects else "dataset"
    return content
