"""The database of a study: SQLite in the study's folder, or any other by its URL."""

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, delete, event, inspect, select, update
from sqlalchemy.exc import DatabaseError, OperationalError
from sqlalchemy.orm import Session
from sqlalchemy.schema import CreateIndex, CreateTable

from bakeoff.errors import StoreError
from bakeoff.records.run import Cost, Deviation, EpochRow, ParameterCount, RunRecord, RunState
from bakeoff.specs.run import RunSpec
from bakeoff.store.schema import VERSION, EpochTableRow, EventRow, MetricRow, RunRow, StudyRow, Table

BUSY_SECONDS = 60  # to wait for another process that is writing


@dataclass(frozen=True)
class Event:
    """Something that happened to a run."""

    run_id: str
    at: str
    kind: str
    detail: str


class Store:
    """The runs of one study in a database.

    Args:
        url: of the database, as SQLAlchemy writes it.
        study_id: the study; others in the same database are not seen.
        spec: what the study is, as JSON types; written when the study is new. None: the study must be there.

    Raises:
        StoreError: the database cannot be opened, is damaged, is of a newer version, or lacks the study.
    """

    def __init__(self, url: str, study_id: str, spec: Mapping[str, Any] | None = None) -> None:
        self.study_id = study_id
        self._engine = _open(url)
        with self._begin() as session:
            row = session.get(StudyRow, study_id)
            if row is None:
                if spec is None:
                    raise StoreError(f"there is no study {study_id} in {self._engine.url!r}")
                session.add(StudyRow(id=study_id, spec=json.dumps(spec), created=now(), schema_version=VERSION))

    def add(self, specs: Iterable[RunSpec]) -> None:
        """Add the runs that are not there yet, as pending ones."""
        with self._begin() as session:
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

    def start(self, run_id: str, worker: str) -> None:
        """Mark a run as running."""
        with self._begin() as session:
            self._set(session, run_id, state=RunState.RUNNING, worker=worker, started=now(), finished="", error="")
            session.execute(update(RunRow).where(*self._is(RunRow, run_id)).values(attempts=RunRow.attempts + 1))
            self._log(session, run_id, "started", worker)

    def epoch_ended(self, run_id: str, row: EpochRow) -> None:
        """Keep an epoch; the ones from it on that an earlier attempt left are replaced."""
        with self._begin() as session:
            session.execute(
                delete(EpochTableRow).where(*self._is(EpochTableRow, run_id), EpochTableRow.epoch >= row.epoch)
            )
            session.add(EpochTableRow(study_id=self.study_id, run_id=run_id, **asdict(row)))

    def finish(self, record: RunRecord) -> None:
        """Keep everything of a run whose training has ended, in whatever state, in one transaction.

        Epochs before the record's first one, which earlier attempts left, stay. A run that is finished stays as it is.
        """
        run_id = record.run_id
        with self._begin() as session:
            if session.scalar(select(RunRow.state).where(*self._is(RunRow, run_id))) == RunState.FINISHED:
                return
            first = record.epochs[0].epoch if record.epochs else 2**31
            session.execute(delete(EpochTableRow).where(*self._is(EpochTableRow, run_id), EpochTableRow.epoch >= first))
            session.execute(delete(MetricRow).where(*self._is(MetricRow, run_id)))
            session.add_all(
                EpochTableRow(study_id=self.study_id, run_id=run_id, **asdict(row)) for row in record.epochs
            )
            session.add_all(
                MetricRow(study_id=self.study_id, run_id=run_id, part=part, name=name, value=value)
                for part, values in record.metrics.items()
                for name, value in values.items()
            )
            self._set(
                session,
                run_id,
                state=record.state,
                error=record.error,
                finished=now(),
                best_epoch=record.best_epoch,
                parameters=json.dumps(asdict(record.parameters)) if record.parameters else None,
                cost=json.dumps(asdict(record.cost)) if record.cost else None,
                deviations=json.dumps([asdict(deviation) for deviation in record.deviations]),
                environment=json.dumps(dict(record.environment)),
            )
            self._log(session, run_id, record.state, record.error)

    def add_metrics(self, run_id: str, part: str, values: Mapping[str, float]) -> None:
        """Keep further figures of a finished run, in place of any that it has of that part."""
        with self._begin() as session:
            session.execute(delete(MetricRow).where(*self._is(MetricRow, run_id), MetricRow.part == part))
            session.add_all(
                MetricRow(study_id=self.study_id, run_id=run_id, part=part, name=name, value=value)
                for name, value in values.items()
            )

    def log(self, run_id: str, kind: str, detail: str) -> None:
        """Keep an event."""
        with self._begin() as session:
            self._log(session, run_id, kind, detail)

    def records(self) -> list[RunRecord]:
        """Return every run of the study, in the study's order."""
        with self._begin(writes=False) as session:
            rows = session.scalars(
                select(RunRow).where(RunRow.study_id == self.study_id).order_by(RunRow.position, RunRow.run_id)
            ).all()
            epochs: dict[str, list[EpochRow]] = {}
            for epoch in session.scalars(
                select(EpochTableRow).where(EpochTableRow.study_id == self.study_id).order_by(EpochTableRow.epoch)
            ):
                values = {name: getattr(epoch, name) for name in EpochRow.__dataclass_fields__}
                epochs.setdefault(epoch.run_id, []).append(EpochRow(**values))
            metrics: dict[str, dict[str, dict[str, float]]] = {}
            for metric in session.scalars(select(MetricRow).where(MetricRow.study_id == self.study_id)):
                metrics.setdefault(metric.run_id, {}).setdefault(metric.part, {})[metric.name] = metric.value
            return [_record(row, epochs.get(row.run_id, []), metrics.get(row.run_id, {})) for row in rows]

    def events(self) -> list[Event]:
        """Return what happened to the runs of the study, the oldest first."""
        with self._begin(writes=False) as session:
            rows = session.scalars(select(EventRow).where(EventRow.study_id == self.study_id).order_by(EventRow.id))
            return [Event(row.run_id, row.at, row.kind, row.detail) for row in rows]

    def close(self) -> None:
        """Close the connections."""
        self._engine.dispose()

    @contextmanager
    def _begin(self, *, writes: bool = True) -> Iterator[Session]:
        try:
            with Session(self._engine.execution_options(writes=writes)) as session, session.begin():
                yield session
        except DatabaseError as error:
            raise StoreError(f"the database {self._engine.url!r} failed: {error.orig}") from error

    def _is(self, table: Any, run_id: str) -> tuple[Any, Any]:
        return table.study_id == self.study_id, table.run_id == run_id

    def _set(self, session: Session, run_id: str, **values: Any) -> None:
        session.execute(update(RunRow).where(*self._is(RunRow, run_id)).values(**values))

    def _log(self, session: Session, run_id: str, kind: str, detail: str) -> None:
        session.add(EventRow(study_id=self.study_id, run_id=run_id, at=now(), kind=kind, detail=detail))


