"""Accuracy of the forecast on real daily series, and on synthetic shops whose expected revenue is known."""

import math
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
from rich.console import Console
from rich.table import Table

from lib import settings
from lib.analysis.forecast import (
    ENSEMBLE,
    SEASONAL_NAIVE,
    WEEKDAY_AVERAGE,
    anomalies,
    backtest,
    daily_series,
    forecast,
    holidays_of,
)
from lib.analysis.forecast.history import History
from lib.data import synthetic
from lib.data.synthetic.shop import SAMPLE_SHOP
from lib.data.synthetic.truth import expected_revenue
from lib.errors import DataError
from lib.run import params

__all__ = ["Tested", "backtested", "figures", "measure_forecast", "measure_forecast_shop", "read_series"]

REAL = settings.PROJECT.parent / "shared" / "data"  # next to the project; optional
GROCER, BIKES = REAL / "completejourney_daily_2017.csv", REAL / "bike_sharing_daily.csv"
ORIGINS = 4  # windows of a real series: the protocol of the targets
SHOPS, SHOP_ORIGINS = 20, 12  # synthetic shops of the size of full.yml: 240 windows
HISTORY, AHEAD = 730, 30  # days of a shop: known, and forecast from the end of them
DAYS_APART = 18  # between the ends of the histories of two shops, so that those of all shops cover a year
LARGE_SHOPS, LARGE_USERS, LARGE_ORDERS = 4, 42_000, 84_000  # 115 orders a day, enough to detect planted anomalies


@dataclass(frozen=True)
class Tested:
    """The backtest of one series: a row per window and model, and CPU seconds of backtest and forecast."""

    name: str
    is_revenue: bool
    windows: pd.DataFrame
    cpu_s: float


def read_series(path: Path) -> dict[str, History]:
    """The daily series of a CSV file: a column `date` and one column of numbers per series.

    Raises:
        DataError: the file cannot be read, or has no such columns.
    """
    try:
        frame = pd.read_csv(path, parse_dates=["date"])
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: not a CSV file with a column `date`: {error}") from error
    values = frame.select_dtypes("number").columns
    if values.empty:
        raise DataError(f"{path}: no column of numbers next to `date`; expected one per series.")
    end = frame["date"].max() + pd.Timedelta(days=1)
    return {name: daily_series(frame[["date", name]].rename(columns={name: "revenue"}), end) for name in values}


def _real() -> Iterator[tuple[str, bool, History]]:
    """Name, whether it is revenue, and history of each series: from the file SERIES, otherwise from the real sets."""
    if given := os.environ.get("SERIES"):
        yield from ((name, True, history) for name, history in read_series(Path(given)).items())
        return
    if not (GROCER.exists() and BIKES.exists()):
        raise DataError(
            f"no real series in {REAL}. Name a file: make bench-forecast SERIES=file.csv (date, value ...)."
        )
    grocer = read_series(GROCER)
    yield from ((name, True, days) for name, days in grocer.items() if name not in ("baskets", "households"))
    bikes = pd.read_csv(BIKES, parse_dates=["dteday"]).rename(columns={"dteday": "date", "cnt": "revenue"})
    yield "bikes", False, daily_series(bikes, bikes["date"].max() + pd.Timedelta(days=1))


def backtested(name: str, is_revenue: bool, history: History) -> Tested:
    """The backtest and the forecast of one series."""
    past, started = history.past(), time.process_time()
    tested = backtest(past, origins=ORIGINS)
    forecast(past, tested)
    return Tested(name, is_revenue, tested.by_window, time.process_time() - started)


def measure_forecast() -> dict[str, float]:
    """The figures over the real series; prints a table with a row per series."""
    tested = [backtested(*one) for one in _real()]
    _show(tested)
    return figures(tested)


def figures(tested: list[Tested]) -> dict[str, float]:
    """The figures over the revenue series; CPU seconds of the slowest of all series."""
    windows = pd.concat([one.windows for one in tested if one.is_revenue] or [one.windows for one in tested])
    ours = _of(windows, ENSEMBLE)
    return {
        "forecast_relmase": _ratio(windows, SEASONAL_NAIVE),
        "forecast_wins": float((ours["mase"] < _of(windows, SEASONAL_NAIVE)["mase"]).mean()),
        "forecast_rel_weekday_mean": _ratio(windows, WEEKDAY_AVERAGE),
        "forecast_total_error": float(ours["total_error"].median()),
        "forecast_cov80": float(ours["coverage_80"].mean()),
        "forecast_cov95": float(ours["coverage_95"].mean()),
        "forecast_total_cov80": float(ours["total_inside_80"].mean()),
        "forecast_cpu_s": max(one.cpu_s for one in tested),
    }


def _of(windows: pd.DataFrame, model: str) -> pd.DataFrame:
    return windows[windows["model"] == model].reset_index(drop=True)


def _ratio(windows: pd.DataFrame, over: str) -> float:
    """Geometric mean over the windows of the ensemble's mase / the mase of `over`."""
    return float(np.exp(np.log(_of(windows, ENSEMBLE)["mase"] / _of(windows, over)["mase"]).mean()))


