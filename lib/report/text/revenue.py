"""Sentences and tables on revenue: of a period (executive report), then forecast (forecast report)."""

from collections.abc import Mapping
from datetime import date

import pandas as pd

from lib.analysis.changes import Driver
from lib.analysis.forecast import SEASONAL_NAIVE, WEEKDAY_AVERAGE, Backtest, Forecast, History, Segment
from lib.analysis.periods import Period, covers, is_mature
from lib.formatting import day, integer, money, percent
from lib.report.text import beyond_noise, comparison

__all__ = [
    "backtest_summary", "contribution", "coverage", "data_preparation", "driver", "forecast_headline", "free_orders",
    "headline", "largest_step", "maturity", "not_counted", "score_definitions", "score_table", "segment_table",
    "summary", "target", "total_sales",
]  # fmt: skip

YEAR = pd.Timedelta(weeks=52)  # back to the same weekdays of the previous year
FEW_WINDOWS = 4  # fewer say little
ERRORS = ("mase", "wape", "smape", "pinball", "total_error")  # measures of which less is better
COLUMNS = (
    "model", "wins", "mase", "wape", "smape", "pinball", "total_error", "bias", "coverage_80", "coverage_95",
    "skill", "skill_weekday", "best_at",
)  # fmt: skip
DEFINITIONS = {
    "wins": "backtest windows in which the model had the smallest MASE",
    "MASE": "mean absolute error / mean absolute week-on-week change in the training days",
    "WAPE": "sum of the absolute errors / sum of the observed revenue",
    "sMAPE": "mean of 2 x absolute error / (observed + predicted), from 0 to 200 %",
    "pinball": "pinball loss of five quantiles, in units of MASE: scores the forecast and its interval together",
    "total error": "absolute error of the window's total / observed total",
    "bias": "(predicted total - observed total) / observed total: above 0 the forecasts were too high on average",
    "coverage 80, 95": "share of days inside the 80 % and the 95 % prediction interval",
    "skill": f"1 - MASE / MASE of {SEASONAL_NAIVE}, which repeats the same weekday of last week",
    "skill weekday": f"1 - MASE / MASE of the {WEEKDAY_AVERAGE}",
    "best at": "measures in which the model is the best of all",
}


def headline(
    span: Period,
    current: Mapping[str, float],
    previous: pd.DataFrame,
    year_earlier: pd.DataFrame,
    main_driver: Driver | None,
    currency: str,
    first_day: date | None,
    mature_until: date | str,
) -> str:
    """Revenue and orders of the period, compared with two earlier spans, and the main driver of the change.

    Args:
        span: The period.
        current: Its KPIs by name.
        previous: Changes from the previous period, from changes.kpi_changes.
        year_earlier: Those from the same days a year earlier.
        main_driver: The driver of the change, from changes.main_driver.
        currency: ISO 4217 code of the amounts.
        first_day: First day of the data; a span that begins before it is not compared with.
        mature_until: First day whose sales are not all known yet; a span with such days is not compared.

    Example:
        >>> revenue = pd.DataFrame({"change": 0.1, "lower": -0.1, "upper": 0.3, "clear": False}, index=["revenue"])
        >>> span, first_day = periods.period("last_month", "2025-07-01"), pd.Timestamp("2025-01-01")
        >>> june = {"revenue": 110.0, "orders": 9}
        >>> text.headline(span, june, revenue, revenue, None, "USD", first_day, "2025-07-01")
        'Revenue from Jun 1, 2025 to Jun 30, 2025 was $110.00 from 9 orders: within the noise of the previous period
        (+10.0%, 95 % interval -10.0% to +30.0%), not compared with a year earlier, since the data begin on
        Jan 1, 2025. No segment changed beyond its noise, so there is no clear driver.'
    """
    orders = f"{integer(current['orders'])} order{'' if current['orders'] == 1 else 's'}"
    spans = {
        "the previous period": (previous, span.previous_bounds),
        "the same days a year earlier": (year_earlier, span.year_before),
    }
    mature = is_mature(span, mature_until)
    found = [
        _change(kpis.T["revenue"], name)
        for name, (kpis, bounds) in spans.items()
        if mature and covers(first_day, bounds)
    ]
    driven = driver(main_driver, currency) if mature and covers(first_day, span.previous_bounds) else ""
    if not mature:
        why = f"the orders from {day(mature_until)} on are not all completed yet"
        found.append(f"it is not compared with earlier days, since {why}")
    elif len(found) < len(spans):
        what = "it is not compared with earlier days" if not found else "not compared with a year earlier"
        found.append(
            f"{what}, since the data begin on {day(first_day)}" if pd.notna(first_day) else "there are no data"
        )
    revenue = f"Revenue from {span} was {money(current['revenue'], currency)} from {orders}"
    return f"{revenue}: {', '.join(found)}. {driven}".strip()


