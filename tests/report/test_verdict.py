"""The answer at the top of a report claims what the runs prove, and no more."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest

from bakeoff.data.checks import Finding
from bakeoff.data.examine import Examined
from bakeoff.errors import StoreError
from bakeoff.records.run import Cost, Deviation, RunState
from bakeoff.report.answers import collect, judged
from bakeoff.report.subject import Subject
from bakeoff.report.text import fraction
from bakeoff.report.verdict import Verdict, verdict
from bakeoff.store.folder import Predictions


def answering(subject: Subject, shares: Mapping[str, float], seconds: Mapping[str, float] | None = None) -> Subject:
    """Let each model be right on about a share of the test images, in every run; set its seconds of training."""

    def predictions(record, part):
        said = subject.predictions(record, part)
        random = np.random.default_rng([*record.spec.model.name.encode(), record.spec.seed])
        right = random.permutation(len(said.labels)) < shares[record.spec.model.name] * len(said.labels)
        logits = np.zeros_like(said.logits)
        chosen = np.where(right, said.labels, (said.labels + 1) % said.logits.shape[1])
        logits[np.arange(len(right)), chosen] = 1
        return Predictions(said.indices, said.labels, logits)

    records = tuple(
        replace(
            record,
            metrics={**record.metrics, "test": {**record.metrics["test"], "accuracy": shares[record.spec.model.name]}},
            cost=Cost((seconds or {}).get(record.spec.model.name, 1.0), 1.0, 1.0, 1, 1),
        )
        for record in subject.records
    )
    return replace(subject, records=records, predictions=predictions)


def told(subject: Subject) -> Verdict:
    return verdict(subject, judged(subject, collect(subject)))


def said(found: Verdict) -> str:
    return " ".join((found.headline, *found.sentences, *found.caveats)).replace("\N{NO-BREAK SPACE}", " ")


def test_it_names_the_best_its_lead_and_what_the_cheapest_costs(build):
    subject = build(models=["slow", "fast"], seeds=3, per_class=500)
    found = told(answering(subject, {"slow": 0.9, "fast": 0.7}, {"slow": 60, "fast": 5}))
    text = said(found)
    assert text.startswith("slow is best on made-up: 90.0 % (")
    assert "fast is 20.0 points worse than slow (" in text
    assert (
        "The cheapest, fast, trains in a twelfth of the time (5.0 s a run, 0.0833 times as long) and loses 20.0 points."
        in text
    )
    assert "Intervals are for training with new seeds" in text


def test_copies_are_tied_and_a_tie_is_no_equality(build):
    found = told(answering(build(models=["a", "b"], seeds=3), {"a": 0.9, "b": 0.875}))
    assert "tied with b" in found.headline
    assert "no proof that they are equal" in said(found)
    assert "better" not in said(found)


def test_models_that_are_equally_good_share_the_first_place(build):
    found = told(answering(build(models=["a", "b", "c"], seeds=3), {"a": 0.9, "b": 0.9, "c": 0.875}))
    assert found.headline.replace("\N{NO-BREAK SPACE}", " ") == "a and b lead on made-up with 90.0 % each, tied with c"
    assert "a and b share the best mean test accuracy, 90.0 %, but cannot be told from c." in said(found)
    found = told(answering(build(models=["a", "b"], seeds=3), {"a": 0.9, "b": 0.9}))
    assert found.headline.replace("\N{NO-BREAK SPACE}", " ") == "a and b lead on made-up with 90.0 % each"


def test_many_ties_are_counted_in_the_headline(build):
    models = ["a", "b", "c", "d", "e", "f"]
    found = told(answering(build(models=models, seeds=2), dict.fromkeys(models, 0.875) | {"a": 0.9}))
    assert found.headline.endswith("tied with b, c and 3 more")


def test_one_seed_is_about_these_trained_networks(build):
    found = told(answering(build(models=["a", "b"], seeds=1, per_class=500), {"a": 0.9, "b": 0.7}))
    assert found.headline.startswith("a is the best of these trained networks on made-up: 90.0")
    assert "Every model ran once, so nothing is said of the procedures" in said(found)


def test_the_best_may_be_the_cheapest(build):
    subject = answering(build(models=["a", "b"], seeds=1), {"a": 0.9, "b": 0.8}, {"a": 1, "b": 2})
    once = "a trains in 1.0 s a run and has 1,000 parameters. It also took the least time to train; how far that varies"
    assert once in said(told(subject))
    thrice = answering(build(models=["a", "b"], seeds=3), {"a": 0.9, "b": 0.8}, {"a": 1, "b": 2})
    assert "It is also the cheapest to train." in said(told(thrice))


def test_a_price_that_may_be_chance_is_no_claim(build):
    subject = answering(build(models=["a", "b"], seeds=3, per_class=500), {"a": 0.9, "b": 0.7})

    def timed(record):
        seconds = {"a": (10, 14, 18), "b": (9, 14, 17)}[record.spec.model.name][record.spec.seed]
        return replace(record, cost=Cost(seconds, 20.0, 1.0, 1, 1))

    text = said(told(replace(subject, records=tuple(map(timed, subject.records)))))
    assert "trains in 95 % of the time (13 s a run, 95 % interval " in text
    assert "so it may be chance)" in text
    swapped = answering(subject, {"a": 0.7, "b": 0.9})
    text = said(told(replace(swapped, records=tuple(map(timed, swapped.records)))))
    assert "It also took the least time to train, which may be chance." in text


@pytest.mark.parametrize(
    ("part", "said"),
    [(0.5, "half"), (0.46, "half"), (0.62, "62\xa0%"), (0.41, "41\xa0%"), (0.08, "a twelfth"), (0.95, "95\xa0%")],
)
def test_a_share_is_a_word_only_near_it(part: float, said: str):
    assert fraction(part) == said


def test_the_cheapest_has_the_smallest_ratio_of_time(build):
    subject = answering(build(models=["a", "b", "c"], seeds=2), {"a": 0.9, "b": 0.7, "c": 0.6})

    def timed(record):
        seconds = {"a": (99, 101), "b": (1, 59), "c": (20, 21)}[record.spec.model.name][record.spec.seed]
        return replace(record, cost=Cost(seconds, 200.0, 1.0, 1, 1))

    # The arithmetic mean of b is the larger one, and its ratio to a, of geometric means, the smaller one.
    text = said(told(replace(subject, records=tuple(map(timed, subject.records)))))
    assert "The cheapest, b, trains in 1/13 of the time by geometric means (30 s a run" in text


def test_what_the_table_contradicts_is_not_called_the_least_time(build):
    subject = answering(build(models=["a", "b"], seeds=2), {"a": 0.9, "b": 0.7})

    def timed(record):
        seconds = {"a": (2, 50), "b": (20, 21)}[record.spec.model.name][record.spec.seed]
        return replace(record, cost=Cost(seconds, 200.0, 1.0, 1, 1))

    # a takes less by geometric means, b by the arithmetic ones that stand in the tables.
    text = said(told(replace(subject, records=tuple(map(timed, subject.records)))))
    assert "That another one trains in less is not proven." in text
    assert "least time" not in text


def test_a_single_model_has_no_runner_up(build):
    text = said(told(answering(build(models=["solo"], seeds=1), {"solo": 0.9})))
    assert text.startswith("solo reaches 90.0 % (")
    assert "1 run: this trained network" in text
    assert "compare" not in text


def test_lost_predictions_leave_a_ranking_without_claims(build):
    def lost(record, part):
        raise StoreError("the file is gone")

    text = said(told(replace(build(), predictions=lost)))
    assert text.startswith("alpha has the highest test accuracy on made-up, ")
    assert "cannot be told here" in text
    assert "9 finished runs had no part in this" in text


def test_different_test_sets_are_refused(build):
    subject = build(models=["a", "b"], seeds=2)

    def predictions(record, part):
        found = subject.predictions(record, part)
        return found if record.spec.model.name == "a" else replace(found, indices=found.indices + 1)

    test = collect(replace(subject, predictions=predictions))
    assert test.of == {}
    assert "different test sets and cannot be compared" in said(told(replace(subject, predictions=predictions)))


def test_each_answer_stands_under_its_question(build):
    found = told(answering(build(models=["a", "b"], seeds=3, per_class=500), {"a": 0.9, "b": 0.7}))
    assert [question for question, _ in found.answers] == [
        "Which model?",
        "Is the difference real?",
        "What does it cost?",
    ]
    assert [question for question, _ in told(build(models=["solo"])).answers] == ["Which model?", "What does it cost?"]


def test_deviations_are_said_at_the_top(build):
    deviation = Deviation("model.image_size", "8", "12", "too small")
    text = said(told(build(deviations=(deviation,))))
    assert "3 models were not trained exactly as asked for (model.image_size); see the table of deviations." in text
    assert "1 model was not trained" in said(told(build(models=["a"], deviations=(deviation,))))
    assert "exactly" not in said(told(build()))


def test_failures_and_open_runs_are_said(build):
    states = {("beta", 0): RunState.FAILED, ("gamma", 1): RunState.DIVERGED, ("gamma", 2): RunState.PENDING}
    found = said(told(build(states=states)))
    assert "Of 9 runs, 1 failed and 1 diverged" in found
    assert "not complete: 1 run is still to finish" in found
    assert "gamma ran once" in found


@pytest.mark.parametrize(
    ("state", "headline"),
    [
        (RunState.FAILED, "No run finished, so there is no answer"),
        (RunState.RUNNING, "No run has finished yet, so there is no answer"),
    ],
)
def test_without_a_finished_run_there_is_no_answer(build, state, headline):
    states = {(model, seed): state for model in ("alpha", "beta", "gamma") for seed in range(3)}
    assert told(build(states=states)).headline == headline


def test_nothing_is_called_significant(build):
    assert "signific" not in said(told(build())).lower()


def test_a_tied_model_that_costs_less_is_named(build):
    """What a person who must choose wants to hear, and not the price of the worst model alone."""
    subject = build(models=["slow", "even", "weak"], seeds=3, per_class=500)
    subject = answering(subject, {"slow": 0.9, "even": 0.9, "weak": 0.7}, {"slow": 60, "even": 20, "weak": 5})
    best, tied = (one.label for one in subject.ranked[:2])
    text = said(told(subject))
    cheaper = f"{tied} trains in a third of the time (20 s a run, 0.333 times as long) and cannot be told from it in"
    assert (cheaper in text) == (best == "slow")
    assert "The cheapest, weak, trains in" in text


def test_settings_that_validation_could_not_choose_among_all_stand(build):
    subject = answering(build(models=["a", "b"], seeds=3, validation=False, per_class=500), {"a": 0.9, "b": 0.7})

    def again(record):  # the model "a" in a second setting, whose runs answer as those of the first
        recipe = record.spec.recipe.model_copy(update={"name": "other", "epochs": 9})
        return replace(record, spec=record.spec.model_copy(update={"recipe": recipe}))

    originals = {again(one).run_id: one for one in subject.records if one.spec.model.name == "a"}
    tuned = replace(
        subject,
        records=(*subject.records, *map(again, originals.values())),
        predictions=lambda record, part: subject.predictions(originals.get(record.run_id, record), part),
    )
    text = said(told(tuned))
    assert text.startswith("a (default) and a (other) lead on made-up with 90.0 % each")
    assert "a was tried in 2 settings without validation images" in text
    assert "b is 20.0 points worse" in text


def test_test_images_that_models_may_know_are_told_with_the_answer(build):
    subject = build(models=["a", "b"], seeds=3)
    checks = Examined((Finding("copies", True, 2, "", "", leaked=(7, 9)),)).content()
    subject = replace(subject, about={**subject.about, "data": {**subject.about["data"], "checks": checks}})
    assert "2 test images have a copy or near copy among the training or validation images" in said(told(subject))
