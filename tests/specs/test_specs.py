import copy
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
import yaml

from bakeoff.errors import BakeoffError, SpecError
from bakeoff.specs.base import as_written, digest
from bakeoff.specs.files import naming_lines, read_study
from bakeoff.specs.library import library, recipe_for, resolve_recipe
from bakeoff.specs.recipe import OPTIMIZER_DEFAULTS, Recipe
from bakeoff.specs.run import RunSpec
from bakeoff.specs.study import StudySpec
from bakeoff.study.plan import make_plan


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
        ("data: x\n? [a, b]\n: c\n", "is not valid YAML: found unhashable key"),
        ("data: a\0b\n", r"is not valid YAML: unacceptable character #x0000: special characters are not allowed$"),
        ("- a\n", "is a mapping of fields"),
        ("data: x\nmodels: a\nseeds: 0\n", "line 3: seeds: at least one seed"),
        ("data: x\nmodels: a\nseeds: 20261128\n", "line 3: seeds: a number is how many, .*; got 20261128"),
        ("data: x\nmodels: a\nseeds: [1, 1]\n", "every seed may stand once"),
        ("data: x\nmodels: a\nprotocol: {mode: budget}\n", "belong together"),
        ("data: x\nmodels: a\nprotocol: {val_fraction: 1.0}\n", "val_fraction: .*less than 1"),
        ("data: x\nmodels: []\n", "models: needs at least 1"),
        ("data: x\nmodels:\n- a\n- {name: b, head: [abc]}\n", r"line 4: .*a layer of a head is .*; got 'abc'"),
        ("data: x\nmodels:\n- name: b\n  head: 400\n", "line 4: models.0.head: must be a list; got 400"),
        ("data: x\nmodels:\n- a\n- 3\n", "line 4: models.1: must be a name or a mapping of fields; got 3"),
        ("data: x\nmodels: {}\n", "line 2: the field 'models.0.name' is missing"),
        ("data: x\nmodels: a\nrecipes:\n- default\n- base: default\n  epochs: 0\n", "line 6: recipes.1.epochs: .* 0"),
        ("data: x\nmodels: a\nrecipes:\n- default\n- defalt\n", "line 5: unknown recipe 'defalt'"),
        ("data: x\nmodels: a\nrecipe: default\nrecipes: [default]\n", "has both recipe and recipes"),
        ("data: x\nmodels: a\nrecipe:\n  augment:\n  - {flip: {}, shift: 2}\n", "line 5: .*an augmentation is a name"),
        ("data: x\nmodels: a\nseeds: many\n", "line 3: seeds: must be how many.*; got 'many'"),
        ("data: x\nmodels: a\nseeds: [-1]\n", "line 3: seeds.0: .*; got -1"),
        ("data: x\nmodels: a\nno: 3\n", "line 3: .*the key no is no text"),
        ("data: {name: x, classes: [no, yes]}\nmodels: a\n", "line 1: data.classes.0: must be text; .* got false"),
        ("data:\nmodels: a\n", "line 1: data: must be a name or a mapping of fields; got nothing"),
        ("data: x\nmodels: a\ngrid:\n  recipe.epochs: []\n", "line 4: grid.recipe.epochs: needs at least 1"),
    ],
)
def test_a_mistake_in_a_study_file_is_one_sentence_with_its_line(tmp_path: Path, text: str, sentence: str):
    path = tmp_path / "study.yaml"
    path.write_text(text)
    with pytest.raises(SpecError, match=sentence) as caught:
        read_study(path, {})
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def laughs(levels: int) -> str:
    """Return YAML of a few bytes for each level, which are ten times as many values as the one before."""
    return "a0: &a0 x\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, levels))


@pytest.mark.parametrize("text", [laughs(12), "data: x\nmodels: &a [*a]\n", "data: x\nmodels: &a {name: {b: *a}}\n"])
def test_aliases_that_stand_for_more_than_fits_into_memory_are_refused(tmp_path: Path, text: str):
    (path := tmp_path / "study.yaml").write_text(text)
    with pytest.raises(SpecError, match="is not valid YAML: its aliases stand for themselves, or for more than"):
        read_study(path, {})


