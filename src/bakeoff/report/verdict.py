"""The answer in plain words. Everything that the report claims of the models is said here, and nowhere else.

A model is called better only where a test says so; see `bakeoff.evidence.wording`.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import geometric_mean

from bakeoff.evidence.costs import CostRatio, compare_costs, corrected
from bakeoff.evidence.verdict import Verdict as Evidence
from bakeoff.evidence.wording import level, wording
from bakeoff.records.run import RunState
from bakeoff.report import tuning
from bakeoff.report.checks import examined
from bakeoff.report.prices import PRICES
from bakeoff.report.subject import Contender, Subject
from bakeoff.report.text import NONE, SPACE, duration, fraction, join, percent, plural, points, spread, whole
from bakeoff.study import looks
from bakeoff.study.confirm import Confirmed
from bakeoff.study.environments import mixed
from bakeoff.study.judgement import Judgement
from bakeoff.study.tuning import standing
from bakeoff.study.variants import variants

SAID = 2  # ties and losses that have a sentence of their own; all are in the matrix of pairs
NAMED = 3  # models in the headline
TRAINING = next(price for price in PRICES if price.id == "seconds")


@dataclass(frozen=True)
class Verdict:
    """A headline, the sentences that carry it under the questions that they answer, and what they leave open."""

    headline: str
    answers: tuple[tuple[str, tuple[str, ...]], ...]
    caveats: tuple[str, ...] = ()

    @property
    def sentences(self) -> tuple[str, ...]:
        """The answers without their questions."""
        return tuple(sentence for _, sentences in self.answers for sentence in sentences)


def verdict(subject: Subject, judgement: Judgement) -> Verdict:
    """Return what the finished runs prove, worded as carefully as they allow."""
    if not subject.ranked:
        state = "No run has finished yet" if _open_runs(subject) or not subject.records else "No run finished"
        return Verdict(f"{state}, so there is no answer", (), (*_failures(subject), *_unfinished(subject)))
    open_ends = (
        *tuning.unequal(subject.records),
        *_looked(subject),
        *_copies(subject),
        *_missing(subject, judgement),
        *_deviations(subject),
        *_failures(subject),
        *_unfinished(subject),
        *mixed(subject.records),
    )
    evidence = judgement.verdict
    if evidence is None:
        best = subject.ranked[0]
        headline = f"{best.label} has the highest test accuracy on {subject.name}, {percent(best.accuracy)}"
        untested = "Whether the differences are more than chance cannot be told here."
        return Verdict(headline, (), (judgement.reason, untested, *open_ends))
    finalists = _finalists(subject, evidence)
    evidence = evidence.only([finalist.label for finalist in finalists])
    said = wording(evidence, "test accuracy", most=SAID)
    questions = (
        ("Which model?", (said.lead,)),
        ("Is the difference real?", (*said.ties, *said.losses)),
        ("Which setting?", tuning.chosen(subject.records, confirmed=bool(subject.confirmed))),
        ("What does it cost?", (*_own_price(finalists, evidence), *_price(finalists, evidence))),
    )
    answers = tuple((question, sentences) for question, sentences in questions if sentences)
    leader = next(one for one in finalists if one.label == evidence.best[0])
    tries = leader.figures["settings"] if leader.figures["chosen"] else 1
    again = tuning.confirmed_test(subject, leader)
    chosen = f", in the setting chosen by validation accuracy among {tries}" if tries > 1 else ""
    if chosen and not again:
        chosen += ", a figure that is not confirmed yet (bakeoff confirm OUT)"
    judged_before = (tuning.DIFFERENCES,) if again and len(finalists) > 1 else ()
    return Verdict(_headline(subject, evidence, again) + chosen, answers, (*said.notes, *judged_before, *open_ends))


def _finalists(subject: Subject, evidence: Evidence) -> Sequence[Contender]:
    """Return what is said to be best or not: of each model the setting that validation chooses, or all of them."""
    judged = {one.name for one in evidence.estimates}
    answering = [one for one in subject.ranked if one.label in judged]
    stand = {(one.model, one.recipe) for one in standing(variants(subject.records))}
    return [one for one in answering if (one.figures["model"], one.recipe) in stand] or answering


def _headline(subject: Subject, evidence: Evidence, again: Confirmed | None) -> str:
    """Say who is best, how good, with fresh seeds where a tuned figure was confirmed, and who is tied with it."""
    leader = next(one for one in evidence.estimates if one.name == evidence.best[0])
    figure = f"{percent(leader.mean, 1)} ({100 * leader.low:.1f} to {100 * leader.high:.1f})"
    if again:
        figure = f"{spread(again.confirmed, again.sd)} over {plural(again.seeds, 'fresh seed')}"
    equal = level(evidence)
    tied = [name for name in evidence.best[1:] if name not in equal]
    if len(evidence.estimates) == 1:
        return f"{leader.name} reaches {figure} on {subject.name}"
    if not tied and not equal:
        scope = "the best of these trained networks" if leader.seeds == 1 else "best"
        if not all(evidence.letters.values()):  # models that ran once are not compared with the others
            scope = "the best that ran more than once"
        return f"{leader.name} is {scope} on {subject.name}: {figure}"
    others = f", tied with {join(_few(tied))}" if tied else ""
    if equal:
        return f"{join(_few([leader.name, *equal]))} lead on {subject.name} with {percent(leader.mean, 1)} each{others}"
    return f"{leader.name} leads on {subject.name} with {figure}{others}"


def _few(names: list[str]) -> list[str]:
    return names if len(names) <= NAMED else [*names[: NAMED - 1], f"{len(names) - NAMED + 1} more"]


def _own_price(ranked: Sequence[Contender], evidence: Evidence) -> tuple[str, ...]:
    """Say what the best model costs."""
    best = next(contender for contender in ranked if contender.label == evidence.best[0])
    seconds, weights = duration(best.figures["train_seconds_mean"]), whole(best.figures["params"])
    said = [f"trains in {seconds} a run"] * (seconds != NONE) + [f"has {weights} parameters"] * (weights != NONE)
    return (f"{best.label} {join(said)}.",) if said else ()


def _price(ranked: Sequence[Contender], evidence: Evidence) -> tuple[str, ...]:
    """Say what the models cost that are trained faster, a tied one and the fastest, and what they lose."""
    priced = [contender for contender in ranked if TRAINING.per_run(contender)]
    best = next((contender for contender in priced if contender.label == evidence.best[0]), None)
    if best is None or len(priced) < 2:
        return ()
    cheapest = min(priced, key=_typical_seconds)
    if cheapest is best:
        return (_also_cheapest(best, [one for one in priced if one is not best]),)
    bargain = _bargain(best, [one for one in priced if one.label in evidence.best[1:] and one is not cheapest])
    return (
        *((f"{_trains(bargain, best)} {_loss(evidence, best, bargain)}.",) if bargain else ()),
        f"The cheapest, {_trains(cheapest, best, ',')} {_loss(evidence, best, cheapest)}.",
    )


def _bargain(best: Contender, tied: Sequence[Contender]) -> Contender | None:
    """Return the fastest of the tied models that take less time than the best by the evidence on all of them."""
    times = TRAINING.per_run(best)
    ratios = corrected(compare_costs(one.label, best.label, TRAINING.per_run(one), times) for one in tied)
    less = [one for one, ratio in zip(tied, ratios, strict=True) if ratio.different and ratio.ratio < 1]
    return min(less, key=_typical_seconds, default=None)


def _typical_seconds(contender: Contender) -> float:
    """Return the geometric mean of training times, of which the ratios are that are told."""
    return geometric_mean(TRAINING.per_run(contender))


def _trains(one: Contender, best: Contender, comma: str = "") -> str:
    """Say in which share of the best model's time another one trains, in the figures of the table of costs.

    Seconds are told as arithmetic means. Where these make another share, it is said that the ratio is of others.
    """
    ratio = compare_costs(one.label, best.label, TRAINING.per_run(one), TRAINING.per_run(best))
    share, seconds = fraction(ratio.ratio), duration(_mean_seconds(one))
    of = "" if share == fraction(_mean_seconds(one) / _mean_seconds(best)) else " by geometric means"
    return f"{one.label}{comma} trains in {share} of the time{of} ({seconds} a run, {_how_sure(ratio)})"


def _mean_seconds(contender: Contender) -> float:
    """Return the arithmetic mean of training times, which tables show."""
    return float(contender.figures["train_seconds_mean"])


def _also_cheapest(best: Contender, others: Sequence[Contender]) -> str:
    """Say that the best model took the least time to train, and whether that is more than chance.

    Tables show arithmetic means; where another model has the lower one, only what is not proven is said.
    """
    costs = TRAINING.per_run(best)
    ratios = corrected(compare_costs(best.label, one.label, costs, TRAINING.per_run(one)) for one in others)
    if any(ratio.low is None for ratio in ratios):
        return "It also took the least time to train; how far that varies cannot be told of models that ran once."
    if all(ratio.different and ratio.ratio < 1 for ratio in ratios):
        return "It is also the cheapest to train."
    if min(map(_mean_seconds, others)) < _mean_seconds(best):
        return "That another one trains in less is not proven."
    return "It also took the least time to train, which may be chance."


def _how_sure(ratio: CostRatio) -> str:
    """Return how many times as long one of two models takes, as the table of costs has it, and how sure that is."""
    said = f"{ratio.ratio:.3g} times as long"
    if ratio.low is None or ratio.high is None:
        return f"{said}; one run does not tell how far that varies"
    if ratio.low == ratio.high:
        return said
    interval = f"95{SPACE}% interval {ratio.low:.3g} to {ratio.high:.3g} times as long"
    return interval + ", so it may be chance" * (ratio.high >= 1)


def _loss(evidence: Evidence, best: Contender, cheapest: Contender) -> str:
    if cheapest.label not in evidence.letters:
        return "and its predictions are lost"
    pair = evidence.comparison(best.label, cheapest.label)
    if pair.different:
        lost = abs(pair.difference)
        return f"and loses {points(lost, 1 if lost >= 0.001 else 2)}"
    return "and cannot be told from it in accuracy" if pair.p_value is not None else "and is not compared in accuracy"


def _looked(subject: Subject) -> tuple[str, ...]:
    said = looks.sentence(looks.before(subject.events))
    return (said,) if said else ()


def _copies(subject: Subject) -> tuple[str, ...]:
    """Say how many test images models may know from training; what that does to their figures stands with the data."""
    checked = examined(subject)
    leaked = {index for finding in checked.findings for index in finding.leaked} if checked else set()
    if not leaked:
        return ()
    have = plural(len(leaked), "test image has", "test images have")
    return (
        f"{have} a copy or near copy among the training or validation images, as far as the checks are right; see the "
        "data set.",
    )


def _missing(subject: Subject, judgement: Judgement) -> tuple[str, ...]:
    count = len(judgement.missing)
    what = plural(count, "seed" if subject.protocol.folds else "finished run")
    return (f"{what} had no part in this: see the missing predictions.",) if count else ()


def _deviations(subject: Subject) -> tuple[str, ...]:
    found = [{one.what for record in contender.records for one in record.deviations} for contender in subject.ranked]
    if not (count := sum(map(bool, found))):
        return ()
    fields = sorted(set().union(*found))
    was = plural(count, "model was", "models were")
    return (f"{was} not trained exactly as asked for ({join(_few(fields))}); see the table of deviations.",)


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
    return sum(not record.state.is_final for record in subject.records)
