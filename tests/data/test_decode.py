"""Golden pixels for every mode and orientation, and short reasons for everything that is no image."""

import struct
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from image_files import encoded, plain
from PIL import Image

from bakeoff.data import decode as module
from bakeoff.data.decode import Blob, Header, UnfitValuesError, bytes_from_floats, decode, read_header
from bakeoff.data.pixels import EncodedPixels
from bakeoff.data.sources import BadImage
from bakeoff.specs.data import DataSpec


def palette(*colours: tuple[int, int, int]) -> Image.Image:
    image = Image.new("P", (4, 4), 1)
    image.putpalette([value for colour in colours for value in colour])
    return image


def sixteen(value: int) -> Image.Image:
    return Image.fromarray(np.full((4, 4), value, np.uint16))


def gray_rgb(value: int) -> Image.Image:
    return Image.new("RGB", (8, 8), (value, value, value))


def floats(value: float) -> Image.Image:
    return Image.fromarray(np.full((4, 4), value, np.float32))


GOLDEN = {
    "1": (encoded(Image.new("1", (4, 4), 1)), (255,)),
    "L": (encoded(Image.new("L", (4, 4), 77)), (77,)),
    "LA": (encoded(Image.new("LA", (4, 4), (100, 51))), (224,)),  # 100 * .2 + 255 * .8
    "L with a transparent value": (encoded(Image.new("L", (4, 4), 9), transparency=9), (255,)),
    "I;16": (encoded(sixteen(32896)), (128,)),  # 128 * 257
    "I;16 white": (encoded(sixteen(65535)), (255,)),
    "I;16 dark is not clipped": (encoded(sixteen(300)), (1,)),
    "I;16B": (encoded(Image.new("I;16B", (4, 4), 65535), "TIFF"), (255,)),
    "I": (encoded(Image.new("I", (4, 4), 32896), "TIFF"), (128,)),
    "F in [0, 1]": (encoded(floats(0.5), "TIFF"), (128,)),
    "F whole": (encoded(floats(200), "TIFF"), (200,)),
    "P": (encoded(palette((1, 2, 3), (10, 20, 30))), (10, 20, 30)),
    "P with transparency": (encoded(palette((1, 2, 3), (10, 20, 30)), transparency=1), (255, 255, 255)),
    "P with alpha per entry": (encoded(palette((1, 2, 3), (0, 0, 255)), transparency=b"\xff\x33"), (204, 204, 255)),
    "PA": (encoded(palette((1, 2, 3), (10, 20, 30)).convert("PA"), "TIFF"), (10, 20, 30)),
    "RGB": (encoded(Image.new("RGB", (4, 4), (1, 2, 3))), (1, 2, 3)),
    "RGB with a transparent colour": (encoded(Image.new("RGB", (4, 4), (1, 2, 3)), transparency=(1, 2, 3)), (255,) * 3),
    "RGBA": (encoded(Image.new("RGBA", (4, 4), (255, 0, 0, 51))), (255, 204, 204)),
    "RGBA WebP": (encoded(Image.new("RGBA", (4, 4), (9, 9, 9, 0)), "WEBP", lossless=True), (255, 255, 255)),
    "CMYK": (encoded(Image.new("CMYK", (4, 4), (0, 255, 255, 0)), "TIFF"), (255, 0, 0)),
    "CMYK JPEG, inverted by Adobe": (encoded(Image.new("CMYK", (8, 8), (0, 255, 255, 0)), "JPEG"), (255, 0, 0)),
    "YCbCr": (encoded(Image.new("YCbCr", (4, 4), (76, 85, 255)), "TIFF"), (254, 0, 0)),
    "LAB": (encoded(Image.new("LAB", (4, 4), (255, 128, 128)), "TIFF"), (254, 255, 254)),
    "MPO, as of phones": (encoded(gray_rgb(200), "MPO", save_all=True, append_images=[gray_rgb(0)]), (200, 200, 200)),
    "BMP": (encoded(Image.new("RGB", (4, 4), (1, 2, 3)), "BMP"), (1, 2, 3)),
}


