"""Corruptions of test images."""

import numpy as np
import pytest
import torch
from scipy import ndimage

from bakeoff.data.corruptions import CORRUPTIONS, SEVERITIES, corrupt


def smooth_images(shape: tuple[int, ...] = (6, 32, 32, 3)) -> torch.Tensor:
    """Return images that are smooth as photos are, with their darkest and brightest pixels away from the ends."""
    drawn = np.random.default_rng(0).normal(size=shape)
    drawn = ndimage.gaussian_filter(drawn, (0, 3, 3, 0))
    return torch.from_numpy((128 + 90 * drawn / np.abs(drawn).max()).astype(np.uint8))


@pytest.mark.parametrize("name", CORRUPTIONS)
@pytest.mark.parametrize("shape", [(6, 32, 32, 3), (3, 8, 8, 1), (2, 20, 33, 3)])
def test_every_corruption_keeps_the_shape_hurts_more_and_more_and_is_repeatable(name: str, shape: tuple[int, ...]):
    images = smooth_images(shape)
    before = images.clone()
    lost = []
    for severity in SEVERITIES:
        found = corrupt(images, name, severity, 0)
        assert (found.dtype, found.shape) == (torch.uint8, images.shape)
        assert torch.equal(found, corrupt(images, name, severity, 0))
        lost.append((found.float() - images.float()).square().mean().item())
    assert 0 < lost[0] <= lost[1] <= lost[2]
    assert lost[0] < lost[2]
    assert torch.equal(images, before)


def test_images_of_a_chunk_and_chunks_have_randomness_of_their_own():
    image = smooth_images((1, 16, 16, 3)).repeat(40, 1, 1, 1)
    for name in ("noise", "brightness", "shift"):
        found = corrupt(image, name, 2, 0)
        assert len(torch.unique(found, dim=0)) > 1
        assert not torch.equal(found, corrupt(image, name, 2, 1))
    with torch.random.fork_rng():
        state = torch.random.get_rng_state()
        corrupt(image, "noise", 1, 0)
        assert torch.equal(state, torch.random.get_rng_state())


def test_amounts():
    images = smooth_images((40, 64, 64, 1))
    pixels = images.float()
    noise = corrupt(images, "noise", 2, 0).float() - pixels
    assert noise.std().item() == pytest.approx(0.08 * 255, rel=0.02)
    brighter = (corrupt(images, "brightness", 1, 0).float() - pixels).mean((1, 2, 3))
    assert {round(one / 25.5, 1) for one in brighter.tolist()} == {-1.0, 1.0}
    contrast = corrupt(images, "contrast", 3, 0).float().std((1, 2, 3)) / pixels.std((1, 2, 3))
    assert contrast.mean().item() == pytest.approx(0.2, rel=0.02)
    blurred = ndimage.gaussian_filter(pixels.numpy(), (0, 2, 2, 0), mode="mirror", truncate=3)
    assert np.abs(corrupt(images, "blur", 2, 0).numpy() - blurred).max() <= 1
    moved = corrupt(images, "shift", 1, 0)
    ways = {(dy, dx): torch.roll(images, (dy, dx), (1, 2)) for dy in (-4, 4) for dx in (-4, 4)}
    inner = (slice(None), slice(4, -4), slice(4, -4))
    found = [
        [way for way, rolled in ways.items() if torch.equal(moved[i][inner[1:]], rolled[i][inner[1:]])]
        for i in range(40)
    ]
    assert all(len(way) == 1 for way in found)
    assert {way[0] for way in found} == set(ways)
