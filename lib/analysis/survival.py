"""Time to the second order with censoring: Kaplan-Meier curves (Kaplan and Meier 1958)."""

import numpy as np
import pandas as pd

__all__ = ["days_until", "returned_within", "returns"]

NORMAL_95 = 1.959963984540054
DIGITS = 9  # of exponentials, equal on any processor


def returns(durations: pd.DataFrame) -> pd.DataFrame:
    """Share of buyers with a second order by days since the first.

    Args:
        durations: days, returned (False: observed for this long without a second order), buyers (number).

    Returns:
        One row per observed day: day, share = 1 - S (Kaplan-Meier), lower and upper (pointwise 95 % interval of
        log(-log S), which stays within 0 and 1: Kalbfleisch and Prentice 2002, 1.4), at_risk. No rows without buyers.
    """
    if durations.empty:
        return pd.DataFrame(columns=["day", "share", "lower", "upper", "at_risk"], dtype="float64")
    curve = _kaplan_meier(durations)
    followed = pd.RangeIndex(int(durations["days"].max()) + 1, name="day")
    ended = durations.groupby("days")["buyers"].sum().reindex(followed, fill_value=0).cumsum().shift(fill_value=0)
    every = curve.reindex(followed).ffill().fillna({"share": 0.0, "lower": 0.0, "upper": 0.0})
    return every.assign(at_risk=durations["buyers"].sum() - ended).reset_index()


def _kaplan_meier(durations: pd.DataFrame) -> pd.DataFrame:
    """share, lower and upper by the days with a second order or a censored buyer."""
    from statsmodels.duration.survfunc import SurvfuncRight  # a second to import, and only this needs it

    # One entry per buyer: with weights statsmodels 0.15 returns another standard error (of log S).
    days, returned = (durations[name].to_numpy().repeat(durations["buyers"]) for name in ("days", "returned"))
    fit = SurvfuncRight(days, returned.astype("int64"))
    alive, error = np.asarray(fit.surv_prob), np.asarray(fit.surv_prob_se)
    inside = (alive > 0) & (alive < 1)  # the logarithms are undefined at 0 and 1
    safe = np.where(inside, alive, 0.5)
    width = np.where(inside, NORMAL_95 * error / (safe * np.abs(np.log(safe))), 0.0)
    bounds = {"lower": 1 - alive ** np.exp(-width), "upper": 1 - alive ** np.exp(width)}
    return pd.DataFrame({"share": 1 - alive, **bounds}, index=fit.surv_times).round(DIGITS)


def returned_within(curve: pd.DataFrame, days: int) -> float:
    """Share with a second order within this many days; NaN if no buyer has been observed for this long."""
    reached = curve.loc[curve["day"] == days, "share"]
    return float(reached.iloc[0]) if len(reached) else np.nan


def days_until(curve: pd.DataFrame, share: float) -> float:
    """The first day by which this share has a second order; NaN if it has not."""
    reached = curve.loc[curve["share"] >= share, "day"]
    return float(reached.iloc[0]) if len(reached) else np.nan
