"""The truth about a synthetic shop: the parameters its rows are drawn from, and the expected values that follow."""

from collections.abc import Callable
from typing import Any

import numpy as np

from lib.data.synthetic import Plan, calendar, customers, events, fulfilment, products
from lib.data.synthetic.arrays import columns, rounded, uuid_texts
from lib.data.synthetic.campaigns import PAID_CHANNELS
from lib.data.synthetic.orders import FIRST_DELAY
from lib.data.synthetic.products import DISCOUNTS, DISPERSION, FLASH_DISCOUNT, PAID_SHARE, PARTNER_CHANCE, QUANTITIES
from lib.data.synthetic.shop import COUNTRIES, GENERATOR

__all__ = ["RETURNS", "expected_revenue", "expected_sales", "truth"]

RETURNS = ("cancelled", "refunded", "items_returned")  # kinds of returns: of whole orders, and of single items


def truth(plan: Plan) -> dict[str, Any]:
    """Parameters, solved scales, planted effects, expected returns and expected daily sales, as JSON types.

    Tests compare the estimates of models and reports with it.

    `daily` has the orders of each day, its net sales (`revenue`: orders placed less returns of the day) and the amount
    of those of its orders that are completed at as_of.

    Money is in the shop's currency. Durations are in days of shop time, a clock that runs faster on days of higher
    demand. It advances one day per day on average, before campaigns and anomalies.
    """
    shop = plan.shop
    return {
        "generator": GENERATOR,
        "seed": shop.seed,
        "as_of": shop.as_of.isoformat(),
        "history_days": shop.history_days,
        "seasons": shop.seasons,
        "asked": {**vars(plan.counts), "lines_per_order": shop.lines_per_order},
        "customers": _customers(plan),
        "spend": {"p": customers.SPEND.p, "q": customers.SPEND.q, "mean": rounded(plan.mean_order_value / shop.cents)},
        "countries": {code: share for code, _, _, share in COUNTRIES},
        "channels": _channels(),
        "calendar": _calendar(plan),
        "products": _products(plan),
        "baskets": _baskets(plan),
        "returns": _returns(plan),
        "visits": _visits(plan),
        "campaigns": _campaigns(plan),
        "anomalies": _anomalies(plan),
        "daily": _daily(plan),
    }


def expected_sales(plan: Plan) -> dict[str, np.ndarray]:
    """Expected amounts of each day in cents: `placed` and `completed` orders, and the returns of each kind.

    Orders are dated on the day they were placed, completed ones by their status at as_of; returns on their own day.
    """
    orders, one_order = plan.daily_orders.sum(axis=0), products.quarter(plan.shop.days)
    percents, shares = columns(DISCOUNTS)
    off = (1 - np.maximum(percents, FLASH_DISCOUNT) @ shares / 100) / PAID_SHARE
    for anomaly in plan.anomalies:
        if anomaly.kind == "flash_sale":
            orders[anomaly.first_day - plan.shop.days[0]] *= off
    placed = orders * plan.order_values[one_order]
    kept = 1 - fulfilment.CANCELLED_SHARE - fulfilment.REFUNDED_SHARE
    items = kept * fulfilment.RETURNED_SHARE * orders * plan.returnable_values[one_order]
    until_end = np.arange(plan.shop.history_days, 0, -1)
    refunded = _by_age(fulfilment.refunded_by, np.arange(plan.shop.history_days + 1))
    cancelled = _by_age(fulfilment.cancelled_by, np.arange(plan.shop.history_days + 1))
    return {
        "placed": placed,
        "completed": placed * _by_age(fulfilment.completed_share, until_end),
        "cancelled": _delayed(fulfilment.CANCELLED_SHARE * placed, cancelled),
        "refunded": _delayed(fulfilment.REFUNDED_SHARE * placed, refunded),
        "items_returned": _delayed(items, refunded),
    }


