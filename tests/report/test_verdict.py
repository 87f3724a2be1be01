"""The answer at the top of a report claims what the runs carry, and no more."""

from dataclasses import replace

import pytest

from bakeoff.records.run import Cost, RunRecord, RunState
from bakeoff.report.subject import Subject
from bakeoff.report.verdict import Verdict, verdict


def with_figures(subject: Subject, figures: dict[tuple[str, int], tuple[float, float]]) -> Subject:
    """Set test accuracy and seconds of training by model and seed."""

    def changed(record: RunRecord) -> RunRecord:
        accuracy, seconds = figures[record.spec.model.name, record.spec.seed]
        cost = Cost(seconds, seconds, 1.0, 1, 1)
        return replace(record, metrics={"test": {**record.metrics["test"], "accuracy": accuracy}}, cost=cost)

    return replace(subject, records=tuple(map(changed, subject.records)))


def said(found: Verdict) -> str:
    return " ".join((found.headline, *found.sentences, *found.caveats)).replace("\N{NO-BREAK SPACE}", " ")


def test_it_names_the_best_its_lead_and_what_the_cheapest_costs(build):
    subject = with_figures(
        build(models=["slow", "fast"], seeds=2),
        {("slow", 0): (0.9, 50), ("slow", 1): (0.92, 50), ("fast", 0): (0.8, 5), ("fast", 1): (0.8, 5)},
    )
    found = verdict(subject)
    assert found.headline == "slow comes first on made-up"
    assert said(found) == (
        "slow comes first on made-up slow has the highest mean test accuracy, 91.00 ± 1.41 %. "
        "That is 11.00 percentage points more than fast (80.00 ± 0.00 %). "
        "The cheapest to train is fast: 5.0 s a run against 50 s, and 11.00 percentage points less accurate. "
        "± is the standard deviation over 2 seeds. "
        "Whether the differences are more than chance has not been tested here."
    )


def test_one_seed_is_called_one_seed_and_has_no_spread(build):
    found = said(verdict(build(seeds=1)))
    assert "one seed only" in found
    assert "±" not in found
    assert "mean" not in found


def test_the_best_may_be_the_cheapest(build):
    subject = with_figures(build(models=["a", "b"], seeds=1), {("a", 0): (0.9, 1), ("b", 0): (0.8, 2)})
    assert "It is also the cheapest to train: 1.0 s a run." in said(verdict(subject))


def test_equal_accuracies_share_the_first_place(build):
    subject = with_figures(build(models=["a", "b"], seeds=1), {("a", 0): (0.9, 1), ("b", 0): (0.9, 2)})
    assert verdict(subject).headline == "a and b share the first place on made-up"
    assert [contender.rank for contender in subject.contenders] == [1, 1]
    assert "more than" not in said(verdict(subject)).replace("more than chance", "")


def test_a_single_model_has_no_runner_up(build):
    subject = with_figures(build(models=["solo"], seeds=1), {("solo", 0): (0.9, 1)})
    assert verdict(subject).headline.replace("\N{NO-BREAK SPACE}", " ") == "solo reaches 90.00 % on made-up"
    found = said(verdict(subject))
    assert "no other model has finished" in found
    assert "one run" in found
    assert "chance" not in found


def test_failures_and_open_runs_are_said(build):
    states = {("beta", 0): RunState.FAILED, ("gamma", 1): RunState.DIVERGED, ("gamma", 2): RunState.PENDING}
    found = said(verdict(build(states=states)))
    assert "Of 9 runs, 1 failed and 1 diverged" in found
    assert "not complete: 1 run is still to finish" in found
    assert "from 1 to 3" in found  # seeds of a model


@pytest.mark.parametrize(
    ("state", "headline"),
    [
        (RunState.FAILED, "No run finished, so there is no answer"),
        (RunState.RUNNING, "No run has finished yet, so there is no answer"),
    ],
)
def test_without_a_finished_run_there_is_no_answer(build, state, headline):
    states = {(model, seed): state for model in ("alpha", "beta", "gamma") for seed in range(3)}
    assert verdict(build(states=states)).headline == headline


def test_nothing_is_called_significant(build):
    assert "signific" not in said(verdict(build())).lower()
