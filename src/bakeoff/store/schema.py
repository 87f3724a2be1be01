"""The tables."""

from sqlalchemy import ForeignKeyConstraint, Index, Integer, String, Text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from bakeoff.store.columns import Real, Words

VERSION = 2  # of the tables below; `migrations` leads to it from older ones


class Table(DeclarativeBase):
    """Base of every table."""


class StudyRow(Table):
    """A study. Programs of version 1 look at its version of the schema, and refuse it; newer ones look elsewhere."""

    __tablename__ = "study"
    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    spec: Mapped[str] = mapped_column(Text)  # JSON
    created: Mapped[str] = mapped_column(String(40))  # ISO 8601, UTC, here and below
    schema_version: Mapped[int] = mapped_column(Integer, default=VERSION)


class RunRow(Table):
    """A run: what it is, where it stands, and its figures."""

    __tablename__ = "run"
    study_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    run_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    position: Mapped[int] = mapped_column(Integer)  # in the order of the study
    spec: Mapped[str] = mapped_column(Text)  # JSON
    state: Mapped[str] = mapped_column(String(16))
    attempts: Mapped[int] = mapped_column(Integer, default=0)  # a worker's claim holds while this stays the same
    deaths: Mapped[int] = mapped_column(Integer, default=0, server_default="0")  # of workers, since its last epoch
    error: Mapped[str] = mapped_column(Words, default="")
    worker: Mapped[str] = mapped_column(Words, default="")
    heartbeat: Mapped[str] = mapped_column(String(40), default="")  # by the clock of the database
    started: Mapped[str] = mapped_column(String(40), default="")
    finished: Mapped[str] = mapped_column(String(40), default="")
    best_epoch: Mapped[int | None] = mapped_column(Integer)
    parameters: Mapped[str | None] = mapped_column(Text)  # JSON, here and below
    cost: Mapped[str | None] = mapped_column(Text)
    deviations: Mapped[str] = mapped_column(Text, default="[]")
    environment: Mapped[str] = mapped_column(Text, default="{}")
    __table_args__ = (
        ForeignKeyConstraint(["study_id"], ["study.id"]),
        Index("run_by_state", "study_id", "state"),
    )


class EpochTableRow(Table):
    """An epoch of a run."""

    __tablename__ = "epoch"
    study_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    run_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    epoch: Mapped[int] = mapped_column(Integer, primary_key=True)
    lr: Mapped[float] = mapped_column(Real)
    train_loss: Mapped[float] = mapped_column(Real)
    train_accuracy: Mapped[float] = mapped_column(Real)
    val_loss: Mapped[float | None] = mapped_column(Real)
    val_accuracy: Mapped[float | None] = mapped_column(Real)
    seconds: Mapped[float] = mapped_column(Real)
    images_per_second: Mapped[float] = mapped_column(Real)
    __table_args__ = (ForeignKeyConstraint(["study_id", "run_id"], ["run.study_id", "run.run_id"]),)


class MetricRow(Table):
    """A metric of a run on one part of the data."""

    __tablename__ = "metric"
    study_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    run_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    part: Mapped[str] = mapped_column(String(16), primary_key=True)
    name: Mapped[str] = mapped_column(Words, primary_key=True)
    value: Mapped[float] = mapped_column(Real)
    __table_args__ = (ForeignKeyConstraint(["study_id", "run_id"], ["run.study_id", "run.run_id"]),)


class EventRow(Table):
    """Something that happened in an attempt at a run: start, end, loss of the worker, a look at the test set."""

    __tablename__ = "event"
    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    study_id: Mapped[str] = mapped_column(String(64))
    run_id: Mapped[str] = mapped_column(String(64))
    attempt: Mapped[int] = mapped_column(Integer, default=0, server_default="0")  # from 1; 0: of none
    at: Mapped[str] = mapped_column(String(40))
    kind: Mapped[str] = mapped_column(String(32))
    detail: Mapped[str] = mapped_column(Words)
    __table_args__ = (
        ForeignKeyConstraint(["study_id", "run_id"], ["run.study_id", "run.run_id"]),
        Index("event_by_run", "study_id", "run_id"),
    )
