"""What a promise was put to."""

from dataclasses import dataclass, field
from typing import Any


@dataclass
class Tally:
    """What one promise was put to.

    Attributes:
        tried: cases.
        failures: what went wrong, in words.
        details: whatever else is to be kept.
    """

    tried: int = 0
    failures: list[str] = field(default_factory=list)
    details: dict[str, Any] = field(default_factory=dict)
