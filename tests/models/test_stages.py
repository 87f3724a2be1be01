"""Backbones of named stages."""

import pytest
import torch

from bakeoff.errors import ModelError, UnknownNameError
from bakeoff.models import networks
from bakeoff.models.stages import Classifier

SIZES = {"vgg16": 32, "resnet50-keras": 45, "resnet50v2-keras": 40, "inceptionv3-keras": 80, "mobilenet-keras": 33}


def classifier(name: str, in_channels: int = 3) -> Classifier:
    return networks.get(name).build(10, in_channels, SIZES.get(name, 32))


@pytest.mark.parametrize(("name", "size"), SIZES.items())
def test_the_shape_of_every_stage_is_known_without_computing_it(name, size):
    backbone = classifier(name, in_channels=1).backbone.eval()
    x = torch.randn(1, 1, size, size)
    with torch.no_grad():
        for stage in backbone.names:
            x = backbone.get_submodule(stage)(x)
            assert backbone.feature_shape(stage, size) == x.shape[1:], stage


def test_a_tap_shares_the_stages_and_gives_their_features():
    backbone = classifier("vgg16").backbone
    tap = backbone.up_to("block3_pool")
    assert tap.names == backbone.names[:10]
    assert tap.block1_conv1 is backbone.block1_conv1
    x = torch.randn(2, 3, 32, 32)
    with torch.no_grad():
        assert tap(x).equal(backbone[:10](x))
        assert tap(x).shape[1:] == backbone.feature_shape("block3_pool", 32) == (256, 4, 4)
    assert backbone.up_to(backbone.names[-1]).names == backbone.names


def test_shapes_leave_the_statistics_alone():
    backbone = classifier("mobilenet-keras").backbone
    before = {name: tensor.clone() for name, tensor in backbone.state_dict().items()}
    backbone.feature_shape("conv_pw_12_relu", 96)
    for name, tensor in backbone.state_dict().items():
        assert tensor.equal(before[name]), name


def test_an_unknown_stage_is_named_with_the_nearest():
    with pytest.raises(UnknownNameError, match="unknown stage 'block3_pol'; did you mean block3_pool"):
        classifier("vgg16").backbone.up_to("block3_pol")


def test_too_small_images_for_a_stage():
    with pytest.raises(ModelError, match="images of 16 pixels are too small for the stage 'block5_pool'"):
        classifier("vgg16").backbone.feature_shape("block5_pool", 16)
