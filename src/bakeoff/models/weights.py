"""The one place where weights come in: found as a spec declares them, and put into its network."""

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import nn

from bakeoff.errors import ModelError, SpecError
from bakeoff.models import applications, foreign_weights, hub
from bakeoff.models.anatomy import classifier_modules
from bakeoff.models.downloads import Places, Published, folders_of, obtain
from bakeoff.models.early_exit import EarlyExit
from bakeoff.models.expectation import Expectation, told_by
from bakeoff.models.fitting import Fit, MisfitError, Weights, fit, shown
from bakeoff.models.keras_files import read_keras
from bakeoff.models.library import origin, outline
from bakeoff.models.nearest_fit import nearest_fit
from bakeoff.models.stages import Classifier
from bakeoff.models.state_dicts import StateDict, read_state_dict
from bakeoff.models.transfer import feature_stages
from bakeoff.specs.model import ModelSpec

_KERAS = (".h5", ".keras")
_TORCH = (".safetensors", ".pth", ".pt", ".bin")
_HUB = "hub:"


@dataclass(frozen=True)
class Located:
    """Weights on this machine.

    Attributes:
        path: the file.
        sha256: of its content, in hexadecimal; together with the spec it tells which weights a run starts from.
        source: where they are from, for people.
        expects: the input that they expect; None where that is not known.
        told: whether they say so themselves, or who publishes them; else `expects` is a guess by the network's name.
    """

    path: Path
    sha256: str
    source: str
    expects: Expectation | None
    told: bool = True


@dataclass(frozen=True)
class Loaded:
    """What became of weights.

    Attributes:
        fresh: layers of the network that the weights do not have: they are as they were drawn.
        left_out: layers of the weights that the network does not have.
        grayed: the first layer, if its weights for colour images were summed for gray ones; else empty.
        other_head: why the head in the file was not taken, where it has one like the declared one; else empty.
    """

    fresh: tuple[str, ...]
    left_out: tuple[str, ...]
    grayed: str
    other_head: str = ""


def locate(spec: ModelSpec, where: Places) -> Located | None:
    """Return the weights that a spec declares, downloaded where they are not on this machine; None for random ones.

    Args:
        spec: its `weights` are `random`; `pretrained`, which are those that Keras, timm or torchvision publishes for
            the network; `hub:owner/name` or `hub:owner/name@revision`; or the path of a file, which is looked for in
            the working directory, then in the user's data folder.
        where: places on this machine.

    Raises:
        SpecError: nothing of that kind, or no weights of that width, can be given.
        OfflineError: they must be downloaded, and downloading is switched off or failed.
        ModelError: nothing is published for the network, or the file is missing, damaged, or not what was published
            or pinned.
    """
    if spec.weights == "random":
        return None
    located = _found(spec, where)
    if spec.weights_sha256 not in ("", located.sha256):
        raise ModelError(
            f"{located.path}: its SHA-256 is {located.sha256}, and weights_sha256 asks for {spec.weights_sha256}; give "
            "that file, or the weights_sha256 of this one"
        )
    return located


def _found(spec: ModelSpec, where: Places) -> Located:
    if spec.weights == "pretrained":
        return _pretrained(spec, where)
    if spec.weights.startswith(_HUB):
        return _from_hub(spec, hub.Repository.parse(spec.weights.removeprefix(_HUB)), where)
    path = _local_file(spec, where)
    return _told_or_guessed(path, str(path), told_by(path), spec)


def load(model: nn.Module, spec: ModelSpec, located: Located, in_channels: int, image_size: int) -> Loaded:
    """Put weights into a network: all of its layers but for the classifier, or nothing.

    The classifier takes its weights too where they fit, and else stays as it was drawn. A head that the spec declares
    does so only where the weights are of this very network with this very head.

    Args:
        model: the network as `library.build` makes it from the spec. Only it is changed, no generator is drawn from.
        spec: which network, and which of its features.
        located: its weights.
        in_channels: channels of the images.
        image_size: height and width of the images in pixels.

    Raises:
        ModelError: the file is damaged, has changed, or could do harm, or its weights do not fit; the message then
            names what does fit, where something does.
    """
    if _sha256(located.path) != located.sha256:
        raise ModelError(f"{located.path}: it is not the file that it was when the study was planned; start anew")
    try:
        weights = _read(located.path, spec)
        found = _fit_or_adapt(weights, model, spec, in_channels, image_size)
    except ModelError as error:
        raise type(error)(f"{located.path}: {error}") from None
    found.load()
    return Loaded(found.fresh, found.left_out, found.grayed, found.other_head)


