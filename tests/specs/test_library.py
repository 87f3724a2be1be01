"""The systems of the documents: their figures as facts, their parameters to the digit, and what they declare."""

import hashlib

import pytest
import torch
from torch import Tensor

from bakeoff.data.pipeline import Batch
from bakeoff.errors import UnknownNameError
from bakeoff.models import networks, transfer
from bakeoff.models.library import build, smallest_input
from bakeoff.models.summary import count_parameters
from bakeoff.run.resolve import override
from bakeoff.specs.library import find_system, library, recipe_for, resolve_model, systems
from bakeoff.specs.model import ModelSpec
from bakeoff.specs.run import RunSpec
from bakeoff.training import optimizers
from bakeoff.training.precision import Precision
from bakeoff.training.step import Step

CHANNELS = {"cifar10": 3, "mnist": 1}
SIDES = {"cifar10": 32, "mnist": 28}

# document; parameters in all, trainable; accuracies on test, validation and training; test loss; seconds of an epoch
TABLE = {
    "vgg16-frozen-224": ("A", 24_832_498, 10_117_810, 0.8893, 0.8912, 0.9124, 0.3469, (254, 254)),
    "resnet50-frozen-224": ("A", 63_811_122, 40_223_410, 0.9230, 0.9245, 0.9432, 0.2319, (202, 202)),
    "alexnet-bn-224": ("B", 48_930_210, 48_909_074, 0.7247, 0.73, 0.74, 0.8063, (50, 72)),
    "vgg16-gap-224": ("B", 33_638_218, 33_638_218, 0.7045, None, 0.9332, 1.2027, (613, 613)),
    "vgg-small": ("B", 552_874, 551_722, 0.7595, None, 0.7929, 0.7165, (6, 6)),
    "googlenet": ("B", 5_997_962, 5_983_402, None, None, None, None, None),
    "leaky-cnn": ("C", 2_105_066, 2_105_066, None, 0.7066, 0.9914, None, (8, 8)),
    "leaky-cnn-dropout": ("C", 2_105_066, 2_105_066, None, 0.6830, 0.7890, None, (9, 9)),
    "leaky-cnn-deep": ("C", 1_084_234, 1_084_234, None, 0.7812, 0.7950, None, (12, 12)),
    "vgg16-frozen-block3": ("C", 2_826_378, 1_090_762, 0.78, 0.7924, 0.8274, None, (6, 6)),
    "vgg19-frozen-block5": ("C", 20_197_770, 173_258, None, 0.6026, None, None, (200, 750)),
    "inceptionv3-frozen": ("C", 22_369_386, 566_474, None, None, None, None, None),
    "resnet50v2-frozen": ("C", 24_131_402, 566_474, None, 0.3818, 0.4145, None, (67, 76)),
    "simcnn": ("D", 122_570, 122_570, 0.7161, None, 0.7955, 0.8753, (69, 69)),
    "resnet50-finetune-32": ("D", 25_696_138, 25_643_018, 0.7929, 0.8004, 0.9095, 0.7981, (245, 245)),
    "vgg16-mnist": ("E", 33_637_066, 33_637_066, 0.9898, 0.9894, 1.0, 0.0672, (36, 36)),
    "resnet50-mnist": ("E", 26_313_218, 26_267_778, 0.9842, None, 0.9798, 0.0546, (39.9, 39.9)),
    "vgg16-cifar10": ("E", 33_638_218, 33_638_218, 0.7269, 0.7399, 0.9937, 1.8259, (15, 15)),
    "resnet50-cifar10": ("E", 26_319_490, 26_274_050, None, None, None, None, None),
}


@pytest.mark.parametrize("name", TABLE)
def test_a_row_of_the_documents_stands_in_the_library(name: str):
    entry = systems()[name]
    told = entry.reported
    training = told.train_accuracy or told.running_train_accuracy
    found = (told.test_accuracy, told.val_accuracy, training, told.test_loss, told.seconds)
    assert (entry.document, entry.parameters.total, entry.parameters.trainable, *found) == TABLE[name]


def test_nothing_else_claims_figures_of_a_document():
    others = {name: entry for name, entry in systems().items() if name not in TABLE}
    published = {name: entry.reported.figures for name, entry in others.items() if entry.reported.figures}
    means = {"cifar10-94": 0.9401, "cifar10-95": 0.9501, "cifar10-96": 0.96}
    assert published == {name: {"test_accuracy": mean} for name, mean in means.items()}
    assert set(others) > {"vgg16-frozen-224-pca", "mobilenet-frozen"}
    assert not any(others[name].document for name in published)
    assert all(entry.improves in TABLE for entry in others.values() if entry.document)
    assert not any(systems()[name].improves for name in TABLE)


