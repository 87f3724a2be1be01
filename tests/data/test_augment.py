"""What every augmentation must do, and what each one does."""

import numpy as np
import pytest
import torch
from scipy import ndimage
from torch.nn import functional

from bakeoff.data.augment import augmentations, build, resolve
from bakeoff.errors import BakeoffError
from bakeoff.specs.recipe import AugmentSpec, Recipe


def batch(count: int = 16, height: int = 12, width: int = 10, channels: int = 3) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(0).integers(0, 256, (count, height, width, channels), np.uint8))


def apply(spec: object, images: torch.Tensor, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    (augmentation,) = build(Recipe.parse({"augment": [spec]}).augment)
    targets = torch.arange(len(images)) % 4
    if augmentation.mixes:
        targets = functional.one_hot(targets, 4).float()
    return augmentation(images, targets, torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("name", list(augmentations))
def test_every_augmentation_keeps_the_contract(name: str, channels: int):
    images = batch(channels=channels)
    before = images.clone()
    changed, targets = apply(name, images)
    again, _ = apply(name, images)
    other, _ = apply(name, images, seed=1)
    assert torch.equal(images, before), "the input is left as it was"
    assert changed.dtype == torch.uint8
    assert changed.shape == images.shape
    assert changed.is_contiguous()
    assert torch.equal(changed, again), "the generator decides"
    assert not torch.equal(changed, other), "and nothing else"
    assert targets.shape[0] == len(images)
    if targets.ndim == 2:
        torch.testing.assert_close(targets.sum(1), torch.ones(len(images)))


@pytest.mark.parametrize("name", [name for name in augmentations if name not in ("mixup", "cutmix")])
def test_each_image_has_its_own_randomness(name: str):
    images = batch(1).expand(32, -1, -1, -1).contiguous()
    changed, _ = apply(name, images)
    assert len({image.numpy().tobytes() for image in changed}) > 1


def test_flips_are_mirror_images_and_half_of_them():
    images = batch(400)
    changed, _ = apply("flip", images)
    mirrored = [torch.equal(new, old.flip(1)) for new, old in zip(changed, images, strict=True)]
    kept = [torch.equal(new, old) for new, old in zip(changed, images, strict=True)]
    assert all(a or b for a, b in zip(mirrored, kept, strict=True))
    assert 160 < sum(mirrored) < 240


@pytest.mark.parametrize(("fill", "mode"), [("edge", "edge"), ("reflect", "reflect"), ("zero", "constant")])
def test_a_shift_is_a_window_of_the_padded_image(fill: str, mode: str):
    images = batch()
    changed, _ = apply({"shift": {"amount": 3, "fill": fill}}, images)
    seen = set()
    for new, old in zip(changed.numpy(), images.numpy(), strict=True):
        padded = np.pad(old, ((3, 3), (3, 3), (0, 0)), mode=mode)
        windows = {(y, x): padded[y : y + 12, x : x + 10] for y in range(7) for x in range(7)}
        places = [place for place, window in windows.items() if np.array_equal(window, new)]
        assert len(places) == 1
        seen.update(places)
    assert len(seen) > 8


def test_a_share_of_the_side_is_an_amount_of_its_own_along_each_axis():
    images = torch.zeros(200, 20, 40, 1, dtype=torch.uint8)
    images[:, 10, 20] = 255
    changed, _ = apply({"shift": {"amount": 0.1, "fill": "zero"}}, images)
    places = changed[..., 0].nonzero()[:, 1:] - torch.tensor([10, 20])
    assert places.abs().max(0).values.tolist() == [2, 4]


def test_turning_is_scipys():
    unchanged, _ = apply({"rotate": 1e-9}, batch(height=9, width=9))
    assert torch.equal(unchanged, batch(height=9, width=9))
    smooth = np.random.default_rng(0).integers(0, 256, (8, 4, 4)).repeat(8, 1).repeat(8, 2).astype(np.uint8)
    turned, _ = apply({"rotate": {"amount": 60, "fill": "zero"}}, torch.from_numpy(smooth[..., None]))
    angles = (torch.rand(8, generator=torch.Generator().manual_seed(0)) * 2 - 1) * 60
    for image, new, angle in zip(smooth, turned, angles.tolist(), strict=True):
        expected = ndimage.rotate(image.astype(float), angle, reshape=False, order=1)
        assert np.abs(new[..., 0].numpy() - expected)[8:24, 8:24].mean() < 2


def test_brightness_multiplies_and_clips():
    images = torch.full((500, 2, 2, 3), 200, dtype=torch.uint8)
    changed, _ = apply({"brightness": 0.5}, images)
    values = changed[:, 0, 0, 0].float()
    assert values.min() >= 100
    assert values.max() == 255
    assert 100 < values.median() < 255
    assert (changed == changed[:, :1, :1, :1]).all()


def test_contrast_keeps_the_mean_of_an_image():
    images = batch().clamp(64, 192)
    changed, _ = apply({"contrast": 0.2}, images)
    means = changed.float().mean((1, 2, 3)) - images.float().mean((1, 2, 3))
    assert means.abs().max() < 0.5


def test_pca_colour_moves_all_pixels_of_an_image_alike():
    images = torch.full((64, 3, 3, 3), 128, dtype=torch.uint8)
    changed, _ = apply("pca-colour", images)
    assert (changed == changed[:, :1, :1]).all()
    spread = changed[:, 0, 0].float().std(0)
    assert (spread > 1).all()


def test_cutout_blackens_a_box():
    images = torch.full((100, 10, 10, 3), 9, dtype=torch.uint8)
    changed, _ = apply({"cutout": 0.4}, images)
    black = (changed == 0).all(3)
    sizes = black.sum((1, 2))
    assert sizes.max() == 16
    assert sizes.min() >= 4
    for mask in black:
        rows, columns = mask.any(1).sum(), mask.any(0).sum()
        assert mask.sum() == rows * columns, "a rectangle"


def test_cutmix_targets_are_the_shares_of_pixels():
    images = (torch.arange(4, dtype=torch.uint8) + 1)[:, None, None, None].expand(-1, 10, 10, 1).contiguous()
    changed, targets = apply("cutmix", images)
    for image, target in zip(changed, targets, strict=True):
        shares = torch.stack([(image == value + 1).float().mean() for value in range(4)])
        torch.testing.assert_close(shares, target)


def test_mixup_targets_are_the_shares_of_the_images():
    images = torch.zeros(4, 4, 4, 4, dtype=torch.uint8)
    for index in range(4):
        images[index, ..., index] = 250
    changed, targets = apply({"mixup": 1.0}, images)
    torch.testing.assert_close(changed[:, 0, 0] / 250, targets, atol=0.004, rtol=0)


@pytest.mark.parametrize(
    ("spec", "sentence"),
    [
        ("flop", "unknown augmentation 'flop'; did you mean flip"),
        ({"flip": {"diagonal": True}}, "'flip' has no option 'diagonal'"),
        ({"shift": "far"}, "shift.amount is a float; got 'far'"),
        ({"shift": -1}, "shift.amount is above 0; got -1"),
        ({"shift": float("inf")}, "shift.amount is above 0; got inf"),
        ({"brightness": float("nan")}, "brightness.amount is above 0 and at most 1; got nan"),
        ({"cutout": 2}, "cutout.amount is above 0 and at most 1; got 2"),
        ({"mixup": 0}, "mixup.amount is above 0; got 0"),
        ({"shift": {"fill": "mirror"}}, "shift.fill is one of edge, reflect, zero; got 'mirror'"),
        ({"flip": {"vertical": 1}}, "flip.vertical is a bool; got 1"),
    ],
)
def test_a_wrong_option_is_one_sentence(spec: object, sentence: str):
    with pytest.raises(BakeoffError, match=sentence):
        build(Recipe.parse({"augment": [spec]}).augment)


def test_resolved_augmentations_hide_no_default():
    (flip,) = resolve([AugmentSpec(name="flip")])
    assert flip.options == {"horizontal": True, "vertical": False}
