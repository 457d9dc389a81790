"""Tests of the time to the second order: Kaplan-Meier by hand, and nothing beyond the observed days."""

import numpy as np
import pandas as pd
import pytest

from lib.analysis import survival

# Eight buyers: second orders on days 0 (one), 2 (two) and 5 (one); censored on days 2 (one) and 7 (three).
DURATIONS = pd.DataFrame(
    {"days": [0, 2, 2, 5, 7], "returned": [True, False, True, True, False], "buyers": [1, 1, 2, 1, 3]}
)


def test_shares_by_hand() -> None:
    curve = survival.returns(DURATIONS)
    alive = [7 / 8, 7 / 8, 7 / 8 * 5 / 7, 7 / 8 * 5 / 7, 7 / 8 * 5 / 7, *[7 / 8 * 5 / 7 * 3 / 4] * 3]
    assert curve["day"].tolist() == list(range(8))
    assert curve["share"].tolist() == pytest.approx([1 - s for s in alive])
    assert curve["at_risk"].tolist() == [8, 7, 7, 4, 4, 4, 3, 3]


def test_the_interval_by_hand() -> None:
    """Greenwood's variance of S = 7/8 is S^2 / (8 x 7); on the scale of log(-log S) it is divided by (S log S)^2."""
    first = survival.returns(DURATIONS).iloc[0]
    width = 1.959964 * np.sqrt(1 / 56) / abs(np.log(7 / 8))
    assert first["lower"] == pytest.approx(1 - (7 / 8) ** np.exp(-width), abs=1e-6)
    assert first["upper"] == pytest.approx(1 - (7 / 8) ** np.exp(width), abs=1e-6)


def test_one_row_per_buyer_gives_the_same_curve() -> None:
    single = DURATIONS.loc[DURATIONS.index.repeat(DURATIONS["buyers"])].assign(buyers=1)
    pd.testing.assert_frame_equal(survival.returns(single), survival.returns(DURATIONS))


def test_shares_beyond_the_observed_days_are_nan() -> None:
    curve = survival.returns(DURATIONS)
    assert survival.returned_within(curve, 2) == pytest.approx(3 / 8)
    assert np.isnan(survival.returned_within(curve, 8))
    assert survival.days_until(curve, 0.5) == 5
    assert np.isnan(survival.days_until(curve, 0.6))


def test_censored_buyers_are_not_counted_as_lost() -> None:
    """The naive share of second orders is 4 of 8; with censoring it is 17 of 32."""
    assert survival.returns(DURATIONS)["share"].iloc[-1] == pytest.approx(17 / 32)


@pytest.mark.parametrize(("returned", "share"), [(True, 1.0), (False, 0.0)])
def test_one_buyer_on_the_first_day(returned: bool, share: float) -> None:
    curve = survival.returns(pd.DataFrame({"days": [0], "returned": [returned], "buyers": [1]}))
    assert curve.to_dict("records") == [{"day": 0, "share": share, "lower": share, "upper": share, "at_risk": 1}]


def test_no_buyers_give_no_rows() -> None:
    curve = survival.returns(DURATIONS.head(0))
    assert list(curve.columns) == ["day", "share", "lower", "upper", "at_risk"]
    assert np.isnan(survival.returned_within(curve, 0))
    assert np.isnan(survival.days_until(curve, 0.5))
