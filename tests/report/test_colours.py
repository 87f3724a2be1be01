"""Models are told apart by their colours and forms, with any colour vision."""

from itertools import combinations

import numpy as np
import pytest

from bakeoff.report.figure import COLOURS, TOLD_APART, colour, dash, symbol
from bakeoff.report.palette import palette

# How colours look without one kind of cones (Machado et al. 2009, severity 1), in linear RGB.
VISIONS = {
    "protan": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deutan": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritan": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}


def oklab(colour: str, seen: list[list[float]]) -> np.ndarray:
    """Return a colour as a person sees it, in Oklab times 100 (Ottosson 2020): 2 is a difference that is just seen."""
    shares = np.array([int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)])
    linear = np.where(shares <= 0.04045, shares / 12.92, ((shares + 0.055) / 1.055) ** 2.4)
    cones = [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
    axes = [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
    return 100 * np.array(axes) @ np.cbrt(np.array(cones) @ np.clip(np.array(seen) @ linear, 0, 1))


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("vision", VISIONS)
def test_models_of_one_form_are_told_apart_with_any_colour_vision(scheme, vision):
    colours = palette(scheme)
    for first in range(0, COLOURS, TOLD_APART):
        places = range(first, first + TOLD_APART)
        assert len({(dash(place), symbol(place)) for place in places}) == 1
        seen = [oklab(colours[f"c{place}"], VISIONS[vision]) for place in places]
        gaps = [np.linalg.norm(one - other) for one, other in combinations(seen, 2)]
        assert min(gaps) > 6, (first, min(gaps))


def test_no_two_of_thirty_models_look_the_same():
    assert len({(colour(place), dash(place), symbol(place)) for place in range(30)}) == 30
