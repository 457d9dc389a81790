"""Tests of the lifetime value models: published figures to the last digit, formulas by integration, warnings."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from scipy.special import expit
from scipy.stats import beta, gamma
from sklearn.metrics import roc_auc_score

from lib.analysis import churn, clv
from lib.analysis.clv import BgNbd, GammaGamma, ParetoNbd
from lib.analysis.clv.calendar import Calendar, fit_calendar
from lib.analysis.clv.fitting import numerical
from lib.analysis.clv.validation import by_frequency, capture, compare
from lib.analysis.clv.value import discounted_orders, spend_correlation
from lib.settings import PROJECT

REAL = PROJECT.parent / "shared" / "data"
CALIBRATION_END = pd.Timestamp("1997-09-30")


def fit_of(model, **values):
    return model(values, np.eye(len(values)) / 100, 0.0)


CDNOW_FIT = fit_of(BgNbd, r=0.243, alpha=4.414, a=0.793, b=2.426)
PARETO_FIT = fit_of(ParetoNbd, r=0.553, alpha=10.578, s=0.606, beta=11.669)


def customers(*rows):
    """One customer per (frequency, recency, age), with monetary values 10, 20, 30, ..."""
    frame = pd.DataFrame(rows, columns=["frequency", "recency", "age"])
    return frame.assign(purchases=frame["frequency"] + 1, monetary_value=10.0 * np.arange(1, len(frame) + 1))


SPEND_FIT = fit_of(GammaGamma, p=6.25, q=3.74, gamma=15.44)
SIX = customers((0, 0, 39), (1, 5, 30), (2, 30.4, 38.9), (7, 20, 39), (30, 38, 39), (0, 0, 0.5))


# Published figures


@pytest.fixture(scope="module")
def purchases():
    path = REAL / "cdnow_sample_elog.csv"
    if not path.exists():
        pytest.skip(f"published data not found: {path}")
    rows = pd.read_csv(path, dtype={"date": "str"}).assign(date=lambda frame: pd.to_datetime(frame["date"]))
    return rows.groupby(["masterid", "date"], as_index=False)["sales"].sum()


@pytest.fixture(scope="module")
def cdnow(purchases):
    known = purchases[purchases["date"] <= CALIBRATION_END]
    by_customer = known.groupby("masterid")
    first = by_customer["date"].min()
    repeats = known[known["date"] > known["masterid"].map(first)].groupby("masterid")["sales"].mean()
    later = purchases[purchases["date"] > CALIBRATION_END].groupby("masterid")
    return pd.DataFrame(
        {
            "frequency": by_customer.size() - 1,
            "recency": (by_customer["date"].max() - first).dt.days / 7,
            "age": (CALIBRATION_END - first).dt.days / 7,
            "monetary_value": repeats,
            "later_orders": later.size(),
        }
    ).fillna({"monetary_value": 0, "later_orders": 0})


def test_cdnow_summary_equals_the_published_table(cdnow):
    published = pd.read_csv(REAL / "cdnow_customers_summary.csv", index_col="ID").sort_index()
    ours = cdnow.sort_values(["frequency", "recency", "age"])[["frequency", "recency", "age"]].to_numpy()
    theirs = published.sort_values(["frequency", "recency", "T"])[["frequency", "recency", "T"]].to_numpy()
    assert_allclose(ours.sum(axis=0), theirs.sum(axis=0), atol=0.004 * len(ours))


@pytest.mark.parametrize(
    ("model", "published", "log_likelihood"),
    [
        (BgNbd, {"r": 0.243, "alpha": 4.414, "a": 0.793, "b": 2.426}, -9582.4),
        (ParetoNbd, {"r": 0.553, "alpha": 10.578, "s": 0.606, "beta": 11.669}, -9595.0),
    ],
    ids=["BG/NBD", "Pareto/NBD"],
)
def test_estimates_equal_the_published_ones(cdnow, model, published, log_likelihood):
    fit = model.fit(cdnow)
    assert {name: round(fit[name], 3) for name in published} == published
    assert round(fit.log_likelihood, 1) == log_likelihood
    assert all(0 < fit.errors[name] < fit[name] for name in published)


def test_gamma_gamma_estimates_equal_the_published_ones(cdnow):
    known = cdnow[cdnow["frequency"] > 0]
    fit = GammaGamma.fit(known["frequency"], known["monetary_value"])
    assert len(known) == 946
    assert {name: round(value, 2) for name, value in fit.values.items()} == {"p": 6.25, "q": 3.74, "gamma": 15.44}
    assert fit["p"] * fit["gamma"] / (fit["q"] - 1) == pytest.approx(35.17, abs=0.005), "the mean of all customers"
    assert spend_correlation(cdnow) == pytest.approx(0.114, abs=0.0005)


def test_holdout_predictions_equal_the_published_ones(cdnow):
    fit, actual = BgNbd.fit(cdnow), cdnow["later_orders"]
    expected = fit.expected_orders(cdnow, 39)
    methods = {"BG/NBD": expected, "Pareto/NBD": ParetoNbd.fit(cdnow).expected_orders(cdnow, 39)}
    methods["own rate"] = (cdnow["frequency"] / cdnow["age"] * 39).to_numpy()
    found = compare(methods, actual).set_index("method")
    assert_allclose(found["total_error"], [-0.121, -0.115, 0.557], atol=0.0006)
    assert_allclose(found["mae"], [0.786, 0.755, 1.024], atol=0.0006)
    assert abs(found.loc["BG/NBD", "total_error"]) <= 0.13
    by = by_frequency(cdnow["frequency"], expected, actual)
    assert_allclose(by["expected"], [0.225, 0.523, 1.044, 1.520, 2.164, 2.654, 3.504, 6.157], atol=0.001)
    assert_allclose(by["observed"], [0.237, 0.697, 1.393, 1.560, 2.532, 2.947, 3.862, 6.359], atol=0.001)


def test_churn_risk_ranks_customers_and_the_probability_of_being_active_does_not(cdnow):
    fit, ordered = BgNbd.fit(cdnow), (cdnow["later_orders"] > 0).to_numpy()
    expected = fit.expected_orders(cdnow, 39)
    risk = churn.risk(expected, churn.calibrate(expected, ordered))
    assert roc_auc_score(~ordered, risk) >= 0.77
    assert roc_auc_score(ordered, fit.chance_active(cdnow)) == pytest.approx(0.316, abs=0.0005)
    assert np.mean((churn.risk(expected, None) - ~ordered) ** 2) == pytest.approx(0.160, abs=0.0005)
    assert risk.mean() == pytest.approx(1 - ordered.mean(), abs=1e-6)


@pytest.fixture(scope="module")
def online_retail():
    path = REAL / "online_retail_300_customers.csv.gz"
    if not path.exists():
        pytest.skip(f"real data not found: {path}")
    lines = pd.read_csv(
        path, parse_dates=["InvoiceDate"], usecols=["InvoiceNo", "Quantity", "InvoiceDate", "UnitPrice", "CustomerID"]
    )
    sold = lines[(lines["Quantity"] > 0) & (lines["UnitPrice"] > 0) & (lines["InvoiceDate"] < "2011-09-01")]
    days = sold.assign(date=sold["InvoiceDate"].dt.normalize(), revenue=sold["Quantity"] * sold["UnitPrice"])
    by_day = days.groupby(["CustomerID", "date"], as_index=False)["revenue"].sum()
    found = by_day.groupby("CustomerID").agg(
        first=("date", "min"), last=("date", "max"), purchases=("date", "size"), monetary_value=("revenue", "mean")
    )
    end = pd.Timestamp("2011-08-31")
    return found.assign(
        frequency=found["purchases"] - 1,
        recency=(found["last"] - found["first"]).dt.days,
        age=(end - found["first"]).dt.days,
    )


def test_a_shop_without_identified_dropout_gives_a_warning(online_retail):
    model = clv.fit_models(online_retail)
    warnings = " ".join(model.warnings)
    assert "The dropout rate cannot be estimated" in warnings
    assert "Spend per order" not in warnings
    shown = model.parameters().set_index("parameter")["estimate"]
    assert shown[["a", "b"]].isna().all()
    assert shown[["r", "alpha"]].notna().all()
    scores = clv.score(model, online_retail, clv.Terms())
    assert np.isfinite(scores).all(axis=None)


# Formulas compared with numerical integrals


def quantiles(distribution, n=1_500):
    """Midpoints of n equally probable intervals of a distribution."""
    return distribution.ppf((np.arange(n) + 0.5) / n)


def test_expected_orders_are_the_mean_over_rates_and_dropout():
    r, alpha, a, b = CDNOW_FIT.values.values()
    for row, predicted in zip(SIX.itertuples(), CDNOW_FIT.expected_orders(SIX, 39), strict=True):
        rate = quantiles(gamma(r + row.frequency, scale=1 / (alpha + row.age)))
        leave = quantiles(beta(a, b + row.frequency))[:, None]
        mean = (-np.expm1(-rate * leave * 39) / leave).mean()
        odds = a / (b + max(row.frequency, 1) - 1) * ((alpha + row.age) / (alpha + row.recency)) ** (r + row.frequency)
        assert predicted == pytest.approx(mean / (1 + odds * (row.frequency > 0)), rel=0.02)


def test_probability_of_an_order_is_the_mean_over_rates():
    row, (r, alpha, _, _) = SIX.iloc[2], CDNOW_FIT.values.values()
    rate = quantiles(gamma(r + row["frequency"], scale=1 / (alpha + row["age"])))
    active = CDNOW_FIT.chance_active(SIX)[2]
    assert CDNOW_FIT.chance_of_order(SIX, 20)[2] == pytest.approx(active * (1 - np.exp(-rate * 20)).mean(), rel=0.01)


@pytest.mark.parametrize(
    "fit", [PARETO_FIT, fit_of(ParetoNbd, r=0.9, alpha=20.0, s=1.5, beta=8.0)], ids=["beta", "alpha"]
)
def test_pareto_probability_of_being_active_is_a_ratio_of_integrals(fit):
    r, alpha, s, beta_ = fit.values.values()
    rate, leave = quantiles(gamma(r, scale=1 / alpha)), quantiles(gamma(s, scale=1 / beta_))[:, None]
    for row, predicted in zip(SIX.iloc[:3].itertuples(), fit.chance_active(SIX), strict=False):
        active = rate**row.frequency * np.exp(-(rate + leave) * row.age)
        both = rate + leave
        left = rate**row.frequency * leave / both * (np.exp(-both * row.recency) - np.exp(-both * row.age))
        assert predicted == pytest.approx(active.mean() / (active.mean() + left.mean()), rel=0.02)


def test_pareto_expected_orders_grow_and_stay_below_the_rate_without_dropout():
    soon, later = (PARETO_FIT.expected_orders(SIX, time) for time in (1, 39))
    assert (soon < later).all()
    assert (later < 39 * (PARETO_FIT["r"] + SIX["frequency"]) / (PARETO_FIT["alpha"] + SIX["age"])).all()


@pytest.mark.parametrize(("a", "b"), [(1.0, 3.0), (0.002, 970.0), (40.0, 150.0), (0.3, 0.5), (0.5, 0.5)])
def test_extreme_dropout_gives_finite_expected_orders(a, b):
    fit = fit_of(BgNbd, r=0.5, alpha=100.0, a=a, b=b)
    days = SIX.assign(recency=7 * SIX["recency"], age=7 * SIX["age"])
    for time in (1, 365, 1_826):
        expected = fit.expected_orders(days, time)
        without_dropout = time * (0.5 + days["frequency"]) / (100 + days["age"])
        assert ((expected > 0) & (expected <= without_dropout * (1 + 1e-9))).all()


def test_quadrature_replaces_the_series_where_it_is_nan():
    """With a small alpha and a large b, scipy's series is NaN; almost no customer leaves, so only the rate matters."""
    fit, new = fit_of(BgNbd, r=0.32, alpha=0.27, a=0.002, b=673.0), customers((0, 0, 0))
    assert fit.expected_orders(new, 100)[0] == pytest.approx(100 * 0.32 / 0.27, rel=0.01)


