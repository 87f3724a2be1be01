"""What every model costs, to train and to use."""

import math
from collections.abc import Iterable, Sequence

from bakeoff.records.run import Timing
from bakeoff.report.cost_ratios import cost_letters
from bakeoff.report.prices import Price, known
from bakeoff.report.subject import Contender
from bakeoff.report.table import Column, Rows, Table, Value, text_columns
from bakeoff.report.text import NONE, SPACE, join, milliseconds, plural, whole
from bakeoff.study.unsteady import unsteady


def cost_table(ranked: Sequence[Contender], target: float | None = None) -> Table | None:
    """Return a row of costs per model, means over its runs; None where nothing was measured.

    Args:
        ranked: the models.
        target: a validation accuracy; adds how long models took to reach it.
    """
    prices = known(ranked)
    if not prices:
        return None
    prices = known(ranked, target)
    best = {price.id: _best(ranked, price) for price in prices}
    letters = {price.id: cost_letters(ranked, price) for price in prices}
    columns = [
        *text_columns("model"),
        *(Column(price.title, note=price.note) for price in prices),
    ]
    rows: Rows = [
        (
            Value(one.label, place=one.place),
            *(_cell(price, one, best[price.id], letters[price.id].get(one.label, "")) for price in prices),
        )
        for one in ranked
    ]
    shared = " Models that share a letter in a column cannot be told apart in that cost." * any(letters.values())
    return Table("What each model costs", tuple(columns), rows, _note(ranked) + shared)


def timing_table(ranked: Sequence[Contender]) -> Table | None:
    """Return how latency and throughput spread over the passes of a model; None where they were not measured."""
    if not any(_timings(one, "latency") or _timings(one, "throughput") for one in ranked):
        return None
    columns = (*text_columns("model"), Column("latency"), Column("images/s"))
    rows: Rows = [(Value(one.label, place=one.place), _latencies(one), _throughputs(one)) for one in ranked]
    return Table("The middle half of the passes", columns, rows, "Between the quartiles, which are means over runs.")


def _average(values: Iterable[float], sign: int = 1) -> float:
    """Return the mean; of nothing it is infinite, and so worse than any."""
    found = list(values)
    return math.fsum(found) / len(found) if found else sign * math.inf


def _best(ranked: Sequence[Contender], price: Price) -> float | None:
    """Return the best mean of a price, times its sign; None where all are the same."""
    means = {price.sign * _average(price.per_run(one), price.sign) for one in ranked}
    return min(means) if len(means) > 1 else None


def _cell(price: Price, contender: Contender, best: float | None, letters: str) -> Value:
    """Return the mean; where not all runs have the price, in how many do, and nothing is compared."""
    known = [record for record in contender.finished if price.of(record)]
    if not known:
        return Value(NONE)
    mean, runs = _average(price.of(record) or 0.0 for record in known), len(contender.finished)
    if len(known) < runs:
        return Value(f"{price.mean_of(known)} (in {len(known)} of {plural(runs, 'run')})", mean)
    text = price.mean(contender) + (f"{SPACE}({letters})" if letters else "")
    return Value(text, mean, mark=price.sign * mean == best)


def _latencies(contender: Contender) -> Value:
    timings = _timings(contender, "latency")
    low, high = _average(one.low for one in timings), _average(one.high for one in timings)
    return Value(f"{milliseconds(low)} to {milliseconds(high)}", high) if timings else Value(NONE)


def _throughputs(contender: Contender) -> Value:
    timings = _timings(contender, "throughput")
    if not timings:
        return Value(NONE)
    low, high = _average(one.batch / one.high for one in timings), _average(one.batch / one.low for one in timings)
    batches = sorted({one.batch for one in timings} - {64})
    fewer = f" (batch {join(list(map(str, batches)))})" if batches else ""
    return Value(f"{whole(low)} to {whole(high)}{fewer}", low)


def _timings(contender: Contender, name: str) -> list[Timing]:
    costs = [record.cost for record in contender.finished if record.cost]
    return [timing for cost in costs if (timing := getattr(cost, name))]


def _note(ranked: Sequence[Contender]) -> str:
    """Say whose figures are not those of a run alone, and what the machine did not tell."""
    records = [record for one in ranked for record in one.finished if record.cost]
    costs = [record.cost for record in records if record.cost]
    beside = any(record.environment.get("at_once", "1") != "1" for record in records)
    shared = not all(cost.own_peak_memory for cost in costs)
    unmetered = all(cost.joules is None for cost in costs)
    estimated = any(cost.joules_of == "estimate" for cost in costs)
    return (
        "Means over the finished runs."
        + (" Several runs were trained at once: alone they take less time each." if beside else "")
        + "".join(f" {sentence}" for sentence in unsteady(records))
        + (" Some peaks of memory are of the process so far, with the runs before." if shared else "")
        + (" Energy was not measured: the machine has no counters that may be read." if unmetered else "")
        + (
            " Energy is an estimate, of 12 W for each core and second that it worked: the machine has no counters that "
            "may be read. Its ratios say more than its size."
            if estimated
            else ""
        )
    )
