"""How the weights in a file get into a network: all that belong there, or none."""

import re
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from starting import QUARTER, built, same, saved, started
from torch import nn

from bakeoff.models.fitting import MisfitError
from bakeoff.models.keras_files import save_keras_weights
from bakeoff.models.weights import Loaded, load, locate
from bakeoff.specs.model import ModelSpec


@pytest.mark.parametrize(
    ("saved_as", "asked", "sentence"),
    [
        ("vgg13", "vgg11", "the weights have .*block1_conv2.* besides the layers of the network; they fit vgg13"),
        ("vgg11", "vgg13", "the weights lack the layers .*block1_conv2.*; they fit vgg11"),
        ("simcnn", "timm:test_resnet", "the weights lack .*; they fit simcnn"),
        ("timm:test_resnet", "simcnn", "the weights lack the layers 'conv2d.0', 'conv2d_1.0', .* and 1 more$"),
    ],
)
def test_the_network_that_weights_are_of_is_named(saved_as, asked, sentence, where, tmp_path):
    path = saved(built({"name": saved_as}), tmp_path / "other.safetensors")
    with pytest.raises(MisfitError, match=sentence):
        started({"name": asked, "weights": path}, where)


@pytest.mark.parametrize(
    ("saved_as", "size", "sentence"),
    [
        ("simcnn", 32, "layer 'conv2d': the kernel has the shape .*; they fit simcnn$"),
        ("simcnn", 64, r"layer 'conv2d': the kernel has the shape .* in the network$"),
    ],
)
def test_a_network_saved_in_keras_is_named_among_those_that_keras_could_not_have(
    saved_as, size, sentence, where, tmp_path
):
    path = tmp_path / "other.weights.h5"
    save_keras_weights(built({"name": saved_as}, size=size), path)
    with pytest.raises(MisfitError, match=sentence):
        started({"name": "leaky-cnn", "weights": str(path)}, where)


def torch_files(model: nn.Module, folder: Path) -> dict[str, Path]:
    state = model.state_dict()
    contents = {
        "plain.pth": state,
        "checkpoint.pt": {"epoch": 3, "state_dict": state},
        "distributed.bin": {"model": {f"module.{name}": tensor for name, tensor in state.items()}},
        "averaged.pth": {"state_dict": {name: tensor + 1 for name, tensor in state.items()}, "state_dict_ema": state},
    }
    for name, content in contents.items():
        torch.save(content, folder / name)
    saved(model, folder / "plain.safetensors")
    return {name: folder / name for name in (*contents, "plain.safetensors")}


@pytest.mark.parametrize("spec", [{"name": "simcnn"}, QUARTER, {"name": "timm:test_resnet"}], ids=str)
def test_every_file_of_torch(spec, where, tmp_path):
    source = built(spec)
    for path in torch_files(source, tmp_path).values():
        model, located, loaded = started({**spec, "weights": str(path)}, where)
        assert same(source, model)
        assert loaded == Loaded((), (), "")
        assert located.source == str(path)


@pytest.mark.parametrize(
    ("spec", "fresh"),
    [
        ({"name": "simcnn"}, ("dense_1",)),
        ({"name": "vgg-small"}, ("dense_1",)),
        (QUARTER, ("head.dense",)),
        ({"name": "timm:test_vit"}, ("head",)),
        ({"name": "torchvision:squeezenet1_1"}, ("classifier.1",)),
    ],
    ids=str,
)
def test_a_classifier_of_other_classes_stays_fresh(spec, fresh, where, tmp_path):
    size = 160 if "vit" in spec["name"] else 64
    source = built(spec, classes=7, size=size)
    spec |= {"weights": saved(source, tmp_path / "seven.safetensors")}
    model, _, loaded = started(spec, where, size=size)
    untouched = built(spec, seed=1, size=size).state_dict()
    given = source.state_dict()
    for name, tensor in model.state_dict().items():
        assert tensor.equal((untouched if name.startswith(fresh) else given)[name]), name
    assert loaded.fresh == fresh


