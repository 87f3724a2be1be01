"""Weights as a spec declares them: where they are found, and what they expect."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save
from starting import PUBLISHED, QUARTER, built, saved

from bakeoff.data.locations import Locations
from bakeoff.errors import ModelError, OfflineError, SpecError
from bakeoff.models.expectation import Expectation
from bakeoff.models.weights import load, locate
from bakeoff.specs.model import ModelSpec
from hub_server import COMMIT, Answer, running_hub


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


def test_a_damaged_published_file_is_not_used(real_weights, where, tmp_path):
    content = bytearray((real_weights / PUBLISHED).read_bytes())
    content[-1] ^= 1
    (tmp_path / PUBLISHED).write_bytes(content)
    with pytest.raises(ModelError, match="it has the md5 .* instead of .*damaged .* it is not used, remove it"):
        locate(ModelSpec.parse({**QUARTER, "weights": "pretrained"}), Locations(tmp_path, where.cache, offline=True))


def test_a_pinned_file_is_taken_and_no_other(where, tmp_path):
    spec = ModelSpec(name="simcnn", weights=saved(built({"name": "simcnn"}), tmp_path / "mine.safetensors"))
    found = locate(spec, where)
    assert locate(spec.model_copy(update={"weights_sha256": found.sha256}), where) == found
    with pytest.raises(ModelError, match=f"SHA-256 is {found.sha256}, and weights_sha256 asks for {'0' * 64}"):
        locate(spec.model_copy(update={"weights_sha256": "0" * 64}), where)


def test_weights_lie_beside_the_data_too(where, tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "weights").mkdir()
    saved(built({"name": "simcnn"}), tmp_path / "weights" / "beside.safetensors")
    beside = Locations(data_dir=tmp_path / "data", cache=where.cache, offline=True)
    assert locate(ModelSpec(name="simcnn", weights="beside.safetensors"), beside).path.name == "beside.safetensors"


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


def hub_client(port: int, folder: Path, *asked: dict[str, Any], token: str = "") -> list[dict[str, Any]]:
    kept = {name: value for name, value in os.environ.items() if not name.upper().endswith(("_PROXY", "HF_TOKEN"))}
    settings = {"HF_ENDPOINT": f"http://127.0.0.1:{port}", "HF_HOME": str(folder / "hf"), "HF_HUB_OFFLINE": "0"}
    settings |= {"HF_TOKEN": token} if token else {}
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


def test_the_hub_is_asked_with_the_token_for_the_revision(tmp_path, monkeypatch):
    import timm

    seen = []
    answer = Answer.do_GET

    def noted(self: Answer) -> None:
        seen.append((self.path, self.headers.get("Authorization")))
        answer(self)

    monkeypatch.setattr(Answer, "do_GET", noted)
    spec = {"name": "timm:test_resnet", "weights": "hub:mine/private@v1"}
    with running_hub() as hub:
        state = timm.create_model("test_resnet", pretrained=False).state_dict()
        hub.repos["mine/private"] = {"model.safetensors": save(state)}
        (told,) = hub_client(hub.server_port, tmp_path, {"spec": spec, "offline": False}, token="hf_of_a_test")
    assert told["source"] == f"mine/private@{COMMIT}"
    with_token = [path for path, token in seen if token == "Bearer hf_of_a_test"]
    assert any("/revision/v1" in path for path in with_token)
    assert any("/resolve/v1/model.safetensors" in path for path in with_token)
