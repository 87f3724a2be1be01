"""The study files of the documents: read, expanded, and what they compare."""

from pathlib import Path

import pytest

from bakeoff.errors import UnknownNameError
from bakeoff.specs.files import read_study
from bakeoff.specs.library import systems
from bakeoff.specs.study import StudySpec
from bakeoff.study.expand import expand

FOLDER = Path(__file__).parents[2] / "studies"
FILES = sorted(path.stem for path in FOLDER.glob("*.yaml"))


@pytest.mark.parametrize("name", FILES)
def test_a_study_file_says_how_to_run_it_and_expands(name: str):
    path = FOLDER / f"{name}.yaml"
    assert path.read_text().startswith(f"# bakeoff compare --config studies/{name}.yaml")
    runs = expand(read_study(path, {}))
    assert len({run.run_id for run in runs}) == len(runs)
    assert {run.model.title for run in runs} <= set(systems())


@pytest.mark.parametrize("document", "ABCDE")
def test_the_studies_of_a_document_compare_all_of_its_systems(document: str):
    files = [name for name in FILES if name.startswith(f"document-{document.lower()}") and "tuning" not in name]
    runs = [run for name in files for run in expand(read_study(FOLDER / f"{name}.yaml", {}))]
    rows = {name for name, entry in systems().items() if entry.document == document and entry.reported.figures}
    assert len(files) == len({systems()[name].data.name for name in rows}), "one study a document and data set"
    compared = {run.model.title for run in runs}
    assert rows <= compared
    assert all(systems()[title].document == document for title in compared)
    for run in runs:
        assert run.recipe == systems()[run.model.title].recipe
        assert run.data.name == systems()[run.model.title].data.name


def test_the_tuning_table_of_document_b_is_one_study():
    runs = expand(read_study(FOLDER / "document-b-tuning.yaml", {"seeds": 1}))
    settings = [
        (
            run.recipe.optimizer.name,
            run.recipe.batch_size,
            run.recipe.optimizer.lr,
            run.recipe.epochs,
            bool(run.recipe.augment),
        )
        for run in runs
    ]
    assert settings == [
        ("adam", 128, 0.001, 20, True),
        ("sgd", 128, 0.001, 20, True),
        ("adam", 256, 0.001, 20, True),
        ("adam", 64, 0.001, 20, True),
        ("adam", 128, 0.002, 20, True),
        ("adam", 128, 0.0008, 20, True),
        ("adam", 64, 0.001, 50, True),
        ("adam", 64, 0.001, 50, False),
        ("adam", 64, 0.001, 100, True),
        ("adam", 64, 0.001, 100, False),
        ("adam", 128, 0.001, 50, True),
    ]
    assert {run.model.image_size for run in runs} == {224}


def test_inputs_of_mobilenet_are_compared_right_and_wrong():
    runs = expand(read_study(FOLDER / "mobilenet-inputs.yaml", {"seeds": 1}))
    assert {(run.model.image_size, run.recipe.normalize) for run in runs} == {
        (size, normalize) for size in (32, 96, 160) for normalize in ("auto", "unit")
    }


def test_systems_stand_beside_networks_in_a_study():
    models = ["simcnn", "vgg16-frozen-block3", {"name": "vgg16-frozen-block3", "label": "tiny", "image_size": 48}]
    study = StudySpec.parse({"data": "digits", "models": models, "seeds": 1, "protocol": {"mode": "own-recipe"}})
    plain, frozen, labelled = expand(study)
    assert (plain.model.name, plain.recipe.name) == ("simcnn", "simcnn")
    assert (frozen.model.title, frozen.model.freeze) == ("vgg16-frozen-block3", "backbone")
    assert (labelled.model.title, labelled.model.image_size, labelled.model.tap) == ("tiny", 48, "block3_pool")
    assert frozen.recipe == labelled.recipe == systems()["vgg16-frozen-block3"].recipe


def test_a_pattern_means_networks_and_where_none_fits_systems():
    def titles(*models: str) -> set[str]:
        study = StudySpec.parse({"data": "digits", "models": list(models), "seeds": 1})
        return {run.model.title for run in expand(study)}

    assert "vgg16-frozen-224" not in titles("vgg16*")
    assert titles("*-frozen-block*") == {"vgg16-frozen-block3", "vgg19-frozen-block5"}
    with pytest.raises(UnknownNameError, match="did you mean .*vgg16-frozen-224"):
        titles("vgg16-frozn-224")


def test_a_stored_study_with_a_system_means_the_same_when_it_is_read_again():
    models = ["vgg16-frozen-block3", {"name": "resnet50v2-frozen", "freeze": "none", "label": "thawed"}, "vgg*"]
    study = StudySpec.parse({"data": "digits", "models": models, "protocol": {"mode": "own-recipe"}})
    assert expand(StudySpec.parse(study.content())) == expand(study)
