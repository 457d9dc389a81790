"""Tests of the customer report: history from the tables, scores, validation, and sentences without a model."""

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa

from lib.analysis import churn, clv, customers, segments
from lib.db import read
from lib.report.display import NOT_KNOWN
from lib.report.text import customers as text
from tests.conftest import ask

pytestmark = pytest.mark.slow

A, B, C = (f"00000000-0000-4000-8000-00000000000{letter}" for letter in "abc")
AS_OF = "2025-07-01"


def history_of(n, repeats, seed=3):
    """customer_history of n buyers: `repeats` of them have repeat purchases, and 40% of these left early."""
    rng = np.random.default_rng(seed)
    age, returned = rng.integers(200, 400, n), np.arange(n) < repeats
    stayed = np.where(rng.random(n) < 0.4, rng.uniform(0.02, 0.2, n), rng.uniform(0.7, 1, n))
    recency = np.where(returned, (age * stayed).astype(int), 0)
    frequency = np.where(returned, 1 + rng.poisson(recency / 60), 0)
    value = rng.lognormal(4, 0.6, n).round(2)
    frame = pd.DataFrame(
        {"user_id": [f"u{i:04}" for i in range(n)], "frequency": frequency, "recency": recency, "age": age}
    )
    return frame.assign(
        orders=frequency + 1,
        purchases=frequency + 1,
        days_since_last=age - recency + 1,
        monetary_value=value,
        revenue=value * (frequency + 1),
        later_orders=(rng.random(n) < 0.3 * (frequency > 0) + 0.1).astype(int),
        later_revenue=0.0,
        channel="organic",
    ).assign(later_revenue=lambda frame: frame["later_orders"] * frame["monetary_value"])


END = pd.Timestamp("2025-07-01")


def daily_of(past):
    """Daily counts of a shop of less than a year: only the first orders matter, since it has no season or trend."""
    days = pd.date_range(end=END, periods=500, inclusive="left")
    first = np.bincount(len(days) - 1 - past["age"], minlength=len(days)) if len(past) else np.zeros(len(days))
    return pd.DataFrame({"date": days, "active_customers": first, "new_customers": first})


def windows_of(past, days, number):
    """The same history in several windows: the shop does not change."""
    ends = [END - pd.Timedelta(days=10 * n) for n in range(number)]
    return {(end - pd.Timedelta(days=days), end): past for end in ends} if len(past) else {}


def scored(past, days=90, terms=None, tested=4):
    """Validation and scores of a shop with the same history in every window."""
    daily, terms = daily_of(past), terms or clv.Terms(3, 1.0, 0.0)
    validation = clv.validate(windows_of(past, days, 2), daily, days, seed=1)
    proof = clv.prove(windows_of(past, days, tested), daily, seed=1)
    return validation, customers.score_customers(past, daily, validation, proof, terms, seed=1)


@pytest.fixture(scope="module")
def shop():
    return scored(history_of(1_000, 500))


# The history, from the tables


def test_history_by_hand(demo_database: sa.URL):
    ask("TRUNCATE users, products, marketing_campaigns CASCADE")
    ask(
        "INSERT INTO users (user_id, email, name, signup_date) VALUES "
        + ", ".join(f"('{key}', '{key[-1]}@example.com', 'N', '2025-01-01')" for key in (A, B, C))
    )
    orders = [
        (A, "2025-01-10 08:00Z", "completed", 10), (A, "2025-01-10 20:00Z", "completed", 20),
        (A, "2025-01-20 23:59Z", "completed", 50), (A, "2025-02-10 00:00Z", "completed", 5),
        (B, "2025-01-31 00:00Z", "completed", 7),
        (C, "2025-02-01 00:00Z", "completed", 3),
    ]  # fmt: skip
    ask("INSERT INTO orders (user_id, order_date, status, total_amount) VALUES " + ", ".join(map(str, orders)))
    returned = [(A, "2025-01-21 08:00Z", 8), (A, "2025-02-03 08:00Z", 2), (B, "2025-01-31 08:00Z", 9)]
    rows = ", ".join(f"('{user}', '{day}', 'credit note', {amount})" for user, day, amount in returned)
    ask(f"INSERT INTO refunds (user_id, refund_date, kind, amount) VALUES {rows}")
    found = read("customer_history", split="2025-02-01", as_of="2025-03-01").set_index("user_id")
    assert found.index.tolist() == [A, B], "C first bought on the day of the split"
    assert found.loc[A].to_dict() == {
        "orders": 3, "purchases": 2, "frequency": 1, "recency": 10, "age": 21, "days_since_last": 12,
        "revenue": 72, "monetary_value": 36, "later_orders": 1, "later_revenue": 3, "channel": "not known",
    }  # fmt: skip
    assert found.loc[B, ["frequency", "recency", "age", "days_since_last"]].tolist() == [0, 0, 0, 1]
    assert found.loc[B, ["revenue", "monetary_value"]].tolist() == [-2, 0], "more came back than was bought"
    assert read("customer_history", split="2025-02-01", as_of="2025-02-10")["later_orders"].sum() == 0