def test_gradients_equal_central_differences():
    x, recency, age = (SIX[name].to_numpy(dtype=float) for name in ("frequency", "recency", "age"))
    spend = GammaGamma.likelihood(SIX["purchases"].to_numpy(dtype=float), SIX["monetary_value"].to_numpy())
    for cost, at in (
        (BgNbd.likelihood(x, recency, age, np.array([5, 1, 2, 1, 1, 9])), [0.2, 1.0, -0.3, 0.9]),
        (spend, [0.5, 1.1, 2.0]),
    ):
        by_steps = numerical(lambda logs, cost=cost: cost(logs)[0])(np.array(at))[1]
        assert_allclose(cost(np.array(at))[1], by_steps, rtol=1e-5)


def test_equal_customers_are_counted_each():
    twice = pd.concat([SIX, SIX], ignore_index=True)
    once, both = BgNbd.fit(SIX), BgNbd.fit(twice)
    assert both.log_likelihood == pytest.approx(2 * once.log_likelihood)
    assert both["r"] == pytest.approx(once["r"], rel=1e-3)


# Lifetime value


def test_expected_value_of_few_purchases_shrinks_towards_the_mean():
    fit = SPEND_FIT
    two = pd.DataFrame({"purchases": [1, 100], "monetary_value": [100.0, 100.0]})
    one, hundred = fit.expected_value(two)
    assert 6.25 * 15.44 / 2.74 < one < hundred < 100
    assert one == pytest.approx(6.25 * (15.44 + 100) / (6.25 + 2.74))


