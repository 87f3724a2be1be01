"""What the documents say is what happens."""

import re
import shlex
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bakeoff.cli.main import main
from bakeoff.data import augment
from bakeoff.specs.recipe import Recipe

REPOSITORY = Path(__file__).parents[2]
PAGES = [*REPOSITORY.glob("*.md"), *REPOSITORY.glob("docs/*.md")]


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)


def readme_commands() -> list[str]:
    lines = "".join(blocks(REPOSITORY / "README.md", "sh")).replace("\\\n", "").splitlines()
    return [line.partition("#")[0].strip() for line in lines if line.startswith("bakeoff ")]


@pytest.fixture
def somewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to be in, with what the README takes for granted: a folder of photos."""
    rng = np.random.default_rng(0)
    for name in ("cats", "dogs"):
        (tmp_path / "work" / "photos" / name).mkdir(parents=True)
        for index in range(90):
            pixels = rng.integers(0, 255, (80, 70, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / "work" / "photos" / name / f"{index}.png")
    monkeypatch.chdir(tmp_path / "work")
    monkeypatch.setenv("BAKEOFF_CACHE", str(tmp_path / "cache"))
    return tmp_path


def test_every_command_of_the_readme_runs(somewhere: Path, tiny_data: Path, monkeypatch: pytest.MonkeyPatch):
    (somewhere / "shared").mkdir()
    (somewhere / "shared" / "data").symlink_to(tiny_data)
    commands = readme_commands()
    assert len(commands) >= 8
    for command in commands:
        monkeypatch.setattr(sys, "argv", shlex.split(command))
        with pytest.raises(SystemExit) as ended:
            main()
        assert not ended.value.code, command
    assert (somewhere / "work" / "runs" / "first" / "report.html").stat().st_size > 100_000


def test_the_readmes_python_runs(somewhere: Path):
    for block in blocks(REPOSITORY / "README.md", "python"):
        exec(block, {})
    assert (somewhere / "work" / "report.html").exists()


def test_the_page_of_commands_is_generated():
    sys.path.insert(0, str(REPOSITORY / "docs"))
    try:
        from cli_page import page
    finally:
        sys.path.pop(0)
    assert (REPOSITORY / "docs" / "cli.md").read_text(encoding="utf-8") == page(), "run: python docs/cli_page.py"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path):
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text(encoding="utf-8")):
        assert target.startswith("http") or (page.parent / target).exists(), target


def test_every_field_of_a_recipe_and_every_augmentation_is_explained():
    text = (REPOSITORY / "docs" / "study-files.md").read_text(encoding="utf-8")
    assert [name for name in (*Recipe.model_fields, *augment.augmentations) if f"`{name}" not in text] == []
