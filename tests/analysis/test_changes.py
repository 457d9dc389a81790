"""Tests of the noise of changes: many and few orders, opposite segments, and shops with almost no data."""

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa

from lib.analysis import changes, periods
from lib.db import read

SUMS = changes.SUMS


def orders(now: int, before: int, value: float = 10.0) -> pd.DataFrame:
    """Groups of customers with one order each: `now` in the period, `before` others in the previous one."""
    group = np.random.default_rng(now * 1_000 + before).integers(0, 200, now + before)
    amount = dict.fromkeys(SUMS, 1) | {"revenue": value, "sales": value, "refunded_amount": 0, "cancelled_orders": 0}
    in_period = np.arange(now + before) < now
    columns = {name: np.where(in_period, amount[name], 0) for name in SUMS}
    columns |= {f"previous_{name}": np.where(in_period, 0, amount[name]) for name in SUMS}
    return pd.DataFrame(columns | {"group": group}).groupby("group", as_index=False).sum()


def segments(**changed: tuple[int, int]) -> pd.DataFrame:
    """Rows of revenue_by_group of countries, given as name=(orders now, orders before) of 10 each."""
    frames = [orders(*counts)[["group", "revenue", "previous_revenue"]].assign(name=n) for n, counts in changed.items()]
    return pd.concat(frames).assign(kind="country")


def test_129_against_118_orders_is_noise() -> None:
    """The number of orders differs by 11, with a standard deviation of about the root of 247, which is 16."""
    found = changes.kpi_changes(orders(129, 118), seed=1).loc["orders"]
    assert found["change"] == pytest.approx(129 / 118 - 1)
    assert not found["clear"]
    assert (found["lower"], found["upper"]) == pytest.approx((-0.14, 0.43), abs=0.05)


def test_a_third_more_of_many_orders_is_a_change() -> None:
    found = changes.kpi_changes(orders(800, 600), seed=1)
    assert found.loc[["revenue", "orders", "active_customers"], "clear"].all()
    assert not found.loc[["avg_order_value", "repeat_rate"], "clear"].any()


def test_customers_who_order_in_both_periods_have_no_noise_of_their_own() -> None:
    """Each of 100 customers orders once in both periods, some of them twice in the first: only these vary."""
    same = orders(100, 0)
    same[[f"previous_{name}" for name in SUMS]] = same[list(SUMS)].to_numpy()
    same.loc[:9, ["orders", "revenue", "sales"]] *= 2
    found = changes.kpi_changes(same.assign(new_customers=0, previous_new_customers=0), seed=1)
    assert found.loc["orders", "clear"]
    assert found.loc["orders", "change"] == pytest.approx(0.1, abs=0.05)


@pytest.mark.parametrize(("now", "before"), [(0, 0), (3, 0), (0, 3), (1, 1)])
def test_few_orders_are_never_a_clear_growth(now: int, before: int) -> None:
    found = changes.kpi_changes(orders(now, before) if now + before else orders(1, 1).head(0), seed=1)
    assert not (found["clear"] & (found["change"] > 0)).any()


def test_the_same_seed_gives_the_same_interval() -> None:
    first, second = (changes.kpi_changes(orders(50, 40), seed=3) for _ in range(2))
    pd.testing.assert_frame_equal(first, second)


def test_only_a_segment_beyond_its_noise_is_a_driver() -> None:
    noisy = changes.segment_changes(segments(germany=(60, 49), france=(40, 39), malta=(29, 30)), seed=1)
    assert noisy["name"].tolist() == ["germany", "france", "malta"]
    assert not noisy["clear"].any()
    assert changes.main_driver(noisy, clear=False) is None
    clear = changes.segment_changes(segments(germany=(160, 49), france=(40, 39), malta=(29, 30)), seed=1)
    assert changes.main_driver(clear, clear=True) == ("country", "germany", 1110.0, 1.0)


def test_many_segments_widen_the_intervals() -> None:
    few = changes.segment_changes(segments(a=(60, 40), b=(50, 50)), seed=1).set_index("name")
    many = changes.segment_changes(segments(a=(60, 40), **{f"b{n}": (50 + n, 50 + n) for n in range(40)}), seed=1)
    widths = (many.set_index("name").loc["a"], few.loc["a"])
    assert widths[0]["upper"] - widths[0]["lower"] > 1.3 * (widths[1]["upper"] - widths[1]["lower"])


def test_opposite_changes_have_no_share_of_a_whole_within_its_noise() -> None:
    opposite = changes.segment_changes(segments(germany=(200, 60), france=(60, 195)), seed=1)
    kind, name, amount, share = changes.main_driver(opposite, clear=False)
    assert (kind, name, amount) == ("country", "germany", 1400)
    assert np.isnan(share)


def test_a_single_segment_explains_nothing() -> None:
    only = changes.segment_changes(segments(germany=(200, 60)), seed=1)
    assert only["clear"].all()
    assert changes.main_driver(only, clear=True) is None
    assert changes.main_driver(only.head(0), clear=True) is None
    assert changes.segment_changes(segments(a=(1, 1)).head(0), seed=1).empty


@pytest.mark.slow
@pytest.mark.parametrize("name", ["last_month", "last_90_days", "year_to_date"])
def test_the_groups_add_up_to_the_kpis_and_the_segments(demo_database: sa.URL, name: str) -> None:
    span = periods.period(name, "2025-07-01")
    groups, segments_ = (read(question, **span.both) for question in ("kpis_by_group", "revenue_by_group"))
    for bounds, prefix in ((span.bounds, ""), (span.previous_bounds, "previous_")):
        kpis = read("period_kpis", **bounds).iloc[0]
        sums = groups[[f"{prefix}{column}" for column in SUMS]].sum().set_axis(SUMS)
        for kpi, formula in changes.KPIS.items():
            assert formula(sums) == pytest.approx(kpis[kpi], abs=0.005), kpi
        by_kind = segments_.groupby("kind")[f"{prefix}revenue"].sum()
        assert by_kind.to_numpy() == pytest.approx(np.full(3, kpis["revenue"]), abs=0.005)
    for kind in ("country", "category", "channel"):
        of_kind = segments_[segments_["kind"] == kind].groupby("name")["revenue"].sum()
        rows = read(f"revenue_by_{kind}", **span.bounds).groupby(kind)["revenue"].sum()
        assert of_kind[of_kind != 0].to_dict() == pytest.approx(rows[rows != 0].to_dict(), abs=0.005)
