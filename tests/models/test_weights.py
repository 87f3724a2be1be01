"""Weights as a spec declares them: where they are found, what they expect, and how they get into a network."""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save, save_file
from torch import nn

from bakeoff.data.locations import Locations
from bakeoff.errors import ModelError, OfflineError, SpecError
from bakeoff.models import foreign_weights
from bakeoff.models.expectation import Expectation
from bakeoff.models.fitting import MisfitError
from bakeoff.models.library import build
from bakeoff.models.weights import Loaded, Located, load, locate
from bakeoff.specs.model import ModelSpec
from hub_server import COMMIT, running_hub

QUARTER = {"name": "mobilenet-keras", "options": {"alpha": 0.25}}
PUBLISHED = "mobilenet_2_5_224_tf_no_top.h5"
CUT = "mobilenet_1_0_to_conv_pw_12.weights.h5"


def built(spec: dict[str, Any], *, classes: int = 10, channels: int = 3, size: int = 32, seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    return build(ModelSpec.parse(spec), classes, channels, size).eval()


def started(
    spec: dict[str, Any], where: Locations, *, classes: int = 10, channels: int = 3, size: int = 32
) -> tuple[nn.Module, Located, Loaded]:
    """Return a network with its weights, as a study makes it."""
    located = locate(ModelSpec.parse(spec), where)
    assert located is not None
    assert located.sha256 == hashlib.sha256(located.path.read_bytes()).hexdigest()
    model = built(spec, classes=classes, channels=channels, size=size, seed=1)
    drawn = torch.get_rng_state()
    loaded = load(model, ModelSpec.parse(spec), located, channels, size)
    assert torch.get_rng_state().equal(drawn), "loading drew random numbers"
    return model, located, loaded


def same(first: nn.Module, second: nn.Module) -> bool:
    return all(second.state_dict()[name].equal(tensor) for name, tensor in first.state_dict().items())


def saved(model: nn.Module, path: Path, metadata: dict[str, str] | None = None) -> str:
    save_file({name: tensor.contiguous() for name, tensor in model.state_dict().items()}, path, metadata)
    return str(path)


def test_random_weights_are_nowhere(where):
    assert locate(ModelSpec(name="vgg16"), where) is None


def test_imagenet_is_another_word_for_pretrained():
    assert ModelSpec(name="vgg16", weights="imagenet") == ModelSpec(name="vgg16", weights="pretrained")


@pytest.mark.parametrize(
    ("spec", "error", "sentence"),
    [
        ({"name": "vgg16", "weights": "nix"}, SpecError, "weights: 'nix' is not random, pretrained, hub:owner/name or"),
        ({"name": "vgg16", "weights": "nix.h5"}, ModelError, "weights: there is no file 'nix.h5', nor in --data-dir"),
        (
            {"name": "vgg16", "weights": "hub:nix"},
            SpecError,
            "weights: 'hub:nix' is no repository: it is not owner/name",
        ),
        ({"name": "vgg16", "weights": "hub:../.."}, SpecError, "weights: 'hub:../..' is no repository: Repo id"),
        ({"name": "vgg16", "weights": "hub:a/b--c"}, SpecError, "weights: 'hub:a/b--c' is no repository: Cannot have"),
        ({"name": "vgg16", "weights": "pretrained"}, OfflineError, "vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5"),
        ({"name": "resnet20", "weights": "pretrained"}, ModelError, "resnet20: nobody publishes weights for it; give"),
        (
            {"name": "mobilenet-keras", "options": {"alpha": 0.3}, "weights": "pretrained"},
            SpecError,
            "mobilenet-keras: no weights are published for alpha 0.3; choose from 1.0, 0.75, 0.5, 0.25, or",
        ),
        ({"name": "timm:resnet18", "weights": "pretrained"}, OfflineError, "timm/resnet18.a1_in1k is not on this"),
        (
            {"name": "timm:resnet26t.ra2_in1k", "weights": "hub:a/b"},
            OfflineError,
            "a/b is not on this machine and down",
        ),
        ({"name": "torchvision:resnet18", "weights": "pretrained"}, OfflineError, "resnet18-f37072fd.pth is not on"),
        ({"name": "timm:test_vit2", "weights": "pretrained"}, OfflineError, "timm/test_vit2.r160_in1k is not on this"),
        (
            {"name": "timm:dpn68.mx_in1k", "weights": "pretrained"},
            ModelError,
            "timm:dpn68.mx_in1k: its published weights expect colours with a mean and deviation",
        ),
        ({"name": "timm:vgg11", "weights": "vgg11.onnx"}, SpecError, "weights: 'vgg11.onnx' is not random, pretrained"),
    ],
    ids=lambda value: str(value)[:60],
)
def test_what_cannot_be_had_is_one_sentence(spec, error, sentence, where, monkeypatch, tmp_path):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(error) as raised:
        locate(ModelSpec.parse(spec), where)
    assert str(raised.value).startswith(sentence)
    assert "\n" not in str(raised.value)
    if error is OfflineError:
        assert "fetch " in str(raised.value)
        assert "--data-dir DIR" in str(raised.value)


def test_kerass_own_file_is_taken_from_the_users_folder(real_weights):
    model, located, loaded = started({**QUARTER, "weights": "pretrained"}, Locations(real_weights, offline=True))
    assert located.path == real_weights / PUBLISHED
    assert located.expects == Expectation(224, "tf")
    assert loaded == Loaded(fresh=("dense",), left_out=(), grayed="")
    fresh = built(QUARTER, seed=1)
    assert same(model.head, fresh.head)
    assert not same(model.backbone, fresh.backbone)


def test_a_damaged_published_file_is_not_used(real_weights, where, tmp_path):
    content = bytearray((real_weights / PUBLISHED).read_bytes())
    content[-1] ^= 1
    (tmp_path / PUBLISHED).write_bytes(content)
    with pytest.raises(ModelError, match="it has the md5 .* instead of .*damaged .* it is not used, remove it"):
        locate(ModelSpec.parse({**QUARTER, "weights": "pretrained"}), Locations(tmp_path, where.cache, offline=True))


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


def test_a_file_that_changes_after_planning_is_refused(where, tmp_path):
    spec = ModelSpec(name="simcnn", weights=saved(built({"name": "simcnn"}), tmp_path / "mine.safetensors"))
    located = locate(spec, where)
    saved(built({"name": "simcnn"}, seed=2), tmp_path / "mine.safetensors")
    with pytest.raises(ModelError, match="is not the file that it was when the study was planned"):
        load(built({"name": "simcnn"}), spec, located, 3, 32)


def test_a_file_says_itself_what_it_expects(where, tmp_path):
    told = Expectation(96, "dataset")
    path = saved(built(QUARTER), tmp_path / "ours.safetensors", told.metadata)
    assert locate(ModelSpec.parse({**QUARTER, "weights": path}), where).expects == told
    for metadata in ({}, {"input": "x tf"}, {"input": "32"}):
        path = saved(built(QUARTER), tmp_path / "odd.safetensors", metadata)
        assert locate(ModelSpec.parse({**QUARTER, "weights": path}), where).expects == Expectation(224, "tf")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("simcnn", None),
        ("vgg16", Expectation(224, "caffe")),
        ("inceptionv3-keras", Expectation(299, "tf")),
        ("timm:test_resnet", Expectation(160, "tf")),
        ("timm:resnet50.a1_in1k", Expectation(224, "imagenet")),
        ("timm:vit_base_patch16_clip_224.openai", Expectation(224, "clip")),
        ("torchvision:resnet50", Expectation(224, "imagenet")),
        ("torchvision:googlenet", Expectation(224, "tf")),
        ("torchvision:inception_v3", Expectation(299, "tf")),
    ],
)
def test_what_files_of_weights_expect(name, expected, where, tmp_path):
    (tmp_path / "any.pth").touch()
    assert locate(ModelSpec(name=name, weights=str(tmp_path / "any.pth")), where).expects == expected


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


