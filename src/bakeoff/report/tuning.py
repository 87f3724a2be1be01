"""What is to be said where models were tried in several settings."""

from collections.abc import Iterable, Iterator

from bakeoff.records.run import RunRecord
from bakeoff.report.subject import Contender, Subject
from bakeoff.report.table import Rows, Table, Value, number_columns, text_columns
from bakeoff.report.text import NONE, join, percent, plural, points, short, spread
from bakeoff.study.confirm import Confirmed
from bakeoff.study.tuning import Tuning, tunings, validation
from bakeoff.study.variants import variants

CONFIRM = "What was chosen is flattered by the choice; bakeoff confirm OUT trains it with fresh seeds."

DIFFERENCES = (
    "Differences between models are judged here by the runs of the choice itself; the report of the confirmation judges"
    " them by the fresh seeds."
)


def chosen(records: Iterable[RunRecord], *, confirmed: bool = False) -> tuple[str, ...]:
    """Say which setting validation chooses for every model that was tried in several; nothing where none was."""
    tuned = [one for one in tunings(variants(records)) if len(one.settings) > 1 and one.runs]
    said = tuple(_choice(one) for one in tuned)
    return (*said, CONFIRM) if any(one.chosen for one in tuned) and not confirmed else said


def unequal(records: Iterable[RunRecord]) -> tuple[str, ...]:
    """Say where models were tuned with unequal numbers of settings or runs; nothing where none was tuned."""
    found = [one for one in tunings(variants(records)) if one.runs]
    if all(len(one.settings) == 1 for one in found) or len({(_tried(one), one.runs) for one in found}) == 1:
        return ()
    return (f"Not an equal comparison, since more tries find more: {join(list(_tries(found)))}.",)


def confirmed_test(subject: Subject, contender: Contender) -> Confirmed | None:
    """Return the test accuracy of a chosen setting with fresh seeds; None where it is not known, or was not tuned."""
    if not contender.figures["chosen"] or contender.figures["settings"] == 1:
        return None
    spec = contender.finished[0].spec
    named = spec.model.title, spec.recipe.name
    return next((one for one in subject.confirmed if one.part == "test" and (one.model, one.setting) == named), None)


def confirmed_table(subject: Subject) -> Table | None:
    """Return tuned figures beside those of fresh seeds; None where nothing was confirmed."""
    columns = (
        *text_columns("model", "chosen setting", "accuracy"),
        *number_columns("settings tried", "tuned", "confirmed", "optimism", "fresh seeds"),
    )
    rows: Rows = [
        (
            short(one.model, 60),
            short(one.setting, 60),
            {"val": "validation", "test": "test"}[one.part],
            str(one.settings),
            percent(one.tuned),
            Value(spread(one.confirmed, one.sd), one.confirmed),
            NONE if one.optimism is None else Value(points(one.optimism, 2), one.optimism),
            str(one.seeds),
        )
        for one in subject.confirmed
    ]
    note = (
        "The confirmed figures are to be quoted: means over runs with seeds that had no part in the choice. The "
        "optimism is the tuned figure minus the confirmed one, chance included."
    )
    return Table("Tuned and confirmed", columns, rows, note) if rows else None


def _choice(tuning: Tuning) -> str:
    model, settings, setting = short(tuning.model, 60), plural(len(tuning.settings), "setting"), tuning.chosen
    if setting is None:
        return (
            f"{model} was tried in {settings} without validation images, so that only the test set could choose among "
            "them; hold some out with val_fraction."
        )
    accuracy = 100 * (validation(setting) or 0.0)
    return f"Of {settings} of {model}, {short(setting.recipe, 60)} is chosen by validation accuracy, {accuracy:.1f} %."


def _tries(found: Iterable[Tuning]) -> Iterator[str]:
    for one in found:
        yield f"{short(one.model, 60)} was tried in {plural(_tried(one), 'setting')} and {plural(one.runs, 'run')}"


def _tried(tuning: Tuning) -> int:
    return sum(bool(setting.finished) for setting in tuning.settings)