def _change(revenue: pd.Series, name: str) -> str:
    """The change of revenue from an earlier span, or that it is within the noise."""
    words = comparison(1 + revenue["change"], 1.0, name)
    return beyond_noise(words, revenue) or f"no revenue in {name} to compare with"


def maturity(mature_until: date | str, as_of: date | str) -> str:
    """Whether the last days before the report date have all their sales.

    Example:
        >>> text.maturity("2025-06-20", "2025-07-01")
        'The 11 days before Jul 1, 2025 are left out, since their orders are not all completed yet.'
    """
    days = (pd.Timestamp(as_of) - pd.Timestamp(mature_until)).days
    if not days:
        return f"All days before {day(as_of)} have all their sales."
    which = f"The {integer(days)} days before {day(as_of)} are" if days > 1 else f"The day before {day(as_of)} is"
    return f"{which} left out, since {'their' if days > 1 else 'its'} orders are not all completed yet."


def driver(found: Driver | None, currency: str) -> str:
    """The segment that contributed most to the change of revenue, with its amount, or that none changed clearly."""
    if found is None:
        return "No segment changed beyond its noise, so there is no clear driver."
    amount = _signed(found.amount, currency)
    if not found.share <= 1:  # a share of the small rest after gains and losses offset each other says nothing
        kind = "gain" if found.amount > 0 else "loss"
        return f"Gains and losses offset each other; the largest {kind} came from {found.name} ({amount})."
    return f"The {found.kind} {found.name} contributed most to the change: {amount}, {percent(found.share)} of it."


def free_orders(number: float) -> str:
    """How many sales of the period are counted apart because their amount is 0.

    Example:
        >>> text.free_orders(0)
        'No order of the period has an amount of 0.'
    """
    if not number:
        return "No order of the period has an amount of 0."
    count = "1 order" if number == 1 else f"{integer(number)} orders"
    return f"{count} of amount 0, such as gifts, are counted apart: not in orders and average order value."


def contribution(steps: pd.DataFrame, ladder: Mapping[str, float], currency: str) -> str:
    """The contribution and its share of net sales, and the share of net sales whose cost of goods is known.

    Args:
        steps: From revenue.ladder_steps.
        ladder: The row of the question sales_ladder.
        currency: ISO 4217 code of the amounts.

    Example:
        >>> ladder = {"gross_sales": 100.0, "revenue": 100.0, "cost": 40.0, "costed_revenue": 90.0}
        >>> text.contribution(revenue.ladder_steps(ladder), ladder, "USD")
        'The contribution is $60.00, 60.0% of net sales. The cost of goods is known for 90.0% of net sales.'
    """
    net, costed = float(ladder["revenue"]), float(ladder["costed_revenue"])
    last = steps.iloc[-1]
    if last["step"] != "contribution":
        return "No cost is known, so the contribution is not either."
    share = f", {percent(last['amount'] / net)} of net sales" if net > 0 else ""
    known = f"The cost of goods is known for {percent(costed / net)} of net sales." if net > 0 else ""
    return f"The contribution is {money(last['amount'], currency)}{share}. {known}".strip()


def total_sales(ladder: Mapping[str, float], currency: str) -> str:
    """Net sales with shipping and taxes, if the data have any.

    Example:
        >>> text.total_sales({"revenue": 100.0, "shipping": 9.0, "taxes": 20.0, "total_sales": 129.0}, "USD")
        'With shipping of $9.00 and taxes of $20.00, total sales are $129.00.'
    """
    shipping, taxes, total = (money(ladder[name], currency) for name in ("shipping", "taxes", "total_sales"))
    if not ladder["shipping"] and not ladder["taxes"]:
        return "The data have no shipping or taxes, so total sales are net sales."
    return f"With shipping of {shipping} and taxes of {taxes}, total sales are {total}."


