"""The verdict in plain words. "Better" is said only with a test behind it, and a tie is never called equality."""

from collections.abc import Sequence
from dataclasses import dataclass

from bakeoff.evidence.compare import Comparison
from bakeoff.evidence.estimate import Estimate
from bakeoff.evidence.verdict import Verdict


def sentences(verdict: Verdict, score: str = "accuracy", *, percent: bool = True) -> tuple[str, ...]:
    """Return the verdict as sentences: the best, what is tied with it, what is worse and by how much, and the notes.

    Args:
        verdict: from `judge`.
        score: what was measured, in words.
        percent: whether scores are shares, to be said in percent and their differences in points.
    """
    number = _Numbers(percent, 1 if percent else 3)
    leader = next(estimate for estimate in verdict.estimates if estimate.name == verdict.best[0])
    others = [estimate.name for estimate in verdict.estimates if estimate is not leader]
    pairs = [(name, verdict.comparison(leader.name, name)) for name in others]
    ties = [_tie(leader.name, name, pair, number) for name, pair in pairs if name in verdict.best]
    losses = [_loss(leader.name, name, pair, number) for name, pair in pairs if pair.different]
    return (_lead(verdict, leader, score, number), *ties, *losses, *verdict.notes)


@dataclass(frozen=True)
class _Numbers:
    percent: bool
    digits: int

    def score(self, value: float) -> str:
        return f"{self.plain(value)} %" if self.percent else self.plain(value)

    def gap(self, value: float) -> str:
        return f"{self.plain(value)} points" if self.percent else self.plain(value)

    def plain(self, value: float) -> str:
        scaled = 100 * value if self.percent else value
        return f"{scaled:.{self.digits}f}".replace("-", "\N{MINUS SIGN}")

    def estimate(self, of: Estimate) -> str:
        runs = "1 run: this trained network" if of.seeds == 1 else f"{of.seeds} runs"
        interval = f"{100 * of.level:.4g} % interval {self.plain(of.low)} to {self.score(of.high)}"
        return f"{self.score(of.mean)} ({interval}, {runs})"


def _lead(verdict: Verdict, leader: Estimate, score: str, number: _Numbers) -> str:
    figure = number.estimate(leader)
    if len(verdict.estimates) == 1:
        return f"{leader.name} has a mean {score} of {figure}."
    among = "Of these trained networks, " if leader.seeds == 1 else ""
    tied = verdict.best[1:]
    if tied:
        return f"{among}{leader.name} has the best mean {score}, {figure}, but cannot be told from {_join(tied)}."
    if not any(pair.different for pair in verdict.comparisons if leader.name in (pair.first, pair.second)):
        return f"{leader.name} has a mean {score} of {figure}, and nothing to compare it with."
    return f"{among}{leader.name} is best: its mean {score} is {figure}."


def _tie(best: str, name: str, pair: Comparison, number: _Numbers) -> str:
    _, low, high = _in_favour(pair)
    return (
        f"{best} may be anything from {number.plain(low)} to {number.gap(high)} better than {name}{_p(pair)}:"
        " too close to call, which is no proof that they are equal."
    )


def _loss(best: str, name: str, pair: Comparison, number: _Numbers) -> str:
    gap, low, high = _in_favour(pair)
    return f"{name} is {number.gap(gap)} worse than {best} ({number.plain(low)} to {number.plain(high)}){_p(pair)}."


def _in_favour(pair: Comparison) -> tuple[float, float, float]:
    """Return the difference and its interval, counted in favour of the better."""
    assert pair.low is not None  # every pair of models with letters has an interval
    assert pair.high is not None
    sign = 1 if pair.difference >= 0 else -1
    low, high = sorted((sign * pair.low, sign * pair.high))
    return abs(pair.difference), low, high


def _p(pair: Comparison) -> str:
    if pair.adjusted is None:
        return ""
    return ", p < 0.001" if pair.adjusted < 0.001 else f", p = {pair.adjusted:.2g}"


def _join(names: Sequence[str]) -> str:
    return f"{', '.join(names[:-1])} or {names[-1]}" if len(names) > 1 else names[0]
