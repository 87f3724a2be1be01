"""The bars of a study in a terminal."""

import io
import re
from types import SimpleNamespace

from rich.console import Console

from bakeoff.cli.live import Live
from bakeoff.records.run import EpochRow, RunRecord, RunState
from bakeoff.specs.recipe import NO_END
from bakeoff.specs.run import RunSpec

EPOCHS, SECONDS = 4, 600.0  # of an epoch, longer than what rich looks back on by itself


def shown(live: Live) -> list[str]:
    """Return the lines of the bars."""
    console = Console(file=io.StringIO(), width=160, force_terminal=True, color_system=None)
    console.print(live._bars.get_renderable())
    return console.file.getvalue().splitlines()


def test_the_bars_tell_how_long_a_study_of_slow_epochs_still_takes():
    clock = SimpleNamespace(now=0.0)
    live = Live(Console(file=io.StringIO(), force_terminal=True))
    live._bars.get_time = lambda: clock.now
    content = {"data": {"name": "d"}, "model": {"name": "simcnn"}, "recipe": {"epochs": EPOCHS}}
    spec = RunSpec.parse({**content, "protocol": {}, "seed": 0})
    live.study_started(3, 1)
    for run in range(2):
        live.run_started(SimpleNamespace(spec=spec), resumed=False)
        for epoch in range(1, EPOCHS + 1):
            clock.now += SECONDS
            live.progress(EpochRow(epoch, 0.1, 1.0, 0.5, 1.0, 0.5, SECONDS, 100.0))
            if (run, epoch) == (0, 3):
                study, run_line = shown(live)
                assert re.search(r"runs .* 1/3 .* 0:50:00$", study), "one epoch of this run, four of the next"
                assert re.search(r"simcnn .* 3/4 .* 0:10:00$", run_line)
        live.run_ended(RunRecord(spec, RunState.FAILED))
    assert re.search(r"runs .* 3/3 ", shown(live)[0])


def test_the_bars_follow_a_budget_of_seconds_or_steps():
    for limit, epochs in (({"max_seconds": 2.5 * SECONDS}, 3), ({"max_steps": 50, "batch_size": 2400}, 2)):
        recipe = {"epochs": NO_END, **limit}
        spec = RunSpec.parse(
            {"data": {"name": "d"}, "model": {"name": "a"}, "recipe": recipe, "protocol": {}, "seed": 0}
        )
        row = EpochRow(1, 0.1, 1.0, 0.5, 1.0, 0.5, SECONDS, 100.0)  # 60,000 images
        assert RunRecord(spec, RunState.RUNNING, (row,)).expected_epochs == epochs
        live = Live(Console(file=io.StringIO(), force_terminal=True))
        live.study_started(1, 0)
        live.run_started(SimpleNamespace(spec=spec), resumed=False)
        live.progress(row)
        assert f" 1/{epochs} " in shown(live)[1]
