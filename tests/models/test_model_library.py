"""Networks by name: options, patterns, errors, and the networks of timm and torchvision."""

import subprocess
import sys

import pytest
import torch
from torch.nn import functional

from bakeoff.errors import ModelError, SpecError, UnknownNameError
from bakeoff.models import network, networks
from bakeoff.models.library import build, expand, find, smallest_input
from bakeoff.models.options import check_options
from bakeoff.specs.model import ModelSpec


def spec(name: str, **options: object) -> ModelSpec:
    return ModelSpec(name=name, options=options)


def test_registered_names_need_no_other_library():
    code = (
        "import sys; from bakeoff.models.library import *; from bakeoff.specs.model import ModelSpec;"
        "build(ModelSpec(name='simcnn'), 10, 3, 32); expand('vgg*'); smallest_input(ModelSpec(name='simcnn'), 10, 3);"
        "assert not {'timm', 'torchvision', 'keras'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_options_of_a_network_are_listed():
    assert networks.get("mobilenet-keras").options == {"alpha": 1.0}
    assert networks.get("simcnn").options == {}
    assert find("timm:resnet18").options == {}


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        (spec("mobilenet-keras", alpah=1), "mobilenet-keras: unknown option 'alpah'; did you mean alpha?"),
        (spec("mobilenet-keras", alpha="big"), "mobilenet-keras: the option 'alpha' is 'big'; give a number"),
        (spec("mobilenet-keras", alpha=True), "mobilenet-keras: the option 'alpha' is True; give a number"),
        (spec("mobilenet-keras", alpha=0.01), "mobilenet-keras: the option 'alpha' is 0.01; give at least 0.03125"),
        (spec("vgg16", top="clasic"), "vgg16: the option 'top' is 'clasic'; give 'gap' or 'classic'"),
        (spec("vgg16-dense", last_pool=True), "vgg16-dense: the option 'last_pool' is True; give 1 or 2"),
        (spec("simcnn", width=2), "simcnn: unknown option 'width'; it has none, leave it out"),
        (spec("timm:resnet18", widht=2), "resnet18: unknown option 'widht'; leave it out"),
        (spec("timm:resnet18", pretrained=True), "timm:resnet18: 'pretrained' is not an option of the network"),
        (spec("resnet18", checkpoint_path="x"), "timm:resnet18: 'checkpoint_path' is not an option of the network"),
        (spec("torchvision:alexnet", weights="DEFAULT"), "torchvision:alexnet: 'weights' is not an option"),
    ],
)
def test_wrong_options_are_named(asked, sentence):
    with pytest.raises(SpecError) as error:
        build(asked, 10, 3, 64)
    assert str(error.value).startswith(sentence)


def test_every_type_of_option_is_checked():
    def builder(num_classes, in_channels, image_size, flag: bool = True, n: int = 1, x: float = 1.0, s: str = ""): ...

    check_options("test", builder, {"flag": False, "n": 2, "x": 2, "s": "a"})
    for option, value, wanted in (("flag", 1, "true or false"), ("n", 1.5, "a whole number"), ("s", 1, "a text")):
        with pytest.raises(SpecError, match=f"'{option}' is {value}; give {wanted}"):
            check_options("test", builder, {option: value})


def test_a_name_is_registered_once():
    with pytest.raises(ValueError, match="'simcnn' is registered twice"):
        network("simcnn", min_size=1, source="")(networks.get("simcnn").build)


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("vgg16-gpa", "vgg16-gap"),
        ("resnet5O", "resnet50"),
        ("timm:resnet5O", "timm:resnet50"),
        ("timm:resnet50.a1_in2k", "timm:resnet50.a1_in1k"),
        ("torchvision:alexnt", "torchvision:alexnet"),
        ("tim:resnet50", "timm:resnet50"),
    ],
)
def test_an_unknown_name_is_met_with_the_nearest(name, nearest):
    with pytest.raises(UnknownNameError, match=rf"unknown model '{name}'; did you mean (.* )?{nearest}[ ?]"):
        find(name)


def test_bare_names_are_looked_for_in_order():
    assert find("vgg16") is networks.get("vgg16")
    assert find("resnet18").source.startswith("timm ")
    assert find("squeezenet1_1").source.startswith("torchvision ")
    assert find("resnet50.a1_in1k").summary == "resnet50.a1_in1k of timm."


