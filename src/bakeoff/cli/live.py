"""Progress of a study: bars in a terminal, a line of JSON per run elsewhere."""

import json
from collections.abc import Sequence
from math import ceil
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from bakeoff.cli.console import duration, name, percent
from bakeoff.records.run import EpochRow, RunRecord, RunState
from bakeoff.report.text import plural
from bakeoff.run.resolve import PlannedRun
from bakeoff.run.run_one import News
from bakeoff.specs.recipe import NO_END, Recipe
from bakeoff.study.execute import Outcome
from bakeoff.study.observer import Observer
from bakeoff.training.features import Extraction
from bakeoff.training.fit import Notice


class Live(Observer):
    """Two bars, for the study and for the current run, and a line for every run that has ended."""

    def __init__(self, console: Console) -> None:
        self._bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TextColumn("{task.fields[figures]}"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=console,
            transient=True,
            speed_estimate_period=3600.0,  # an epoch may take minutes, and a run of the study's bar hours
        )
        self._study = self._run = TaskID(0)
        self._ended = 0
        self._images = 0
        self._recipe = Recipe()
        self._validation = ""

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._bars.stop()

    def joined(self, what: str) -> None:
        """Print it."""
        self._bars.console.print(name(what))

    def study_started(self, runs: int, done: int) -> None:
        """Show the bar of the study."""
        if done:
            self._bars.console.print(f"{done} of {plural(runs, 'run')} {'is' if done == 1 else 'are'} done already")
        self._ended = done
        self._study = self._bars.add_task("runs", total=runs, completed=done, figures="")

    def run_started(self, planned: PlannedRun, resumed: bool) -> None:
        """Show the bar of a run."""
        title = f"{name(planned.spec.model.title)} {planned.spec.turn}"
        self._validation = ""
        self._images = 0
        self._recipe = planned.spec.recipe
        total = None if self._recipe.epochs == NO_END else self._recipe.epochs
        self._run = self._bars.add_task(title, total=total, figures="resumed" if resumed else "")

    def progress(self, news: News) -> None:
        """Move the bar of the run, or print a notice."""
        if isinstance(news, Notice):
            self._bars.console.print(f"  {name(news.text)}")
            return
        if isinstance(news, Extraction):
            figures = f"features of {news.done:,} of {news.images:,} images {news.images_per_second:,.0f} img/s"
            self._bars.update(self._run, figures=figures)
            return
        if isinstance(news, EpochRow):
            if news.val_accuracy is not None:
                self._validation = f" val {percent(news.val_accuracy)}"
            figures = f"loss {news.train_loss:.3f} acc {percent(news.train_accuracy)}"
            done, images = float(news.epoch), news.images
        else:
            figures = f"loss {news.loss:.3f} acc {percent(news.accuracy)}"
            done, images = news.epoch - 1 + news.step / news.steps, news.steps * self._recipe.batch_size
        speed = f" {news.images_per_second:,.0f} img/s"
        self._images = max(self._images, images, 1)  # the last epoch may be cut short
        epochs = self._recipe.expected_epochs(self._images, news.images_per_second)
        self._bars.update(self._run, completed=done, total=ceil(epochs), figures=figures + self._validation + speed)
        self._bars.update(self._study, completed=self._ended + min(done / epochs, 1.0))

    def stopping(self) -> None:
        """Say that the signal was heard: a step or a chunk of images may take a while."""
        self._bars.console.print("stopping, and saving where it is; Ctrl-C again leaves at once")

    def measuring(self, what: str) -> None:
        """Say it beside the bar of the study."""
        self._bars.update(self._study, figures=name(what))

    def training(self, done: float, running: int) -> None:
        """Move the bar of the study."""
        self._bars.update(self._study, completed=done, figures=f"{running} at once" if running else "")

    def run_ended(self, record: RunRecord) -> None:
        """Replace the bar of the run by a line."""
        self._bars.remove_task(self._run)
        self._ended += 1
        self._bars.update(self._study, completed=self._ended)
        title = f"{name(record.spec.model.title)} {record.spec.turn}"
        if record.state is RunState.FINISHED and record.cost:
            accuracy = percent(record.metrics["test"]["accuracy"])
            self._bars.console.print(
                f"  {title}: test accuracy {accuracy}, trained {duration(record.cost.train_seconds)}"
            )
        else:
            self._bars.console.print(f"  {title}: {record.state}")

    def waiting(self, workers: Sequence[str]) -> None:
        """Say what is waited for."""
        told = f"the last {len(workers)} are trained by {', '.join(sorted(set(workers)))}"
        self._bars.update(self._study, figures=name(told))


class JsonLines(Observer):
    """A line of JSON for every run that has ended, one for every notice, for what a study gains, and for the study."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream
        self._run = ""
        self._waited_for: Sequence[str] = ()

    def joined(self, what: str) -> None:
        """Write a line of it."""
        self._write({"event": "joined", "text": what})

    def run_started(self, planned: PlannedRun, resumed: bool) -> None:  # noqa: ARG002, an observer is told so
        """Remember which run is going on."""
        self._run = planned.spec.run_id

    def progress(self, news: News) -> None:
        """Write a line for a notice; other progress is not for programs."""
        if isinstance(news, Notice):
            self._write({"event": "notice", "run": self._run, "text": news.text})

    def waiting(self, workers: Sequence[str]) -> None:
        """Write a line when it changes what is waited for."""
        if workers != self._waited_for:
            self._waited_for = workers
            self._write({"event": "waiting", "runs": len(workers), "workers": sorted(set(workers))})

    def run_ended(self, record: RunRecord) -> None:
        """Write the line of a run."""
        line: dict[str, Any] = {
            "event": "run",
            "run": record.run_id,
            "model": record.spec.model.title,
            "recipe": record.spec.recipe.name,
            "seed": record.spec.seed,
            "fold": record.spec.fold,
            "state": record.state.value,
        }
        if record.state is RunState.FINISHED and record.cost:
            line |= {
                "test_accuracy": record.metrics["test"]["accuracy"],
                "train_seconds": round(record.cost.train_seconds, 3),
            }
        else:
            line["error"] = record.error
        self._write(line)

    def study_ended(self, outcome: Outcome, folder: Path, report: Path | None) -> None:
        """Write the line of the study; it has no report where a signal stopped it."""
        states = [record.state for record in outcome.records]
        self._write(
            {
                "event": "study",
                "out": str(folder),
                "report": str(report) if report else None,
                "runs": len(states),
                "finished": states.count(RunState.FINISHED),
                "unmeasured": len(outcome.unmeasured),
                "stopped": outcome.stopped,
            }
        )

    def _write(self, line: dict[str, Any]) -> None:
        self._stream.write(json.dumps(line) + "\n")
        self._stream.flush()
