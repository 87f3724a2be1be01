"""Networks as backbones: taps, heads, freezing, and what stays still while the rest is trained."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional

from bakeoff.errors import ModelError, SpecError
from bakeoff.models.library import build, outline
from bakeoff.models.summary import count_parameters
from bakeoff.models.transfer import freeze, taps, training_mode
from bakeoff.specs.model import ModelSpec

HEAD_A = [400, {"dropout": 0.2}, 200, {"dropout": 0.2}]
HEAD_C = [256, 128, {"dropout": 0.3}, 64, "batch-norm"]

# The rows of the documents with a frozen backbone: of the whole model, then of the backbone alone. Keras counts the
# backbone as trainable where it was printed before it was frozen.
FROZEN = [
    (
        {"name": "vgg16", "pool": "flatten", "head": HEAD_A},
        224,
        (24_832_498, 10_117_810, 14_714_688),
        (14_714_688, 14_714_688, 0),
    ),
    (
        {"name": "resnet50-keras", "pool": "flatten", "head": HEAD_A},
        224,
        (63_811_122, 40_223_410, 23_587_712),
        (23_587_712, 23_534_592, 53_120),
    ),
    (  # the document prints the whole backbone, 14,714,688, of which it uses the part up to the tap
        {"name": "vgg16", "tap": "block3_pool", "pool": "flatten", "head": HEAD_C},
        32,
        (2_826_378, 1_090_762, 1_735_616),
        (1_735_488, 1_735_488, 0),
    ),
    (
        {"name": "vgg19", "tap": "block5_pool", "pool": "flatten", "head": HEAD_C},
        32,
        (20_197_770, 173_258, 20_024_512),
        (20_024_384, 20_024_384, 0),
    ),
    (
        {"name": "inceptionv3-keras", "pool": "flatten", "head": HEAD_C},
        75,
        (22_369_386, 566_474, 21_802_912),
        (21_802_784, 21_768_352, 34_432),
    ),
    (
        {"name": "resnet50v2-keras", "pool": "max", "head": HEAD_C},
        32,
        (24_131_402, 566_474, 23_564_928),
        (23_564_800, 23_519_360, 45_440),
    ),
]


def built(spec: dict, size: int = 32, classes: int = 10, channels: int = 3) -> nn.Module:
    torch.manual_seed(0)
    return build(ModelSpec.parse(spec), classes, channels, size)


def counts(model: nn.Module) -> tuple[int, int, int]:
    count = count_parameters(model)
    return count.total, count.trainable, count.non_trainable


def trainable(model: nn.Module) -> set[str]:
    return {name for name, weight in model.named_parameters() if weight.requires_grad}


@pytest.mark.parametrize(("spec", "size", "whole", "backbone"), FROZEN, ids=lambda value: str(value)[:40])
def test_parameters_of_the_documents_frozen_networks(spec, size, whole, backbone):
    with torch.device("meta"):
        model = built(spec, size)
    assert counts(model.backbone) == backbone
    freeze(model, "backbone")
    assert counts(model) == whole
    assert counts(model.backbone)[1] == 0


MOBILENET = {"name": "mobilenet-keras", "options": {"alpha": 0.25}}


@pytest.mark.parametrize(
    ("spec", "stages"),
    [
        (MOBILENET | {"tap": "conv_pw_5_relu", "head": [16]}, ["conv_pw_5_bn", "conv_pw_5"]),
        (MOBILENET, ["conv_pw_13_bn", "conv_pw_13"]),
        ({"name": "simcnn"}, ["dense", "conv2d_2"]),
        ({"name": "timm:test_resnet", "head": []}, ["layer4", "layer3"]),
        ({"name": "torchvision:squeezenet1_1"}, ["features.12", "features.11"]),
    ],
    ids=lambda value: str(value)[:40],
)
def test_every_rule_freezes_what_it_says(spec, stages):
    model = built(spec, 64)
    everything = {name for name, _ in model.named_parameters()}
    freeze(model, "backbone")
    head = trainable(model)
    assert head
    assert not any(f"{stage}." in name for stage in stages for name in head)
    freeze(model, "all-but-last-1")
    last = trainable(model) - head
    assert last == {name for name in everything - head if f"{stages[0]}." in name} != set()
    freeze(model, "all-but-last-2")
    assert trainable(model) - head - last == {name for name in everything - head - last if f"{stages[1]}." in name}
    freeze(model, f"*{stages[1]}.*")
    assert everything - trainable(model) == {name for name in everything if f"{stages[1]}." in name}
    freeze(model, "none")
    assert trainable(model) == everything


@pytest.mark.parametrize(
    ("rule", "sentence"),
    [
        ("bakbone", "freeze: 'bakbone' is not none, backbone or all-but-last-N, and fits no weight; of its 83 the"),
        ("all-but-last-99", "freeze: 'all-but-last-99' has more stages than the backbone's 54; give fewer, or none"),
        ("*", "freeze: '*' leaves no weight to train; give 'backbone' or a narrower pattern"),
    ],
)
def test_rules_that_make_no_sense(rule, sentence):
    with pytest.raises(SpecError) as error:
        freeze(built(MOBILENET), rule)
    assert str(error.value).startswith(sentence)


def test_a_frozen_backbone_keeps_weights_and_statistics_while_the_head_learns():
    model = built(MOBILENET | {"tap": "conv_pw_2_relu", "head": [8, "batch-norm", {"dropout": 0.5}]})
    freeze(model, "backbone")
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    optimizer = torch.optim.SGD([weight for weight in model.parameters() if weight.requires_grad], lr=0.1)
    training_mode(model)
    assert model.training
    assert model.head.training
    assert not any(module.training for module in model.backbone.modules())
    functional.cross_entropy(model(torch.randn(4, 3, 32, 32)), torch.arange(4)).backward()
    optimizer.step()
    for name, tensor in model.state_dict().items():
        assert tensor.equal(before[name]) == name.startswith("backbone."), name


def test_what_is_partly_frozen_trains_the_rest():
    model = built(MOBILENET)
    freeze(model, "all-but-last-2")
    training_mode(model)
    assert model.backbone.conv_pw_13_bn.training
    assert not model.backbone.conv_dw_13_bn.training


TAPPED = [
    ("vgg16", "block3_pool", (256, 4, 4)),
    ("simcnn", "flatten", (1024,)),
    ("timm:test_resnet", "layer2", None),
    ("timm:test_vit", "blocks.1", None),
    ("timm:swin_tiny_patch4_window7_224", "layers.0", (96, 16, 16)),
    ("torchvision:squeezenet1_1", "features.5", None),
]


@pytest.mark.parametrize(("name", "tap", "shape"), TAPPED)
def test_a_tap_gives_the_features_of_the_whole_network(name, tap, shape):
    size = 64 if ":" in name else 32
    assert tap in taps(outline(ModelSpec(name=name), 10, 3, size), 3, size)
    whole = built({"name": name}, size).eval()
    model = built({"name": name, "tap": tap, "head": [5]}, size).eval()
    assert count_parameters(model.backbone).total < count_parameters(whole).total

    seen = []
    stages = getattr(whole, "backbone", whole)
    stages.get_submodule(tap).register_forward_hook(lambda _, __, output: seen.append(output))
    images = torch.randn(2, 3, size, size)
    with torch.no_grad():
        whole(images)
        features = model.backbone(images)
        assert model(images).shape == (2, 10)
    expected = seen[0].permute(0, 3, 1, 2) if name.startswith("timm:swin") else seen[0]
    assert features.equal(expected)
    assert shape is None or features.shape[1:] == shape
    functional.cross_entropy(model.train()(images), torch.tensor([0, 1])).backward()
    assert all(weight.grad is not None for weight in model.parameters()), "nothing behind the tap is left"


@pytest.mark.parametrize(
    ("spec", "sentence"),
    [
        ({"name": "simcnn", "tap": "nix"}, "simcnn has no tap 'nix'; choose from conv2d, max_pooling2d, conv2d_1, max"),
        ({"name": "vgg16", "tap": "block3"}, "vgg16 has no tap 'block3'; of its 18 the nearest are block3_pool, "),
        ({"name": "timm:test_resnet", "tap": "layer9"}, "timm:test_resnet has no tap 'layer9'; of its"),
        ({"name": "simcnn", "tap": "flatten", "pool": "avg"}, "pool: avg needs maps, and the tap gives 1024 features"),
    ],
)
def test_taps_that_make_no_sense(spec, sentence):
    with pytest.raises(SpecError) as error:
        built(spec)
    assert str(error.value).startswith(sentence)
    if "the nearest" in sentence:
        assert str(error.value).endswith("(bakeoff models vgg16 --summary lists them all)")


def test_too_small_images_for_the_tap():
    with pytest.raises(ModelError, match="mobilenet-keras cannot take images of 16 pixels; give it at least 32"):
        built(MOBILENET | {"tap": "conv_pw_13_relu"}, 16)


@settings(max_examples=25)
@given(
    tap=st.sampled_from(["block1_conv1", "block2_pool", "block4_pool"]),
    pool=st.sampled_from(["flatten", "avg", "max", None]),
    layers=st.lists(
        st.one_of(
            st.integers(1, 9),
            st.just("batch-norm"),
            st.just({"dropout": 0.5}),
            st.builds(
                lambda size, activation: {"kind": "dense", "size": size, "activation": activation},
                st.integers(1, 9),
                st.sampled_from(["relu", "leaky-relu", "gelu", "none"]),
            ),
        ),
        max_size=4,
    ),
    channels=st.sampled_from([1, 3]),
)
def test_any_head_on_any_tap_gives_finite_logits_and_gradients(tap, pool, layers, channels):
    model = built({"name": "vgg11", "tap": tap, "pool": pool, "head": layers}, 32, 3, channels)
    freeze(model, "backbone")
    logits = model(torch.randn(2, channels, 32, 32))
    assert logits.shape == (2, 3)
    functional.cross_entropy(logits, torch.tensor([0, 1])).backward()
    for name, weight in model.named_parameters():
        assert (weight.grad is None) == name.startswith("backbone."), name
        assert weight.grad is None or weight.grad.isfinite().all(), name
