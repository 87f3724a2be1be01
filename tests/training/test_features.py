"""The feature cache: the same figures as without it, computed once, whatever happens meanwhile."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from toys import CPU, toy_images

from bakeoff.data import augment
from bakeoff.data.pipeline import Part, TrainBatches, ViewBatches
from bakeoff.data.preprocess import Preprocess
from bakeoff.errors import DataError, InterruptedRunError
from bakeoff.models import transfer
from bakeoff.models.library import build
from bakeoff.specs.model import ModelSpec
from bakeoff.specs.recipe import AugmentSpec, Recipe
from bakeoff.training import optimizers
from bakeoff.training.features import KEPT_FREE, FeatureCache, splits_into
from bakeoff.training.phases import Phases
from bakeoff.training.precision import Precision

IMAGES = toy_images(620)
PART = Part(IMAGES, np.arange(3, 603), CPU)
PREPARE = Preprocess(PART.shape, "unit", PART.channel_statistics(), 1, 32, CPU)


def frozen_model(seed: int = 0, freeze: str = "backbone") -> torch.nn.Module:
    torch.manual_seed(seed)
    model = build(ModelSpec.parse({"name": "lenet5", "head": [7, {"dropout": 0.1}], "pool": "flatten"}), 3, 1, 32)
    transfer.freeze(model, freeze)
    return model


@pytest.fixture
def cache(tmp_path: Path) -> Callable[..., FeatureCache]:
    def make(model: torch.nn.Module | None = None, stop_after: int = 10**9, **about: str) -> FeatureCache:
        asked = iter(range(10**9))
        found = splits_into(model or frozen_model())
        assert found is not None
        return FeatureCache(
            tmp_path / "features",
            found[0],
            PREPARE,
            Precision("off", CPU),
            {"fingerprint": "toy", **about},
            chunk=250,
            report=lambda _: None,
            stop_requested=lambda: next(asked) >= stop_after,
        )

    return make


def files(folder: Path) -> list[Path]:
    return sorted((folder / "features").glob("*.features"))


def test_features_and_the_head_give_the_logits_of_the_whole(cache):
    model = frozen_model().eval()
    frozen, head = splits_into(model)
    features = cache(model).of(PART)
    positions = torch.tensor([5, 0, 599])
    with torch.inference_mode():
        whole = model(PREPARE(PART.take(positions).images))
        # Sums over batches of another size are rounded differently.
        torch.testing.assert_close(head(features.take(positions).images), whole)
    assert torch.equal(features.labels, PART.labels)
    assert {id(p) for p in head.parameters()} == {id(p) for p in model.head.parameters()}
    assert not any(p.requires_grad for p in frozen.parameters())


def test_computed_once_for_every_head_and_seed(cache, tmp_path):
    first, again, other_weights = cache(), cache(), cache(frozen_model(seed=1))
    a = first.of(PART)
    written = [file.stat().st_mtime_ns for file in files(tmp_path)]
    b = again.of(PART)
    assert [file.stat().st_mtime_ns for file in files(tmp_path)] == written
    assert again.seconds == first.seconds > 0
    assert torch.equal(a.take(torch.arange(600)).images, b.take(torch.arange(600)).images)
    other_weights.of(PART)
    cache(prepared="otherwise").of(PART)
    cache().of(Part(IMAGES, np.arange(600), CPU))
    assert len(files(tmp_path)) == 4


def test_an_interruption_loses_nothing(cache, tmp_path):
    whole = cache().of(PART).take(torch.arange(600)).images.clone()
    (file,) = files(tmp_path)
    file.unlink()
    with pytest.raises(InterruptedRunError):
        cache(stop_after=1).of(PART)
    (partial,) = (tmp_path / "features").glob("*.partial")
    with partial.open("ab") as torn:
        torn.write(b"torn")
    assert partial.stat().st_size > 4
    second = cache(stop_after=2)  # two of three chunks are left
    assert torch.equal(second.of(PART).take(torch.arange(600)).images, whole)


@pytest.mark.parametrize("damage", ["a bit", "the end", "the description", "no description"])
def test_a_damaged_file_is_computed_anew(cache, tmp_path, caplog, damage: str):
    whole = cache().of(PART).take(torch.arange(600)).images.clone()
    (file,) = files(tmp_path)
    content = bytearray(file.read_bytes())
    if damage == "a bit":
        content[len(content) // 2] ^= 1
    elif damage == "the end":
        del content[-8:]
    elif damage == "the description":
        file.with_suffix(".json").write_text("[1]")
    else:
        file.with_suffix(".json").unlink()
    file.write_bytes(content)
    assert torch.equal(cache().of(PART).take(torch.arange(600)).images, whole)
    assert ("computed anew" in caplog.text) == (damage != "no description")


def test_a_checksum_is_taken_once_in_a_process(cache, tmp_path, monkeypatch):
    maker = cache()
    maker.of(PART)
    cache().of(PART)
    monkeypatch.setattr("hashlib.file_digest", lambda *_: pytest.fail("the file was read again"))
    cache().of(PART)


def test_room_is_asked_for_what_is_not_there_yet(cache, monkeypatch):
    maker = cache()
    flips = augment.build([AugmentSpec(name="flip")])
    wanted = [((), 0), (flips, 0), (flips, 1)]
    width = maker.of(PART).take(torch.arange(1)).images.nbytes
    needed = width * (2 * len(PART) + 50)
    for free, fits in ((needed + KEPT_FREE, True), (needed + KEPT_FREE - 1, False)):
        monkeypatch.setattr("shutil.disk_usage", lambda _, free=free: type("Usage", (), {"free": free})())
        assert (maker.room(PART, wanted, more=50) == "") is fits


def test_no_room_is_a_sentence(cache, monkeypatch):
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 1000})())
    with pytest.raises(DataError, match="cache_features: false"):
        cache().of(PART)


def test_every_view_has_its_own_randomness_and_epochs_take_turns(cache):
    flips = augment.build([AugmentSpec(name="flip")])
    maker = cache()
    views = [maker.of(PART, flips, view) for view in range(2)]
    rows = torch.arange(600)
    assert not torch.equal(views[0].take(rows).images, views[1].take(rows).images)
    batches = ViewBatches(views, 64, seed=3)
    plain = TrainBatches(PART, 64, (), seed=3)
    assert batches.steps_per_epoch == plain.steps_per_epoch
    for epoch in range(3):
        mine, theirs = list(batches.epoch(epoch, 2)), list(plain.epoch(epoch, 2))
        assert [b.targets.tolist() for b in mine] == [b.targets.tolist() for b in theirs]
    first = torch.cat([batch.images for batch in batches.epoch(0)])
    assert {tuple(row) for row in first.tolist()} == {tuple(row) for row in views[0].take(rows).images.tolist()}


@pytest.mark.parametrize("freeze", ["none", "all-but-last-1"])
def test_what_is_trained_is_not_cached(freeze: str):
    assert splits_into(frozen_model(freeze=freeze)) is None


def test_the_head_learns_first_and_deeper_stages_learn_slower():
    model = frozen_model(freeze="none")
    recipe = Recipe.parse({"epochs": 3, "head_epochs": 1, "backbone_lr": 0.1, "layer_decay": 0.5})
    phases = Phases(model, recipe)
    optimizer = optimizers.build(model, recipe.optimizer, phases.rates)
    backbone = list(model.backbone.parameters())
    phases.begin(0)
    assert not any(p.requires_grad for p in backbone)
    assert all(p.requires_grad for p in model.head.parameters())
    phases.begin(1)
    assert all(p.requires_grad for p in model.parameters())
    optimizers.set_lr(optimizer, 2.0)
    rates = {id(p): group["lr"] for group in optimizer.param_groups for p in group["params"]}
    assert rates[id(backbone[-1])] == pytest.approx(0.2)
    assert rates[id(backbone[0])] < 0.2
    assert {rates[id(p)] for p in model.head.parameters()} == {2.0}


def test_different_taps_of_one_network_are_different_features(cache, tmp_path):
    few = Part(IMAGES, np.arange(6), CPU)
    for tap in ("layer4.1", "layer4.1.bn2"):
        spec = {"name": "torchvision:resnet18", "head": [4], "freeze": "backbone", "tap": tap}
        torch.manual_seed(0)
        model = build(ModelSpec.parse(spec), 3, 1, 32)
        transfer.freeze(model, "backbone")
        cache(model).of(few)
    assert len(files(tmp_path)) == 2


def test_a_file_that_was_whole_when_it_was_interrupted_is_finished(cache, tmp_path):
    part = Part(IMAGES, np.arange(500), CPU)  # two chunks, exactly
    whole = cache().of(part).take(torch.arange(500)).images.clone()
    (file,) = files(tmp_path)
    file.rename(file.with_suffix(".partial"))
    again = cache()
    assert torch.equal(again.of(part).take(torch.arange(500)).images, whole)
    assert again.seconds > 0


def test_features_that_are_asked_for_twice_cost_once(cache):
    maker = cache()
    maker.of(PART)
    once = maker.seconds
    maker.of(PART)
    assert maker.seconds == once