def _pretrained(spec: ModelSpec, where: Places) -> Located:
    library, name = origin(spec.name)
    if not library:
        file = applications.application(spec)
        if file is None:
            known = ", ".join(applications.published_names())
            raise ModelError(
                f"{spec.name}: nobody publishes weights for it; give weights: random, or a file, or take one of the "
                f"networks that have some: {known}"
            )
        path = obtain(file, where, [applications.keras_cache()])
        return _located(path, file.url, applications.expected_by(spec.name))
    offer, expects = foreign_weights.published(library, name), foreign_weights.expected_by(library, name)
    if expects is None:
        raise ModelError(
            f"{spec.name}: its published weights expect colours with a mean and deviation that no mode of normalize "
            "has; choose weights with another tag, or weights: random"
        )
    if isinstance(offer, Published):
        torch_cache = Path(torch.hub.get_dir()) / "checkpoints"
        return _located(obtain(offer, where, [torch_cache]), offer.url, expects)
    return replace(_from_hub(spec, offer, where), expects=expects, told=True)


def _from_hub(spec: ModelSpec, repository: hub.Repository, where: Places) -> Located:
    file = hub.from_hub(repository, where)
    told = told_by(file.path) or (foreign_weights.expected_in(file.config) if file.config else None)
    source = f"{repository.name}@{file.commit}" if file.commit else str(file.path)
    located = _told_or_guessed(file.path, source, told, spec)
    if file.sha256 not in ("", located.sha256):
        raise ModelError(
            f"{file.path.resolve()}: its SHA-256 is {located.sha256}, but {file.sha256} on the hub, so that it is "
            "damaged; it is not used, remove it"
        )
    return located


def _local_file(spec: ModelSpec, where: Places) -> Path:
    name = spec.weights
    if not name.endswith((*_KERAS, *_TORCH)):
        raise SpecError(
            f"weights: {name!r} is not random, pretrained, hub:owner/name or a file that ends in "
            f"{', '.join((*_TORCH, *_KERAS))}; give one of these"
        )
    for path in (Path(name).expanduser(), *(folder / name for folder in folders_of(where))):
        if path.is_file():
            return path
    published = spec.name in applications.published_names()
    raise ModelError(
        f"weights: there is no file {name!r}, nor in --data-dir; give the path of one that exists"
        + (f", or pretrained, which is what Keras publishes for {spec.name}" if published else "")
    )


def _located(path: Path, source: str, expects: Expectation | None) -> Located:
    return Located(path.absolute(), _sha256(path), source, expects)


def _told_or_guessed(path: Path, source: str, told: Expectation | None, spec: ModelSpec) -> Located:
    return replace(_located(path, source, told or _expected_by_name(spec.name)), told=told is not None)


def _sha256(path: Path) -> str:
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _read(path: Path, spec: ModelSpec) -> Weights:
    if not path.name.endswith(_KERAS):
        return read_state_dict(path)
    if library := origin(spec.name)[0]:
        # Shapes may fit all the same, but padding, normalization and the order of flattened features would not.
        raise ModelError(
            f"weights of Keras fit only networks registered here, and {spec.name} is one of {library}; choose the one "
            "that the weights are of, such as vgg16 or resnet50-keras"
        )
    return read_keras(path)


def _expected_by_name(name: str) -> Expectation | None:
    library, bare = origin(name)
    return foreign_weights.expected_by(library, bare) if library else applications.expected_by(bare)


def _fit_or_adapt(weights: Weights, model: nn.Module, spec: ModelSpec, in_channels: int, image_size: int) -> Fit:
    """Return how weights fit a network, as they are or as its library adapts them.

    Raises:
        MisfitError: they do not; it names what does fit, where something does.
    """
    try:
        return _fit(weights, model, spec, in_channels, image_size)
    except MisfitError as misfit:
        library, name = origin(spec.name)
        if library == "timm" and isinstance(weights, StateDict):
            adapted = foreign_weights.adapted(weights, spec, name, in_channels, image_size)
            if adapted is not None:
                return _fit(adapted, model, spec, in_channels, image_size)
        raise MisfitError(f"{misfit}{nearest_fit(weights, spec, in_channels, image_size)}") from None


def _fit(weights: Weights, model: nn.Module, spec: ModelSpec, in_channels: int, image_size: int) -> Fit:
    if not spec.is_backbone:
        return fit(weights, model, classifier_modules(model), model)
    assert isinstance(model, Classifier), "the spec declares a backbone"
    try:
        found = fit(weights, model, (), model)
        if not found.left_out:
            return found
        why = f"the weights have {shown(found.left_out)} besides the layers of the head"
    except MisfitError as misfit:
        why = str(misfit)
    head, given = set(model.head.modules()), weights.match(model).given
    has_head = any(slot.name in given for slot in weights.slots(model) if slot.owner in head)
    whole = outline(spec, 2, in_channels, image_size)
    if isinstance(model.backbone, EarlyExit):
        found = fit(weights, model.backbone.network, (), whole)
    else:
        found = fit(weights, model.backbone, (), feature_stages(whole) or whole)
    return replace(found, fresh=("head",), other_head=why if has_head else "")