def test_without_discount_the_orders_of_a_year_are_the_expected_orders():
    free = discounted_orders(clv.Model(CDNOW_FIT, SPEND_FIT, []), SIX, clv.Terms(12, 1.0, 0.0))
    assert_allclose(free, CDNOW_FIT.expected_orders(SIX, 365.25), rtol=1e-12)


def test_orders_are_discounted_by_month():
    month = 365.25 / 12
    first, second = (CDNOW_FIT.expected_orders(SIX, month * n) for n in (1, 2))
    discounted = discounted_orders(clv.Model(CDNOW_FIT, SPEND_FIT, []), SIX, clv.Terms(2, 1.0, 0.1))
    assert_allclose(discounted, first / 1.1 ** (1 / 12) + (second - first) / 1.1 ** (2 / 12), rtol=1e-12)


def test_value_is_orders_times_spend_times_margin():
    model = clv.Model(CDNOW_FIT, SPEND_FIT, [])
    whole, half = (clv.score(model, SIX, clv.Terms(1, margin, 0.0)) for margin in (1.0, 0.5))
    spend = model.spend.expected_value(SIX)
    assert_allclose(whole["predicted_value"], whole["predicted_orders"] * spend)
    assert_allclose(half["predicted_value"], whole["predicted_value"] / 2)


