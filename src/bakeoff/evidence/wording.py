"""The verdict in plain words. "Better" is said only with a test behind it, and a tie is never called equality."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from bakeoff.evidence.compare import Comparison
from bakeoff.evidence.estimate import Estimate
from bakeoff.evidence.verdict import Verdict

NO_PROOF = (
    "That two models cannot be told apart is no proof that they are equal: the interval says what is still possible."
)
_SPACE = "\N{NO-BREAK SPACE}"


@dataclass(frozen=True)
class Wording:
    """A verdict in sentences.

    Attributes:
        lead: which model is best, and how good it is.
        ties: what cannot be told from the best, and how far apart the two may be.
        losses: what is worse than the best, and by how much.
        notes: what must be known to read the rest.
    """

    lead: str
    ties: tuple[str, ...]
    losses: tuple[str, ...]
    notes: tuple[str, ...]


def level(verdict: Verdict) -> tuple[str, ...]:
    """Return the models whose mean equals the best one's to the last digit, without that one."""
    means = {estimate.name: estimate.mean for estimate in verdict.estimates}
    best, *tied = verdict.best
    return tuple(name for name in tied if math.isclose(means[name], means[best], rel_tol=1e-12))


def sentences(verdict: Verdict, score: str = "accuracy", *, percent: bool = True, most: int = 8) -> tuple[str, ...]:
    """Return the verdict as sentences, one after the other; see `wording`."""
    said = wording(verdict, score, percent=percent, most=most)
    return (said.lead, *said.ties, *said.losses, *said.notes)


def wording(verdict: Verdict, score: str = "accuracy", *, percent: bool = True, most: int = 8) -> Wording:
    """Return the verdict in sentences: the best, what is tied with it, what is worse and by how much, and the notes.

    Args:
        verdict: from `judge`.
        score: what was measured, in words.
        percent: whether scores are shares, to be said in percent and their differences in points.
        most: sentences on ties, and on losses, before the rest of them is counted in one.
    """
    number = _Numbers(percent, 1 if percent else 3)
    leader = next(estimate for estimate in verdict.estimates if estimate.name == verdict.best[0])
    others = [estimate.name for estimate in verdict.estimates if estimate is not leader]
    pairs = [(name, verdict.comparison(leader.name, name)) for name in others]
    ties = [_tie(leader.name, name, pair, number) for name, pair in pairs if name in verdict.best]
    losses = [_loss(leader.name, name, pair, number) for name, pair in pairs if pair.different]
    return Wording(
        _lead(verdict, leader, score, number),
        _bounded(ties, most, f"cannot be told from {leader.name} either"),
        _bounded(losses, most, f"are worse than {leader.name}"),
        (*([NO_PROOF] if ties else []), *verdict.notes),
    )


def _bounded(said: list[str], most: int, others: str) -> tuple[str, ...]:
    """Return the sentences, or so many of them and how many others there are."""
    return tuple(said) if len(said) <= most + 1 else (*said[:most], f"{len(said) - most} more {others}.")


@dataclass(frozen=True)
class _Numbers:
    percent: bool
    digits: int

    def score(self, value: float) -> str:
        return f"{self.plain(value)}{_SPACE}%" if self.percent else self.plain(value)

    def gap(self, value: float) -> str:
        return f"{self.plain(value)} points" if self.percent else self.plain(value)

    def showing(self, value: float) -> "_Numbers":
        """Return numbers with as many decimals as it takes to show that a value is not 0."""
        scaled = abs(100 * value if self.percent else value)
        return replace(self, digits=max(self.digits, math.ceil(-math.log10(scaled)))) if scaled else self

    def plain(self, value: float) -> str:
        scaled = 100 * value if self.percent else value
        return f"{scaled:.{self.digits}f}".replace("-", "\N{MINUS SIGN}")

    def estimate(self, of: Estimate) -> str:
        runs = "1 run: this trained network" if of.seeds == 1 else f"{of.seeds} runs"
        interval = f"{100 * of.level:.4g}{_SPACE}% interval {self.plain(of.low)} to {self.score(of.high)}"
        return f"{self.score(of.mean)} ({interval}, {runs})"


def _lead(verdict: Verdict, leader: Estimate, score: str, number: _Numbers) -> str:
    figure = number.estimate(leader)
    what = f"mean {score}" if leader.seeds > 1 else score
    if len(verdict.estimates) == 1:
        return f"The {what} of {leader.name} is {figure}."
    counts = {estimate.seeds for estimate in verdict.estimates}
    among = (
        "Of these trained networks, " if leader.seeds == 1 else "Of models that ran more than once, " * (1 in counts)
    )
    equal = level(verdict)
    tied = [name for name in verdict.best[1:] if name not in equal]
    if equal:
        others = f", but cannot be told from {_join(tied)}" if tied else ""
        return (
            f"{among}{_join([leader.name, *equal], 'and')} share the best {what}, {number.score(leader.mean)}{others}."
        )
    if tied:
        return f"{among}{leader.name} has the best {what}, {figure}, but cannot be told from {_join(tied)}."
    if not any(pair.different for pair in verdict.comparisons if leader.name in (pair.first, pair.second)):
        return f"The {what} of {leader.name} is {figure}; there is nothing to compare it with."
    return f"{among}{leader.name} is best: its {what} is {figure}."


def _tie(best: str, name: str, pair: Comparison, number: _Numbers) -> str:
    gap, low, high = _in_favour(pair)
    if low > 0:
        ahead = f"{best} is {number.gap(gap)} ahead of {name} ({number.plain(low)} to {number.plain(high)}"
        # McNemar's exact test is stricter than Tango's interval.
        if pair.p_value is not None and pair.p_value > 1 - pair.level:
            return f"{ahead}), but not clearly so by the exact test{_p(pair)}."
        # The interval is not corrected for the number of comparisons, the decision is.
        return f"{ahead} by itself), but not clearly so among all pairs{_p(pair)}."
    return f"{best} against {name} is too close to call: {number.plain(low)} to {number.gap(high)}{_p(pair)}."


def _loss(best: str, name: str, pair: Comparison, number: _Numbers) -> str:
    gap, low, high = _in_favour(pair)
    number = number.showing(gap)
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
    return f", p{_SPACE}<{_SPACE}0.001" if pair.adjusted < 0.001 else f", p{_SPACE}={_SPACE}{pair.adjusted:.2g}"


def _join(names: Sequence[str], conjunction: str = "or") -> str:
    return f"{', '.join(names[:-1])} {conjunction} {names[-1]}" if len(names) > 1 else names[0]
