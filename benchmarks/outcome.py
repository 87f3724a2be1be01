"""What came of a case: how it is shown, kept, and compared with what was kept."""

import json
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

from cases import CASES, EPOCH

KEPT = Path(__file__).parent / "results" / "peers"
OURS = "bakeoff"
SAME = ("processor", "matrices", "threads")  # of a machine, without which times are not to be compared


@dataclass(frozen=True)
class Found:
    """What a candidate did.

    Attributes:
        about: what it says of itself.
        times: by which a round makes the whole.
        seconds: of every round.
        results: what came of it, of each seed.
    """

    about: Mapping[str, str]
    times: float
    seconds: Sequence[float]
    results: Sequence[Mapping[str, float]]

    def and_seed(self, other: Self) -> "Found":
        """Return this with the rounds of another seed."""
        return Found(self.about, self.times, [*self.seconds, *other.seconds], [*self.results, *other.results])

    def each(self, what: str) -> list[float]:
        """Return one of its results, such as its accuracy, of each seed; empty where it has none."""
        return [result[what] for result in self.results if what in result]


@dataclass(frozen=True)
class Outcome:
    """What all candidates of a case did, on a machine as `timing.machine` tells it."""

    name: str
    machine: Mapping[str, Any]
    images: int  # of a round
    found: Mapping[str, Found]

    @classmethod
    def kept(cls, name: str) -> Self | None:
        """Return the outcome that is kept of a case, or None."""
        path = KEPT / f"{name}.json"
        if not path.exists():
            return None
        content = json.loads(path.read_text(encoding="utf-8"))
        return cls(
            name, content["machine"], content["images"], {who: Found(**one) for who, one in content["found"].items()}
        )

    def content(self) -> dict[str, Any]:
        """Return it as JSON types."""
        return {"machine": self.machine, "images": self.images, "found": {n: asdict(f) for n, f in self.found.items()}}

    def figures(self, name: str) -> list[float]:
        """Return what is compared, of every round: seconds for the whole of CIFAR-10, or MiB."""
        found = self.found[name]
        if (measure := CASES[self.name].measure) != "seconds":
            return found.each(measure)
        return [seconds * found.times * EPOCH / self.images for seconds in found.seconds]

    def multiple(self, of: str) -> float:
        """Return the product's figure as a multiple of another's, the median over rounds that ran side by side."""
        pairs = zip(self.figures(OURS), self.figures(of), strict=True)
        return statistics.median(ours / theirs for ours, theirs in pairs)

    def least_multiple(self, of: str) -> float:
        """Return the least of the product's rounds as a multiple of another's least: what neither was kept from."""
        return min(self.figures(OURS)) / min(self.figures(of))

    def worse_than(self, before: "Outcome", tolerance: float) -> list[str]:
        """Return a sentence for every multiple that has grown by more than a share; none where machines differ."""
        if any(self.machine[what] != before.machine[what] for what in SAME):
            return []
        grown = {who: self.multiple(who) / before.multiple(who) for who in self.found if who in before.found}
        return [
            f"{self.name}: {self.multiple(who):.2f} x {who}, {before.multiple(who):.2f} before"
            for who, factor in grown.items()
            if factor > 1 + tolerance
        ]

    def shown(self, before: "Outcome | None") -> str:
        """Return a table for a terminal, with the multiples of an outcome from before."""
        case, first = CASES[self.name], next(iter(self.found.values()))
        lines = [f"{case.title}; {self.images:,} images a round, median of {len(first.seconds)}"]
        for who in self.found:
            was = f"{before.multiple(who):.2f} before" if before and who in before.found else ""
            accuracies = [f"{accuracy:.2%}" for accuracy in self.found[who].each("accuracy") if case.slow]
            figure = statistics.median(self.figures(who))
            lines.append(
                f"  {who:<40} {figure:>9,.1f} {case.unit}  {self.multiple(who):6.2f} x  {was:<12}  "
                f"{case.wanted(who):<24}{', '.join(accuracies)}".rstrip()
            )
        return "\n".join(lines)
