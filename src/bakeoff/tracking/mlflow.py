"""MLflow: an experiment per study; in it one run for the study, with its report, and below that every run.

Where MLflow is, and who asks, is said by its own environment (MLFLOW_TRACKING_URI, MLFLOW_TRACKING_USERNAME, ...).
Where that says nothing, it is an SQLite file in the folder `mlruns` beside the study's.
"""

import os
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from bakeoff.errors import OfflineError, SpecError
from bakeoff.records.run import EpochRow, RunRecord, RunState
from bakeoff.run.resolve import PlannedRun
from bakeoff.run.run_one import News
from bakeoff.specs.run import RunSpec
from bakeoff.study.plan import Plan
from bakeoff.tracking import Tracker, figures, trackers
from bakeoff.tracking.sender import Sender

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Metric, Run

# Unless the user says otherwise: usage is told to nobody, nothing is printed, and a server has ten seconds once.
DEFAULTS = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_LOGGING_LEVEL": "WARNING",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",
}
STATUS = {RunState.FINISHED: "FINISHED", RunState.INTERRUPTED: "KILLED"}  # every other end is FAILED
LONGEST_NAME, LONGEST_VALUE, AT_ONCE = 250, 500, 100  # characters, and entries in a request; MLflow's limits or less
RUN = "bakeoff.run"  # the tag by which a run is found again; that of the study has the study's identity there


@trackers.register("mlflow")
class MLflow(Tracker):
    """Sends a study to MLflow."""

    def __init__(self, plan: Plan, folder: Path) -> None:
        for name, value in DEFAULTS.items():
            os.environ.setdefault(name, value)
        uri = os.environ.get("MLFLOW_TRACKING_URI", "").strip()
        if plan.where.offline and not _is_local(uri):
            raise OfflineError("MLFLOW_TRACKING_URI leads to another machine; leave out --offline, or unset it")
        try:
            import mlflow  # noqa: F401, at once, since a thread could not say that it is missing
        except ImportError as error:
            raise SpecError(
                f"--track mlflow needs a package ({error}); install it with: pip install 'bakeoff[mlflow]'"
            ) from None
        local = None if uri else folder.resolve().parent / "mlruns"
        self._board = _Board(uri, local, plan.default_folder().name, plan.study_id)
        self._sender = Sender(f"MLflow at {uri or local}", f"What is missing there is in {folder}.")
        self._run = ""

    def run_started(self, planned: PlannedRun, resumed: bool) -> None:  # noqa: ARG002, MLflow knows
        """Begin a run, or go on with it."""
        self._run = planned.spec.run_id
        self._sender.send(partial(self._board.begin, planned.spec))

    def progress(self, news: News) -> None:
        """Send an epoch."""
        if isinstance(news, EpochRow):
            told = figures.of_epoch(news)
            self._sender.send(partial(self._board.tell, self._run, told, news.epoch, _now()))

    def run_ended(self, record: RunRecord) -> None:
        """Send the final figures, unless another process goes on with the run."""
        if record.state is not RunState.RUNNING:
            self._sender.send(partial(self._board.end, record, _now()))

    def reported(self, report: Path) -> None:
        """Send the report."""
        self._sender.send(partial(self._board.attach, report))

    def close(self) -> None:
        """End the study's run; try once more what failed."""
        self._sender.send(self._board.close)
        self._sender.close()


@dataclass
class _Page:
    """What of a run is still to be sent."""

    spec: RunSpec
    params: dict[str, str]
    metrics: list["Metric"] = field(default_factory=list)
    tags: dict[str, str] = field(default_factory=dict)
    status: str = ""
    run: str = ""  # its identity in MLflow, once that is known


