"""Batches: each image once, in an order that the seed decides, as the network's input."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from bakeoff.data import augment
from bakeoff.data.imageset import ImageSet
from bakeoff.data.pipeline import Part, TrainBatches, _ahead
from bakeoff.data.preprocess import Preprocess
from bakeoff.specs.recipe import Recipe

CPU = torch.device("cpu")


def image_set(count: int = 50, height: int = 6, width: int = 6, channels: int = 3) -> ImageSet:
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (count, height, width, channels), dtype=np.uint8)
    return ImageSet(images, np.arange(count) % 5, tuple("abcde"), {"train": np.arange(count)}, {}, "")


def batches(images: ImageSet, size: int, seed: int = 0, augmentations: object = ()) -> TrainBatches:
    built = augment.build(Recipe.parse({"augment": augmentations}).augment)
    return TrainBatches(Part(images, images.parts["train"], CPU), size, built, seed)


@pytest.mark.parametrize(("size", "steps", "seen"), [(7, 7, 49), (10, 5, 50), (16, 4, 50), (50, 1, 50)])
def test_an_epoch_goes_through_every_image_once(size: int, steps: int, seen: int):
    images = image_set()
    made = batches(images, size)
    epoch = list(made.epoch(0))
    assert made.steps_per_epoch == len(epoch) == steps
    shown = torch.cat([batch.images for batch in epoch]).numpy()
    unique = {image.tobytes() for image in shown}
    assert len(unique) == len(shown) == seen, "all, but for a single left over image"
    by_pixels = {image.tobytes(): label for image, label in zip(images.images, images.labels, strict=True)}
    labels = torch.cat([batch.targets for batch in epoch]).tolist()
    assert [by_pixels[image.tobytes()] for image in shown] == labels


def test_a_batch_depends_on_seed_epoch_and_step_alone():
    images = image_set()
    first = [batch.images for batch in batches(images, 8, augmentations=["flip", {"shift": 2}]).epoch(3)]
    rest = [batch.images for batch in batches(images, 8, augmentations=["flip", {"shift": 2}]).epoch(3, first_step=4)]
    assert all(torch.equal(a, b) for a, b in zip(first[4:], rest, strict=True))
    for other in (batches(images, 8, seed=1).epoch(3), batches(images, 8).epoch(4)):
        assert not torch.equal(next(iter(other)).images, first[0])


def test_batches_that_are_read_ahead_are_the_same(monkeypatch: pytest.MonkeyPatch):
    """As where the images do not fit on the device, and a thread takes them from the memory map."""
    images = image_set()
    plain = list(batches(images, 8, augmentations=["flip"]).epoch(1, first_step=2))
    monkeypatch.setattr(Part, "read", lambda self, wanted: _ahead(self.take, wanted))
    ahead = list(batches(images, 8, augmentations=["flip"]).epoch(1, first_step=2))
    assert len(plain) == len(ahead) == 5
    assert all(torch.equal(a.images, b.images) for a, b in zip(plain, ahead, strict=True))
    assert all(torch.equal(a.targets, b.targets) for a, b in zip(plain, ahead, strict=True))
    part = Part(images, images.parts["train"], CPU)
    assert list(part.read([])) == []


def test_a_part_shows_its_own_images_alone():
    images = image_set()
    part = Part(images, np.array([7, 3, 9]), CPU)
    (batch,) = part.chunks(10)
    assert np.array_equal(batch.images.numpy(), images.images[[7, 3, 9]])
    assert batch.targets.tolist() == [2, 3, 4]


def test_statistics_are_exact():
    images = image_set(1000)
    part = Part(images, np.arange(700), CPU)
    mean, deviation = part.channel_statistics()
    pixels = images.images[:700].reshape(-1, 3).astype(float)
    np.testing.assert_allclose(mean, pixels.mean(0), rtol=1e-12)
    np.testing.assert_allclose(deviation, pixels.std(0), rtol=1e-9)


def prepared(images: np.ndarray, normalize: str, channels: int | None = None, size: int | None = None) -> np.ndarray:
    part = Part(ImageSet(images, np.zeros(len(images), int), ("a", "b"), {}, {}, ""), np.arange(len(images)), CPU)
    channels = channels or images.shape[3]
    make = Preprocess(part.shape, normalize, part.channel_statistics(), channels, size or images.shape[1], CPU)
    ready = make(torch.from_numpy(images))
    assert ready.is_contiguous(memory_format=torch.channels_last)
    return ready.numpy()


def test_normalizations_are_those_of_their_sources():
    images = image_set().images
    planes = images.transpose(0, 3, 1, 2).astype(np.float32)
    keras = pytest.importorskip("torchvision.transforms.v2.functional")
    expected = keras.normalize(torch.from_numpy(planes) / 255, [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]).numpy()
    np.testing.assert_allclose(prepared(images, "imagenet"), expected, atol=1e-4)
    np.testing.assert_allclose(prepared(images, "unit"), planes / 255, atol=1e-6)
    np.testing.assert_allclose(prepared(images, "tf"), planes / 127.5 - 1, atol=1e-6)
    caffe = planes[:, ::-1] - np.array([103.939, 116.779, 123.68])[:, None, None]
    np.testing.assert_allclose(prepared(images, "caffe"), caffe, atol=1e-4)
    flat = planes.reshape(len(planes), -1)
    standard = (flat - flat.mean(1, keepdims=True)) / flat.std(1, keepdims=True)
    np.testing.assert_allclose(prepared(images, "per-image").reshape(len(planes), -1), standard, atol=1e-4)
    own = prepared(images, "dataset")
    np.testing.assert_allclose(own.mean((0, 2, 3)), 0, atol=1e-5)
    np.testing.assert_allclose(own.std((0, 2, 3)), 1, atol=1e-5)


def test_an_image_of_one_colour_is_standardized_to_zero():
    assert (prepared(np.full((2, 4, 4, 3), 7, np.uint8), "per-image") == 0).all()


def test_gray_images_feed_a_colour_network():
    images = image_set(channels=1).images
    ready = prepared(images, "unit", channels=3)
    assert ready.shape[1] == 3
    assert (ready[:, :1] == ready).all()


@pytest.mark.parametrize("size", [12, 3])
def test_resizing_is_bilinear_and_smooth_when_shrinking(size: int):
    images = image_set().images
    planes = torch.from_numpy(images.transpose(0, 3, 1, 2).astype(np.float32)) / 255
    expected = functional.interpolate(planes, (size, size), mode="bilinear", antialias=size < 6)
    np.testing.assert_allclose(prepared(images, "unit", size=size), expected.numpy(), atol=1e-5)


def test_alternating_flips_show_both_views_of_an_image_in_two_epochs():
    images = image_set(400)

    def mirrored(epoch: int, seed: int = 3) -> dict[bytes, bool]:
        (seen,) = batches(images, 400, seed, ["alternating-flip"]).epoch(epoch)
        (plain,) = batches(images, 400, seed).epoch(epoch)
        flipped = (seen.images == plain.images.flip(2)).flatten(1).all(1)
        assert ((seen.images == plain.images).flatten(1).all(1) ^ flipped).all(), "each image is one of its two views"
        return {image.tobytes(): bool(f) for image, f in zip(plain.images.numpy(), flipped, strict=True)}

    first = mirrored(0)
    assert 150 < sum(first.values()) < 250
    assert mirrored(1) == {image: not f for image, f in first.items()}
    assert mirrored(2) == first
    assert mirrored(0, seed=4) != first