@pytest.mark.parametrize("name", systems())
def test_a_system_is_complete_and_has_the_parameters_that_it_says(name: str):
    entry = systems()[name]
    assert entry.data.name in SIDES
    assert entry.notes
    assert all(note.endswith(".") for note in entry.notes)
    channels = CHANNELS[entry.data.name]
    wanted = entry.model.image_size or SIDES[entry.data.name]
    size = smallest_input(entry.model, 10, channels, wanted)
    with torch.device("meta"):
        model = build(entry.model, 10, channels, size)
    transfer.freeze(model, entry.model.freeze)
    count = count_parameters(model)
    assert entry.parameters.content() == vars(count)


@pytest.mark.parametrize("name", systems())
def test_a_system_learns_from_random_weights(name: str):
    """Two steps of the engine at the smallest input change every weight that is not frozen, and nothing else."""
    entry = systems()[name]
    channels, side = CHANNELS[entry.data.name], SIDES[entry.data.name]
    size = smallest_input(entry.model, 10, channels, side)
    torch.manual_seed(0)
    model = build(entry.model, 10, channels, size)
    transfer.freeze(model, entry.model.freeze)
    transfer.training_mode(model)
    weights = dict(model.named_parameters())
    before = {path: digest_of(tensor) for path, tensor in model.state_dict().items()}
    optimizer = optimizers.build(model, entry.recipe.optimizer)
    step = Step(model, optimizer, lambda images: images, entry.recipe, Precision("off", torch.device("cpu")), 4)
    for _ in range(2):
        loss, _ = step(Batch(torch.randn(4, channels, size, size), torch.tensor([0, 1, 2, 3])), 1e-3)
        assert loss.isfinite()
    after = {path: digest_of(tensor) for path, tensor in model.state_dict().items()}
    kept = {path for path in before if before[path] == after[path]}
    assert kept & weights.keys() == {path for path, weight in weights.items() if not weight.requires_grad}
    if entry.model.freeze == "backbone":
        assert {path for path in before if path.startswith("backbone.")} <= kept, "statistics included"


def digest_of(tensor: Tensor) -> bytes:
    return hashlib.sha256(tensor.contiguous().numpy().tobytes()).digest()


@pytest.mark.parametrize("name", [name for name in systems() if name in networks])
def test_a_system_with_the_name_of_a_network_is_that_very_network(name: str):
    assert systems()[name].model == ModelSpec(name=name)
    assert resolve_model(ModelSpec(name=name)) == ModelSpec(name=name)


@pytest.mark.parametrize("name", [name for name, entry in systems().items() if entry.faithful])
def test_what_is_repeated_faithfully_are_fields_of_a_run_and_changes_it(name: str):
    entry = systems()[name]
    assert entry.faithful.why.endswith(".")
    right = RunSpec(data=entry.data, model=entry.model, recipe=entry.recipe, protocol=entry.protocol, seed=0)
    wrong = RunSpec.parse(override(right.content(), entry.faithful.overrides))
    assert wrong.run_id != right.run_id
    assert wrong.recipe.normalize == "unit"


def test_the_systems_of_document_c_prepare_images_as_the_weights_expect():
    transferred = [entry for entry in systems().values() if entry.document == "C" and entry.model.weights != "random"]
    assert len(transferred) == 4
    assert all(entry.recipe.normalize == "auto" and entry.faithful for entry in transferred)


def test_a_system_is_a_model_whose_fields_can_be_changed():
    model = resolve_model(ModelSpec(name="vgg16-frozen-block3"))
    assert (model.name, model.title, model.tap) == ("vgg16", "vgg16-frozen-block3", "block3_pool")
    changed = resolve_model(ModelSpec.parse({"name": "vgg16-frozen-block3", "freeze": "none", "label": "thawed"}))
    assert (changed.name, changed.title, changed.tap, changed.freeze) == ("vgg16", "thawed", "block3_pool", "none")


def test_the_weights_that_a_system_pins_are_pinned_until_others_are_given():
    pinned = resolve_model(ModelSpec(name="mobilenet-frozen"))
    assert len(pinned.weights_sha256) == 64
    assert resolve_model(ModelSpec(name="mobilenet-frozen", weights="mine.h5")).weights_sha256 == ""


def test_a_recipe_is_found_by_any_of_the_names_of_a_model():
    assert recipe_for("", "simcnn").name == "simcnn"
    assert recipe_for("leaky-cnn", "simcnn").name == "leaky-cnn"
    assert recipe_for("a label", "no such model").name == "default"


def test_a_wrong_name_gets_the_nearest():
    with pytest.raises(UnknownNameError, match="unknown system 'simcn'; did you mean simcnn"):
        find_system("simcn")
    with pytest.raises(UnknownNameError, match="unknown system 'default'; bakeoff reproduce --list lists them"):
        find_system("default")
    assert "default" in library()
