"""The answer in plain words. Everything that the report claims of the models is said here, and nowhere else.

No difference is called significant: that takes a test, and none is made here.
"""

from collections import Counter
from dataclasses import dataclass

from bakeoff.records.run import RunState
from bakeoff.report.subject import Contender, Subject
from bakeoff.report.text import duration, join, percent, plural, points, spread


@dataclass(frozen=True)
class Verdict:
    """A headline, the sentences that carry it, and what they leave open."""

    headline: str
    sentences: tuple[str, ...]
    caveats: tuple[str, ...] = ()


def verdict(subject: Subject) -> Verdict:
    """Return what the finished runs say, worded as carefully as they allow."""
    ranked = subject.ranked
    if not ranked:
        state = "No run has finished yet" if _open_runs(subject) or not subject.records else "No run finished"
        return Verdict(f"{state}, so there is no answer", _failures(subject), _unfinished(subject))
    best = [contender for contender in ranked if contender.rank == 1]
    names = join([contender.label for contender in best])
    if len(ranked) == 1:
        claim = f"reaches {percent(ranked[0].accuracy)}"
    else:
        claim = "comes first" if len(best) == 1 else "share the first place"
    sentences = (*_lead(ranked, best, names), *_price(ranked, best[0]))
    return Verdict(f"{names} {claim} on {subject.name}", sentences, _caveats(subject))


def _lead(ranked: tuple[Contender, ...], best: list[Contender], names: str) -> tuple[str, ...]:
    """Say how good the best is, and how far ahead."""
    first, *others = ranked
    accuracy = spread(first.accuracy, first.figures["test_accuracy_std"])
    if not others:
        return (f"{names} classifies {accuracy} of the test images correctly; no other model has finished.",)
    if len(best) > 1:
        return (f"{names} have the same test accuracy, {percent(first.accuracy)}.",)
    second = others[0]
    kind = "mean test accuracy" if any(len(contender.finished) > 1 for contender in ranked) else "test accuracy"
    return (
        f"{names} has the highest {kind}, {accuracy}.",
        f"That is {points(first.accuracy - second.accuracy)} more than {second.label} "
        f"({spread(second.accuracy, second.figures['test_accuracy_std'])}).",
    )


def _price(ranked: tuple[Contender, ...], best: Contender) -> tuple[str, ...]:
    """Say what the model costs that is trained the fastest."""
    priced = [contender for contender in ranked if contender.figures["train_seconds_mean"] > 0]
    if len(priced) < 2 or best not in priced:
        return ()
    cheapest = min(priced, key=lambda contender: contender.figures["train_seconds_mean"])
    seconds = cheapest.figures["train_seconds_mean"]
    if cheapest is best:
        return (f"It is also the cheapest to train: {duration(seconds)} a run.",)
    against = duration(best.figures["train_seconds_mean"])
    behind = best.accuracy - cheapest.accuracy
    loss = f"{points(behind)} less accurate" if behind else "equally accurate"
    return (f"The cheapest to train is {cheapest.label}: {duration(seconds)} a run against {against}, and {loss}.",)


def _caveats(subject: Subject) -> tuple[str, ...]:
    """Say how far the answer can be trusted."""
    counts = sorted({len(contender.finished) for contender in subject.ranked})
    alone = len(subject.ranked) == 1
    if counts == [1]:
        seeds = (
            "It rests on one run: with another seed the figure would differ, and by how much is unknown."
            if alone
            else "Each model ran with one seed only: another seed could change the order, and by how much is unknown."
        )
    elif len(counts) == 1:
        seeds = f"± is the standard deviation over {counts[0]} seeds."
    else:
        seeds = f"± is the standard deviation over seeds, of which the models have from {counts[0]} to {counts[-1]}."
    untested = () if alone else ("Whether the differences are more than chance has not been tested here.",)
    return (seeds, *untested, *_failures(subject), *_unfinished(subject))


def _failures(subject: Subject) -> tuple[str, ...]:
    counts = Counter(record.state for record in subject.records)
    failed, diverged = counts[RunState.FAILED], counts[RunState.DIVERGED]
    if not failed + diverged:
        return ()
    kinds = [f"{failed} failed"] * bool(failed) + [f"{diverged} diverged"] * bool(diverged)
    return (f"Of {plural(len(subject.records), 'run')}, {join(kinds)}; the reasons are listed below.",)


def _unfinished(subject: Subject) -> tuple[str, ...]:
    still = _open_runs(subject)
    if not still:
        return () if subject.records else ("The study has no runs yet.",)
    return (f"The study is not complete: {plural(still, 'run is', 'runs are')} still to finish.",)


def _open_runs(subject: Subject) -> int:
    return sum(not record.state.is_final and record.state is not RunState.FAILED for record in subject.records)