class _Board:
    """A study in MLflow, used by one thread. What could not be sent stays until the next attempt."""

    def __init__(self, uri: str, local: Path | None, name: str, study_id: str) -> None:
        self._uri, self._local, self._name, self._study_id = uri, local, _text(name), study_id
        self._pages: dict[str, _Page] = {}

    def begin(self, spec: RunSpec) -> None:
        params = {_key(name): _text(value) for name, value in figures.settings(spec).items()}
        page = self._pages[spec.run_id] = _Page(spec, params)
        page.tags = {"bakeoff.state": "running", "bakeoff.recipe": _text(spec.recipe.name)}
        self._send(page)

    def tell(self, run_id: str, told: Mapping[str, float], step: int, at: int) -> None:
        from mlflow.entities import Metric

        page = self._pages[run_id]
        page.metrics += [Metric(_key(name), value, at, step) for name, value in told.items()]
        self._send(page)

    def end(self, record: RunRecord, at: int) -> None:
        page = self._pages[record.run_id]
        page.tags |= {"bakeoff.state": record.state.value, "bakeoff.error": _text(record.error)}
        page.status = STATUS.get(record.state, "FAILED")
        self.tell(record.run_id, figures.of_run(record), len(record.epochs), at)

    def attach(self, report: Path) -> None:
        self._client.log_artifact(self._parent, str(report))

    def close(self) -> None:
        for page in self._pages.values():
            self._send(page)
        if self._pages:
            self._client.set_terminated(self._parent)

    def _send(self, page: _Page) -> None:
        from mlflow.entities import Param, RunTag

        if not page.run:
            run = self._found(page.spec.run_id, f"{page.spec.model.title}-seed{page.spec.seed}")
            page.run = run.info.run_id
            if run.data.params:  # MLflow takes no other value for a parameter, and labels may have changed
                page.params = {}
        while page.metrics:
            self._client.log_batch(page.run, metrics=page.metrics[:AT_ONCE])
            del page.metrics[:AT_ONCE]
        if page.tags:
            self._client.log_batch(page.run, tags=[RunTag(*tag) for tag in page.tags.items()])
            page.tags = {}
        if page.status:
            self._client.set_terminated(page.run, page.status)
            page.status = ""
        while page.params:
            names = list(page.params)[:AT_ONCE]
            self._client.log_batch(page.run, params=[Param(name, page.params[name]) for name in names])
            for name in names:
                del page.params[name]

    def _found(self, identity: str, name: str) -> "Run":
        """Return the run of that identity, which goes on, or a new one."""
        found = self._client.search_runs([self._experiment], f"tags.`{RUN}` = '{identity}'", max_results=1)
        if found:
            self._client.update_run(found[0].info.run_id, status="RUNNING")
            return found[0]
        parent = {} if identity == self._study_id else {"mlflow.parentRunId": self._parent}
        tags = {RUN: identity, "bakeoff.study": self._study_id, **parent}
        return self._client.create_run(self._experiment, tags=tags, run_name=_text(name))

    @cached_property
    def _client(self) -> "MlflowClient":
        from mlflow import MlflowClient

        if self._local:
            self._local.mkdir(parents=True, exist_ok=True)
        return MlflowClient(f"sqlite:///{self._local / 'mlflow.db'}" if self._local else self._uri)

    @cached_property
    def _experiment(self) -> str:
        if not (found := self._client.get_experiment_by_name(self._name)):
            files = (self._local / "artifacts").as_uri() if self._local else None
            return str(self._client.create_experiment(self._name, artifact_location=files))
        return str(found.experiment_id)

    @cached_property
    def _parent(self) -> str:
        return str(self._found(self._study_id, self._name).info.run_id)


def _is_local(uri: str) -> bool:
    """Whether an address of MLflow's is a file, or a server on this machine."""
    parts = urlsplit(uri)
    return parts.scheme in ("", "file", "sqlite") or (
        parts.scheme in ("http", "https") and (parts.hostname or "") in ("localhost", "127.0.0.1", "::1")
    )


def _key(name: str) -> str:
    """Return a name with the characters that MLflow allows."""
    return re.sub(r"[^\w./ -]", "_", name, flags=re.ASCII)[:LONGEST_NAME]


def _text(value: str) -> str:
    """Return a text in one line and of bounded length."""
    shown = "".join(char if char.isprintable() else " " for char in value)
    return shown if len(shown) <= LONGEST_VALUE else shown[: LONGEST_VALUE - 1] + "…"


def _now() -> int:
    return int(1000 * time.time())
