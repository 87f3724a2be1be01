"""The tables."""

import math
from typing import Any

from sqlalchemy import Dialect, Float, ForeignKeyConstraint, Index, Integer, String, Text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import TypeDecorator, TypeEngine, UserDefinedType

VERSION = 1  # of the schema; a database of a newer one is refused


class _SQLiteReal(UserDefinedType[Any]):
    """REAL without SQLAlchemy's conversion to float, so that text passes, which SQLite keeps as it is."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        """Return the name of the type in SQL."""
        return "REAL"


class Real(TypeDecorator[float]):
    """A float of which nan comes back too: SQLite would store it as NULL, so it is kept as text there."""

    impl = Float(53)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Return the type that the database knows."""
        return dialect.type_descriptor(_SQLiteReal() if dialect.name == "sqlite" else Float(53))

    def process_bind_param(self, value: float | None, dialect: Dialect) -> Any:
        """Return what the database is given."""
        return "NaN" if value is not None and math.isnan(value) and dialect.name == "sqlite" else value

    def process_result_value(self, value: Any, dialect: Dialect) -> float | None:  # noqa: ARG002
        """Return what the database gave, as a float."""
        return None if value is None else float(value)


class Table(DeclarativeBase):
    """Base of every table."""


class StudyRow(Table):
    """A study, and the version of the schema that it was written with."""

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
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    error: Mapped[str] = mapped_column(Text, default="")
    worker: Mapped[str] = mapped_column(String(200), default="")
    heartbeat: Mapped[str] = mapped_column(String(40), default="")
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
    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    value: Mapped[float] = mapped_column(Real)
    __table_args__ = (ForeignKeyConstraint(["study_id", "run_id"], ["run.study_id", "run.run_id"]),)


class EventRow(Table):
    """Something that happened to a run: a change of state, a resumption, a look at the test set."""

    __tablename__ = "event"
    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    study_id: Mapped[str] = mapped_column(String(64))
    run_id: Mapped[str] = mapped_column(String(64))
    at: Mapped[str] = mapped_column(String(40))
    kind: Mapped[str] = mapped_column(String(32))
    detail: Mapped[str] = mapped_column(Text)
    __table_args__ = (
        ForeignKeyConstraint(["study_id", "run_id"], ["run.study_id", "run.run_id"]),
        Index("event_by_run", "study_id", "run_id"),
    )