# Warnings


def many(n, repeats, **columns):
    """n customers observed for 300 days; `repeats` of them have two repeat purchases."""
    returned = np.arange(n) < repeats
    rng = np.random.default_rng(7)
    frame = pd.DataFrame(
        {"frequency": np.where(returned, 2, 0), "recency": np.where(returned, 40 + rng.integers(0, 200, n), 0)}
    )
    return frame.assign(
        age=300, purchases=frame["frequency"] + 1, monetary_value=rng.lognormal(3, 0.5, n), **columns
    )  # fmt: skip


def warnings(frame):
    return " ".join(clv.fit_models(frame).warnings)


@pytest.mark.parametrize("frame", [many(1, 0), many(1, 1), many(30, 0), many(30, 9), many(0, 0)], ids=str)
def test_too_few_repeat_buyers_give_no_model_but_a_reason(frame):
    model = clv.fit_models(frame)
    assert model.refused
    assert "No model is fitted" in model.warnings[0]
    assert clv.score(model, frame, clv.Terms()).isna().all(axis=None)
    assert model.parameters().empty


def test_few_repeat_buyers_give_a_warning_and_many_do_not():
    assert "Only 50 of 100 buyers bought more than once" in warnings(many(100, 50))
    assert "bought more than once" not in warnings(many(400, 200))