@pytest.mark.parametrize("name", GOLDEN)
def test_every_mode_has_its_golden_pixels(name: str) -> None:
    data, expected = GOLDEN[name]
    header = read_header(Blob("x", data))
    assert header == Header("x", *Image.open(module.BytesIO(data)).size, gray=len(expected) == 1)
    gray = len(expected) == 1
    pixels = decode(Blob("x", data), gray=gray)
    assert isinstance(pixels, np.ndarray)
    assert pixels.dtype == np.uint8
    assert pixels.shape[2] == len(expected)
    assert np.abs(pixels.astype(int) - expected).max() <= (1 if name.startswith("CMYK JPEG") else 0)
    # The same image in the other number of channels: gray thrice, or the weights of ITU-R 601.
    other = decode(Blob("x", data), gray=not gray)
    assert isinstance(other, np.ndarray)
    luma = expected[0] if gray else round(float(np.dot(expected, (0.299, 0.587, 0.114))))
    assert np.abs(other.astype(int) - luma).max() <= 1


def test_the_inverted_jpeg_is_one() -> None:
    data = GOLDEN["CMYK JPEG, inverted by Adobe"][0]
    assert b"Adobe" in data
    assert Image.open(module.BytesIO(data)).mode == "CMYK"


@pytest.mark.parametrize("mode", ["HSV", "La", "RGBa", "RGBX"])
def test_modes_that_files_have_only_while_they_are_read(mode: str) -> None:
    for gray, channels in ((True, "L"), (False, "RGB")):
        assert module._flatten(Image.new(mode, (2, 2)), gray).mode == channels


UPRIGHT = np.array([[10, 60, 110], [160, 210, 250]], np.uint8)
STORED = {  # how a camera stores the upright image under each orientation
    1: UPRIGHT,
    2: np.fliplr(UPRIGHT),
    3: np.rot90(UPRIGHT, 2),
    4: np.flipud(UPRIGHT),
    5: UPRIGHT.T,
    6: np.rot90(UPRIGHT),
    7: np.rot90(UPRIGHT, 2).T,
    8: np.rot90(UPRIGHT, -1),
}


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "WEBP", "JPEG"])
@pytest.mark.parametrize("orientation", STORED)
def test_orientation_is_applied_once_and_known_from_the_header(orientation: int, kind: str) -> None:
    exif = Image.Exif()
    exif[module.ORIENTATION] = orientation
    large = np.kron(STORED[orientation], np.ones((16, 16), np.uint8))  # blocks that JPEG keeps
    options = {"PNG": {}, "TIFF": {"compression": "tiff_lzw"}, "WEBP": {"lossless": True}, "JPEG": {"quality": 100}}
    blob = Blob("x", encoded(large, kind, exif=exif, **options[kind]))
    header = read_header(blob)
    assert isinstance(header, Header)
    assert (header.width, header.height) == (48, 32)
    pixels = decode(blob, gray=True)
    assert isinstance(pixels, np.ndarray)
    assert np.abs(pixels[8::16, 8::16, 0].astype(int) - UPRIGHT).max() <= 1


def test_damaged_exif_does_not_lose_the_pixels() -> None:
    pixels = decode(Blob("x", encoded(Image.new("RGB", (4, 4), (1, 2, 3)), exif=b"Exif\0\0nonsense")))
    assert isinstance(pixels, np.ndarray)
    assert pixels[0, 0].tolist() == [1, 2, 3]


@pytest.mark.parametrize("kind", ["WEBP", "TIFF", "GIF"])
def test_an_animation_is_its_first_frame(kind: str) -> None:
    frames = [Image.new("RGB", (4, 4), (value, value, value)) for value in (40, 200)]
    options = {"lossless": True} if kind == "WEBP" else {}
    pixels = decode(Blob("x", encoded(frames[0], kind, save_all=True, append_images=frames[1:], **options)))
    assert isinstance(pixels, np.ndarray)
    assert pixels[0, 0].tolist() == [40, 40, 40]


