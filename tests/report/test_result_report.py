"""From the folder of a comparison to its report, from Python and from the command line."""

import json

import numpy as np
import pytest
import yaml
from typer.testing import CliRunner

import bakeoff
from bakeoff.cli import commands
from bakeoff.cli.main import app
from bakeoff.errors import SpecError
from bakeoff.report.protocol import study_file
from bakeoff.report.subject import Subject
from bakeoff.specs.files import read_study

commands.register(app)


def subject_of(folder):
    result = bakeoff.load(folder)
    return Subject(result.about, result.runs, tuple(result.events), result.predictions)


def test_the_report_lies_in_the_folder_with_the_images(saved):
    path = bakeoff.load(saved).report()
    assert path == saved / "report.html"
    assert "Drawn at random" in path.read_text()


def test_it_may_be_written_elsewhere(saved, tmp_path):
    assert bakeoff.load(saved).report(tmp_path / "other.html").exists()
    assert not (saved / "report.html").exists()


def test_images_that_have_changed_are_not_shown(saved):
    with np.load(saved.parent / "images.npz") as file:
        arrays = {**file, "x_test": file["x_test"][::-1]}
    np.savez(saved.parent / "images.npz", **arrays)
    text = bakeoff.load(saved).report().read_text()
    assert "Drawn at random" not in text
    assert "not the spec&#39;s" in text


def test_images_that_have_gone_are_not_shown(saved):
    (saved.parent / "images.npz").unlink()
    assert "no such file" in bakeoff.load(saved).report().read_text()


def test_the_study_file_of_the_report_declares_the_same_study(saved, tmp_path):
    subject = subject_of(saved)
    file = tmp_path / "study.yaml"
    file.write_text(study_file(subject))
    assert read_study(file, {}).content() == subject.about["study"]
    assert yaml.safe_load(file.read_text()) == json.loads(json.dumps(subject.about["study"]))


def test_the_command_prints_the_path(saved):
    result = CliRunner().invoke(app, ["report", str(saved)])
    assert result.exit_code == 0, result.output
    assert result.output.strip().endswith("report.html")


@pytest.mark.parametrize("shape", [(8, 8, 1), (6, 9, 3)])
def test_data_prints_what_it_is_and_writes_its_picture(saved, tmp_path, shape):
    made = np.random.default_rng(0).integers(0, 255, (60, *shape), np.uint8)
    names = np.array(["<b>", "$a$", "[red]"])
    np.savez(tmp_path / "x.npz", x_train=made, y_train=np.arange(60) % 3, class_names=names)
    picture = tmp_path / "x.png"
    result = CliRunner().invoke(app, ["data", str(tmp_path / "x.npz"), "--preview", str(picture)])
    assert result.exit_code == 0, result.output
    assert "60 of" in result.output
    assert "43 training, 5 validation, 12 test" in result.output
    for name in names:
        assert name in result.output
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_a_recipe_without_a_picture_is_one_sentence():
    result = CliRunner().invoke(app, ["data", "digits", "--recipe", "default"])
    assert isinstance(result.exception, SpecError)
    assert "--preview" in str(result.exception)
