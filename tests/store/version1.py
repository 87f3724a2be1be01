"""A database as the first version left it: three runs, of which one has finished at the second attempt."""

import json

from runs import spec
from sqlalchemy import create_engine

FIGURES = ("lr", "train_loss", "train_accuracy", "val_loss", "val_accuracy", "seconds", "images_per_second")
KEY = "study_id VARCHAR(64) NOT NULL, run_id VARCHAR(64) NOT NULL"
OF_A_RUN = "FOREIGN KEY(study_id, run_id) REFERENCES run (study_id, run_id)"
TABLES = f"""
CREATE TABLE study (id VARCHAR(64) NOT NULL, spec TEXT NOT NULL, created VARCHAR(40) NOT NULL,
    schema_version INTEGER NOT NULL, PRIMARY KEY (id));
CREATE TABLE run ({KEY}, position INTEGER NOT NULL, spec TEXT NOT NULL, state VARCHAR(16) NOT NULL,
    attempts INTEGER NOT NULL, error TEXT NOT NULL, worker VARCHAR(200) NOT NULL, heartbeat VARCHAR(40) NOT NULL,
    started VARCHAR(40) NOT NULL, finished VARCHAR(40) NOT NULL, best_epoch INTEGER, parameters TEXT, cost TEXT,
    deviations TEXT NOT NULL, environment TEXT NOT NULL, PRIMARY KEY (study_id, run_id),
    FOREIGN KEY(study_id) REFERENCES study (id));
CREATE INDEX run_by_state ON run (study_id, state);
CREATE TABLE epoch ({KEY}, epoch INTEGER NOT NULL,
    {", ".join(f"{name} REAL_TYPE {'' if name.startswith('val') else 'NOT NULL'}" for name in FIGURES)},
    PRIMARY KEY (study_id, run_id, epoch), {OF_A_RUN});
CREATE TABLE metric ({KEY}, part VARCHAR(16) NOT NULL, name VARCHAR(64) NOT NULL, value REAL_TYPE NOT NULL,
    PRIMARY KEY (study_id, run_id, part, name), {OF_A_RUN});
CREATE TABLE event (id ID_TYPE NOT NULL, {KEY}, at VARCHAR(40) NOT NULL, kind VARCHAR(32) NOT NULL,
    detail TEXT NOT NULL, PRIMARY KEY (id), {OF_A_RUN});
CREATE INDEX event_by_run ON event (study_id, run_id)
"""
RUN = "INSERT INTO run VALUES ('s', '{id}', {position}, '{spec}', '{state}', {attempts}, '{error}', '{worker}', '', "
ROWS = """
INSERT INTO epoch VALUES ('s', '{done}', 1, 0.1, 'NaN', 0.5, {infinity}, NULL, 1.0, 100.0);
INSERT INTO metric VALUES ('s', '{done}', 'test', 'accuracy', 0.5);
INSERT INTO event (study_id, run_id, at, kind, detail) VALUES
    ('s', '{done}', 't1', 'started', 'host:1'), ('s', '{other}', 't2', 'started', 'host:2'),
    ('s', '{done}', 't3', 'interrupted', 'stopped'), ('s', '{done}', 't4', 'started', 'host:2'),
    ('s', '{done}', 't5', 'finished', '')
"""


def write(url: str) -> None:
    """Write the database; it must be empty."""
    lite = url.startswith("sqlite")
    tables = TABLES.replace("REAL_TYPE", "REAL" if lite else "FLOAT(53)").replace(
        "ID_TYPE", "INTEGER" if lite else "SERIAL"
    )
    ids = [spec(seed).run_id for seed in range(3)]
    states = [("finished", 2, "", "host:2"), ("failed", 1, "café", "host:2"), ("running", 1, "", "host:3")]
    statements = [*tables.split(";"), """INSERT INTO study VALUES ('s', '{"what": "a study"}', 't', 1)"""]
    for position, (state, attempts, error, worker) in enumerate(states):
        start = RUN.format(
            id=ids[position],
            position=position,
            spec=json.dumps(spec(position).content()),
            state=state,
            attempts=attempts,
            error=error,
            worker=worker,
        )
        statements.append(f"{start} 't4', 't5', NULL, NULL, NULL, '[]', '{{}}')")
    infinity = "9e999" if lite else "'Infinity'"
    statements += ROWS.format(done=ids[0], other=ids[1], infinity=infinity).split(";")
    engine = create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
    with engine.begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)
    engine.dispose()
