"""Runs are claimed: how often workers died in one, which attempt an event belongs to, and names of any length."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add the columns, and number the attempts of events that are there."""
    op.add_column("run", sa.Column("deaths", sa.Integer, nullable=False, server_default="0"))
    op.add_column("event", sa.Column("attempt", sa.Integer, nullable=False, server_default="0"))
    op.execute(
        "UPDATE event SET attempt = (SELECT count(*) FROM event AS earlier WHERE earlier.study_id = event.study_id "
        "AND earlier.run_id = event.run_id AND earlier.kind = 'started' AND earlier.id <= event.id)"
    )
    op.execute("UPDATE study SET schema_version = 2")
    if op.get_context().dialect.name == "postgresql":  # SQLite takes any length, whatever is declared
        op.alter_column("run", "worker", type_=sa.Text)
        op.alter_column("metric", "name", type_=sa.Text)
