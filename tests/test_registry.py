import pytest

from bakeoff.errors import UnknownNameError, nearest
from bakeoff.registry import Registry


def test_a_name_is_registered_once():
    registry: Registry[int] = Registry("thing", "bakeoff.specs")
    registry.register("one")(1)
    with pytest.raises(ValueError, match="'one' is registered twice"):
        registry.register("one")(2)
    assert registry.get("one") == 1


def test_an_unknown_name_lists_the_nearest_ones():
    registry: Registry[int] = Registry("thing", "bakeoff.specs")
    for name in ("resnet20", "resnet32", "vgg-small"):
        registry.register(name)(0)
    with pytest.raises(UnknownNameError, match="unknown thing 'resnet2'; did you mean resnet(20|32) or resnet(20|32)"):
        registry.get("resnet2")
    assert nearest("resnt18", ["resnet18", "resnet18"]) == "; did you mean resnet18?", "which two libraries have"


def test_modules_of_the_package_are_found_without_being_listed():
    from bakeoff.evaluation.metrics import metrics

    assert {"accuracy", "loss", "macro_f1", "roc_auc", "top5_accuracy"} <= set(metrics)
