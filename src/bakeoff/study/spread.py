"""How far a study's models spread over seeds and images, for planning further ones."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bakeoff.evidence.components import components
from bakeoff.evidence.power import Spread

ENOUGH = 5  # runs of a model to know its spread by, within a factor of two or so
TELLING = 4  # runs, the first of each model not counted, below which a spread says nothing


@dataclass(frozen=True)
class MeasuredSpread:
    """What runs tell of the spread of a typical pair of models.

    Attributes:
        spread: None where they do not tell it.
        doubt: why it is not known, or may be luck; empty where nothing is to be said.
    """

    spread: Spread | None
    doubt: str = ""


def measured_spread(right: Mapping[str, NDArray[np.bool_]]) -> MeasuredSpread:
    """Return what runs tell of the spread.

    Args:
        right: for each model which run was right on which test image, shape (runs, test images).
    """
    parts = [components(answers.astype(float)) for answers in right.values()]
    repeated = [one.seeds for one in parts if one.seeds > 1]
    typical = Spread.typical(parts) if len(repeated) > 1 else None
    if typical is None or sum(repeated) - len(repeated) < TELLING:
        return MeasuredSpread(None, "too few of its models ran more than once, or too seldom")
    if not typical.seed:
        chance = f"its runs differ no more than so few test images ({parts[0].size:,}) make them differ by chance"
        return MeasuredSpread(None, chance)
    if min(repeated) >= ENOUGH:
        return MeasuredSpread(typical)
    luck = (
        f"{min(repeated)} runs of a model cannot tell well how far it spreads over seeds, so that the"
        f" {100 * typical.seed:.2f} points may be luck, and more seeds be needed than stand here; {ENOUGH} runs of"
        " each model tell it better."
    )
    return MeasuredSpread(typical, luck)
