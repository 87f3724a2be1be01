"""The pictures of a data set."""

import numpy as np
import pytest

from bakeoff.errors import DataError, SpecError
from bakeoff.report.draw import shuffled
from bakeoff.report.grids import augmented_grid, grids, moved, preview
from bakeoff.report.pictures import draw_lr_curves, write_pictures
from bakeoff.specs.recipe import Recipe

SIZE = 20


@pytest.fixture
def images(build):
    return build(("cat", "dog", "🦤", "$x$"), models=["only"], seeds=1, shape=(SIZE, SIZE, 3)).images


def augmentations(*specs):
    return Recipe.parse({"augment": list(specs)}).augment


def test_an_image_is_moved_by_whole_pixels_and_its_border_repeated():
    image = np.arange(12, dtype=np.uint8).reshape(3, 4, 1)
    assert moved(image, 1, 0)[..., 0].tolist() == [[0, 1, 2, 3], [0, 1, 2, 3], [4, 5, 6, 7]]
    assert moved(image, 0, -1)[..., 0].tolist() == [[1, 2, 3, 3], [5, 6, 7, 7], [9, 10, 11, 11]]


def test_the_preview_is_that_of_the_seven_changes():
    image = np.full((SIZE, SIZE, 1), 100, np.uint8)
    image[0] = 240
    cells = dict(preview(image))
    assert list(cells) == ["original", "up 10%", "down 10%", "left 10%", "right 10%", "brighter 10%", "darker 10%"]
    assert (cells["original"] == image).all()
    assert (cells["down 10%"][:3] == 240).all()
    assert (cells["down 10%"][3:] == 100).all()
    assert (cells["up 10%"] == 100).all()
    assert (cells["brighter 10%"][0, 0, 0], cells["brighter 10%"][9, 0, 0]) == (255, 110)
    assert (cells["darker 10%"][0, 0, 0], cells["darker 10%"][9, 0, 0]) == (216, 90)


def test_only_training_images_are_shown_the_same_ones_every_time(images):
    train = images.parts["train"][:30]
    shown = grids(images, train, ())["Training images"]
    allowed = {images.images[place].tobytes() for place in train}
    assert all(image.tobytes() in allowed for row in shown for _, image in row)
    assert shuffled(train).tolist() == shuffled(train).tolist()
    assert sorted(shuffled(train)) == train.tolist()


def test_the_recipe_is_shown_as_it_augments(images):
    rows = augmented_grid(images, images.parts["train"][:4], augmentations("flip"))
    for (_, original), *draws in rows:
        assert len(draws) == 7
        for words, image in draws:
            assert words == ""
            assert (image == original).all() or (image == original[:, ::-1]).all()


def test_mixed_images_have_their_shares_above_them(images):
    rows = augmented_grid(images, images.parts["train"][:4], augmentations("flip", "mixup"))
    words = [words for row in rows for words, _ in row[1:]]
    assert all("%" in one for one in words)
    assert any("\n" in one for one in words)


def test_the_picture_is_written_with_names_of_any_kind(images, tmp_path):
    write_pictures(images, images.parts["train"], augmentations("flip", {"shift": 2}, "cutmix"), tmp_path / "x.png")
    assert (tmp_path / "x.png").stat().st_size > 10_000


@pytest.mark.parametrize(
    ("suffix", "begins"), [("png", b"\x89PNG"), ("jpg", b"\xff\xd8"), ("JPEG", b"\xff\xd8"), ("pdf", b"%PDF")]
)
def test_a_file_holds_what_its_suffix_says(images, tmp_path, suffix, begins):
    write_pictures(images, images.parts["train"], (), tmp_path / f"x.{suffix}")
    assert (tmp_path / f"x.{suffix}").read_bytes().startswith(begins)


@pytest.mark.parametrize("name", ["x.gif", "x", "png", "x.png.txt"])
def test_another_suffix_is_refused_in_a_sentence(images, tmp_path, name):
    with pytest.raises(SpecError, match=r"end it in \.png, \.jpg"):
        write_pictures(images, images.parts["train"], (), tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_the_curves_of_a_learning_rate_test_are_drawn(tmp_path):
    rates = np.logspace(-6, 0, 50)
    curves = {"$net$": (rates, np.linspace(2, 1, 50), 0.01), "diverged": (rates[:0], rates[:0], float("nan"))}
    draw_lr_curves(curves, tmp_path / "x.png")
    assert (tmp_path / "x.png").read_bytes().startswith(b"\x89PNG")


def test_a_path_that_cannot_be_written_is_one_sentence(images, tmp_path):
    with pytest.raises(DataError, match="cannot write the picture"):
        write_pictures(images, images.parts["train"], (), tmp_path / "missing" / "x.png")
