"""The database of a study: SQLite in the study's folder, or any other by its URL."""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, dataclass
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from bakeoff.errors import DatabaseFailedError, StoreError
from bakeoff.records.run import EpochRow, RunRecord, RunState
from bakeoff.specs.run import RunSpec
from bakeoff.store import claims
from bakeoff.store.claims import Claim
from bakeoff.store.clock import now
from bakeoff.store.engine import failing, open_database
from bakeoff.store.migrate import one_at_a_time
from bakeoff.store.rows import record, sound
from bakeoff.store.schema import VERSION, EpochTableRow, EventRow, MetricRow, RunRow, StudyRow


@dataclass(frozen=True)
class Event:
    """Something that happened in an attempt at a run."""

    run_id: str
    at: str
    kind: str
    detail: str
    attempt: int = 0  # from 1; 0: of none


_EVENT = TypeAdapter(Event)


class Store:
    """The runs of one study in a database, which several processes may use at once.

    Args:
        url: of the database: `sqlite:///FILE` or `postgresql://USER:PASSWORD@HOST/NAME`.
        study_id: the study; others in the same database are not seen.
        spec: what the study is, as JSON types; written when the study is new. None: the study must be there.

    Raises:
        StoreError: the database cannot be opened, is damaged, is of a newer version, or lacks the study. Every method
            raises `DatabaseFailedError` when the database fails later.
    """

    def __init__(self, url: str, study_id: str, spec: Mapping[str, Any] | None = None) -> None:
        self.url = url
        self.study_id = study_id
        self._engine = open_database(url)
        try:
            self._open_study(spec)
        except BaseException:
            self.close()
            raise

    def _open_study(self, spec: Mapping[str, Any] | None) -> None:
        with self._begin(writes=spec is not None) as session:
            if spec is not None:
                one_at_a_time(session.connection())
            if session.get(StudyRow, self.study_id) is None:
                if spec is None:
                    raise StoreError(f"there is no study {self.study_id} in {self._engine.url!r}")
                session.add(StudyRow(id=self.study_id, spec=json.dumps(spec), created=now(), schema_version=VERSION))

    def add(self, specs: Iterable[RunSpec]) -> None:
        """Add the runs that are not there yet, as pending ones."""
        with self._begin() as session:
            one_at_a_time(session.connection())
            known = set(session.scalars(select(RunRow.run_id).where(RunRow.study_id == self.study_id)))
            for spec in specs:
                if spec.run_id not in known:
                    session.add(
                        RunRow(
                            study_id=self.study_id,
                            run_id=spec.run_id,
                            position=len(known),
                            spec=json.dumps(spec.content()),
                            state=RunState.PENDING,
                        )
                    )
                    known.add(spec.run_id)

    def claim(self, wanted: Collection[str], worker: str) -> Claim | None:
        """Take the first of the wanted runs that is not done and that nobody trains, or whose worker is gone.

        Args:
            wanted: the ids of runs.
            worker: who is to train it, as `Worker` writes itself.

        Returns:
            The claim, to be shown when anything of the run is written; None where nothing is left to take.
        """
        with self._begin() as session:
            return claims.take(session, self.study_id, wanted, worker)

    def workers(self) -> dict[str, str]:
        """Return who trains which run at this moment, as `Worker` writes itself."""
        with self._begin(writes=False) as session:
            return claims.workers(session, self.study_id)

    def beat(self, claim: Claim) -> None:
        """Tell that a run is still being trained; raise `LostClaimError`, as all that follow, where another has it."""
        with self._begin() as session:
            claims.hold(session, self.study_id, claim)

    def epoch_ended(self, claim: Claim, row: EpochRow) -> None:
        """Keep an epoch; the ones from it on that an earlier attempt left are replaced."""
        with self._begin() as session:
            claims.hold(session, self.study_id, claim, deaths=0)
            self._keep_epochs(session, claim.run_id, (row,))

    def finish(self, claim: Claim, record: RunRecord) -> None:
        """Keep everything of a run whose training has ended, in whatever state, in one transaction.

        Epochs before the record's first one, which earlier attempts left, stay.
        """
        with self._begin() as session:
            claims.hold(
                session,
                self.study_id,
                claim,
                state=record.state,
                error=record.error,
                finished=now(),
                best_epoch=record.best_epoch,
                parameters=json.dumps(asdict(record.parameters)) if record.parameters else None,
                cost=json.dumps(asdict(record.cost)) if record.cost else None,
                deviations=json.dumps([asdict(deviation) for deviation in record.deviations]),
                environment=json.dumps(dict(record.environment)),
            )
            self._keep_epochs(session, claim.run_id, record.epochs)
            session.execute(delete(MetricRow).where(*self._is(MetricRow, claim.run_id)))
            session.add_all(
                MetricRow(study_id=self.study_id, run_id=claim.run_id, part=part, name=name, value=value)
                for part, values in record.metrics.items()
                for name, value in values.items()
            )
            claims.log(session, self.study_id, claim.run_id, claim.attempt, record.state, record.error)

    def add_metrics(self, run_id: str, part: str, values: Mapping[str, float]) -> None:
        """Keep further figures of a finished run, in place of any that it has of that part."""
        with self._begin() as session:
            session.execute(delete(MetricRow).where(*self._is(MetricRow, run_id), MetricRow.part == part))
            session.add_all(
                MetricRow(study_id=self.study_id, run_id=run_id, part=part, name=name, value=value)
                for name, value in values.items()
            )

    def note(self, run_id: str, kind: str, detail: str) -> None:
        """Keep an event of a run that nobody trains any more."""
        with self._begin() as session:
            claims.log(session, self.study_id, run_id, 0, kind, detail)

    def log(self, claim: Claim, kind: str, detail: str) -> None:
        """Keep an event of an attempt."""
        with self._begin() as session:
            claims.hold(session, self.study_id, claim)
            claims.log(session, self.study_id, claim.run_id, claim.attempt, kind, detail)

    def retry_failed(self, wanted: Collection[str]) -> None:
        """Let the wanted runs that failed be claimed again."""
        with self._begin() as session:
            failed = select(RunRow.run_id).where(RunRow.study_id == self.study_id, RunRow.state == RunState.FAILED)
            for run_id in session.scalars(failed.with_for_update()).all():
                if run_id in wanted:
                    again = update(RunRow).where(*self._is(RunRow, run_id))
                    session.execute(again.values(state=RunState.PENDING, deaths=0))

    def records(self) -> list[RunRecord]:
        """Return every run of the study, in the study's order."""
        with self._begin(writes=False) as session:
            rows = session.scalars(
                select(RunRow).where(RunRow.study_id == self.study_id).order_by(RunRow.position, RunRow.run_id)
            ).all()
            epochs: dict[str, list[EpochTableRow]] = {}
            for epoch in session.scalars(
                select(EpochTableRow).where(EpochTableRow.study_id == self.study_id).order_by(EpochTableRow.epoch)
            ):
                epochs.setdefault(epoch.run_id, []).append(epoch)
            metrics: dict[str, dict[str, dict[str, float]]] = {}
            for metric in session.scalars(select(MetricRow).where(MetricRow.study_id == self.study_id)):
                metrics.setdefault(metric.run_id, {}).setdefault(metric.part, {})[metric.name] = metric.value
            return [record(row, epochs.get(row.run_id, []), metrics.get(row.run_id, {})) for row in rows]

    def events(self) -> list[Event]:
        """Return what happened to the runs of the study, the oldest first."""
        with self._begin(writes=False) as session:
            rows = session.scalars(select(EventRow).where(EventRow.study_id == self.study_id).order_by(EventRow.id))
            return [_EVENT.validate_python(vars(row)) for row in rows]

    def close(self) -> None:
        """Close the connections."""
        self._engine.dispose()

    @contextmanager
    def _begin(self, *, writes: bool = True) -> Iterator[Session]:
        engine = self._engine.execution_options(writes=writes)
        read_only = nullcontext() if writes else sound(engine)
        failed = failing(engine, "the database failed:", DatabaseFailedError)
        with failed, read_only, Session(engine) as session, session.begin():
            yield session

    def _is(self, table: Any, run_id: str) -> tuple[Any, Any]:
        return table.study_id == self.study_id, table.run_id == run_id

    def _keep_epochs(self, session: Session, run_id: str, rows: Collection[EpochRow]) -> None:
        if rows:
            first = min(row.epoch for row in rows)
            session.execute(delete(EpochTableRow).where(*self._is(EpochTableRow, run_id), EpochTableRow.epoch >= first))
        session.add_all(EpochTableRow(study_id=self.study_id, run_id=run_id, **asdict(row)) for row in rows)