def test_history_adds_up_to_the_mart(demo_database: sa.URL):
    found = read("customer_history", split=AS_OF, as_of=AS_OF)
    mart = read("lifetime_value_summary", as_of=AS_OF).iloc[0]
    assert len(found) == mart["buyers"]
    assert found["revenue"].sum() == pytest.approx(mart["buyers"] * mart["mean_revenue"], abs=0.005)
    earlier = read("customer_history", split="2025-04-02", as_of=AS_OF)
    known = found[found["user_id"].isin(earlier["user_id"])]
    assert known["revenue"].sum() == pytest.approx((earlier["revenue"] + earlier["later_revenue"]).sum(), abs=0.005)


def test_baskets_cover_all_orders_numbered_by_customer(demo_database: sa.URL):
    found = read("bought_products", as_of=AS_OF)
    sold = "FROM orders JOIN order_items USING (order_id) WHERE total_amount > 0 AND order_date < '2025-07-01Z'"
    rows = ask(f"SELECT DISTINCT order_id::text, product_id::text {sold}")
    assert sorted(map(tuple, rows)) == sorted(found[["order_id", "product_id"]].itertuples(index=False, name=None))
    numbers = found.groupby("user_id")["order_number"].agg(["min", "max", "nunique"])
    assert (numbers["min"] == 1).all()
    assert (numbers["max"] == numbers["nunique"]).all()


# Validation and scores


def test_a_shop_is_validated_by_all_methods(shop):
    validation, _ = shop
    assert validation.totals["method"].tolist()[:2] == ["BG/NBD", "Pareto/NBD"]
    assert len(set(validation.totals["observed"])) == 1
    assert validation.by_frequency["customers"].sum() == validation.customers == 1_000
    assert validation.scores["score"].tolist()[0] == "expected orders, BG/NBD"
    assert validation.capture["share"].iloc[-1] == validation.capture["share"].max()
    assert validation.windows == 2
    assert validation.reliability["customers"].sum() == 1_000


def test_every_buyer_has_a_segment_and_predictions(shop):
    found = shop[1].customers
    assert found[["predicted_orders", "predicted_value", "churn_risk"]].notna().all(axis=None)
    assert found["churn_risk"].between(0, 1).all()
    assert set(found["rfm_segment"]) <= set(segments.ACTIONS)
    assert shop[1].version == clv.VERSION


def test_intervals_are_of_all_buyers_and_of_each_segment_and_channel(shop):
    found, buyers = shop[1].intervals, shop[1].customers
    assert found["kind"].unique().tolist() == ["total", "segment", "channel"]
    by_kind = found.groupby("kind")
    assert by_kind["customers"].sum().tolist() == [1_000] * 3
    assert by_kind["predicted_value"].sum().to_numpy() == pytest.approx(np.full(3, buyers["predicted_value"].sum()))
    for measure in ("orders", "value"):
        assert (found[f"{measure}_lower"] < found[f"predicted_{measure}"]).all()
        assert (found[f"predicted_{measure}"] < found[f"{measure}_upper"]).all()


def test_a_horizon_longer_than_was_tested_is_extrapolated(shop):
    year = scored(history_of(1_000, 500), terms=clv.Terms(12, 1.0, 0.0))[1]
    widths = [one.intervals["value_upper"][0] / one.intervals["value_lower"][0] for one in (shop[1], year)]
    assert widths[0] < widths[1]
    assert any("365 days is extrapolated: the history allows to test 90 days" in note for note in year.warnings)
    assert "in the next 12 months (extrapolated)" in text.headline(year, clv.Terms(12, 1.0, 0.0), "USD")


def test_without_three_earlier_dates_totals_have_no_interval():
    found = scored(history_of(1_000, 500), tested=2)[1]
    assert found.intervals[["value_lower", "value_upper"]].isna().all(axis=None)
    assert any("Predicted totals have no interval" in note for note in found.warnings)
    assert "prediction interval" not in text.headline(found, clv.Terms(3, 1.0, 0.0), "USD")
    assert text.proof(found) == "The history is too short to test predictions at three earlier dates."


def test_the_proof_in_words(shop):
    assert text.proof(shop[1]).startswith("At 4 earlier dates, the value predicted for the next 90 days differed from ")
    assert "predicted and observed churn of the tenths differ by " in text.calibrated(shop[0])


def test_a_model_fitted_on_drawn_customers_says_so():
    totals = scored(history_of(2_500, 900))[0].totals
    assert totals["method"].tolist()[1] == "Pareto/NBD, fitted on 2,000 drawn customers"


