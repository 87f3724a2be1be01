"""A whole comparison whose runs are in PostgreSQL."""

import sys
from pathlib import Path

import pytest
from postgres_server import GUARDED, PASSWORD, Server

import bakeoff
from bakeoff.cli.main import main
from bakeoff.errors import StoreError
from bakeoff.records.run import RunState


def test_a_comparison_goes_on_in_its_database_and_no_password_is_left(
    postgres: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setenv("BAKEOFF_CACHE", str(tmp_path / "cache"))
    name = postgres.new_database().partition("@/")[2].partition("?")[0]
    url, out = postgres.url(name, GUARDED, PASSWORD), tmp_path / "out"

    def compare(*more: str) -> int:
        flags = "--models lenet5 --epochs 1 --batch-size 256 --amp off --offline --device cpu"
        command = ["bakeoff", "compare", "digits", *flags.split(), "--out", str(out), *more]
        monkeypatch.setattr(sys, "argv", command)
        with pytest.raises(SystemExit) as ended:
            main()
        return int(ended.value.code or 0)

    assert compare("--seeds", "1", "--database", url) == 0
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    assert compare("--seeds", "2") == 0, "the folder knows its database, and libpq the password"
    assert not (out / "bakeoff.db").exists()
    result = bakeoff.load(out)
    assert [(run.state, run.attempts) for run in result.runs] == [(RunState.FINISHED, 1)] * 2
    assert compare("--seeds", "2", "--database", postgres.new_database()) == 1
    monkeypatch.setenv("PGPASSWORD", "wr0ng-secret")
    with pytest.raises(StoreError, match="password authentication failed"):
        bakeoff.load(out)
    said = capsys.readouterr()
    assert "leave out --database, or give another --out" in said.err
    assert PASSWORD not in said.out + said.err
    secrets = (PASSWORD.encode(), b"s3cret%2Fp%40ss")
    files = [path for path in out.rglob("*") if path.is_file()]
    assert not [path for path in files if any(secret in path.read_bytes() for secret in secrets)]