def _show(tested: list[Tested]) -> None:
    names = list(figures(tested[:1]))
    shown = Table("series", *(name.removeprefix("forecast_") for name in names))
    shown.columns[0].no_wrap = True
    every = [replace(one, is_revenue=True) for one in tested]
    for label, group in [(one.name, [one]) for one in every] + [("all of them", every)]:
        shown.add_row(label, *(f"{value:.3f}" for value in figures(group).values()))
    Console(soft_wrap=False).print(shown)


def measure_forecast_shop() -> dict[str, float]:
    """The ensemble compared with the true expected revenue, and the share of planted anomalies detected."""
    tests = [_against_the_oracle(seed) for seed in range(SHOPS)]
    ours, oracle, inside, totals_inside, past_bias, live = (np.mean(values) for values in zip(*tests, strict=True))
    planted = [found for seed in range(LARGE_SHOPS) for found in _planted_found(seed)]
    return {
        "forecast_oracle_ratio": float(ours / oracle),
        "forecast_shop_cov80": float(inside),
        "forecast_shop_total_cov80": float(totals_inside),
        "forecast_shop_bias": float(past_bias),
        "forecast_live_bias": float(live),
        "forecast_planted_found": float(np.mean(planted)),
    }


def _against_the_oracle(seed: int) -> tuple[float, ...]:
    """A shop's ensemble compared with its expected revenue.

    Returns:
        Mean mase of the ensemble and of the expected revenue over the windows, coverage of days and of totals at 80 %,
        and how much higher than expected (0.1: 10 %) the totals of the windows are, and the one that is published.
    """
    sizes = params.load(params.find("full")).generate
    as_of = SAMPLE_SHOP.as_of + timedelta(days=DAYS_APART * seed)
    revenue, expected, _ = daily_revenue(sizes.users, sizes.orders, sizes.products, seed, as_of + timedelta(days=AHEAD))
    history = daily_series(revenue, as_of)
    holidays = holidays_of("US", history.series.index[0], expected.index[-1])
    tested = backtest(history.past(holidays), AHEAD, origins=SHOP_ORIGINS, seed=seed)
    windows = _of(tested.by_window, ENSEMBLE)
    truth = [np.abs(one.observed - expected[one.observed.index]).mean() / one.scale for one in tested.windows]
    live = forecast(history.past(holidays), tested, AHEAD, seed=seed).total / expected.iloc[-AHEAD:].sum() - 1
    totals = [
        one.simulations[ENSEMBLE].predicted.sum() / expected[one.observed.index].sum() - 1 for one in tested.windows
    ]
    coverages = (float(windows[name].mean()) for name in ("coverage_80", "total_inside_80"))
    return float(windows["mase"].mean()), float(np.mean(truth)), *coverages, float(np.mean(totals)), float(live)


def _planted_found(seed: int) -> Iterator[bool]:
    """Whether the outage and the flash sale of a large shop are among its anomalies."""
    revenue, _, plan = daily_revenue(LARGE_USERS, LARGE_ORDERS, 200, seed, SAMPLE_SHOP.as_of)
    found = set(anomalies(daily_series(revenue, plan.shop.as_of).past()).days["date"])
    for anomaly in plan.anomalies:
        if anomaly.kind != "tracking_gap":  # of visits, not of sales
            yield pd.Timestamp(np.datetime64(int(anomaly.first_day), "D")) in found


def daily_revenue(
    users: int, orders: int, products: int, seed: int, as_of: date
) -> tuple[pd.DataFrame, pd.Series, synthetic.Plan]:
    """A synthetic shop up to as_of: its revenue (date, revenue), the expected revenue by day, and its plan.

    Revenue is net sales, so that of a past day does not depend on as_of.
    """
    counts = synthetic.Counts(100, users, products, orders, math.ceil(orders * (3 + 2 * 2.46)))
    shop = synthetic.Shop(seed=seed, history_days=HISTORY + AHEAD, lines_per_order=2.46, as_of=as_of)
    plan = synthetic.plan_shop(counts, shop)
    rows = pd.concat([_flows(synthetic.block_tables(plan, block)) for block in range(counts.blocks)])
    days = pd.DatetimeIndex(rows["at"]).tz_convert("UTC").tz_localize(None).normalize().as_unit("us")
    revenue = rows["amount"].astype(float).groupby(days).sum()
    index = pd.DatetimeIndex(plan.shop.days.astype("datetime64[D]")).as_unit("us")
    expected = pd.Series(expected_revenue(plan) / 100, index=index)
    return revenue.rename_axis("date").rename("revenue").reset_index(), expected, plan


def _flows(tables: dict[str, pa.Table]) -> pd.DataFrame:
    """The sales, and the returns as negative amounts: at, amount."""
    sales, returns = tables["orders"].to_pandas(), tables["refunds"].to_pandas()
    sold = pd.DataFrame({"at": sales["order_date"], "amount": sales["total_amount"]})
    return pd.concat([sold, pd.DataFrame({"at": returns["refund_date"], "amount": -returns["amount"]})])