def expected_revenue(plan: Plan) -> np.ndarray:
    """Expected net sales of each day in cents: orders placed on the day less the returns of the day."""
    sales = expected_sales(plan)
    return np.asarray(sales["placed"] - sum(sales[kind] for kind in RETURNS))


def _by_age(share: Callable[[np.ndarray], np.ndarray], midnights: np.ndarray) -> np.ndarray:
    """Mean share, by age in days, of the orders of a day after each number of midnights since its start."""
    age = midnights[:, None] - (np.arange(24) + 0.5) / 24
    return np.asarray(share(age) @ np.array(_shares(calendar.HOURS)))


def _delayed(amounts: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Amounts of each day moved to later days, given the cumulative share that has moved after 0, 1, … midnights."""
    return np.convolve(amounts, np.diff(shares))[: len(amounts)]


def _customers(plan: Plan) -> dict[str, Any]:
    r, a, b = customers.BG_NBD.r, customers.BG_NBD.a, customers.BG_NBD.b
    return {
        "model": "BG/NBD",
        "r": r,
        "alpha": _number(plan.alpha),
        "a": a,
        "b": b,
        "mean_orders_per_day": _number(r / plan.alpha),
        "mean_dropout": rounded(a / (a + b)),
        "first_order_delay_days": _number(FIRST_DELAY * plan.alpha),
    }


def _number(value: float) -> float | None:
    """The number to six digits; None for NaN, as in a shop without orders."""
    return None if np.isnan(value) else rounded(value)


def _channels() -> list[dict[str, Any]]:
    cost = {channel: relative for channel, relative, *_ in PAID_CHANNELS}
    return [
        {"channel": channel, "share_of_unpaid": share, "share_that_buys": buys, "relative_cost": cost.get(channel, 0.0)}
        for channel, share, buys in customers.CHANNELS
    ]


def _calendar(plan: Plan) -> dict[str, Any]:
    if not plan.shop.seasons:
        return {"hours": _shares(calendar.HOURS)}
    return {
        "weekdays": list(calendar.WEEKDAYS),
        "hours": _shares(calendar.HOURS),
        "year": {"swing": calendar.YEAR_SWING, "peak_day": calendar.YEAR_PEAK},
        "trend": calendar.TREND,
        "signup_growth": calendar.GROWTH,
        "holidays": [
            {"date": _date(holiday.day), "name": holiday.name, "factor": holiday.factor}
            for holiday in calendar.holidays(plan.shop)
        ],
    }


def _shares(weights: tuple[float, ...]) -> list[float]:
    return [rounded(weight / sum(weights)) for weight in weights]


def _date(day: int) -> str:
    return str(np.datetime64(int(day), "D"))


def _products(plan: Plan) -> dict[str, Any]:
    low, high = products.COST_SHARES
    return {
        "steepness": plan.products.steepness,
        "revenue_share_of_top_fifth": products.TOP_FIFTH,
        "price_spread": products.PRICE_SPREAD,
        "cost_share_of_price": [low, high],
        "mean_stock_months": products.STOCK_MONTHS,
        "category_seasons": {name: list(values) for name, values in products.CATEGORY_SEASONS.items()},
    }


def _baskets(plan: Plan) -> dict[str, Any]:
    percents, shares = columns(DISCOUNTS)
    return {
        "mean_further_draws": plan.baskets.further,
        "dispersion": DISPERSION,
        "quantities": list(QUANTITIES),
        "discounts": dict(zip(map(str, percents.tolist()), shares.tolist(), strict=True)),
        "pairs": _pairs(plan),
    }


def _pairs(plan: Plan) -> list[dict[str, Any]]:
    """Every planted pair with its expected support, confidence and lift."""
    found = plan.baskets.pairs
    quarters = zip(plan.orders_by_quarter, plan.products.demand, strict=True)
    single, both = np.zeros(len(plan.products)), np.zeros(len(found))
    for share, demand in quarters:
        single += share * plan.baskets.chances(demand)
        both += share * sum(plan.baskets.pair_odds(demand))
    ids = [uuid_texts(plan.products.ids[column]) for column in found.T]
    return [
        {
            "product_id": first,
            "partner_id": partner,
            "partner_chance": PARTNER_CHANCE,
            "support": rounded(both[row]),
            "confidence": rounded(both[row] / single[found[row, 0]]),
            "lift": rounded(both[row] / single[found[row]].prod()),
        }
        for row, (first, partner) in enumerate(zip(*ids, strict=True))
    ]


def _returns(plan: Plan) -> dict[str, Any]:
    """Share of the orders, or of the items of the others; delays; amounts expected before as_of; shares of sales."""
    sales = {name: float(days.sum()) / plan.shop.cents for name, days in expected_sales(plan).items()}
    refund_days = fulfilment.REFUND_AFTER + fulfilment.REFUND_MORE
    return {
        "cancelled": fulfilment.CANCELLED_SHARE,
        "refunded": fulfilment.REFUNDED_SHARE,
        "items_returned": fulfilment.RETURNED_SHARE,
        "least_days": dict(zip(RETURNS, (0.0, fulfilment.REFUND_AFTER, fulfilment.REFUND_AFTER), strict=True)),
        "mean_days": dict(zip(RETURNS, (fulfilment.CANCELLED_AFTER, refund_days, refund_days), strict=True)),
        "amount": {kind: rounded(sales[kind]) for kind in RETURNS},
        "share_of_sales": {kind: rounded(sales[kind] / max(sales["placed"], 1e-9)) for kind in RETURNS},
    }


def _visits(plan: Plan) -> dict[str, Any]:
    return {
        "per_order": plan.visits.per_order,
        "per_customer_and_day": plan.visits.per_day,
        "days_before_order": events.DAYS_BEFORE,
        "interest_days": events.INTEREST_DAYS,
        "events_per_visit_without_order": rounded(events.EVENTS_PER_BROWSE),
        "funnel": {step: rounded(share) for step, share in events.funnel(plan.visits, plan.counts.orders).items()},
    }


def _campaigns(plan: Plan) -> list[dict[str, Any]]:
    """Every campaign with its uplift (0.5: half of normal demand is added) and the orders it is expected to cause."""
    known = plan.campaigns
    demand = 1 + known.sums(known.uplift)
    found = []
    for row, campaign_id in enumerate(uuid_texts(known.ids)):
        days = slice(known.first[row] - known.first_day, known.last[row] - known.first_day + 1)
        cells = plan.daily_orders[known.targets[row], days] / demand[known.targets[row], days]
        found.append(
            {
                "campaign_id": campaign_id,
                "start_date": _date(known.first[row]),
                "end_date": _date(known.last[row]),
                "countries": known.runs_of(row),
                "uplift": float(known.uplift[row]),
                "orders_caused": rounded(float(known.uplift[row] * cells.sum())),
            }
        )
    return found


def _anomalies(plan: Plan) -> list[dict[str, Any]]:
    return [
        {
            "kind": anomaly.kind,
            "start_date": _date(anomaly.first_day),
            "end_date": _date(anomaly.last_day),
            "orders_factor": anomaly.orders,
            "visits_factor": anomaly.visits,
            "discount_percent": FLASH_DISCOUNT if anomaly.kind == "flash_sale" else 0,
        }
        for anomaly in plan.anomalies
    ]


def _daily(plan: Plan) -> list[dict[str, Any]]:
    cents = plan.shop.cents
    completed, revenue = expected_sales(plan)["completed"] / cents, expected_revenue(plan) / cents
    days = zip(plan.shop.days, plan.daily_orders.sum(axis=0), revenue, completed, strict=True)
    return [
        {"date": _date(day), "orders": rounded(placed), "revenue": rounded(net), "completed": rounded(done)}
        for day, placed, net, done in days
    ]