# A process of its own, as the hub's client reads its environment when it is imported.
HUB_CLIENT = """
import json, sys, torch
from pathlib import Path
from bakeoff.data.locations import Locations
from bakeoff.errors import BakeoffError
from bakeoff.models.library import build
from bakeoff.models.weights import load, locate
from bakeoff.specs.model import ModelSpec
for given in json.loads(sys.argv[2]):
    try:
        spec = ModelSpec.parse(given["spec"])
        located = locate(spec, Locations(cache=Path(sys.argv[1]), offline=given["offline"]))
        model = build(spec, 1000, 3, 64)
        loaded = load(model, spec, located, 3, 64)
        with torch.no_grad():
            logits = model.eval()(torch.ones(1, 3, 64, 64))
        answer = {"source": located.source, "expects": vars(located.expects), "fresh": loaded.fresh}
        answer["logits"] = logits.tolist()
    except BakeoffError as error:
        answer = {"error": type(error).__name__, "message": str(error)}
    print(json.dumps(answer))
"""


def hub_client(port: int, folder: Path, *asked: dict[str, Any]) -> list[dict[str, Any]]:
    kept = {name: value for name, value in os.environ.items() if not name.upper().endswith(("_PROXY", "HF_TOKEN"))}
    settings = {"HF_ENDPOINT": f"http://127.0.0.1:{port}", "HF_HOME": str(folder / "hf"), "HF_HUB_OFFLINE": "0"}
    command = [sys.executable, "-c", HUB_CLIENT, str(folder / "cache"), json.dumps(asked)]
    done = subprocess.run(command, env=kept | settings, capture_output=True, text=True, check=True, timeout=300)
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_weights_from_the_hub(tmp_path):
    import timm

    torch.manual_seed(0)
    network = timm.create_model("test_resnet", pretrained=False).eval()
    files = {"model.safetensors": save(network.state_dict()), "README.md": b"about"}
    config = json.dumps({"pretrained_cfg": {"input_size": [3, 88, 88], "mean": [0.0] * 3, "std": [1.0] * 3}})
    named = {"name": "test_resnet", "weights": "pretrained"}

    def asked(spec: dict[str, str], offline: bool = False) -> dict[str, Any]:
        return {"spec": spec, "offline": offline}

    with running_hub() as hub:
        hub.repos["timm/test_resnet.r160_in1k"] = files
        hub.repos["mine/tuned"] = {**files, "config.json": config.encode()}
        hub.repos["mine/damaged"] = {"damaged.safetensors": files["model.safetensors"]}
        hub.repos["mine/text"] = {"README.md": b"nothing"}
        hub.repos["mine/several"] = {"a.safetensors": b"", "b.safetensors": b""}
        hub.damaged = {"damaged.safetensors"}
        first, second, tuned, *refused = hub_client(
            hub.server_port,
            tmp_path,
            asked(named),
            asked(named, offline=True),
            asked({"name": "timm:test_resnet", "weights": "hub:mine/tuned@v1"}),
            *(
                asked({"name": "timm:test_resnet", "weights": f"hub:mine/{repo}"})
                for repo in ("damaged", "text", "several", "nowhere")
            ),
            asked({"name": "timm:test_resnet", "weights": "hub:mine/other"}, offline=True),
        )
        requests = [request for request in hub.requests if "test_resnet" in request and request.startswith("GET")]
    with torch.no_grad():
        expected = network(torch.ones(1, 3, 64, 64)).numpy()
    assert np.allclose(first["logits"], expected, atol=1e-5)
    assert first["source"] == f"timm/test_resnet.r160_in1k@{COMMIT}"
    assert (first["expects"], first["fresh"]) == ({"image_size": 160, "normalize": "tf"}, [])
    assert second == first, "from the client's cache"
    assert len([request for request in requests if request.endswith("model.safetensors")]) == 1
    assert tuned["expects"] == {"image_size": 88, "normalize": "unit"}
    sentences = [
        ("ModelError", "so that it is damaged; it is not used, remove it"),
        ("ModelError", "has no file of weights; name a repository with model.safetensors in it"),
        ("ModelError", "has several files of weights: a.safetensors, b.safetensors; download the one that you mean"),
        ("ModelError", "there is no http://127.0.0.1"),
        ("OfflineError", "mine/other is not on this machine and downloading is switched off; fetch model.safetensors"),
    ]
    for answer, (error, sentence) in zip(refused, sentences, strict=True):
        assert answer["error"] == error
        assert sentence in answer["message"]
