"""What weights do fit, where they do not fit the network that they were given for."""

from collections.abc import Iterator

from bakeoff.errors import ModelError
from bakeoff.models import networks
from bakeoff.models.anatomy import classifier_modules
from bakeoff.models.fitting import MisfitError, Weights, fit, fits, layer_of
from bakeoff.models.library import outline, smallest_input
from bakeoff.models.stages import Stages
from bakeoff.models.transfer import feature_stages
from bakeoff.specs.model import ModelSpec

_WIDTHS = (1.0, 0.75, 0.5, 0.25)  # of the MobileNets that weights are published for


def nearest_fit(weights: Weights, spec: ModelSpec, in_channels: int, image_size: int) -> str:
    """Return the end of a sentence that tells what weights do fit; nothing, if they fit no network registered here.

    That is a network, or the first stages of one: the asked-for network's if possible.
    """
    for candidate in _candidates(spec):
        size = smallest_input(candidate, 2, in_channels, image_size)
        network = outline(candidate, 2, in_channels, size)
        try:
            fit(weights, network, classifier_modules(network), network)
        except MisfitError:
            stages = feature_stages(network)
            if stages and (stage := _last_stage(weights, stages)):
                return f"; they fit {_named(candidate)} up to a stage: give tap: {stage}"
        except ModelError:
            continue  # it has layers that weights of this layout are never of
        else:
            return f"; they fit {_named(candidate)}"
    return ""


def _candidates(spec: ModelSpec) -> Iterator[ModelSpec]:
    if spec.name in networks:
        yield ModelSpec(name=spec.name, options=spec.options)
    for width in _WIDTHS:
        yield ModelSpec(name="mobilenet-keras", options={"alpha": width})
    for name in networks:
        if name != "mobilenet-keras":
            yield ModelSpec(name=name)


def _last_stage(weights: Weights, stages: Stages) -> str:
    """Return the last stage up to which the weights fit, all of those that are of the stages at all."""
    match = weights.match(stages)
    slots = weights.slots(stages)
    last = ""
    for name, stage in stages.named_children():
        own = [slot for slot in slots if slot.owner in set(stage.modules())]
        if not all(fits(slot, match.given) for slot in own):
            break
        last = name if own or last else ""
    if not last:
        return ""
    try:
        left_out = fit(weights, stages.up_to(last), (), stages).left_out
    except MisfitError:
        return ""
    return "" if {layer_of(name) for name in match.given} & set(left_out) else last


def _named(spec: ModelSpec) -> str:
    options = ", ".join(f"{name}: {value}" for name, value in spec.options.items())
    return f"{spec.name} with {options}" if options else spec.name
