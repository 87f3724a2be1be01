"""Figures against scikit-learn."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import softmax
from sklearn import metrics as reference
from torch import nn

from bakeoff.evaluation.metrics import compute, metrics
from bakeoff.evaluation.per_class import class_figures
from bakeoff.evaluation.predict import predict


def problem(seed: int, count: int, classes: int) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    return random.normal(size=(count, classes)).astype(np.float32), random.integers(0, classes, count)


@settings(max_examples=40)
@given(st.integers(0, 2**32 - 1), st.integers(1, 60), st.integers(2, 9))
def test_every_metric_is_scikit_learns(seed: int, count: int, classes: int):
    logits, labels = problem(seed, count, classes)
    found = compute(logits, labels)
    probabilities = softmax(logits.astype(float), axis=1)
    everything = list(range(classes))
    assert found["accuracy"] == pytest.approx(reference.accuracy_score(labels, logits.argmax(1)))
    assert found["loss"] == pytest.approx(reference.log_loss(labels, probabilities, labels=everything))
    assert found["macro_f1"] == pytest.approx(
        reference.f1_score(labels, logits.argmax(1), labels=everything, average="macro", zero_division=0)
    )
    if classes > 5:
        expected = reference.top_k_accuracy_score(labels, logits, k=5, labels=everything)
        assert found["top5_accuracy"] == pytest.approx(expected)
    if len(set(labels)) == classes > 2:
        expected = reference.roc_auc_score(labels, probabilities, multi_class="ovr", labels=everything)
        assert found["roc_auc"] == pytest.approx(expected)
    confusion = reference.confusion_matrix(labels, logits.argmax(1), labels=everything)
    expected = reference.precision_recall_fscore_support(labels, logits.argmax(1), labels=everything, zero_division=0)
    figures = class_figures(confusion, tuple(map(str, everything)))
    np.testing.assert_allclose([[f.precision, f.recall, f.f1, f.support] for f in figures], np.transpose(expected))


def test_every_metric_declares_itself():
    for name in metrics:
        assert metrics.get(name).better in ("higher", "lower")
        assert metrics.get(name).summary


def test_huge_logits_do_not_overflow():
    assert compute(np.array([[1e4, -1e4], [1e4, -1e4]], np.float32), np.array([0, 1]))["loss"] == pytest.approx(1e4)


def test_prediction_covers_every_image_and_leaves_the_model_as_it_was():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.BatchNorm1d(12), nn.Dropout(0.5), nn.Linear(12, 3)).train()
    images = torch.randn(11, 3, 2, 2)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    cast = torch.autocast("cpu", enabled=False)
    logits = predict(model, images.split(4), cast)
    flipped = predict(model, images.split(4), cast, tta="flip")
    model.eval()
    with torch.no_grad():
        np.testing.assert_allclose(logits, model(images).numpy(), rtol=1e-5, atol=1e-6)
        both = (model(images) + model(images.flip(3))) / 2
        np.testing.assert_allclose(flipped, both.numpy(), rtol=1e-5, atol=1e-6)
    assert all(torch.equal(before[name], tensor) for name, tensor in model.state_dict().items())
    predict(model.train(), images.split(4), cast)
    assert model.training


def test_six_views_have_the_shares_that_are_declared() -> None:
    """Against the sums written out: half unmoved, half moved along the diagonal, and all of them mirrored."""

    class Corner(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x[:, 0, 0, :2]

    images = torch.arange(2 * 25.0).view(2, 1, 5, 5)
    found = predict(Corner(), [images], torch.autocast("cpu", enabled=False), tta="flip+shift")
    x = images[:, 0]
    unmoved = (x[:, 0, [0, 1]] + x[:, 0, [4, 3]]) / 2
    # A padding of one mirrors without repeating the border: row 1 stands above row 0, column 1 left of column 0.
    up_left = (x[:, 1][:, [1, 0]] + x[:, 1][:, [3, 2]]) / 2
    down_right = (x[:, 1][:, [1, 2]] + x[:, 1][:, [3, 4]]) / 2
    assert not torch.equal(up_left, down_right)
    expected = unmoved / 2 + up_left / 4 + down_right / 4
    torch.testing.assert_close(torch.from_numpy(found), expected)
