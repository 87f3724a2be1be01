import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
import statsmodels.formula.api as smf

from bakeoff.evidence.components import components


def long(scores):
    runs, images = np.indices(scores.shape)
    return pd.DataFrame({"y": scores.ravel(), "seed": runs.ravel(), "image": images.ravel()})


def crossed(rng, runs=4, images=40):
    return 5 + rng.normal(0, 0.7, (runs, 1)) + rng.normal(0, 1.0, (1, images)) + rng.normal(0, 0.5, (runs, images))


def test_mean_squares_are_those_of_the_analysis_of_variance():
    scores = crossed(np.random.default_rng(0))
    parts = components(scores)
    table = sm.stats.anova_lm(smf.ols("y ~ C(seed) + C(image)", long(scores)).fit(), typ=1)
    assert parts.residual == pytest.approx(table.mean_sq["Residual"])
    assert parts.run_variance * 40 == pytest.approx(table.mean_sq["C(seed)"])
    assert float(parts.images.var(ddof=1)) * 4 == pytest.approx(table.mean_sq["C(image)"])


def test_balanced_estimates_are_those_of_restricted_likelihood():
    scores = crossed(np.random.default_rng(1))
    data = long(scores).assign(all=1)
    pieces = {"seed": "0 + C(seed)", "image": "0 + C(image)"}
    model = smf.mixedlm("y ~ 1", data, groups="all", vc_formula=pieces, re_formula="0").fit(reml=True)
    fitted = dict(zip(model.model.exog_vc.names, model.vcomp, strict=True))
    parts = components(scores)
    assert parts.seed_variance == pytest.approx(fitted["seed"], rel=0.01)
    assert parts.image_variance == pytest.approx(fitted["image"], rel=0.01)
    assert parts.residual == pytest.approx(model.scale, rel=0.01)


def test_estimates_are_unbiased():
    rng = np.random.default_rng(2)
    found = [components(crossed(rng)) for _ in range(2000)]
    assert np.mean([parts.seed_variance for parts in found]) == pytest.approx(0.49, rel=0.06)
    assert np.mean([parts.image_variance for parts in found]) == pytest.approx(1.0, rel=0.03)
    assert np.mean([parts.residual for parts in found]) == pytest.approx(0.25, rel=0.02)


def test_one_run_has_no_variance_over_seeds():
    parts = components(np.array([[0.0, 1.0, 1.0]]))
    assert np.isnan(parts.run_variance)
    assert parts.residual == 0
    assert parts.settled


@pytest.mark.parametrize("value", [1.0, 0.1, 1e-9, 1e9])
def test_equal_runs_leave_exactly_nothing_over(value):
    row = value * np.random.default_rng(3).random(50)
    parts = components(np.tile(row, (3, 1)))
    assert parts.residual == 0
    assert parts.settled
    assert not parts.binary
