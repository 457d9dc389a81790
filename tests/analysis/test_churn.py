"""Tests of churn risk: by hand, calibrated, and tested in a later window."""

import numpy as np
import pytest

from lib.analysis import churn

EXPECTED = np.tile(np.array([0.1, 0.5, 1.0, 2.0]), 250)
ORDERED = np.random.default_rng(2).random(1_000) < 1 - np.exp(-EXPECTED / 2)  # half of the expected orders


def test_uncalibrated_risk_is_that_of_poisson_orders():
    assert churn.risk([0.0, np.log(2), 5.0], None) == pytest.approx([1, 0.5, np.exp(-5)])


def test_calibrated_risk_has_the_observed_mean():
    curve = churn.calibrate(EXPECTED, ORDERED)
    risk = churn.risk(EXPECTED, curve)
    assert risk.mean() == pytest.approx(1 - ORDERED.mean(), abs=1e-6)
    for level in np.unique(EXPECTED):
        assert risk[level == EXPECTED].mean() == pytest.approx(np.exp(-level / 2), abs=0.08)


def test_calibration_keeps_the_ranking_of_customers():
    risk = churn.risk(np.array([0.0, 0.2, 0.7, 3.0]), churn.calibrate(EXPECTED, ORDERED))
    assert (np.diff(risk) < 0).all()
    assert ((risk >= 0) & (risk <= 1)).all()


@pytest.mark.parametrize(
    ("expected", "ordered"),
    [
        (EXPECTED[:50], np.arange(50) < 24),
        (EXPECTED, np.zeros(1_000, dtype=bool)),
        (np.ones(1_000), ORDERED),
        (EXPECTED, EXPECTED < 0.7),
        (np.array([]), np.array([], dtype=bool)),
    ],
    ids=["few orders", "no orders", "equal scores", "negative slope", "no customers"],
)
def test_no_calibration_from_unsuitable_outcomes(expected, ordered):
    assert churn.calibrate(expected, ordered) is None


def again(seed):
    """Outcomes of another window with the same probabilities."""
    return np.random.default_rng(seed).random(1_000) < 1 - np.exp(-EXPECTED / 2)


def test_all_scores_are_calibrated_in_the_windows_before():
    noise = np.random.default_rng(4).random(1_000)
    scores = {"good": np.log(EXPECTED), "noise": noise}
    found = churn.judge(scores, ORDERED, scores, again(9)).set_index("score")
    base, before = ORDERED.mean(), again(9).mean()
    expected = [0.5, base * (1 - before) ** 2 + (1 - base) * before**2]
    assert found.loc["the same for everyone"].tolist() == pytest.approx(expected, abs=1e-3)
    assert found.loc["noise", "auc"] == pytest.approx(0.5, abs=0.05)
    assert found.loc["good", "auc"] > 0.65
    assert found.loc["good", "brier"] < found.loc["noise", "brier"]


def test_without_earlier_windows_there_is_no_brier_score():
    found = churn.judge({"good": np.log(EXPECTED)}, ORDERED, {"good": np.zeros(0)}, np.zeros(0, dtype=bool))
    assert found["brier"].isna().all()
    assert found["auc"].notna().all()


def test_auc_by_hand():
    """In all but one of the 25 x 25 pairs, the customer with an order has the higher score."""
    scores = np.concatenate([np.arange(1, 26), np.arange(-24, 1)]).astype(float)
    scores[0] = -0.5
    ordered = np.arange(50) < 25
    found = churn.judge({"score": scores}, ordered, {"score": scores}, ordered)
    assert found.loc[0, "auc"] == pytest.approx(1 - 1 / 625)


def test_predicted_and_observed_churn_agree_by_tenth():
    found = churn.reliability(EXPECTED, ORDERED, churn.calibrate(EXPECTED, again(9)))
    assert found["customers"].tolist() == [100] * 10
    assert found["predicted_churn"].is_monotonic_increasing
    assert found["predicted_churn"].between(found["lower"] - 0.05, found["upper"] + 0.05).all()
    assert found["observed_churn"].mean() == pytest.approx(1 - ORDERED.mean())


def test_the_interval_of_a_tenth_by_hand():
    """Wilson's interval of 4 of 20 is 0.081 to 0.416."""
    expected, ordered = np.repeat(np.arange(1.0, 11), 20), np.tile(np.arange(20) < 16, 10)
    found = churn.reliability(expected, ordered, churn.Calibration(0.0, 1.0)).iloc[0]
    assert (found["observed_churn"], found["lower"], found["upper"]) == pytest.approx((0.2, 0.081, 0.416), abs=1e-3)


def test_too_few_outcomes_give_no_accuracy():
    few, curve = np.arange(40) < 10, churn.Calibration(0.0, 1.0)
    assert churn.judge({"score": np.arange(40.0)}, few, {}, few).empty
    assert churn.reliability(np.arange(1.0, 41), few, curve).empty
    assert churn.reliability(EXPECTED, ORDERED, None).empty
