"""Rows of a database made into records, and checked: a disk can damage a file, and others can write to it."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from pydantic import TypeAdapter, ValidationError
from sqlalchemy import Engine

from bakeoff.errors import StoreError
from bakeoff.records.run import RunRecord, RunState
from bakeoff.store.schema import EpochTableRow, RunRow

_RECORD = TypeAdapter(RunRecord)


def record(row: RunRow, epochs: Sequence[EpochTableRow], metrics: Mapping[str, Mapping[str, float]]) -> RunRecord:
    """Return the record of a run; raise `ValueError` where its rows are not what we write."""
    columns = EpochTableRow.__table__.columns.keys()
    try:
        found = _RECORD.validate_python(
            {
                "spec": json.loads(row.spec),
                "state": row.state,
                "epochs": [{name: getattr(epoch, name) for name in columns} for epoch in epochs],
                "best_epoch": row.best_epoch,
                "metrics": metrics,
                "parameters": json.loads(row.parameters) if row.parameters else None,
                "cost": json.loads(row.cost) if row.cost else None,
                "deviations": json.loads(row.deviations),
                "environment": json.loads(row.environment),
                "error": row.error,
                "attempts": row.attempts,
                "started": row.started,
                "finished": row.finished,
                "stored_id": row.run_id,
            }
        )
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where, message = ".".join(map(str, first["loc"])), first["msg"]
        raise ValueError(f"{where} of run {row.run_id}: {message[:1].lower()}{message[1:]}") from None
    if found.state is RunState.FINISHED and "accuracy" not in found.metrics.get("test", {}):
        raise ValueError(f"run {row.run_id} is finished and has no test accuracy")
    return found


@contextmanager
def sound(engine: Engine) -> Iterator[None]:
    """Raise one sentence where rows that are read are not what we write."""
    try:
        yield
    except (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError) as error:
        raise StoreError(
            f"the database {engine.url!r} is damaged, or of a newer version: {str(error) or type(error).__name__}; put "
            "a copy of it back, or compare again in another folder"
        ) from error
