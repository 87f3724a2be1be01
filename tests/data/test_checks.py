"""Checks of the data before anything is trained: what is planted is found, and nothing else."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from image_files import plain
from PIL import Image
from scipy import ndimage

from bakeoff.data import examine as module
from bakeoff.data.checks import Finding, Parted, checks
from bakeoff.data.examine import examine
from bakeoff.data.imageset import ImageSet, fingerprint
from bakeoff.data.load import load
from bakeoff.data.locations import Locations
from bakeoff.data.perceptual_hash import hashes, near
from bakeoff.data.splits import members
from bakeoff.specs.data import DataSpec
from bakeoff.specs.protocol import Protocol

TRAIN, TEST = 200, 50
SPEC = DataSpec(name="made-up")


def photos(count: int = TRAIN + TEST, side: int = 48, channels: int = 3) -> np.ndarray:
    """Return images with the spectrum of photos: smooth shapes, each of its own."""
    noise = np.random.default_rng(3).integers(0, 256, (count, 9, 9, 3), np.uint8)
    large = [np.asarray(Image.fromarray(one).resize((side, side), Image.Resampling.BICUBIC)) for one in noise]
    return np.stack(large)[..., :channels].clip(1, 254)


def image_set(images: np.ndarray, labels: np.ndarray | None = None) -> ImageSet:
    labels = np.arange(len(images)) % 5 if labels is None else labels
    parts = {"train": np.arange(TRAIN), "test": np.arange(TRAIN, len(images))}
    names = tuple("abcde")
    images.setflags(write=False)
    known = fingerprint(images, labels, names, parts)
    return ImageSet(images, labels, names, parts, {"source": "made up", "skipped": []}, known)


def findings(images: ImageSet, name: str, val_fraction: float = 0) -> list[Finding]:
    return list(checks.get(name).find(Parted(images, members(images, SPEC, Protocol(val_fraction=val_fraction)))))


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("name", list(checks))
def test_clean_data_has_no_findings(name: str, channels: int) -> None:
    assert findings(image_set(photos(channels=channels)), name, val_fraction=0.1) == []


def test_copies_are_found_across_and_within_parts() -> None:
    pixels = photos()
    pixels[TRAIN + 7] = pixels[10]  # the same class
    pixels[TRAIN + 8] = pixels[10]
    pixels[30] = pixels[40]
    across, train, test = findings(image_set(pixels), "copies")
    assert (across.grave, across.count, across.groups) == (True, 2, ((10, TRAIN + 7, TRAIN + 8),))
    assert across.leaked == (TRAIN + 7, TRAIN + 8)
    assert (train.grave, train.count, train.groups) == (False, 1, ((30, 40),))
    assert (test.count, test.groups) == (1, ((TRAIN + 7, TRAIN + 8),))
    assert "training 10 (a)" in across.examples[0]
    assert [found.count for found in findings(image_set(pixels), "conflicts")] == [3]


def test_images_that_are_not_used_are_no_copies() -> None:
    pixels = photos()
    pixels[TRAIN + 7] = pixels[10]
    images = image_set(pixels)
    few = SPEC.model_copy(update={"max_train": 20})
    parts = members(images, few, Protocol(val_fraction=0))
    assert 10 not in parts["train"], "the test needs a seed that leaves the image out"
    assert list(checks.get("copies").find(Parted(images, parts))) == []


CHANGES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "brighter": lambda image: image * 0.8 + 45,
    "noise": lambda image: image + np.random.default_rng(0).normal(0, 8, image.shape),
    "sharper": lambda image: image + 0.7 * (image - ndimage.gaussian_filter(image, (1, 1, 0))),
    "one pixel": lambda image: np.where(np.arange(image.size).reshape(image.shape) == 0, 0, image),
    "moved by a pixel": lambda image: np.roll(image, 1, axis=1),  # of 32, it is missed at this much detail
}


@pytest.mark.parametrize(("change", "side"), [(change, side) for change in CHANGES for side in (100, 32)][:-1])
def test_near_copies_are_found_whatever_was_done_to_them(change: str, side: int) -> None:
    pixels = photos(side=side)
    pixels[TRAIN + 3] = CHANGES[change](pixels[77].astype(float)).clip(0, 255).astype(np.uint8)
    (found,) = findings(image_set(pixels), "near-copies")
    assert (found.grave, found.count, found.groups, found.leaked) == (True, 1, ((TRAIN + 3, 77),), (TRAIN + 3,))


def test_likeness_is_no_copy_where_all_images_are_alike() -> None:
    alike = photos(1)[0].astype(float) + np.random.default_rng(1).normal(0, 6, (TRAIN + TEST, 48, 48, 3))
    (found,) = findings(image_set(alike.clip(0, 255).astype(np.uint8)), "near-copies", val_fraction=0.1)
    assert not found.grave
    assert "cannot be told" in found.what


@pytest.mark.parametrize("max_train", [50, 300])
def test_likeness_is_no_copy_among_few_digits_either(max_train: int, real_data: Path, real_cache: Path) -> None:
    spec = DataSpec(name="mnist", max_train=max_train)
    images = load(spec, Locations(data_dir=real_data, cache=real_cache, offline=True))
    parts = members(images, spec, Protocol(val_fraction=0))
    (found,) = checks.get("near-copies").find(Parted(images, {**parts, "test": parts["test"][:1000]}))
    assert not found.grave
    assert "cannot be told" in found.what


def test_long_series_of_photos_in_few_images_are_near_copies() -> None:
    """Frames of one scene each, of which a part is not so alike: 25 scenes of 10 windows that move."""
    frames = [scene[at : at + 90, 2 * at : 2 * at + 90] for scene in photos(25, side=108) for at in range(10)]
    (found,) = findings(image_set(np.stack(frames)[np.random.default_rng(0).permutation(250)]), "near-copies")
    assert found.grave
    assert found.count > 0.8 * TEST


def test_blank_images_are_found_and_are_near_copies_of_nothing() -> None:
    pixels = photos()
    pixels[[3, 4, TRAIN + 5]] = np.array([10, 200, 30])
    pixels[TRAIN + 6] = 99
    assert [found.count for found in findings(image_set(pixels), "blank")] == [4]
    assert findings(image_set(pixels), "near-copies") == []


def test_classes_that_a_part_lacks_are_told() -> None:
    labels = np.arange(TRAIN + TEST) % 4
    labels[:12] = 4  # in training alone
    missing, uneven = findings(image_set(photos(), labels), "balance")
    assert (missing.grave, missing.count, missing.examples) == (True, 1, ("e",))
    assert "no test image" in missing.what
    assert "3." in uneven.what or "4." in uneven.what
    labels[4:12] = 0
    few = findings(image_set(photos(), labels), "balance")[0]
    assert (few.count, few.examples) == (1, ("e (4)",))


@given(
    st.lists(st.integers(0, 2**64 - 1), max_size=30),
    st.lists(st.integers(0, 2**64 - 1), max_size=30),
    st.integers(0, 64),
)
def test_the_search_finds_every_near_pair(one: list[int], other: list[int], radius: int) -> None:
    rows, columns = near(np.array(one, np.uint64), np.array(other, np.uint64), radius)
    expected = [(i, j) for i, a in enumerate(one) for j, b in enumerate(other) if (a ^ b).bit_count() <= radius]
    assert sorted(zip(rows.tolist(), columns.tolist(), strict=True)) == expected


def test_hashes_do_not_see_brightness_and_contrast() -> None:
    pixels = photos(20, channels=1)
    paler = hashes((pixels // 2 + 60).astype(np.uint8))
    plain_ones = hashes(pixels)
    assert np.bitwise_count(plain_ones.bits ^ paler.bits).max() <= 2
    assert np.array_equal(plain_ones.bits, hashes(np.repeat(pixels, 3, axis=3)).bits)
    every = np.arange(20)
    assert plain_ones.correlation(every, every) == pytest.approx(1, abs=1e-5)
    assert abs(plain_ones.correlation(every, np.roll(every, 1))).max() < 0.9


def test_what_pixels_show_is_found_once_and_a_damaged_note_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pixels = photos()
    pixels[TRAIN + 7] = pixels[10]
    images = image_set(pixels)
    first = examine(images, SPEC, Protocol(), tmp_path, thorough=True)
    assert {one.check for one in first.findings} == {"copies", "conflicts"}
    (kept,) = (tmp_path / "checks").iterdir()
    with monkeypatch.context() as patch:
        patch.setattr(Parted, "identical", property(lambda _: pytest.fail("looked again")))
        assert examine(images, SPEC, Protocol(), tmp_path, thorough=True) == first
        newer = replace(images, provenance={"skipped": [{"name": "x", "reason": "is empty"}]})
        assert examine(newer, SPEC, Protocol(), tmp_path, thorough=True).findings[-1].check == "files"
    for damage in (b"", b"[]", b'{"copies": [{}]}', kept.read_bytes()[:-9]):
        kept.write_bytes(damage)
        assert examine(images, SPEC, Protocol(), tmp_path, thorough=True) == first
    assert examine(images, SPEC, Protocol(split_seed=1, val_fraction=0.2), tmp_path, thorough=True).findings != ()
    assert len(list((tmp_path / "checks").iterdir())) == 2


def test_dear_checks_wait_until_they_are_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(module.QUICK, "pairs", 100)
    pixels = photos()
    pixels[TRAIN + 7] = pixels[10] ^ 1  # a near copy
    quick = examine(image_set(pixels), SPEC, Protocol(), tmp_path, thorough=False)
    assert (quick.findings, quick.left_out) == ((), ("near-copies",))
    thorough = examine(image_set(pixels), SPEC, Protocol(), tmp_path, thorough=True)
    assert [found.check for found in thorough.findings] == ["near copies"]
    assert examine(image_set(pixels), SPEC, Protocol(), tmp_path, thorough=False) == thorough, "it is known by now"


def test_a_cache_that_cannot_be_written_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    images = image_set(photos())
    assert examine(images, SPEC, Protocol(), tmp_path / "file", thorough=True).findings == ()


def test_findings_are_json(tmp_path: Path) -> None:
    pixels = photos()
    pixels[TRAIN + 7] = pixels[10]
    (found, *_) = examine(image_set(pixels), SPEC, Protocol(), tmp_path, thorough=True).findings
    assert Finding.parse(json.loads(json.dumps(found.content()))) == found


def test_files_that_are_passed_over_are_told(plant: Callable[..., Path], where: Locations) -> None:
    paths = [f"{part}/{label}/{k}.png" for part in ("train", "test") for label in "ab" for k in range(12)]
    root = plant(*paths, "train/a/more/x.png", "loose.png", "train/loose.png")
    (root / "labels.csv").write_text("x")
    (root / "train" / "b" / "notes.txt").write_text("x")
    (root / "train" / "a" / "x.HEIC").write_bytes(b"x")
    (root / "train" / "a" / "13.png").write_bytes(b"")
    (root / "train" / "a" / "14.png").write_bytes(plain(9, width=40, height=10))
    spec = DataSpec(name=str(root), skip_bad=True, image_size=8)
    found = {one.what.split(" ", 1)[1]: one for one in examine_files(spec, where)}
    unread = found.pop("image is left out, of a format that is not read")
    assert unread.grave, "a phone's photos are missed"
    assert unread.examples == ("train/a/x.HEIC",)
    told = {what.split(" of ")[0].split(":")[0].split(",")[0]: one.examples for what, one in found.items()}
    assert told["image is left out"][0].endswith("13.png is empty")
    assert told["files are no part"] == ("labels.csv", "loose.png", "train/b/notes.txt", "train/loose.png")
    assert told["folder with images lies within the folder"] == ("train/a/more",)
    assert told["photo is three times as long as wide or more"][0].endswith("14.png 40x10")
    (root / "labels.csv").unlink()
    (root / "train" / "a" / "x.HEIC").unlink()
    told = " ".join(one.what for one in examine_files(spec, where))
    assert "3 files" in told, "what the cache knows may be old"
    assert "format" not in told


def examine_files(spec: DataSpec, where: Locations) -> list[Finding]:
    images = load(spec, where)
    assert len(images.names) == len(images.labels)
    assert images.names[0].endswith("train/a/0.png")
    return list(checks.get("files").find(Parted(images, members(images, spec, Protocol()))))


@pytest.mark.slow
def test_the_leaks_of_cifar10_are_found(real_data: Path, tmp_path: Path) -> None:
    spec = DataSpec(name="cifar10")
    images = load(spec, Locations(data_dir=real_data, cache=tmp_path, offline=True))
    leak, *_ = examine(images, spec, Protocol(), tmp_path, thorough=True).findings
    assert leak.check == "near copies"
    assert 230 <= leak.count <= 286  # as many as ciFAIR lists