def not_counted(statuses: pd.DataFrame, currency: str) -> str:
    """The orders of the period that the sales basis does not count, and the setting that counts them.

    Args:
        statuses: Answer of the question sales_by_status.
        currency: ISO 4217 code of the amounts.

    Example:
        >>> shipped = {"status": ["shipped"], "orders": [2], "amount": [3500.0], "counted": [False]}
        >>> text.not_counted(pd.DataFrame(shipped), "USD")
        '2 shipped orders of $3,500.00 are not counted, since sales_basis is completed; sales_basis: placed counts
        them.'
    """
    if statuses.empty:
        return "No order was placed in the period."
    left = statuses[~statuses["counted"].astype("bool")]
    if left.empty:
        return "All of them are sales; returns are subtracted on the day on which they happened."
    parts = [
        f"{integer(orders)} {status} order{'' if orders == 1 else 's'} of {money(amount, currency)}"
        for status, orders, amount in zip(left["status"], left["orders"], left["amount"], strict=True)
    ]
    verb = "is" if len(left) == 1 and left["orders"].iloc[0] == 1 else "are"
    why = "since sales_basis is completed; sales_basis: placed counts them"
    named = f"{', '.join(parts[:-1])} and {parts[-1]}" if len(parts) > 1 else parts[0]
    return f"{named} {verb} not counted, {why}."


def target(revenue: float, run_rate: float, target: float | None, currency: str) -> str:
    """The share of the target that was reached and, for an unfinished period, the share expected at its end.

    Args:
        revenue: Revenue of the period so far.
        run_rate: Revenue at the end of the calendar period, from periods.run_rate.
        target: Revenue target of the calendar period; None if there is none.
        currency: ISO 4217 code of the amounts.

    Example:
        >>> text.target(500.0, run_rate=1000.0, target=1250.0, currency="USD")
        'Revenue reached 40.0% of the $1,250.00 target; at the current rate the period will end at 80.0%.'
    """
    if target is None:
        return f"Revenue was {money(revenue, currency)}. The parameter revenue_target sets a target to compare it with."
    reached = f"Revenue reached {percent(revenue / target)} of the {money(target, currency)} target"
    if run_rate == revenue:
        return f"{reached}."
    return f"{reached}; at the current rate the period will end at {percent(run_rate / target)}."


def largest_step(steps: pd.DataFrame, currency: str, first_day: date | None, *, clear: bool) -> str:
    """The largest change of a bridge (step, amount, total), as a sentence, if the whole change is beyond its noise.

    Args:
        steps: From revenue.bridge_steps; without rows if the periods are not compared.
        currency: ISO 4217 code of the amounts.
        first_day: First day of the data.
        clear: Whether the change of revenue is beyond its noise.

    Example:
        >>> steps = pd.DataFrame({"step": ["May", "volume", "June"], "amount": [900.0, 150.0, 1050.0]})
        >>> text.largest_step(steps.assign(total=[True, False, True]), "USD", None, clear=True)
        'Volume contributed most: +$150.'
    """
    if steps.empty:
        begin = f", which begin on {day(first_day)}," if pd.notna(first_day) else ""
        return f"No comparison: both periods must lie in the data{begin} with all their sales known."
    changes = steps[~steps["total"]]
    if not changes["amount"].abs().gt(0).any():
        return "Nothing changed."
    if not clear:
        return "The whole change is within the noise of single orders, so none of the steps is its cause."
    largest = changes.iloc[int(changes["amount"].abs().to_numpy().argmax())]
    return f"{largest['step'].capitalize()} contributed most: {_signed(largest['amount'], currency)}."


def _signed(amount: float, currency: str) -> str:
    return f"{'+' if amount > 0 else ''}{money(amount, currency, digits=False)}"


