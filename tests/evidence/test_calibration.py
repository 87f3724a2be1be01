import numpy as np
import pytest
from scipy import optimize
from scipy.special import log_softmax, softmax
from sklearn.calibration import calibration_curve

from bakeoff.evidence.calibration import reliability
from bakeoff.evidence.scores import EvidenceError
from bakeoff.evidence.temperature import fit_temperature


def network(images, temperature, rng, classes=10):
    """Return logits and labels: labels are drawn from softmax(logits x temperature)."""
    logits = 3 * rng.standard_normal((images, classes))
    chances = softmax(logits * temperature, axis=1)
    labels = (chances.cumsum(axis=1) > rng.random((images, 1))).argmax(axis=1)
    return logits, labels


def test_worked_example():
    """Bins (0, .5] and (.5, 1]: 2 images of confidence .5, one right; 3 of .9, .9 and .6, two right."""
    probabilities = np.array([[0.5, 0.5], [0.5, 0.5], [0.9, 0.1], [0.1, 0.9], [0.6, 0.4]])
    labels = np.array([0, 1, 0, 0, 0])
    found = reliability(probabilities, labels, bins=2, equal="width")
    assert found.count.tolist() == [2, 3]
    assert found.accuracy == pytest.approx([1 / 2, 2 / 3])
    assert found.confidence == pytest.approx([0.5, 0.8])
    assert found.ece == pytest.approx(3 / 5 * (0.8 - 2 / 3))
    squares = [0 - 0.25 / 1, (0.8 - 2 / 3) ** 2 - (2 / 9) / 2]
    assert found.debiased_rms == pytest.approx(np.sqrt(max(0, 2 / 5 * squares[0] + 3 / 5 * squares[1])))


@pytest.mark.parametrize(("equal", "strategy"), [("width", "uniform"), ("mass", "quantile")])
def test_bins_are_those_of_scikit_learn(equal, strategy):
    logits, labels = network(3000, 0.7, np.random.default_rng(0))
    probabilities = softmax(logits, axis=1)
    found = reliability(probabilities, labels, 12, equal)
    right = probabilities.argmax(1) == labels
    true, claimed = calibration_curve(right, probabilities.max(1), n_bins=12, strategy=strategy)
    assert found.accuracy == pytest.approx(true)
    assert found.confidence == pytest.approx(claimed)


def test_debiasing_takes_out_what_chance_adds():
    rng = np.random.default_rng(1)
    honest = [reliability(softmax(x, axis=1), y) for x, y in (network(1000, 1.0, rng) for _ in range(60))]
    assert np.mean([found.ece for found in honest]) > 0.02
    assert np.mean([found.debiased_rms for found in honest]) < 0.02
    logits, labels = network(200_000, 0.5, rng)
    boastful = reliability(softmax(logits, axis=1), labels)
    squares = (boastful.accuracy - boastful.confidence) ** 2
    assert boastful.debiased_rms == pytest.approx(np.sqrt(np.average(squares, weights=boastful.count)), rel=0.01)


def test_order_and_ties_do_not_matter():
    rng = np.random.default_rng(2)
    probabilities = softmax(np.round(network(500, 1.0, rng)[0]), axis=1)
    labels = rng.integers(0, 10, 500)
    order = rng.permutation(500)
    assert reliability(probabilities, labels).ece == pytest.approx(reliability(probabilities[order], labels[order]).ece)


def test_one_image_and_sure_images():
    single = reliability(np.array([[0.2, 0.8]]), np.array([1]))
    assert single.ece == pytest.approx(0.2)
    assert np.isnan(single.debiased_rms)
    sure = reliability(np.tile([0.0, 1.0], (50, 1)), np.ones(50, int))
    assert sure.ece == sure.debiased_rms == 0


@pytest.mark.parametrize("bad", [np.ones((3, 2)), np.ones((0, 2)), np.full((3, 2), np.nan)])
def test_what_are_not_probabilities_is_refused(bad):
    with pytest.raises(EvidenceError, match="rows sum to 1"):
        reliability(bad, np.zeros(len(bad), int))


@pytest.mark.parametrize("true", [0.4, 1.0, 2.5])
def test_temperature_is_found_again(true):
    logits, labels = network(20_000, 1 / true, np.random.default_rng(3))
    assert fit_temperature(logits, labels) == pytest.approx(true, rel=0.05)


def test_temperature_has_the_least_loss():
    logits, labels = network(300, 0.6, np.random.default_rng(4))

    def loss(log_temperature):
        return -log_softmax(logits / np.exp(log_temperature), axis=1)[np.arange(300), labels].mean()

    best = optimize.minimize_scalar(loss, bounds=(-3, 3), method="bounded", options={"xatol": 1e-10})
    assert fit_temperature(logits, labels) == pytest.approx(np.exp(best.x), rel=1e-5)


def test_temperature_mends_calibration():
    rng = np.random.default_rng(5)
    fitted = fit_temperature(*network(5000, 0.3, rng))
    logits, labels = network(5000, 0.3, rng)
    before, after = (reliability(softmax(logits / t, axis=1), labels).ece for t in (1, fitted))
    assert after < before / 5


def test_temperature_without_an_optimum_is_kept_within_bounds():
    logits = np.array([[3.0, 0.0], [0.0, 2.0]])
    assert fit_temperature(logits, np.array([0, 1])) == 0.01
    assert fit_temperature(logits, np.array([1, 0])) == 100


def test_temperature_of_nothing_is_refused():
    with pytest.raises(EvidenceError, match="finite logits"):
        fit_temperature(np.full((2, 2), np.inf), np.array([0, 1]))
