"""Says in words and tables what the forecast found: the headline, the evidence for it, the holidays ahead."""

import pandas as pd

from lib.analysis import revenue
from lib.analysis.forecast import Backtest, Forecast, Group, History, holidays_of
from lib.formatting import day, money, percent

__all__ = ["belief", "evidence", "fans", "headline", "holidays", "holidays_ahead", "parts", "scores"]

YEAR = pd.Timedelta(weeks=52)  # the same weekdays a year before
SHOWN = (
    "model", "won", "mase", "wape", "smape", "pinball", "total_error", "coverage_80", "coverage_95",
    "skill", "skill_weekday", "best_at",
)  # fmt: skip
SMALLER = ("mase", "wape", "smape", "pinball", "total_error")  # measures of which less is better


def headline(ahead: Forecast, history: History, currency: str) -> str:
    """Total, interval, change against the days before and the year before, and why this can be believed."""
    if ahead.frame.empty:
        return f"There is no forecast. {ahead.reason}"
    days, (low, high) = len(ahead.frame), ahead.total_80
    total, lower, upper = (money(amount, currency, digits=False) for amount in (ahead.total, low, high))
    changes = " and ".join(_changes(ahead, history, days))
    return (
        f"The next {_days(days)} expected to bring {total}; with a chance of 80 in 100 it will be between {lower} "
        f"and {upper}.{f' That is {changes}.' if changes else ''} {ahead.reason}"
    )


def _changes(ahead: Forecast, history: History, days: int) -> list[str]:
    """The forecast against what has been: only with days that history covers whole, and that brought something."""
    series, end = history.series, ahead.frame.index[0]
    spans = {
        f"the last {f'{days} days' if days > 1 else 'day'}": end - pd.Timedelta(days=days),
        "the same days of the year before": end - YEAR,
    }
    words = []
    for name, first in spans.items():
        before = series[first : first + pd.Timedelta(days=days - 1)].sum()
        if first >= series.index[0] and first + pd.Timedelta(days=days) <= end and before:
            words.append(f"{_compared(revenue.change(ahead.total, before))} in {name}")
    return words


def _days(n: int) -> str:
    return f"{n} days are" if n > 1 else "day is"


def _compared(change: float) -> str:
    """`12% more than`, or `as much as` where whole per cents show no change."""
    if abs(change) < 0.005:
        return "as much as"
    return f"{percent(abs(change), 0)} {'more' if change > 0 else 'less'} than"


def holidays(countries: pd.DataFrame, history: History, horizon: int) -> pd.Series:
    """Public holidays, by day, of the country with most revenue, from the first day of history to the last one ahead.

    countries: country_code and revenue. None for a shop without history or whose main country is not known.
    """
    known = countries.dropna(subset="country_code").sort_values("revenue", ascending=False, kind="stable")
    series = history.series
    first, last = (series.index[0], series.index[-1]) if len(series) else (pd.Timestamp("1970-01-01"),) * 2
    code = known["country_code"].iloc[0] if len(known) and len(series) else None
    return holidays_of(code, first, last + pd.Timedelta(days=horizon))


def holidays_ahead(ahead: Forecast, marked: pd.Series) -> str:
    """The holidays among the coming days, in a sentence."""
    coming = marked[marked.index.isin(ahead.frame.index)]
    if coming.empty:
        return "No public holiday of the shop's main country falls into these days."
    named = ", ".join(f"{name} ({day(date)})" for date, name in coming.items())
    return f"Holidays of the shop's main country in these days: {named}."


def scores(tested: Backtest) -> pd.DataFrame:
    """The scores of the backtest, one row per model, and in the column best_at the measures at which it is the best."""
    found = tested.scores()
    best = {name: found[name].idxmin() for name in SMALLER if found[name].notna().any()}
    best_at = [
        ", ".join(name.replace("_", " ") for name, first in best.items() if first == model) for model in found.index
    ]
    return found.assign(best_at=best_at).reset_index()[list(SHOWN)]


def evidence(tested: Backtest) -> str:
    """How many tests there were and who won them, in a sentence."""
    found, n = tested.scores(), len(tested.windows)
    if not n:
        return "The history is too short to test a model on: a test needs eight weeks before its days."
    most = found["won"].max()
    winners = " and ".join(found.index[found["won"] == most])
    won = (
        f"{winners} won the most of them, {most}" if most else "without a change from week to week no error has a scale"
    )
    days = [window.actual.index[0] for window in tested.windows]
    span = f"beginning between {day(min(days))} and {day(max(days))}" if n > 1 else f"beginning {day(days[0])}"
    fewer = "" if n >= 4 else " Fewer than four tests say little: the history allows no more."
    return f"{n} test{'s' if n > 1 else ''}, {span}; {won}.{fewer}"


def belief(tested: Backtest, model: str) -> str:
    """How often the truth lay inside the model's intervals, in a sentence."""
    found = tested.scores()
    if model not in found.index:
        return "No test has shown yet whether the intervals can be believed."
    row, n = found.loc[model], len(tested.windows)
    shares = {level: percent(row[f"coverage_{level}"], 0) for level in (80, 95)}
    days = (f"{share} of the days lay inside the {level} % interval" for level, share in shares.items())
    inside = round(row["total_inside_80"] * n)
    return f"In the tests {' and '.join(days)}; the total lay inside its 80 % interval in {inside} of {n}."


def fans(parts: list[Group], days: int = 90) -> list[tuple[str, pd.DataFrame, pd.DataFrame]]:
    """Of each part, rounded: name, last days of history (date, revenue), days ahead (date, forecast, bounds)."""
    return [
        (part.name, part.history.series.tail(days).round().reset_index(), part.forecast.frame.round().reset_index())
        for part in parts
    ]


def parts(groups: list[Group]) -> pd.DataFrame:
    """One row per part: revenue expected in the days ahead, the bounds of that total at 80 %, the model published."""
    rows = [(one.name, one.forecast.total, *one.forecast.total_80, one.forecast.model) for one in groups]
    return pd.DataFrame(rows, columns=["part", "expected_revenue", "at_least", "at_most", "model"])
