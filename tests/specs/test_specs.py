from pathlib import Path

import pytest

from bakeoff.errors import BakeoffError, SpecError
from bakeoff.specs.base import digest
from bakeoff.specs.files import read_study
from bakeoff.specs.library import library, recipe_for, resolve_recipe
from bakeoff.specs.recipe import OPTIMIZER_DEFAULTS, Recipe
from bakeoff.specs.run import RunSpec
from bakeoff.specs.study import StudySpec


def run_spec(**changes: object) -> RunSpec:
    content = RunSpec.parse(
        {
            "data": {"name": "digits", "fingerprint": "f"},
            "model": {"name": "simcnn"},
            "recipe": {"augment": ["flip"], "early_stopping": 3},
            "protocol": {},
            "seed": 0,
        }
    ).content()
    for path, value in changes.items():
        *parents, last = path.split("__")
        place = content
        for parent in parents:
            place = place[parent]
        assert place[last] != value
        place[last] = value
    return RunSpec.parse(content)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("data: x\nmodels: a\nrecipe:\n  epochs: many\n", "line 4: recipe.epochs: .* got 'many'"),
        ("data: x\nmodels: a\nrecipe:\n  epochs: 0\n", "line 4: recipe.epochs: .* greater than or equal to 1; got 0"),
        ("data: x\nmodls: a\n", "line 2: unknown field 'modls'; did you mean models"),
        ("data: x\n", "the field 'models' is missing"),
        ("data: x\nmodels: a\nrecipe: {base: defult}\n", "unknown recipe 'defult'; did you mean default"),
        ("data: x\nmodels: a\nrecipe:\n  optimizer: sgdd\n", "line 4: .*'sgd', 'adam'.*got 'sgdd'"),
        ("data: x\nmodels: a\nrecipe:\n  optimizer: {name: adam, momentum: 0.9}\n", "'adam' has no momentum"),
        ("data: x\nmodels: a\ndata: b\n", "line 3: .*the key 'data' stands twice"),
        ("a: [\n", "is not valid YAML"),
        ("- a\n", "is a mapping of fields"),
        ("data: x\nmodels: a\nseeds: 0\n", "line 3: seeds: at least one seed"),
        ("data: x\nmodels: a\nseeds: [1, 1]\n", "every seed may stand once"),
        ("data: x\nmodels: a\nprotocol: {mode: budget}\n", "belong together"),
        ("data: x\nmodels: a\nprotocol: {val_fraction: 1.0}\n", "val_fraction: .*less than 1"),
        ("data: x\nmodels: []\n", "models: .*at least 1 item"),
    ],
)
def test_a_mistake_in_a_study_file_is_one_sentence_with_its_line(tmp_path: Path, text: str, sentence: str):
    path = tmp_path / "study.yaml"
    path.write_text(text)
    with pytest.raises(SpecError, match=sentence) as caught:
        read_study(path, {})
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_study_file_that_is_not_there_or_not_text_is_one_sentence(tmp_path: Path):
    with pytest.raises(SpecError, match="cannot be read"):
        read_study(tmp_path / "none.yaml", {})
    (tmp_path / "binary.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SpecError, match="UTF-8"):
        read_study(tmp_path / "binary.yaml", {})


def test_arguments_change_single_fields_of_a_study_file(tmp_path: Path):
    path = tmp_path / "study.yaml"
    path.write_text(
        "data: cifar10\nmodels: [a, b]\nrecipe: default\noverrides: {recipe.epochs: 3, recipe.amp: 'off'}\n"
    )
    study = read_study(path, {"seeds": 5, "data": {"max_train": 100}, "overrides": {"recipe.epochs": 7}})
    assert study.data.name == "cifar10"
    assert study.data.max_train == 100
    assert study.seeds == (0, 1, 2, 3, 4)
    assert study.overrides == {"recipe.epochs": 7, "recipe.amp": "off"}
    assert [recipe.name for recipe in study.recipes] == ["default"]


@pytest.mark.parametrize("name", OPTIMIZER_DEFAULTS)
def test_an_optimizer_by_name_hides_no_setting(name: str):
    optimizer = Recipe.parse({"optimizer": name}).optimizer
    for field in OPTIMIZER_DEFAULTS[name]:
        assert getattr(optimizer, field) is not None


def test_the_identity_of_a_run_is_everything_but_labels_and_places():
    base = run_spec()
    assert run_spec(recipe__name="other").run_id == base.run_id
    assert run_spec(data__name="elsewhere").run_id == base.run_id
    assert run_spec(protocol__target_accuracy=0.9, protocol__robustness=True).run_id == base.run_id
    changed = [
        run_spec(seed=1),
        run_spec(data__fingerprint="g"),
        run_spec(model__options={"alpha": 0.5}),
        run_spec(model__image_size=32),
        run_spec(recipe__batch_size=64),
        run_spec(recipe__optimizer__lr=0.5),
        run_spec(recipe__augment=[{"name": "flip", "options": {"vertical": True}}]),
        run_spec(recipe__early_stopping=None),
        run_spec(protocol__split_seed=1),
    ]
    ids = {run.run_id for run in changed}
    assert len(ids) == len(changed)
    assert base.run_id not in ids
    assert run_spec().run_id == base.run_id


def test_a_digest_does_not_depend_on_the_order_of_keys():
    assert digest({"a": 1, "b": [1, 2]}) == digest({"b": [1, 2], "a": 1})
    assert digest({"a": 1}) != digest({"a": 1.5})


@pytest.mark.parametrize("name", list(library()))
def test_every_recipe_of_the_library_is_whole(name: str):
    entry = library()[name]
    assert entry.summary
    assert entry.recipe.name == name


def test_a_recipe_can_start_from_another():
    recipe = resolve_recipe({"base": "default", "epochs": 3})
    assert recipe.epochs == 3
    assert recipe.optimizer == library()["default"].recipe.optimizer
    assert recipe_for("no such model").name == "default"


def test_specs_are_frozen_and_refuse_what_they_do_not_know():
    study = StudySpec.parse({"data": "digits", "models": "simcnn"})
    with pytest.raises(ValueError, match="frozen"):
        study.seeds = (1,)  # type: ignore[misc]
    with pytest.raises(BakeoffError, match="unknown field 'data.colour'"):
        StudySpec.parse({"data": {"name": "x", "colour": 1}, "models": "a"})