def forecast_headline(ahead: Forecast, history: History, currency: str) -> str:
    """The total, its interval, the change from the previous days and from the previous year, and why this model.

    Example:
        >>> sales = pd.DataFrame({"date": pd.date_range("2025-06-02", "2025-06-29"), "revenue": 100.0})
        >>> history = forecast.daily_series(sales, "2025-06-30")
        >>> ahead = forecast.forecast(history.past(), forecast.backtest(history.past()), 7)
        >>> text.forecast_headline(ahead, history, "USD")
        'The 7 days from Jun 30, 2025 are expected to bring $700 (80 % prediction interval $700 to $700), unchanged from
        the last 7 days. The forecast is seasonal naive (last week): the history has 28 of the 56 days that a model
        needs.'
    """
    if ahead.frame.empty:
        return f"A forecast is not possible yet. {ahead.reason}"
    total, lower, upper = (money(value, currency, digits=False) for value in (ahead.total, *ahead.total_80))
    days = len(ahead.frame)
    first = day(ahead.frame.index[0])
    expected = f"{f'The {days} days from {first} are' if days > 1 else f'{first} is'} expected to bring {total}"
    interval = f"(80 % prediction interval {lower} to {upper})"
    changes = " and ".join(_changes(ahead, history))
    return f"{expected} {interval}{f', {changes}' if changes else ''}. {ahead.reason}"


def _changes(ahead: Forecast, history: History) -> list[str]:
    """The total compared with earlier spans of as many days, those that history covers whole and that had revenue."""
    series, end, days = history.series, ahead.frame.index[0], len(ahead.frame)
    length = pd.Timedelta(days=days)
    spans = {
        f"the last {f'{days} days' if days > 1 else 'day'}": end - length,
        "the same days of the previous year": end - YEAR,
    }
    changes = []
    for name, first in spans.items():
        previous = series[first : first + length - pd.Timedelta(days=1)].sum()
        if first >= series.index[0] and first + length <= end and previous > 0:
            changes.append(comparison(ahead.total, previous, name))
    return changes


def data_preparation(history: History, ahead: Forecast, holidays: pd.Series) -> str:
    """How the series was prepared, and the public holidays among the days ahead.

    Example:
        >>> sales = pd.DataFrame({"date": pd.date_range("2025-06-02", "2025-06-29"), "revenue": 100.0})
        >>> history = forecast.daily_series(sales, "2025-06-30")
        >>> ahead = forecast.forecast(history.past(), forecast.backtest(history.past()), 7)
        >>> text.data_preparation(history, ahead, pd.Series(["Independence Day"], pd.to_datetime(["2025-07-04"])))
        "28 days of history, Jun 2, 2025 to Jun 29, 2025; 0 days without revenue count as zero. Upcoming public
        holidays in the shop's main country: Independence Day (Jul 4, 2025)."
    """
    coming = holidays[holidays.index.isin(ahead.frame.index)]
    if ahead.frame.empty:
        return " ".join(history.notes)
    if coming.empty:
        upcoming = "No public holiday of the shop's main country falls in the forecast."
    else:
        dates = pd.DatetimeIndex(coming.index)
        named = ", ".join(f"{name} ({day(date)})" for date, name in zip(dates, coming, strict=True))
        upcoming = f"Upcoming public holidays in the shop's main country: {named}."
    return " ".join([*history.notes, upcoming])


def score_definitions() -> pd.DataFrame:
    """The columns of score_table: metric, definition.

    Example:
        >>> text.score_definitions().iloc[0].tolist()
        ['wins', 'backtest windows in which the model had the smallest MASE']
    """
    return pd.DataFrame(DEFINITIONS.items(), columns=["metric", "definition"])


def score_table(tested: Backtest) -> pd.DataFrame:
    """The scores of the backtest, one row per model; best_at names the measures in which a model is the best.

    Example:
        >>> sales = pd.DataFrame({"date": pd.date_range("2025-01-01", "2025-06-30")})
        >>> past = forecast.daily_series(sales.assign(revenue=sales["date"].dt.day + 50), "2025-07-01").past()
        >>> text.score_table(forecast.backtest(past, 30, origins=1))["model"].sort_values().tolist()[:3]
        ['8-week weekday average', 'ARIMA', 'ETS']
    """
    scores = tested.scores()
    best = {name: scores[name].idxmin() for name in ERRORS if scores[name].notna().any()}
    best_at = [
        ", ".join(name.replace("_", " ") for name, first in best.items() if first == model) for model in scores.index
    ]
    return scores.assign(best_at=best_at).reset_index()[list(COLUMNS)]