@pytest.mark.parametrize(("n", "repeats"), [(0, 0), (1, 0), (1, 1), (40, 0), (40, 5)])
def test_without_a_model_the_report_says_so(n, repeats):
    validation, found = scored(history_of(n, repeats))
    assert found.model.refused
    assert found.version is None
    assert "No model is fitted" in found.notes.iloc[0, 0]
    assert found.customers["predicted_value"].isna().all()
    assert found.customers["rfm_segment"].isna().all() == (repeats == 0)
    assert np.isnan(found.total("predicted_value"))
    assert (validation.totals.empty, validation.scores.empty, validation.calibration) == (True, True, None)
    assert customers.risk_bands(found.customers).empty
    assert text.churn_risk(found.customers, 90, "USD") == "There is no churn risk without a model."
    assert customers.concentration(found.customers)["predicted_value"].isna().all()
    sentence = text.headline(found, clv.Terms(), "USD")
    assert sentence == "There are no buyers yet." if n == 0 else sentence.endswith("for the reasons below.")
    assert text.facts(found, clv.Terms(), "USD")[2][1] == NOT_KNOWN


def test_a_shop_of_one_day_has_no_segments():
    one_day = history_of(50, 0).assign(age=0, days_since_last=1)
    found = scored(one_day)[1]
    assert found.customers["rfm_segment"].isna().all()
    assert segments.segment_table(found.customers).empty
    assert any(note.startswith("Segments have no names yet: the orders span 1 day") for note in found.warnings)


def test_a_small_shop_has_warnings_and_numbers():
    validation, found = scored(history_of(30, 12))
    notes = " ".join(found.notes.iloc[:, 0])
    assert "Only 12 of 30 buyers bought more than once" in notes
    assert "The churn risk is not calibrated" in notes
    assert validation.calibration is None
    expected = found.model.expected_orders(found.customers, 90)
    assert found.customers["churn_risk"].to_numpy() == pytest.approx(churn.risk(expected, None))


def test_without_observed_dropout_there_is_a_ranking_but_no_total():
    past = history_of(600, 400)
    staying = past.assign(recency=past["age"].where(past["frequency"] > 0, 0), days_since_last=1)
    _, found = scored(staying)
    assert any("The dropout rate cannot be estimated" in note for note in found.warnings)
    assert found.customers["predicted_value"].gt(0).all(), "customers can be ranked"
    assert np.isnan(found.total("predicted_value"))
    assert found.intervals.empty
    assert found.proof.splits.empty
    assert text.proof(found) == "Totals are not tested, since they cannot be estimated."
    assert text.facts(found, clv.Terms(), "USD")[3][1] == NOT_KNOWN
    assert "The total cannot be estimated from so few repeat purchases" in text.headline(found, clv.Terms(), "USD")
    assert "predicted_value" not in customers.risk_bands(found.customers, totals=found.has_totals)
    assert "expected value" not in text.churn_risk(found.customers, 90, "USD", totals=found.has_totals)


def test_concentration_by_hand():
    held = customers.concentration(pd.DataFrame({"revenue": [0.0, 60, 10, 30], "predicted_value": [1.0, 1, 1, 1]}))
    at = held.set_index(held["share_of_customers"].round(2))
    assert at.loc[[0.0, 0.5, 1.0], "revenue"].tolist() == pytest.approx([0, 0.9, 1])
    assert at.loc[0.5, "predicted_value"] == pytest.approx(0.5)


FOUR = pd.DataFrame(
    {"churn_risk": [0.9, 0.1, 0.5, 0.7, 0.3], "revenue": [50.0, 10, 10, 20, 10], "predicted_value": [1.0, 9, 5, 3, 7]}
)


def test_headline_has_expected_orders_and_value(shop):
    sentence = text.headline(shop[1], clv.Terms(3, 1.0, 0.0), "USD")
    total = shop[1].total("predicted_orders")
    bounds = shop[1].intervals.loc[0, ["orders_lower", "orders_upper"]].tolist()
    assert sentence.startswith(
        f"1,000 buyers are expected to place {total:,.0f} orders (80 % prediction interval {bounds[0]:,.0f} to "
        f"{bounds[1]:,.0f}) in the next 3 months (extrapolated), with a discounted revenue of $"
    )
    assert "with a discounted margin of $" in text.headline(shop[1], clv.Terms(3, 0.4, 0.1), "USD")


def test_cards(shop):
    sentence = {label: (value, note) for label, value, note in text.facts(shop[1], clv.Terms(6, 0.4, 0.1), "EUR")}
    assert sentence["buyers"] == ("1,000", "500 with repeat purchases")
    assert sentence["expected orders"][1] == "in 6 months"
    assert sentence["predicted value"][1] == "margin, discounted at 10.0%"


def test_fifths_by_risk():
    bands = customers.risk_bands(FOUR)
    assert bands["churn_risk"].tolist() == [0.9, 0.7, 0.5, 0.3, 0.1]
    assert bands["predicted_value"].tolist() == [1, 3, 5, 7, 9]
    assert bands["share_of_revenue"].tolist() == [0.5, 0.2, 0.1, 0.1, 0.1]


def test_churn_risk_of_the_top_buyers():
    sentence = text.churn_risk(FOUR, 90, "EUR")
    assert "no order in the next 90 days is 50.0%" in sentence
    assert "Of the top 1 buyers by revenue, 1 are among the 40% most at risk, with a revenue of €50" in sentence
