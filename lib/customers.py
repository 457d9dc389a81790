"""What the report on customers says: the proof on the shop's past, and each customer's score from it."""

from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from lib import churn, clv, segments
from lib.display import integer, money, percent

__all__ = ["Outlook", "Proof", "concentration", "leaving", "outlook", "prove", "risk_bands", "split"]

SECOND_OPINION = 2_000  # customers, drawn by lot, that Pareto/NBD is fitted on: its likelihood is slow
SCALED_FAR = 2.0


@dataclass(frozen=True)
class Proof:
    """What was expected at a day of the past beside what came in the days after it.

    totals: by way to predict orders; by_frequency: mean orders per customer; capture: share of the revenue that came
    held by the first tenth; scores: who orders at all, by score; reliability: churn risk said and come, by tenth.
    known_share: of the revenue that came, what these customers brought. All empty or NaN where there is no model.
    """

    model: clv.Model
    days: int
    customers: int
    totals: pd.DataFrame
    by_frequency: pd.DataFrame
    capture: pd.DataFrame
    scores: pd.DataFrame
    reliability: pd.DataFrame
    calibration: churn.Calibration | None
    known_share: float


@dataclass(frozen=True)
class Outlook:
    """Every buyer with segment and predictions (customers), what they were scaled by, and the doubts, as sentences."""

    model: clv.Model
    customers: pd.DataFrame
    factor: float
    findings: list[str]

    def total(self, column: str) -> float:
        """Sum of a column over all buyers; NaN where nothing is predicted."""
        return float(self.customers[column].sum(min_count=1))

    @property
    def notes(self) -> pd.DataFrame:
        """What is to be known before the numbers are used: the doubts, and what predictions were multiplied by."""
        known = self.findings or ["Nothing in these orders speaks against the models."]
        scaled = f"All predictions are multiplied by {self.factor:.2f}, which brings them to the forecast."
        return pd.DataFrame({"before_the_numbers_are_used": known if self.model.refused else [*known, scaled]})

    @property
    def version(self) -> str | None:
        """Name and number of the models; None where they refused."""
        return None if self.model.refused else clv.VERSION


def split(as_of: date | str, days: int) -> date:
    """The day `days` before as_of: what is known up to it is held against what came from it on."""
    return (pd.Timestamp(as_of) - pd.Timedelta(days=days)).date()


def prove(past: pd.DataFrame, history: pd.DataFrame, days: int, seed: int) -> Proof:
    """The proof over the last `days`; `past` and `history` are customer_history as of their start and of today."""
    model = clv.fit_models(past)
    came = history["revenue"].sum() - past["revenue"].sum()  # of all customers, new ones too
    known_share = float(past["later_revenue"].sum() / came) if came > 0 else np.nan
    if model.refused:
        nothing = (pd.DataFrame(columns=columns) for columns in _COLUMNS)
        return Proof(model, days, len(past), *nothing, None, known_share)
    expected = _expected(model, past, days, seed)
    ours, ordered = expected["BG/NBD"], past["later_orders"].to_numpy() > 0
    value = ours * clv.gamma_gamma.expected_value(model.spend, past)
    rankings = {"predicted value": value, "revenue to date": past["revenue"].to_numpy()}
    return Proof(
        model,
        days,
        len(past),
        clv.compare(expected, past["later_orders"].to_numpy()),
        clv.by_frequency(past["frequency"], ours, past["later_orders"]),
        clv.capture(rankings, past["later_revenue"].to_numpy()),
        churn.judge(_scores(model, past, ours, days), ordered, seed),
        churn.reliability(ours, ordered, seed),
        churn.calibrate(ours, ordered),
        known_share,
    )


_COLUMNS = (
    ["method", "expected", "actual", "total_error", "mae", "correlation"],
    ["repeats", "customers", "expected", "actual"],
    ["ranking", "share"],
    ["score", "auc", "brier"],
    ["group", "customers", "said", "came"],
)


def _expected(model: clv.Model, past: pd.DataFrame, days: int, seed: int) -> dict[str, np.ndarray]:
    """Orders expected of each customer in the days, by every way: two models, and two that need none."""
    drawn = past.sample(min(len(past), SECOND_OPINION), random_state=seed)
    drawn = drawn if drawn["frequency"].any() else past
    age, frequency = past["age"].to_numpy(dtype=float), past["frequency"].to_numpy(dtype=float)
    own = np.divide(frequency, age, out=np.zeros(len(past)), where=age > 0)
    return {
        "BG/NBD": clv.bg_nbd.expected_orders(model.orders, past, days),
        "Pareto/NBD": clv.pareto_nbd.expected_orders(clv.pareto_nbd.fit(drawn), past, days),
        "each customer's own rate": own * days,
        "the same rate for all": np.full(len(past), frequency.sum() / age.sum() * days),
    }