def now() -> str:
    """Return the time as ISO 8601 in UTC."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def _open(url: str) -> Engine:
    """Return an engine for the database, with its tables made where they are missing."""
    engine = create_engine(url, connect_args={"timeout": BUSY_SECONDS} if url.startswith("sqlite") else {})
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    try:
        if inspect(engine).has_table("study"):
            with Session(engine) as session:
                newest = max(session.scalars(select(StudyRow.schema_version)), default=VERSION)
            if newest > VERSION:
                raise StoreError(
                    f"the database {engine.url!r} was written by a newer bakeoff (schema {newest}, this one knows "
                    f"{VERSION}); update bakeoff to open it"
                )
        with engine.begin() as connection:  # several processes may do this at once
            for table in Table.metadata.sorted_tables:
                connection.execute(CreateTable(table, if_not_exists=True))
                for index in table.indexes:
                    connection.execute(CreateIndex(index, if_not_exists=True))
    except (DatabaseError, OperationalError) as error:
        raise StoreError(f"cannot open the database {engine.url!r}: {error.orig}") from error
    return engine


def _prepare_sqlite(connection: Any, _: Any) -> None:
    connection.isolation_level = None  # transactions begin where we say so, and not at the first write
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")  # readers do not wait for a writer
    cursor.execute("PRAGMA synchronous=FULL")  # what was committed survives a power cut
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    # A transaction that reads first and writes then fails if another has written in between; one that is to write
    # waits for its turn at the start.
    writes = connection.get_execution_options().get("writes", True)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _record(row: RunRow, epochs: list[EpochRow], metrics: Mapping[str, Mapping[str, float]]) -> RunRecord:
    return RunRecord(
        spec=RunSpec.parse(json.loads(row.spec)),
        state=RunState(row.state),
        epochs=tuple(epochs),
        best_epoch=row.best_epoch,
        metrics=metrics,
        parameters=ParameterCount(**json.loads(row.parameters)) if row.parameters else None,
        cost=Cost.from_content(json.loads(row.cost)) if row.cost else None,
        deviations=tuple(Deviation(**deviation) for deviation in json.loads(row.deviations)),
        environment=json.loads(row.environment),
        error=row.error,
        attempts=row.attempts,
        started=row.started,
        finished=row.finished,
        stored_id=row.run_id,
    )
