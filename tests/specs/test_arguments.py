"""Mistakes are told in the words in which they were made: of a flag, of an argument in Python, or of a field."""

from pathlib import Path

import pytest

from bakeoff.errors import SpecError
from bakeoff.specs.arguments import flag, keyword, naming_arguments
from bakeoff.specs.base import FieldError
from bakeoff.study.declare import declare
from bakeoff.study.expand import expand


def mistake(written, **given) -> str:
    with pytest.raises(SpecError) as caught, naming_arguments(given, written):
        expand(declare(**{"data": "digits", "models": ["lenet5"], **given}))
    return str(caught.value)


@pytest.mark.parametrize(
    ("given", "value"),
    [
        ({"epochs": 0}, 0),
        ({"batch_size": 0}, 0),
        ({"lr": -1.0}, -1.0),
        ({"optimizer": "adan"}, "adan"),
        ({"optimizer": "sgd", "lr": 0.0}, 0.0),
        ({"patience": 0}, 0),
        ({"amp": "fp7"}, "fp7"),
        ({"imgsz": -2}, -2),
        ({"folds": 1}, 1),
        ({"val_fraction": 1.5}, 1.5),
        ({"target_accuracy": 90.0}, 90.0),
        ({"max_train": 1}, 1),
        ({"budget": {"steps": 0}}, 0),
        ({"seeds": [0, -1]}, -1),
        ({"data": ""}, ""),
    ],
)
def test_the_argument_is_named_and_not_the_field_that_it_sets(given, value):
    argument = list(given)[-1]
    said = mistake(flag, **given)
    assert said.startswith(f"{flag(argument)}: ")
    assert said.endswith(f"; got {value!r}")
    assert mistake(keyword, **given).startswith((f"{argument}: ", f"{argument}."))


def test_what_stands_in_a_file_keeps_its_field_and_line_whatever_else_is_given(tmp_path: Path):
    path = tmp_path / "study.yaml"
    path.write_text("data: digits\nmodels: [lenet5]\nprotocol:\n  folds: 1\n")
    given = {"data": None, "models": None, "config": path, "batch_size": 8}
    assert f"{path}, line 4: protocol.folds: " in mistake(flag, **given)
    assert mistake(flag, **given, folds=0).startswith("--folds: ")


def test_another_field_keeps_its_name():
    with pytest.raises(FieldError, match="^recipe.epochs: no"), naming_arguments({"epochs": None, "lr": 1}):
        raise FieldError("recipe.epochs: no", ["recipe", "epochs"], 0)
    assert mistake(flag, recipe={"epochs": 0}, lr=1.0).startswith("recipe.epochs: ")
