"""Tests of the customer report: history from the tables, scores, validation, and sentences without a model."""

from datetime import date

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
    ).assign(later_revenue=lambda frame: frame["later_orders"] * frame["monetary_value"])


def scored(past, days=90):
    """Validation and scores of a shop whose history today is `past` plus the later revenue."""
    grown = past.assign(revenue=past["revenue"] + past["later_revenue"])
    validation = clv.validate(past, grown, days, seed=1)
    revenue = past["later_revenue"].sum()
    return validation, customers.score_customers(grown, validation, clv.Terms(), forecast_revenue=revenue)


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
        "revenue": 72, "monetary_value": 36, "later_orders": 1, "later_revenue": 3,
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


def test_split_is_the_start_of_the_validation_period():
    assert clv.split("2025-07-01", 90) == date(2025, 4, 2)


def test_a_shop_is_validated_by_all_methods(shop):
    validation, _ = shop
    assert validation.totals["method"].tolist()[:2] == ["BG/NBD", "Pareto/NBD"]
    assert len(set(validation.totals["observed"])) == 1
    assert validation.by_frequency["customers"].sum() == validation.customers == 1_000
    assert validation.scores["score"].tolist()[0] == "expected orders, BG/NBD"
    assert validation.reliability["customers"].sum() == 1_000
    assert validation.capture["share"].iloc[-1] == validation.capture["share"].max()
    assert validation.known_share == pytest.approx(1)


def test_every_buyer_has_a_segment_and_predictions(shop):
    found = shop[1].customers
    assert found[["predicted_orders", "predicted_value", "churn_risk"]].notna().all(axis=None)
    assert found["churn_risk"].between(0, 1).all()
    assert set(found["rfm_segment"]) <= set(segments.ACTIONS)
    assert shop[1].version == clv.VERSION


def test_predictions_are_scaled_to_the_forecast_and_the_ranking_is_unchanged():
    past = history_of(1_000, 500)
    validation = clv.validate(past, past.assign(revenue=past["revenue"] + past["later_revenue"]), 90, seed=1)
    terms = clv.Terms(3, 1.0, 0.0)
    low, high = (customers.score_customers(past, validation, terms, revenue) for revenue in (1_000, 4_000))
    assert high.factor == pytest.approx(4 * low.factor)
    assert high.total("predicted_value") == pytest.approx(4 * low.total("predicted_value"))
    assert low.customers["predicted_value"].rank().equals(high.customers["predicted_value"].rank())
    assert low.customers["churn_risk"].equals(high.customers["churn_risk"])
    three_months = 365.25 / 4
    assert high.total("predicted_value") == pytest.approx(4_000 * three_months / 90, rel=0.02)


def test_a_forecast_far_from_the_model_gives_a_warning():
    past = history_of(1_000, 500)
    validation = clv.validate(past, past.assign(revenue=past["revenue"] + past["later_revenue"]), 90, seed=1)
    assert any("far apart" in note for note in customers.score_customers(past, validation, clv.Terms(), 1e9).warnings)


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
    validation, found = scored(history_of(60, 25))
    notes = " ".join(found.notes.iloc[:, 0])
    assert "Only 25 of 60 buyers bought more than once" in notes
    assert "The churn risk is not calibrated" in notes
    assert validation.calibration is None
    expected = found.model.orders.expected_orders(found.customers, 90)
    assert found.customers["churn_risk"].to_numpy() == pytest.approx(churn.risk(expected, None))


def test_without_observed_dropout_there_is_a_ranking_but_no_total():
    past = history_of(600, 400)
    staying = past.assign(recency=past["age"].where(past["frequency"] > 0, 0), days_since_last=1)
    _, found = scored(staying)
    assert any("The dropout rate cannot be estimated" in note for note in found.warnings)
    assert found.customers["predicted_value"].gt(0).all(), "customers can be ranked"
    assert np.isnan(found.total("predicted_value"))
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
    sentence = text.headline(shop[1], clv.Terms(), "USD")
    total = shop[1].total("predicted_orders")
    assert sentence.startswith(
        f"1,000 buyers are expected to place {total:,.0f} orders in the next 12 months, with a discounted revenue of $"
    )
    assert "with a discounted margin of $" in text.headline(shop[1], clv.Terms(12, 0.4, 0.1), "USD")


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
