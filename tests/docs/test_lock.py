"""Dependencies: all are locked, by hashes, from nowhere in particular; and an audit says when it is none."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

REPOSITORY = Path(__file__).parents[2]
LOCKED_EXTRA = "dev"  # which `make lock` names


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def locked(path: Path) -> dict[str, list[str]]:
    """The versions of every package in a file of them, which has their hashes and no addresses."""
    text = path.read_text(encoding="utf-8")
    content = "".join(line + "\n" for line in text.splitlines() if not line.lstrip().startswith("#"))
    assert not re.search(r"://|^-|[^-]--(?!hash=)| @ ", content, re.MULTILINE), "an address or an option"
    entries = [entry for entry in content.replace("\\\n", " ").splitlines() if entry.strip()]
    versions: dict[str, list[str]] = {}
    for entry in entries:
        found = re.match(r"([\w.-]+)==([\w.+!-]+)( ; [^\\]+?)?((?:\s+--hash=sha256:[0-9a-f]{64})+)\s*$", entry)
        assert found, f"not a version with hashes: {entry[:100]}"
        versions.setdefault(canonical(found[1]), []).append(found[2])
    return versions


def test_every_dependency_is_locked_with_hashes_and_without_addresses():
    versions = locked(REPOSITORY / "requirements.lock")
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    for needed in map(Requirement, [*project["dependencies"], *project["optional-dependencies"][LOCKED_EXTRA]]):
        chosen = versions.get(canonical(needed.name), [])
        assert chosen, f"{needed.name} is not in the lock; run: make lock"
        assert all(needed.specifier.contains(one, prereleases=True) for one in chosen), (
            f"{needed} is locked as {chosen}"
        )


def test_peers_of_the_benchmarks_are_locked_too_and_have_the_products_torch():
    ours = locked(REPOSITORY / "requirements.lock")
    theirs = locked(REPOSITORY / "benchmarks" / "candidates" / "requirements.lock")
    assert {"keras", "lightning", "tensorflow-cpu"} <= theirs.keys()
    assert [theirs[name] for name in ("torch", "torchvision")] == [ours[name] for name in ("torch", "torchvision")]


CLEAN = '{"dependencies": [{"name": "a", "version": "1", "vulns": []}], "fixes": []}'
WEAK = CLEAN.replace("[]}]", '[{"id": "CVE-1", "fix_versions": ["2"]}]}]')


@pytest.mark.parametrize(
    ("printed", "status", "expected", "said"),
    [
        (CLEAN, 0, 0, "1 packages were audited; no known weaknesses"),
        (WEAK, 1, 1, "a 1: CVE-1, mended in 2"),
        ("", 1, 2, "not audited: the advisory database could not be asked (no such host)"),
        ("Traceback", 1, 2, "not audited: "),
    ],
)
def test_an_audit_that_reaches_nobody_says_so(printed: str, status: int, expected: int, said: str):
    audit = f"import sys; print({printed!r}); print('trying\\nno such host', file=sys.stderr); sys.exit({status})"
    command = [sys.executable, REPOSITORY / ".ci" / "audit.py", sys.executable, "-c", audit]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == expected, done.stderr
    assert done.stdout.startswith(said)
    assert expected != 2 or done.stdout.count("\n") == 1