def test_patterns():
    assert expand("leaky-cnn*") == ["leaky-cnn", "leaky-cnn-deep", "leaky-cnn-dropout"]
    assert expand("simcnn") == ["simcnn"]
    assert expand("timm:resnet18") == ["timm:resnet18"]
    assert expand("timm:resnet18*") == ["timm:resnet18", "timm:resnet18d"]
    assert "timm:resnet18.a1_in1k" in expand("timm:resnet18.*")
    assert expand("torchvision:squeezenet*") == ["torchvision:squeezenet1_0", "torchvision:squeezenet1_1"]


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        ("zzz*", "no model fits the pattern"),
        ("timm:zzz*", "no model fits the pattern"),
        ("tim:*", "no model fits the pattern"),
        ("no-such-network", "unknown model"),
    ],
)
def test_a_pattern_that_fits_nothing(pattern, said):
    with pytest.raises(UnknownNameError, match=said):
        expand(pattern)


def test_smallest_input_of_registered_networks():
    assert smallest_input(spec("simcnn"), 10, 3) == 18
    assert smallest_input(spec("simcnn"), 10, 3, wanted=8) == 18
    assert smallest_input(spec("simcnn"), 10, 3, wanted=32) == 32


# name, smallest side from 28 pixels on
FOREIGN = [
    ("timm:resnet18", 28),
    ("timm:vit_tiny_patch16_224", 28),
    ("timm:swin_tiny_patch4_window7_224", 28),
    ("timm:convnext_atto", 32),
    ("timm:efficientnet_b0", 28),
    ("timm:mobilenetv3_small_100", 28),
    ("timm:regnetx_002", 28),
    ("timm:poolformer_s12", 28),
    ("torchvision:alexnet", 64),
    ("torchvision:squeezenet1_1", 28),
    ("torchvision:googlenet", 28),
    ("torchvision:shufflenet_v2_x0_5", 28),
    pytest.param("timm:densenet121", 32, marks=pytest.mark.slow),
    pytest.param("timm:efficientformer_l1", 208, marks=pytest.mark.slow),
    pytest.param("timm:inception_v3", 75, marks=pytest.mark.slow),
    pytest.param("torchvision:vgg11", 32, marks=pytest.mark.slow),
    pytest.param("torchvision:vit_b_16", 32, marks=pytest.mark.slow),
    pytest.param("torchvision:maxvit_t", 224, marks=pytest.mark.slow),
    pytest.param("torchvision:inception_v3", 75, marks=pytest.mark.slow),
]


@pytest.mark.parametrize(("name", "least"), FOREIGN)
def test_foreign_networks_are_fitted_to_the_data(name, least):
    torch.manual_seed(0)
    assert smallest_input(spec(name), 7, 1, wanted=28) == least
    assert torch.rand(1) == torch.rand(1, generator=torch.Generator().manual_seed(0)), "the trial drew numbers"

    model = build(spec(name), 7, 1, least)
    logits = model(torch.randn(2, 1, least, least))
    assert logits.shape == (2, 7)
    functional.cross_entropy(logits, torch.tensor([0, 1])).backward()
    assert all(weight.grad is not None and weight.grad.isfinite().all() for weight in model.parameters())


def test_options_reach_a_foreign_network():
    model = build(spec("timm:vit_tiny_patch16_224", patch_size=4), 10, 3, 32)
    assert model.patch_embed.num_patches == 64
    assert model.training


@pytest.mark.parametrize(
    ("asked", "size", "sentence"),
    [
        (spec("torchvision:alexnet"), 32, "torchvision:alexnet cannot take images of 32x32 pixels with 3 channels"),
        (spec("torchvision:vit_b_16"), 30, "torchvision:vit_b_16 cannot be built for images of 30x30 pixels"),
        (spec("vit_tiny_patch16_224", patch_size=-4), 32, "timm:vit_tiny_patch16_224 cannot be built"),
        (spec("vit_tiny_patch16_224", global_pool=""), 32, "timm:vit_tiny_patch16_224 does not give one logit"),
    ],
)
def test_failures_of_foreign_networks_are_one_sentence(asked, size, sentence):
    with pytest.raises(ModelError) as error:
        build(asked, 10, 3, size)
    assert str(error.value).startswith(sentence)
    assert "\n" not in str(error.value)


def test_a_network_that_takes_no_size_says_why():
    with pytest.raises(ModelError, match=r"negative dimension.*larger ones fail too, up to 1024 pixels"):
        smallest_input(spec("vit_tiny_patch16_224", patch_size=-4), 10, 3)