def backtest_summary(tested: Backtest) -> str:
    """A sentence on the number of backtest windows and the model with the most wins.

    Example:
        >>> sales = pd.DataFrame({"date": pd.date_range("2025-01-01", "2025-06-30")})
        >>> past = forecast.daily_series(sales.assign(revenue=sales["date"].dt.day + 50), "2025-07-01").past()
        >>> text.backtest_summary(forecast.backtest(past, 30, origins=1))
        '1 backtest window, starting Jun 1, 2025: weekday profile, 4 weeks had the most wins, 1. Fewer than 4 windows
        are weak evidence; the history allows no more.'
    """
    scores, n = tested.scores(), len(tested.windows)
    if not n:
        return "The history is too short for a backtest: a window needs eight weeks of training days."
    starts = [window.observed.index[0] for window in tested.windows]
    span = f"starting between {day(min(starts))} and {day(max(starts))}" if n > 1 else f"starting {day(starts[0])}"
    most = scores["wins"].max()
    winners = " and ".join(scores.index[scores["wins"] == most])
    result = f"{winners} had the most wins, {most}" if most else "MASE is undefined because every week is identical"
    few = (
        "" if n >= FEW_WINDOWS else f" Fewer than {FEW_WINDOWS} windows are weak evidence; the history allows no more."
    )
    return f"{n} backtest window{'s' if n > 1 else ''}, {span}: {result}.{few}"


def coverage(tested: Backtest, model: str) -> str:
    """A sentence on how often the observed revenue lay inside the model's prediction intervals.

    Example:
        >>> sales = pd.DataFrame({"date": pd.date_range("2025-01-01", "2025-06-30")})
        >>> past = forecast.daily_series(sales.assign(revenue=sales["date"].dt.day + 50), "2025-07-01").past()
        >>> text.coverage(forecast.backtest(past, 30, origins=1), "seasonal naive")
        'In the backtest the 80 % interval covered 77% of the days and the 95 % interval 100%; the total lay inside
        its 80 % interval in 1 of 1.'
    """
    scores, n = tested.scores(), len(tested.windows)
    if model not in scores.index:
        return "The coverage of the prediction intervals is unknown without a backtest."
    of_80, of_95, of_totals = scores.loc[[model], ["coverage_80", "coverage_95", "total_inside_80"]].to_numpy()[0]
    return (
        f"In the backtest the 80 % interval covered {percent(of_80, 0)} of the days and the 95 % interval "
        f"{percent(of_95, 0)}; the total lay inside its 80 % interval in {round(of_totals * n)} of {n}."
    )


def segment_table(segments: list[Segment]) -> pd.DataFrame:
    """One row per segment: predicted revenue of the horizon, its 80 % prediction interval, the published model.

    Example:
        >>> sales = pd.DataFrame({"date": pd.date_range("2025-06-02", "2025-06-29"), "category": "Toys", "revenue": 9})
        >>> history = forecast.daily_series(sales, "2025-06-30")
        >>> whole = forecast.untested(history.past(), 7)
        >>> segments = forecast.forecast_segments(sales, "category", history, whole)
        >>> text.segment_table(segments)[["segment", "predicted_revenue", "model"]]
          segment  predicted_revenue           model
        0    Toys               63.0  seasonal naive
    """
    rows = [(one.name, one.forecast.total, *one.forecast.total_80, one.forecast.model) for one in segments]
    return pd.DataFrame(rows, columns=["segment", "predicted_revenue", "lower_80", "upper_80", "model"])


def summary(ahead: Forecast, history: History) -> str:
    """A sentence on the horizon, the history and the model of the forecast.

    Example:
        >>> sales = pd.DataFrame({"date": pd.date_range("2025-06-02", "2025-06-29"), "revenue": 100.0})
        >>> history = forecast.daily_series(sales, "2025-06-30")
        >>> text.summary(forecast.forecast(history.past(), forecast.backtest(history.past()), 7), history)
        'Model: seasonal naive; days forecast: 7; days of history: 28.'
    """
    if ahead.frame.empty:
        return f"Nothing is forecast. {ahead.reason}"
    return f"Model: {ahead.model}; days forecast: {len(ahead.frame)}; days of history: {len(history.series)}."