def png_of(width: int, height: int) -> bytes:
    chunks = (
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)),
        (b"IDAT", zlib.compress(b"")),
        (b"IEND", b""),
    )
    framed = (
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(framed)


BAD = {
    "is empty": b"",
    "is empty ": b" \n",
    "is a web page": b"\n<!DOCTYPE html><title>404</title>",
    "git lfs pull": b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n",
    "not an image of a known format": b"\x00\x01\x02\x03" * 20,
    "is damaged (image file is truncated": encoded(Image.effect_noise((64, 64), 50), "JPEG")[:-900],
    "is damaged (broken data stream": plain(7).replace(b"IDAT", b"IDAT\x00", 1),
    "more than 100 megapixels": png_of(10_001, 10_000),
    "more than 100 megapixels ": png_of(2**31 - 1, 2**31 - 1),
    "values from -5 to -5": encoded(Image.new("I", (4, 4), -5), "TIFF"),
    "whose scale is unknown": encoded(Image.new("I", (4, 4), 200), "TIFF"),
    "they must lie in [0, 1]": encoded(floats(0.5 + 7), "TIFF"),
    "from nan to nan": encoded(floats(np.nan), "TIFF"),
    "not an image of a known format ": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 4 4\n%%EndComments\n",
}


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize("reason", BAD)
def test_what_is_no_image_has_a_short_reason(reason: str) -> None:
    bad = decode(Blob("a.png", BAD[reason]))
    assert isinstance(bad, BadImage)
    assert reason.strip() in str(bad)
    assert str(bad).startswith("a.png ")
    assert len(str(bad)) < 170


@pytest.mark.filterwarnings("error")
def test_warnings_of_pillow_stay_inside() -> None:
    pixels = EncodedPixels([Blob("good", plain()), Blob("large", png_of(10_001, 10_000))], DataSpec(name="x"))
    assert [isinstance(image, BadImage) for image in pixels.read()] == [False, True]
    with pytest.raises(UserWarning, match="the next one"):
        warnings.warn("the next one", UserWarning, stacklevel=1)


def test_files_that_cannot_be_opened(tmp_path: Path) -> None:
    (tmp_path / "folder.png").mkdir()
    for name, reason in (("none.png", "No such file"), ("folder.png", "Is a directory")):
        for look in (read_header, decode):
            bad = look(Blob(name, tmp_path / name))
            assert isinstance(bad, BadImage)
            assert reason in bad.reason
    (tmp_path / "empty.png").touch()
    assert decode(Blob("empty.png", tmp_path / "empty.png")) == BadImage("empty.png", "is empty")


VALID = [data for data, _ in GOLDEN.values()]


@settings(max_examples=200)
@given(data=st.data())
def test_no_bytes_raise_or_warn(data: st.DataObject) -> None:
    mutated = bytearray(data.draw(st.sampled_from(VALID)))
    for _ in range(data.draw(st.integers(1, 6))):
        mutated[data.draw(st.integers(0, len(mutated) - 1))] = data.draw(st.integers(0, 255))
    blob = Blob("x", bytes(mutated[: data.draw(st.integers(0, len(mutated)))]))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for pixels in EncodedPixels([Blob("good", plain()), blob], DataSpec(name="x", image_size=8)).read():
            assert isinstance(pixels, BadImage) or pixels.shape == (8, 8, 3)


def test_floats_are_scaled_or_refused_never_guessed() -> None:
    assert bytes_from_floats(np.array([0, 0.5, 1])).tolist() == [0, 128, 255]
    assert bytes_from_floats(np.array([0.0, 3.0, 255.0])).tolist() == [0, 3, 255]
    for values in ([0.5, 2], [-0.1, 1], [0, 256], [np.nan], [np.inf]):
        with pytest.raises(UnfitValuesError, match="must lie in"):
            bytes_from_floats(np.array(values, np.float32))