def test_a_history_shorter_than_two_gaps_gives_a_warning():
    frame = many(400, 200)
    long_gaps = frame.assign(frequency=frame["frequency"] // 2, recency=75 * frame["frequency"])
    assert "shorter than 2 median gaps between orders (150 days each)" in warnings(long_gaps.assign(age=299))
    assert "shorter than 2 median gaps" not in warnings(long_gaps.assign(age=300))


def test_spend_correlated_with_frequency_gives_a_warning():
    tied = many(400, 250)
    tied.loc[:99, ["frequency", "purchases"]] = [6, 7]
    tied.loc[:99, "monetary_value"] *= 4
    assert "correlated with order frequency (correlation 0." in warnings(tied)
    assert "correlated with" not in warnings(many(400, 250))


def test_equal_spend_gives_no_model():
    model = clv.fit_models(many(400, 200).assign(monetary_value=5.0))
    assert model.refused
    assert "spend the same" in model.warnings[-1]


def test_free_orders_are_left_out_of_the_spend_model():
    free = many(400, 200)
    free.loc[:99, "monetary_value"] = 0.0
    scores = clv.score(clv.fit_models(free), free, clv.Terms())
    assert np.isfinite(scores).all(axis=None)
    assert (scores["predicted_value"] > 0).all()


def test_expected_orders_equal_simulated_ones():
    rng = np.random.default_rng(11)
    shop = drawn(rng, 20_000)
    fit = BgNbd.fit(shop)
    expected = fit.expected_orders(shop, 39)
    assert expected.sum() == pytest.approx(shop["later"].sum(), rel=0.04)
    by = by_frequency(shop["frequency"], expected, shop["later"])
    assert_allclose(by["expected"], by["observed"], rtol=0.15)
    chance = fit.chance_of_order(shop, 39)
    assert chance.mean() == pytest.approx((shop["later"] > 0).mean(), abs=0.01)


def drawn(rng, n, end=39.0, until=78.0):
    """Simulated BG/NBD customers with CDNOW's parameters: observed from 0 up to `end`, and their later orders."""
    rate, leave = rng.gamma(0.243, 1 / 4.414, n), rng.beta(0.793, 2.426, n)
    now, there = np.zeros(n), np.ones(n, dtype=bool)
    frequency, later, recency = np.zeros(n), np.zeros(n), np.zeros(n)
    while there.any():
        now = np.where(there, now + rng.exponential(1, n) / rate, now)
        there &= now < until
        seen, unseen = there & (now < end), there & (now >= end)
        frequency, later, recency = frequency + seen, later + unseen, np.where(seen, now, recency)
        there &= rng.random(n) >= leave
    return pd.DataFrame({"frequency": frequency, "recency": recency, "age": end, "later": later})


# Season and trend as exposure


def test_in_the_exposure_of_a_calendar_recency_and_age_are_longer_in_the_season():
    """Four days of history, the last two with three times the demand of the first two; two days ahead of each kind."""
    calendar = Calendar(np.array([0, 0.5, 1, 2.5, 4, 4.5, 6]), 4)
    buyers = pd.DataFrame({"frequency": [1, 0], "recency": [2, 0], "age": [3, 1]})
    exposed = calendar.exposed(buyers)
    assert exposed["recency"].tolist() == [2, 0]
    assert exposed["age"].tolist() == [3.5, 1.5]
    assert [calendar.ahead(days) for days in (0, 1, 1.5, 2)] == [0, 0.5, 1.25, 2]


def test_without_a_season_exposure_is_time():
    buyers = pd.DataFrame({"frequency": [1, 0], "recency": [2, 0], "age": [3, 1]})
    even = Calendar.even(4, 9)
    pd.testing.assert_frame_equal(even.exposed(buyers), buyers, check_dtype=False)
    assert even.ahead(7) == 7


def shop_of_days(speed, n=2_000, seed=5):
    """Buyers whose purchases follow these speeds by day, and the daily counts: BG/NBD in exposure."""
    rng, clock = np.random.default_rng(seed), np.append(0, np.cumsum(speed))
    rate, leave = rng.gamma(0.7, 1 / 40, n), rng.beta(0.8, 3.2, n)
    first = rng.integers(0, len(speed) - 30, n)
    now, there, days = clock[first + 1], np.ones(n, dtype=bool), [set() for _ in range(n)]
    while there.any():
        now = np.where(there, now + rng.exponential(1, n) / rate, now)
        there &= now < clock[-1]
        for row in np.flatnonzero(there):
            days[row].add(int(np.searchsorted(clock, now[row]) - 1))
        there &= rng.random(n) >= leave
    later = [sorted(day for day in own if day > begun) for own, begun in zip(days, first, strict=True)]
    last = np.array([own[-1] if own else begun for own, begun in zip(later, first, strict=True)])
    buyers = pd.DataFrame({"frequency": [len(own) for own in later], "recency": last - first})
    repeats = np.bincount([day for own in later for day in own], minlength=len(speed))
    new = np.bincount(first, minlength=len(speed))
    dates = pd.date_range("2023-01-01", periods=len(speed))
    daily = pd.DataFrame({"date": dates, "active_customers": repeats + new, "new_customers": new})
    return buyers.assign(age=len(speed) - 1 - first), daily


def test_a_season_of_repeat_purchases_is_found():
    days = np.arange(1_095)
    buyers, daily = shop_of_days(1 + 0.4 * np.cos(2 * np.pi * (days - 340) / 365.25))
    _, calendar = fit_calendar(buyers, daily, 365)
    speed = np.diff(calendar.clock)
    assert speed[[340, 705, 1_070]].mean() / speed[[157, 522, 887]].mean() == pytest.approx(1.4 / 0.6, rel=0.25)
    assert calendar.ahead(365) == pytest.approx(365, rel=0.1)


def test_a_short_history_has_no_season_and_no_trend():
    buyers, daily = shop_of_days(np.ones(250))
    orders, calendar = fit_calendar(buyers, daily, 90)
    assert np.allclose(np.diff(calendar.clock), 1)
    assert orders.values == BgNbd.fit(buyers).values


# Prediction intervals


def many_of_cdnow(n):
    rng = np.random.default_rng(2)
    frame = drawn(rng, n)
    value = rng.gamma(6.25, 6, n)
    return frame.assign(purchases=frame["frequency"] + 1, monetary_value=value, channel="organic")


def test_the_interval_of_a_known_model_is_that_of_simulated_futures():
    """Without parameter and model error, 80 % of the totals of simulated futures lie inside."""
    shop = many_of_cdnow(4_000)
    fit = BgNbd({"r": 0.243, "alpha": 4.414, "a": 0.793, "b": 2.426}, np.zeros((4, 4)), 0.0)
    noise = clv.draw_noise(clv.Model(fit, SPEND_FIT, []), shop, 39, seed=1)
    parts = pd.Series(np.arange(len(shop)) % 40)
    found = clv.interval(noise, parts, {"orders": 0.0, "value": 0.0}, seed=1)
    observed = shop["later"].groupby(parts).sum()
    assert observed.between(found["orders_lower"], found["orders_upper"]).mean() == pytest.approx(0.8, abs=0.15)
    assert found["orders"].sum() == pytest.approx(shop["later"].sum(), rel=0.06)


def test_drawn_parameters_follow_the_covariance_but_stay_computable():
    rng = np.random.default_rng(3)
    logs = np.array([np.log([*fit_of(BgNbd, **CDNOW_FIT.values).drawn(rng).values.values()]) for _ in range(2_000)])
    assert logs.mean(axis=0) == pytest.approx(np.log([*CDNOW_FIT.values.values()]), abs=0.01)
    assert np.cov(logs.T) == pytest.approx(np.eye(4) / 100, abs=0.002)
    flat = BgNbd(CDNOW_FIT.values, 900 * np.ones((4, 4)), 0.0).drawn(rng)
    assert np.abs(np.log([*flat.values.values()]) - np.log([*CDNOW_FIT.values.values()])).max() <= 2.5 + 1e-9


def test_model_error_widens_the_interval():
    shop = many_of_cdnow(500)
    noise = clv.draw_noise(clv.Model(CDNOW_FIT, SPEND_FIT, []), shop, 39, seed=1)
    everyone = pd.Series("all", index=shop.index)
    known, unsure = (clv.interval(noise, everyone, {"orders": e, "value": e}, 1).iloc[0] for e in (0.0, 0.5))
    for measure in clv.MEASURES:
        assert unsure[f"{measure}_lower"] < known[f"{measure}_lower"] < known[measure] < known[f"{measure}_upper"]
        assert known[f"{measure}_upper"] < unsure[f"{measure}_upper"]


# Validation


DAY = pd.Timestamp


def test_windows_do_not_overlap_and_need_a_history():
    found = clv.windows(DAY("2024-12-01"), "2025-07-01", 60)
    assert [(str(start), str(end)) for start, end in found] == [
        ("2025-05-02", "2025-07-01"), ("2025-03-03", "2025-05-02"),
    ]  # fmt: skip
    assert clv.windows(DAY("2025-05-01"), "2025-07-01", 60) == []
    assert clv.windows(pd.NaT, "2025-07-01", 60) == []


@pytest.mark.parametrize(
    ("first_day", "tested"), [("2022-07-01", 365), ("2024-03-01", 182), ("2024-07-01", 91), ("2024-11-01", 0)]
)
def test_predictions_are_tested_as_far_as_the_history_allows(first_day, tested):
    found = clv.proof_windows(DAY(first_day), "2025-07-01", 365)
    assert {(end - start).days for start, end in found} == ({tested} if tested else set())
    assert len(found) >= 3 or not tested


def test_the_error_of_three_exact_predictions_is_small():
    shop, daily = many_of_cdnow(3_000), pd.DataFrame({"date": pd.date_range("2024-01-01", periods=40)})
    counts = np.bincount(np.zeros(len(shop), int), minlength=40)
    daily = daily.assign(active_customers=counts, new_customers=counts)
    past = shop.round({"recency": 0}).assign(
        age=39, days_since_last=1, orders=shop["purchases"], later_orders=shop["later"],
        revenue=shop["purchases"] * shop["monetary_value"], later_revenue=shop["later"] * shop["monetary_value"],
    )  # fmt: skip
    starts = [pd.Timestamp("2024-02-09") + pd.Timedelta(days=n) for n in range(3)]
    proof = clv.prove({(start, start + pd.Timedelta(days=39)): past for start in starts}, daily, seed=1)
    assert (proof.days, len(proof.splits)) == (39, 3)
    assert proof.error["orders"] < 0.1
    assert clv.prove({}, daily, seed=1).days == 0


def test_methods_are_compared_by_hand():
    found = compare({"a": np.array([1, 1, 2]), "b": np.array([2.0, 2, 2])}, np.array([0, 1, 4])).set_index("method")
    assert found.loc["a", ["expected", "observed"]].tolist() == [4, 5]
    assert found["total_error"].tolist() == pytest.approx([-0.2, 0.2])
    assert found["mae"].tolist() == pytest.approx([1, 5 / 3])
    assert np.isnan(found.loc["b", "correlation"])


def test_without_observed_orders_the_total_error_is_nan():
    found = compare({"a": np.array([1.0, 2.0])}, np.zeros(2)).iloc[0]
    assert np.isnan(found["total_error"])
    assert found["mae"] == 1.5


def test_frequencies_of_seven_and_more_are_one_group():
    found = by_frequency(pd.Series([0, 0, 7, 9]), np.array([1, 3, 5, 7]), pd.Series([0, 1, 2, 4]))
    assert found["repeats"].tolist() == ["0", "7 or more"]
    assert found[["customers", "expected", "observed"]].to_numpy().tolist() == [[2, 2, 0.5], [2, 6, 3]]


def test_capture_by_hand():
    observed = np.array([10.0, *[0.0] * 8, 10.0])
    ranked = {"right": observed, "one half right": np.array([9, *[1] * 8, 9]), "wrong": -observed, "none": np.ones(10)}
    found = capture(ranked, observed).set_index("ranking")["share"]
    assert found.to_dict() == {"right": 0.5, "one half right": 0.5, "wrong": 0, "none": 0.1, "perfect": 0.5}


def test_without_observed_orders_there_is_no_capture():
    assert capture({"any": np.array([1, 2])}, np.zeros(2))["share"].isna().all()


def test_estimates_below_their_standard_error_are_not_shown():
    loose = BgNbd(CDNOW_FIT.values, np.diag([1.1, 0.1, 0.01, 0.01]), 0.0)
    shown = clv.Model(loose, SPEND_FIT, []).parameters().set_index("parameter")["estimate"]
    assert shown.index[shown.isna()].tolist() == ["r", "r / alpha"]


def test_standard_errors_of_ratios_use_the_covariance():
    """With errors of 0.1 in both logarithms, the ratio has 0.1 sqrt(2) if they are independent, 0 if they are equal."""
    together = BgNbd(CDNOW_FIT.values, np.full((4, 4), 0.01), 0.0)
    mean, error = CDNOW_FIT.rate()
    assert (mean, error) == pytest.approx((0.243 / 4.414, 0.1 * 2**0.5 * 0.243 / 4.414))
    assert (together.rate()[1], together.dropout()[1]) == pytest.approx((0, 0), abs=1e-8)


def test_probability_of_being_active_by_hand():
    """Frequency 1, recency 5, age 30: the odds of having left are a / b ((alpha + age) / (alpha + recency))^(r + 1)."""
    odds = 0.793 / 2.426 * (34.414 / 9.414) ** 1.243
    assert CDNOW_FIT.chance_active(SIX)[1] == pytest.approx(expit(-np.log(odds)))
