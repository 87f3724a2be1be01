"""The published weights of Keras, torchvision and timm, in networks that differ from them."""

import hashlib
from types import SimpleNamespace

import pytest
import torch
from starting import CUT, PUBLISHED, QUARTER, built, same, saved, started

from bakeoff.data.locations import Locations
from bakeoff.errors import ModelError
from bakeoff.models import foreign_weights
from bakeoff.models.expectation import Expectation
from bakeoff.models.fitting import MisfitError
from bakeoff.models.weights import Loaded


def test_kerass_own_file_is_taken_from_the_users_folder(real_weights):
    model, located, loaded = started({**QUARTER, "weights": "pretrained"}, Locations(real_weights, offline=True))
    assert located.path == real_weights / PUBLISHED
    assert located.expects == Expectation(224, "tf")
    assert loaded == Loaded(fresh=("dense",), left_out=(), grayed="")
    fresh = built(QUARTER, seed=1)
    assert same(model.head, fresh.head)
    assert not same(model.backbone, fresh.backbone)


def test_weights_that_end_within_the_network_need_their_tap(real_weights):
    there = Locations(real_weights, offline=True)
    spec = {"name": "mobilenet-keras", "weights": CUT}
    with pytest.raises(MisfitError) as error:
        started(spec, there)
    assert str(error.value).endswith(
        "the weights lack the layers 'conv_dw_13', 'conv_dw_13_bn', 'conv_pw_13' and 1 more; "
        "they fit mobilenet-keras up to a stage: give tap: conv_pw_12_relu"
    )
    _, located, loaded = started({**spec, "tap": "conv_pw_12_relu"}, there)
    assert located.expects == Expectation(224, "tf")
    assert loaded == Loaded(("head",), (), "")
    _, _, loaded = started({**spec, "tap": "conv_pw_11_relu", "head": [7]}, there)
    assert set(loaded.left_out) == {"conv_dw_12", "conv_dw_12_bn", "conv_pw_12", "conv_pw_12_bn"}


@pytest.mark.parametrize(
    ("spec", "file", "sentence"),
    [
        (
            {"name": "mobilenet-keras", "options": {"alpha": 0.5}},
            PUBLISHED,
            "layer 'conv1': the kernel has the shape (3, 3, 3, 8) in the weights, but (3, 3, 3, 16) in the network; "
            "they fit mobilenet-keras with alpha: 0.25",
        ),
        (
            {"name": "vgg16"},
            CUT,
            "layer 'block1_conv1': the kernel has the shape (3, 3, 3, 32) in the weights, but (3, 3, 3, 64) in the "
            "network; they fit mobilenet-keras with alpha: 1.0 up to a stage: give tap: conv_pw_12_relu",
        ),
    ],
)
def test_what_weights_do_fit_is_named(spec, file, sentence, real_weights):
    with pytest.raises(MisfitError) as error:
        started({**spec, "weights": file}, Locations(real_weights, offline=True))
    assert str(error.value).endswith(sentence)


@pytest.mark.parametrize("name", ["timm:mobilenetv1_100", "torchvision:vgg16"])
def test_kerass_weights_are_not_for_other_libraries(name, real_weights):
    with pytest.raises(ModelError, match=f"weights of Keras fit only networks registered here, and {name} is one of"):
        started({"name": name, "weights": CUT}, Locations(real_weights, offline=True))


def test_kerass_weights_see_gray_images_too(real_weights):
    spec = {**QUARTER, "weights": "pretrained"}
    there = Locations(real_weights, offline=True)
    gray, _, loaded = started(spec, there, channels=1)
    assert loaded.grayed == "conv1"
    colour, _, _ = started(spec, there)
    images = torch.randn(2, 1, 32, 32)
    with torch.no_grad():
        expected = colour.backbone(images.expand(2, 3, 32, 32))
        assert (gray.backbone(images) - expected).abs().max() <= 1e-5 * expected.abs().max()


def test_torchvisions_file_with_its_auxiliary_classifiers(where, tmp_path, monkeypatch):
    from torchvision import models

    torch.manual_seed(0)
    source = models.googlenet(init_weights=False, num_classes=10).eval()
    content = tmp_path / "any.pth"
    torch.save(source.state_dict(), content)
    name = f"googlenet-{hashlib.sha256(content.read_bytes()).hexdigest()[:8]}.pth"
    content.rename(tmp_path / name)
    real = models.GoogLeNet_Weights.DEFAULT
    offer = SimpleNamespace(url=f"https://download.pytorch.org/models/{name}", transforms=real.transforms)
    monkeypatch.setattr(foreign_weights, "_torchvision_weights", lambda _: offer)
    spec = {"name": "torchvision:googlenet", "weights": "pretrained"}
    model, _, loaded = started(spec, Locations(tmp_path, where.cache, offline=True), size=64)
    assert loaded.fresh == ()
    assert all(layer.startswith("aux") for layer in loaded.left_out)
    images = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        assert model.eval()(images).equal(source(images))


def test_names_of_old_densenets(where, tmp_path):
    spec = {"name": "torchvision:densenet121"}
    source = built(spec, size=32)
    old = {name.replace("norm1.", "norm.1.").replace("conv2.", "conv.2."): v for name, v in source.state_dict().items()}
    torch.save(old, tmp_path / "densenet.pth")
    model, _, loaded = started({**spec, "weights": str(tmp_path / "densenet.pth")}, where)
    assert loaded == Loaded((), (), "")
    assert same(source, model)


def test_timms_weights_are_resized_to_other_images(where, tmp_path):
    """A vision transformer's positions are for one size; timm knows how to stretch them."""
    import timm

    source = timm.create_model("test_vit", pretrained=False).eval()
    folder = tmp_path / "test_vit.r160_in1k"
    folder.mkdir()
    saved(source, folder / "model.safetensors")
    there = Locations(tmp_path, where.cache, offline=True)
    spec = {"name": "test_vit", "weights": "pretrained"}
    model, located, loaded = started(spec, there, size=160)
    assert located.expects == Expectation(160, "tf")
    assert loaded.fresh == ("head",)
    assert model.pos_embed.equal(source.pos_embed)
    for channels in (1, 3):
        smaller, _, _ = started({**spec, "head": [8]}, there, size=96, channels=channels)
        assert smaller.backbone.network.pos_embed.shape[1] == 1 + 6 * 6
        blocks = smaller.backbone.network.blocks
        assert same(source.blocks, blocks)