def _scores(model: clv.Model, past: pd.DataFrame, expected: np.ndarray, days: int) -> dict[str, np.ndarray]:
    """Scores of who will order, more of each meaning likelier."""
    return {
        "orders expected, BG/NBD": np.log(expected),
        "chance of an order, BG/NBD": clv.bg_nbd.chance_of_order(model.orders, past, days),
        "days since the last order": -np.log1p(past["days_since_last"].to_numpy(dtype=float)),
        "chance to be active, BG/NBD": clv.bg_nbd.chance_active(model.orders, past),
    }


def outlook(history: pd.DataFrame, proof: Proof, terms: clv.Terms, coming: float) -> Outlook:
    """Scores of all buyers as of today.

    `coming` is the forecast of the shop's revenue in the next proof.days: of it, the share that buyers of before had in
    the last so many days is what the predictions are scaled to. The ranking stays the model's.
    """
    model = clv.fit_models(history)
    scored = pd.concat([history, segments.rfm(history), clv.score(model, history, terms)], axis=1)
    if model.refused:
        return Outlook(model, scored.assign(churn_risk=np.nan), 1.0, [finding.text for finding in model.findings])
    expected = clv.bg_nbd.expected_orders(model.orders, history, proof.days)
    worth = expected @ clv.gamma_gamma.expected_value(model.spend, history)
    factor = clv.scale_factor(worth, coming * proof.known_share)
    customers = scored.assign(
        predicted_orders=scored["predicted_orders"] * factor,
        predicted_value=scored["predicted_value"] * factor,
        churn_risk=churn.risk(expected, proof.calibration),
    )
    findings = [*(finding.text for finding in model.findings), *_about_scale(factor), *_about_risk(proof)]
    return Outlook(model, customers, factor, findings)


def _about_scale(factor: float) -> list[str]:
    if 1 / SCALED_FAR <= factor <= SCALED_FAR:
        return []
    return [
        f"Model and forecast are far apart: predictions were multiplied by {factor:.2f}. The models know no season and "
        "no trend; trust the ranking more than the amounts."
    ]


def _about_risk(proof: Proof) -> list[str]:
    if proof.calibration:
        return []
    return [
        f"The churn risk is not calibrated: in the last {proof.days} days too few of the {proof.customers:,} buyers of "
        "before ordered, or too few did not. It is the model's own, for orders that come one by one."
    ]


def concentration(customers: pd.DataFrame) -> pd.DataFrame:
    """Share of revenue and of predicted value that the best share of customers holds, each by its own order."""
    share = np.linspace(0, 1, 51)
    held = {name: _held(customers[column], share) for name, column in _VALUES.items()}
    return pd.DataFrame({"share_of_customers": share, **held})


_VALUES = {"revenue": "revenue", "predicted_value": "predicted_value"}


def _held(values: pd.Series, share: np.ndarray) -> np.ndarray:
    ranked = np.sort(values.to_numpy(dtype=float))[::-1].cumsum()
    if not len(ranked) or not ranked[-1] > 0:
        return np.full(len(share), np.nan)
    return np.interp(share * len(ranked), np.arange(len(ranked) + 1), np.append(0, ranked)) / ranked[-1]


def leaving(customers: pd.DataFrame, days: int, currency: str) -> str:
    """A sentence on the best fifth by revenue: how many are in the two fifths most at risk, and their worth."""
    known = customers.dropna(subset="churn_risk")
    if known.empty:
        return "No churn risk is told, since there is no model."
    best = known[known["revenue"].rank(method="first", ascending=False) <= max(1, len(known) / 5)]
    threatened = best[best["churn_risk"] >= known["churn_risk"].quantile(0.6)]
    revenue, future = (money(threatened[name].sum(), currency, digits=False) for name in ("revenue", "predicted_value"))
    silent = percent(known["churn_risk"].mean())
    return (
        f"The chance that a buyer orders nothing in the next {days} days is {silent} on average. Of the "
        f"{integer(len(best))} best by revenue, {integer(len(threatened))} are among the two fifths most at risk: they "
        f"brought {revenue} and are expected to bring {future}. Write to them first."
    )


def risk_bands(customers: pd.DataFrame) -> pd.DataFrame:
    """Fifths of the buyers by churn risk, the most at risk first: customers, lowest risk, revenue, predicted_value."""
    known = customers.dropna(subset="churn_risk")
    place = known["churn_risk"].rank(method="first", ascending=False) - 1
    fifth = (5 * place // max(len(known), 1)).astype(int)
    bands = known.groupby(fifth).agg(
        customers=("churn_risk", "size"),
        churn_risk=("churn_risk", "mean"),
        revenue=("revenue", "sum"),
        predicted_value=("predicted_value", "sum"),
    )
    names = ["most at risk", "second", "third", "fourth", "least at risk"]
    bands.insert(0, "fifth", [names[number] for number in bands.index])
    total = known["revenue"].sum()
    return bands.assign(share_of_revenue=bands["revenue"] / total if total else np.nan).reset_index(drop=True)
