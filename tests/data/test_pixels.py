"""The one size that images of many come to, their order, and the transforms of the field."""

import threading
import time

import numpy as np
import pytest
from image_files import encoded, plain
from PIL import Image
from torchvision.transforms import v2

from bakeoff.data import pixels as module
from bakeoff.data.decode import Blob
from bakeoff.data.fit import Fit
from bakeoff.data.pixels import ArrayPixels, EncodedPixels
from bakeoff.data.sources import BadImage
from bakeoff.errors import DataError
from bakeoff.specs.data import DataSpec


def noise(width: int, height: int) -> Image.Image:
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8))


def of_sizes(*sizes: tuple[int, int], **spec: object) -> EncodedPixels:
    blobs = [Blob(str(size), plain(0, *size)) for size in sizes]
    return EncodedPixels(blobs, DataSpec.parse({"name": "x", **spec}))


@pytest.mark.parametrize("size", [(50, 70), (301, 200), (32, 32), (33, 20), (64, 9)])
def test_crop_is_bit_for_bit_that_of_torchvision(size: tuple[int, int]) -> None:
    image = noise(*size)
    reference = v2.Compose([v2.Resize(32, v2.InterpolationMode.BICUBIC, antialias=True), v2.CenterCrop(32)])
    assert np.array_equal(np.asarray(Fit(32, 32, "crop")(image)), np.asarray(reference(image)))


def test_squash_and_pad() -> None:
    white = Image.new("RGB", (40, 20), (255, 255, 255))
    assert np.asarray(Fit(8, 8, "squash")(white)).min() == 255
    padded = np.asarray(Fit(8, 8, "pad")(white))
    assert padded[:2].max() == 0
    assert padded[2:6].min() == 255
    assert padded[6:].max() == 0


@pytest.mark.parametrize("how", ["crop", "squash", "pad"])
@pytest.mark.parametrize("size", [(1, 9000), (9000, 1), (1, 1), (3, 500)])
def test_extreme_shapes_fit_without_extreme_memory(how: str, size: tuple[int, int]) -> None:
    for target in ((224, 224), (20, 30)):
        assert Fit(*target, how)(Image.new("L", size)).size == (target[1], target[0])


def test_images_of_one_size_keep_it_where_it_is_square_and_lose_their_ends_where_not() -> None:
    assert of_sizes((512, 512)).shape() == (512, 512, 3)
    assert of_sizes((20, 20)).describe() == {"resized": "no, all are 20x20"}
    image = noise(30, 20)
    pixels = EncodedPixels([Blob("x", encoded(image))], DataSpec(name="x"))
    assert pixels.describe() == {"resized": "to 20x20 by crop, the shorter side of all, which are 30x20"}
    (cropped,) = pixels.read()
    assert np.array_equal(cropped, np.asarray(v2.CenterCrop(20)(image))), "no pixel is changed"
    (array,) = ArrayPixels(lambda: np.asarray(image)[None], DataSpec(name="x")).read()
    assert np.array_equal(array, cropped)
    assert of_sizes((20, 30), fit="squash").shape() == (20, 20, 3)


def test_sizes_that_differ_come_to_their_median_shorter_side() -> None:
    pixels = of_sizes((30, 20), (45, 60), (90, 80))
    assert pixels.shape() == (40, 40, 3)
    assert pixels.describe() == {"resized": "to 40x40 by crop, chosen by the median shorter side, 45"}
    assert of_sizes((500, 400), (900, 700)).shape() == (224, 224, 3)
    assert of_sizes((3, 4), (4, 3)).shape() == (8, 8, 3)
    assert of_sizes((1000, 800), (1000, 800)).shape() == (224, 224, 3), "large photos of one size are scaled too"


def test_the_size_asked_for_wins() -> None:
    pixels = of_sizes((30, 20), (30, 20), image_size=16, fit="squash")
    assert pixels.shape() == (16, 16, 3)
    assert pixels.describe() == {"resized": "to 16x16 by squash, as asked for"}
    assert all(image.shape == (16, 16, 3) for image in pixels.read())


def test_gray_only_when_every_image_is() -> None:
    gray, colour = Blob("g", plain(5, gray=True)), Blob("c", plain(6))
    assert EncodedPixels([gray, gray], DataSpec(name="x")).shape() == (8, 8, 1)
    both = EncodedPixels([gray, colour], DataSpec(name="x"))
    assert both.shape() == (8, 8, 3)
    assert [image[0, 0].tolist() for image in both.read()] == [[5, 5, 5], [6, 6, 6]]


def test_order_is_kept_however_long_an_image_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    started = []

    def slow(blob: Blob) -> str:
        started.append(blob.name)
        time.sleep(0.002 if int(blob.name) % 3 else 0.01)
        return blob.name

    names = [str(number) for number in range(400)]
    results = module._in_order(slow, (Blob(name, b"") for name in names))
    assert next(results) == "0"
    assert len(started) < 300, "the look-ahead is bounded"
    assert ["0", *results] == names
    assert threading.active_count() < 40


def test_bad_images_do_not_decide_the_size_and_are_yielded_in_place() -> None:
    blobs = [Blob("a", plain(1)), Blob("b", b""), Blob("c", plain(3))]
    pixels = EncodedPixels(blobs, DataSpec(name="x"))
    assert pixels.shape() == (8, 8, 3)
    assert [image.name if isinstance(image, BadImage) else int(image[0, 0, 0]) for image in pixels.read()] == [
        1,
        "b",
        3,
    ]
    with pytest.raises(DataError, match="none of the images can be read; the first: b is empty"):
        EncodedPixels(blobs[1:2], DataSpec(name="x")).shape()


def test_an_orientation_behind_the_pixels_of_a_png_still_fits() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    data = encoded(noise(12, 8), exif=exif)
    start = data.index(b"eXIf") - 4
    length = int.from_bytes(data[start : start + 4]) + 12
    end = len(data) - 12
    late = data[:start] + data[start + length : end] + data[start : start + length] + data[end:]
    pixels = EncodedPixels([Blob("late", late)], DataSpec(name="x"))
    assert [image.shape for image in pixels.read()] == [pixels.shape()]


@pytest.mark.parametrize("channels", [1, 3])
def test_arrays_are_kept_or_resized_like_files(channels: int) -> None:
    images = np.random.default_rng(0).integers(0, 256, (3, 8, 8, channels), dtype=np.uint8)
    kept = ArrayPixels(lambda: images, DataSpec(name="x"))
    assert kept.shape() == (8, 8, channels)
    assert np.array_equal(np.stack(list(kept.read())), images)
    larger = ArrayPixels(lambda: images, DataSpec(name="x", image_size=16))
    assert larger.shape() == (16, 16, channels)
    assert all(image.shape == (16, 16, channels) for image in larger.read())
    assert larger.describe() == {"resized": "to 16x16 by crop, as asked for"}