def test_aliases_may_save_words(tmp_path: Path):
    path = tmp_path / "study.yaml"
    path.write_text("data: x\nmodels: [{name: &n a, options: &o {k: 1}}, {name: *n, options: *o}]\n")
    first, second = read_study(path, {}).models
    assert first == second


def test_no_mistake_in_a_study_file_speaks_of_python(tmp_path: Path):
    """Every field of a whole study, given a value of each wrong kind."""
    whole = {
        "data": {"name": "x", "classes": ["a", "b"], "max_train": 3, "skip_bad": True},
        "models": [{"name": "a", "options": {"x": 1}, "head": [3], "tap": "b"}],
        "recipes": [{"optimizer": {"lr": 0.1}, "augment": ["flip"], "schedule": "linear", "early_stopping": 3}],
        "protocol": {"mode": "budget", "budget": {"epochs": 3}},
        "seeds": [0, 1],
        "overrides": {"recipe.epochs": 3},
        "grid": {"recipe.epochs": [3]},
    }
    path, refused = tmp_path / "study.yaml", []
    for place in _places(whole):
        for wrong in (None, True, -1, 0.5, "word", [], [[]], {}, {"a": 1}):
            changed = copy.deepcopy(whole)
            inner = changed
            for step in place[:-1]:
                inner = inner[step]
            inner[place[-1]] = wrong
            path.write_text(yaml.safe_dump(changed, sort_keys=False))
            try:
                read_study(path, {})
            except SpecError as error:
                refused.append(str(error))
    assert len(refused) > 100
    assert [sentence for sentence in refused if not re.search(r", line \d+: ", sentence)] == []
    assert [one for one in refused if re.search(r"tuple|dict|instance|Spec|Layer|Input|function", one)] == []


def _places(node: object) -> Iterator[tuple[str | int, ...]]:
    for step, inner in node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ():
        yield (step,)
        yield from ((step, *rest) for rest in _places(inner))


def test_what_yaml_reads_as_numbers_and_truth_values_is_understood(tmp_path: Path):
    path = tmp_path / "study.yaml"
    path.write_text("data: {name: digits, classes: [0, 1]}\nmodels: simcnn\nrecipe: {amp: off}\n")
    study = read_study(path, {})
    assert study.data.classes == ("0", "1")
    assert study.recipes[0].amp == "off"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("grid:\n  recipe.epochs: [1, 0]\n", "line 4: recipe.epochs: .*; got 0"),
        ("grid:\n  recipe.epoch: [1]\n", "line 4: unknown field 'recipe.epoch'; did you mean epochs"),
        ("grid:\n  recipe.lr: [1]\n", r"line 4: unknown field 'recipe.lr'; did you mean recipe\.optimizer\.lr\?"),
        ("overrides:\n  recipe.optimizer.lr: fast\n", "line 4: recipe.optimizer.lr: must be a number; got 'fast'"),
        ("seeds: 1\nrecipe:\n  augment: [flp]\n", "line 5: unknown augmentation 'flp'; did you mean flip"),
    ],
)
def test_mistakes_that_show_when_a_study_is_planned_have_their_line_as_well(tmp_path, where, text, sentence):
    path = tmp_path / "study.yaml"
    path.write_text(f"data: digits\nmodels: lenet5\n{text}")
    with pytest.raises(SpecError, match=rf"study.yaml, {sentence}"), naming_lines(path):
        make_plan(read_study(path, {}), where, torch.device("cpu"))


def test_a_mistake_of_an_option_is_not_put_into_the_file(tmp_path: Path):
    path = tmp_path / "study.yaml"
    path.write_text("data: digits\nmodels: lenet5\nseeds: 3\n")
    with pytest.raises(SpecError, match="^seeds: at least one seed"):
        read_study(path, {"seeds": 0})


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
        run_spec(recipe__whiten_epochs=1),
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


def test_values_are_shown_as_a_study_file_has_them():
    values = [{"flip": {}}, {"shift": {"amount": 4}}, [], {}, None, True]
    assert [as_written(value) for value in values] == ["flip", "shift: amount: 4", "none", "none", "none", "true"]
    layers = [{"kind": "dense", "size": 400, "rate": None}, {"kind": "batch-norm", "size": None, "rate": None}]
    assert as_written(layers) == "dense (size: 400) + batch-norm"
