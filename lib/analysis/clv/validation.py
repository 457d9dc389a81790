"""Validation of the customer models on the shop's past: predictions as of earlier days against later orders."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

import numpy as np
import pandas as pd

from lib.analysis import churn, segments
from lib.analysis.clv.intervals import MEASURES, draw_noise
from lib.analysis.clv.models import ParetoNbd
from lib.analysis.clv.value import Model, fit_models
from lib.formatting import integer

__all__ = ["Proof", "Validation", "by_frequency", "capture", "compare", "proof_windows", "prove", "validate", "windows"]

PARETO_SAMPLE = 2_000  # customers drawn to fit Pareto/NBD, the comparison model: its likelihood is slow
DIGITS = 4  # of values in charts, equal on any processor
MANY = 7  # repeat purchases from which on customers are pooled
TOP = 0.1  # share of the customers in a capture
LEAST_HISTORY, LEAST_PROOF = 90, 180  # days of the history before a split, and before one that totals are tested at
LEAST_WINDOWS, MOST_WINDOWS = 3, 4  # splits that model error is measured at
SPACING = (30, 91)  # least and most days between splits of overlapping windows
LEAST_ORDERS = 20  # expected orders of a group whose error says something about the model
LEAST_RATIO = 0.02  # of observed to expected: the logarithm of 0 is not defined
TESTED = (1.0, 0.75, 0.5, 0.25)  # parts of the horizon that are tried, if the history is short
Window = tuple[date, date]  # the first day, where the predictions begin, and the day after the last
EMPTY_TABLES = {  # columns of the tables if there is no model
    "totals": ["method", "expected", "observed", "total_error", "mae", "correlation"],
    "by_frequency": ["repeats", "customers", "expected", "observed"],
    "capture": ["ranking", "share"],
    "scores": ["score", "auc", "brier"],
    "reliability": ["group", "customers", "predicted_churn", "observed_churn", "lower", "upper"],
}


@dataclass(frozen=True)
class Validation:
    """Predictions as of `days` before today, compared with the orders that followed.

    Attributes:
        days: Length of the validation period, the last window.
        customers: Number of customers with an order before it.
        windows: Number of windows that the calibration was fitted on.
        totals: Expected and observed orders by method, see `compare`. All tables are empty without a model.
        by_frequency: Mean expected and observed orders per customer, see `by_frequency`.
        capture: Share of the later revenue from the top tenth of each ranking, see `capture`.
        scores: AUC and Brier score of each score of the probability of an order, see `churn.judge`.
        reliability: Predicted and observed churn by tenth, calibrated in the windows before, see `churn.reliability`.
        calibration: Curve from expected orders to probabilities, of all windows; None with too few outcomes.
    """

    days: int
    customers: int
    windows: int
    totals: pd.DataFrame
    by_frequency: pd.DataFrame
    capture: pd.DataFrame
    scores: pd.DataFrame
    reliability: pd.DataFrame
    calibration: churn.Calibration | None


def windows(first_day: date | pd.Timestamp | None, as_of: date | str, days: int) -> list[Window]:
    """First day and end of up to four past windows of `days`, one before the other, latest first.

    Example:
        >>> clv.windows(pd.Timestamp("2024-12-01"), "2025-07-01", 90)
        [(datetime.date(2025, 4, 2), datetime.date(2025, 7, 1))]
    """
    return _windows(first_day, as_of, days, days, LEAST_HISTORY)


def proof_windows(first_day: date | pd.Timestamp | None, as_of: date | str, days: float) -> list[Window]:
    """Past windows of up to four earlier splits, as long as the horizon if the history allows at least three of them.

    Otherwise they have three quarters, half or a quarter of its length; none if even these do not fit. They overlap.

    Example:
        >>> [end - split for split, end in clv.proof_windows(pd.Timestamp("2023-07-01"), "2025-07-01", 365)][0].days
        365
    """
    if pd.isna(first_day):
        return []
    for part in TESTED:
        length = round(part * days)
        room = (pd.Timestamp(as_of) - pd.Timestamp(first_day)).days - length - LEAST_PROOF
        found = _windows(first_day, as_of, length, int(np.clip(room // (MOST_WINDOWS - 1), *SPACING)), LEAST_PROOF)
        if len(found) >= LEAST_WINDOWS:
            return found
    return []


def _windows(
    first_day: date | pd.Timestamp | None, as_of: date | str, days: int, step: int, history: int
) -> list[Window]:
    if pd.isna(first_day):
        return []
    ends = [pd.Timestamp(as_of) - pd.Timedelta(days=step * number) for number in range(MOST_WINDOWS)]
    length, earliest = pd.Timedelta(days=days), pd.Timestamp(first_day) + pd.Timedelta(days=history)
    return [((end - length).date(), end.date()) for end in ends if end - length >= earliest]


def validate(pasts: Mapping[Window, pd.DataFrame], daily: pd.DataFrame, days: int, seed: int) -> Validation:
    """Validate the models on the last window; churn risk is calibrated on the windows before it.

    Args:
        pasts: By window, latest first, the rows of the question customer_history as of its first day and with the
            purchases in it, see `windows`.
        daily: Rows of the question daily_kpis of all days.
        days: Length of the windows.
        seed: Seed of the sample of Pareto/NBD.

    Example:
        >>> daily = read("daily_kpis", start="2023-07-01", end="2025-07-01")
        >>> past = read("customer_history", split="2025-04-02", as_of="2025-07-01")
        >>> validation = clv.validate({clv.windows("2023-07-01", "2025-07-01", 90)[0]: past}, daily, 90, seed=42)
        >>> validation.totals["method"].tolist()
        ['BG/NBD', 'Pareto/NBD', "each customer's own rate", 'the same rate for all']
    """
    fitted = [(past, fit_models(past, _before(daily, split), days)) for (split, _), past in pasts.items()]
    if not fitted or fitted[0][1].orders is None:
        tables = {name: pd.DataFrame(columns=columns) for name, columns in EMPTY_TABLES.items()}
        return Validation(days, len(fitted[0][0]) if fitted else 0, 0, **tables, calibration=None)
    known = [(past, model) for past, model in fitted if model.orders is not None]
    scores = [_scores(model, past, days) for past, model in known]
    outcomes = [(past["later_orders"] > 0).to_numpy() for past, _ in known]
    earlier = {name: np.concatenate([np.zeros(0), *(one[name] for one in scores[1:])]) for name in scores[0]}
    earlier_outcomes = np.concatenate([np.zeros(0, dtype=bool), *outcomes[1:]])
    past, model = known[0]
    expected, later_orders = _expected(model, past, days, seed), past["later_orders"]
    by_model = expected["BG/NBD"]
    value = by_model * model.parts[1].expected_value(past)
    rankings = {"predicted value": value, "revenue to date": past["revenue"].to_numpy()}
    before = churn.calibrate(np.exp(earlier[EXPECTED]), earlier_outcomes)
    every = np.concatenate([np.exp(one[EXPECTED]) for one in scores])
    return Validation(
        days,
        len(past),
        len(known),
        totals=compare(expected, later_orders.to_numpy()),
        by_frequency=by_frequency(past["frequency"], by_model, later_orders).round(DIGITS),
        capture=capture(rankings, past["later_revenue"].to_numpy()),
        scores=churn.judge(scores[0], outcomes[0], earlier, earlier_outcomes),
        reliability=churn.reliability(by_model, outcomes[0], before).round(DIGITS),
        calibration=churn.calibrate(every, np.concatenate(outcomes)),
    )


def _before(daily: pd.DataFrame, split: date) -> pd.DataFrame:
    return daily[pd.to_datetime(daily["date"]) < pd.Timestamp(split)]


def _expected(model: Model, past: pd.DataFrame, days: int, seed: int) -> dict[str, np.ndarray]:
    """Expected orders per customer by method: two models, and two baselines without one."""
    drawn = past.sample(min(len(past), PARETO_SAMPLE), random_state=seed)
    drawn = drawn if drawn["frequency"].any() else past
    fitted_on = f", fitted on {integer(len(drawn))} drawn customers" if len(drawn) < len(past) else ""
    age, frequency = past["age"].to_numpy(dtype=float), past["frequency"].to_numpy(dtype=float)
    own = np.divide(frequency, age, out=np.zeros(len(past)), where=age > 0)
    return {
        "BG/NBD": model.expected_orders(past, days),
        f"Pareto/NBD{fitted_on}": ParetoNbd.fit(drawn).expected_orders(past, days),
        "each customer's own rate": own * days,
        "the same rate for all": np.full(len(past), frequency.sum() / age.sum() * days),
    }


EXPECTED = "expected orders, BG/NBD"


def _scores(model: Model, past: pd.DataFrame, days: int) -> dict[str, np.ndarray]:
    """Scores of the probability of an order: the higher, the more likely."""
    orders, _ = model.parts
    exposed = model.exposed(past)
    return {
        EXPECTED: np.log(np.maximum(model.expected_orders(past, days), churn.TINY)),
        "probability of an order, BG/NBD": orders.chance_of_order(exposed, model.ahead(days)),
        "days since the last order": -np.log1p(past["days_since_last"].to_numpy(dtype=float)),
        "probability of being active, BG/NBD": orders.chance_active(exposed),
    }


@dataclass(frozen=True)
class Proof:
    """Error of predicted totals at earlier splits.

    Attributes:
        days: Length of the tested predictions; 0 if the history is too short for three splits.
        splits: One row per split: as_of, customers, expected_orders, observed_orders, expected_value, observed_value.
        error: Standard deviation of log(observed / expected) of the total by measure, beyond process and parameters.
        group_error: The same of segments and channels.
    """

    days: int
    splits: pd.DataFrame
    error: Mapping[str, float] = field(default_factory=dict)
    group_error: Mapping[str, float] = field(default_factory=dict)


def prove(pasts: Mapping[Window, pd.DataFrame], daily: pd.DataFrame, seed: int) -> Proof:
    """Measure the model error of predicted orders and value at earlier splits, in total and by segment and channel.

    Args:
        pasts: As for `validate`, see `proof_windows`; all windows have the same length.
        daily: Rows of the question daily_kpis of all days.
        seed: Seed of every random draw.

    Example:
        >>> clv.prove({}, pd.DataFrame({"date": []}), seed=42).days
        0
    """
    rows: list[dict[str, object]] = []
    squares: list[pd.DataFrame] = []
    of_groups: list[pd.DataFrame] = []
    for (split, end), past in pasts.items():
        days = (end - split).days
        model = fit_models(past, _before(daily, split), days)
        if model.refused:
            continue
        noise = draw_noise(model, past, days, seed)
        parameters = noise.parameters.var(axis=0)
        observed = past[["later_orders", "later_revenue"]].set_axis([*MEASURES], axis=1).reset_index(drop=True)
        groupings = [pd.Series("all", index=past.index), segments.rfm(past)["rfm_segment"], past["channel"]]
        for groups, found in zip(groupings, (squares, of_groups, of_groups), strict=True):
            expected, variance = noise.by(groups)
            ratio = (observed.groupby(groups.to_numpy()).sum() / expected).clip(lower=LEAST_RATIO)
            large = expected["orders"] >= LEAST_ORDERS
            found.append((ratio.apply(np.log) ** 2 - variance - parameters)[large])
        totals = {f"expected_{name}": noise.each[name].sum() for name in MEASURES}
        totals |= {f"observed_{name}": observed[name].sum() for name in MEASURES}
        rows.append({"as_of": pd.Timestamp(split), "customers": len(past), **totals})
    if len(rows) < LEAST_WINDOWS:
        return Proof(0, pd.DataFrame(rows))
    error = _root(pd.concat(squares))
    group = _root(pd.concat(of_groups))
    return Proof(days, pd.DataFrame(rows), error, {name: max(group[name], error[name]) for name in MEASURES})


def _root(squares: pd.DataFrame) -> dict[str, float]:
    """Root of the mean excess of the squared errors over the expected variance, at least 0."""
    return {name: float(max(squares[name].mean(), 0.0) ** 0.5) if len(squares) else 0.0 for name in MEASURES}


def compare(expected: Mapping[str, np.ndarray], observed: np.ndarray) -> pd.DataFrame:
    """One row per method: total orders expected and observed, total_error, mae (per customer), correlation.

    total_error is expected / observed - 1, NaN without observed orders; correlation is NaN for equal values.
    """
    total = observed.sum()
    rows = [
        {
            "method": name,
            "expected": values.sum(),
            "observed": total,
            "total_error": values.sum() / total - 1 if total else np.nan,
            "mae": np.abs(values - observed).mean(),
            "correlation": np.corrcoef(values, observed)[0, 1] if np.ptp(values) and np.ptp(observed) else np.nan,
        }
        for name, values in expected.items()
    ]
    return pd.DataFrame(rows)


def by_frequency(frequency: pd.Series, expected: np.ndarray, observed: pd.Series) -> pd.DataFrame:
    """Mean orders per customer, expected and observed, by repeat purchases before: 0 to 6, and 7 or more."""
    frame = pd.DataFrame({"frequency": frequency.clip(upper=MANY), "expected": expected, "observed": observed})
    means = frame.groupby("frequency").agg(
        customers=("observed", "size"), expected=("expected", "mean"), observed=("observed", "mean")
    )
    names = [f"{MANY} or more" if number == MANY else str(number) for number in means.index]
    return means.reset_index(drop=True).assign(repeats=names)[["repeats", "customers", "expected", "observed"]]


def capture(rankings: Mapping[str, np.ndarray], observed: np.ndarray) -> pd.DataFrame:
    """Share of the observed total held by the top tenth of each ranking; `perfect` ranks by the observed values."""
    every = {**rankings, "perfect": observed}
    rows = [(name, _captured(values, observed)) for name, values in every.items()]
    return pd.DataFrame(rows, columns=["ranking", "share"])


def _captured(values: np.ndarray, observed: np.ndarray) -> float:
    """Share of the top tenth, at least one customer; tied customers share their total."""
    top, total = max(1, round(TOP * len(observed))), observed.sum()
    frame = pd.DataFrame({"value": values, "observed": observed})
    ranked = frame.groupby("value")["observed"].agg(["sum", "size"])[::-1]
    taken = np.clip(top - (ranked["size"].cumsum() - ranked["size"]), 0, ranked["size"])
    return float((ranked["sum"] * taken / ranked["size"]).sum() / total) if total else np.nan