HEAD = {"head": [16, {"dropout": 0.5}]}


@pytest.mark.parametrize("spec", [{"name": "simcnn"}, QUARTER, {"name": "timm:test_resnet"}], ids=str)
def test_a_backbone_comes_out_of_any_network_that_has_it(spec, where, tmp_path):
    whole, tuned = built(spec), built({**spec, **HEAD})
    one, other = saved(whole, tmp_path / "whole.safetensors"), saved(tuned, tmp_path / "tuned.safetensors")

    model, _, loaded = started({**spec, **HEAD, "weights": one}, where)
    assert loaded.fresh == ("head",)
    assert loaded.left_out
    assert same(model.head, built({**spec, **HEAD}, seed=1).head)
    taken = model.state_dict()
    wanted = whole.state_dict()
    for name, tensor in taken.items():
        path = name.removeprefix("backbone.network.")
        path = path if path in wanted else name.removeprefix("backbone.") if name not in wanted else name
        assert name.startswith("head.") or tensor.equal(wanted[path]), name

    model, _, loaded = started({**spec, **HEAD, "weights": other}, where)
    assert loaded == Loaded((), (), ""), "the very network with its very head"
    assert same(tuned, model)
    model, _, loaded = started({**spec, "head": [5], "weights": other}, where)
    assert loaded.fresh == ("head",)
    assert re.search(r"\(16, \d+\) in the weights, but \(5, \d+\) in the network", loaded.other_head)
    assert same(tuned.backbone, model.backbone)


@pytest.mark.parametrize("spec", [QUARTER, {"name": "timm:test_resnet"}], ids=str)
def test_gray_images_are_seen_as_gray_pictures_in_colour(spec, where, tmp_path):
    colour = built(spec)
    spec |= {"weights": saved(colour, tmp_path / "colour.safetensors")}
    gray, _, loaded = started(spec, where, channels=1)
    assert loaded.grayed
    images = torch.randn(2, 1, 32, 32)
    with torch.no_grad():
        expected = colour(images.expand(2, 3, 32, 32))
        assert (gray.eval()(images) - expected).abs().max() <= 1e-5 * expected.abs().max()


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            lambda state: state.update({"conv2d_1.0.weight": torch.zeros(64, 32, 5, 5)}),
            "layer 'conv2d_1.0': the weight has the shape (64, 32, 5, 5) in the weights, but (64, 32, 3, 3) in the net",
        ),
        (lambda state: state.pop("conv2d.0.bias"), "the weights lack 'conv2d.0.bias'"),
        (
            lambda state: [state.pop(f"conv2d_2.0.{kind}") for kind in ("weight", "bias")],
            "the weights lack the layer 'conv2d_2.0'",
        ),
        (lambda state: state["conv2d.0.weight"].fill_(torch.nan), "the weights of the layer 'conv2d.0' are not finite"),
        (
            lambda state: state.update({"conv2d_9.0.weight": torch.zeros(1, 1, 3, 3)}),
            "the weights have 'conv2d_9.0' besides the layers of the network",
        ),
    ],
)
def test_weights_that_do_not_fit_change_nothing(change, sentence, where, tmp_path):
    state = {name: tensor.clone() for name, tensor in built({"name": "simcnn"}).state_dict().items()}
    change(state)
    save_file(state, tmp_path / "edited.safetensors")
    spec = ModelSpec(name="simcnn", weights=str(tmp_path / "edited.safetensors"))
    located = locate(spec, where)
    model = built({"name": "simcnn"}, seed=1)
    with pytest.raises(MisfitError) as error:
        load(model, spec, located, 3, 32)
    assert str(error.value).startswith(f"{tmp_path / 'edited.safetensors'}: {sentence}")
    assert same(model, built({"name": "simcnn"}, seed=1))
