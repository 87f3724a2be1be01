"""The tables as they were at first."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def _key() -> tuple[sa.Column[str], ...]:
    return tuple(sa.Column(name, sa.String(64), primary_key=True) for name in ("study_id", "run_id"))


def _of_a_run() -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["study_id", "run_id"], ["run.study_id", "run.run_id"])


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "study",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("spec", sa.Text, nullable=False),
        sa.Column("created", sa.String(40), nullable=False),
        sa.Column("schema_version", sa.Integer, nullable=False),
    )
    op.create_table(
        "run",
        *_key(),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("spec", sa.Text, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("error", sa.Text, nullable=False),
        sa.Column("worker", sa.String(200), nullable=False),
        *(sa.Column(name, sa.String(40), nullable=False) for name in ("heartbeat", "started", "finished")),
        sa.Column("best_epoch", sa.Integer),
        sa.Column("parameters", sa.Text),
        sa.Column("cost", sa.Text),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("deviations", "environment")),
        sa.ForeignKeyConstraint(["study_id"], ["study.id"]),
    )
    op.create_index("run_by_state", "run", ["study_id", "state"])
    _create_parts_of_runs()


def _create_parts_of_runs() -> None:
    figures = ("lr", "train_loss", "train_accuracy", "val_loss", "val_accuracy", "seconds", "images_per_second")
    op.create_table(
        "epoch",
        *_key(),
        sa.Column("epoch", sa.Integer, primary_key=True),
        *(sa.Column(name, sa.Float(53), nullable=name.startswith("val")) for name in figures),
        _of_a_run(),
    )
    op.create_table(
        "metric",
        *_key(),
        sa.Column("part", sa.String(16), primary_key=True),
        sa.Column("name", sa.String(64), primary_key=True),
        sa.Column("value", sa.Float(53), nullable=False),
        _of_a_run(),
    )
    op.create_table(
        "event",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("study_id", sa.String(64), nullable=False),
        sa.Column("run_id", sa.String(64), nullable=False),
        sa.Column("at", sa.String(40), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
        _of_a_run(),
    )
    op.create_index("event_by_run", "event", ["study_id", "run_id"])
