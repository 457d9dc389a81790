"""The truth about a synthetic shop: the parameters its rows are drawn from, and the expected values that follow."""

from typing import Any

import numpy as np

from lib.data.synthetic import Plan, calendar, customers, events, fulfilment, products
from lib.data.synthetic.arrays import columns, rounded, uuid_texts
from lib.data.synthetic.campaigns import PAID_CHANNELS
from lib.data.synthetic.orders import FIRST_DELAY
from lib.data.synthetic.products import DISCOUNTS, DISPERSION, FLASH_DISCOUNT, PARTNER_CHANCE, QUANTITIES
from lib.data.synthetic.shop import COUNTRIES, GENERATOR

__all__ = ["expected_revenue", "truth"]


def truth(plan: Plan) -> dict[str, Any]:
    """Parameters, solved scales, planted effects and expected daily orders and revenue, as JSON types.

    Tests compare the estimates of models and reports with it.

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
        "spend": {"p": customers.SPEND.p, "q": customers.SPEND.q, "mean": rounded(plan.mean_order_value / 100)},
        "countries": {code: share for code, _, _, share in COUNTRIES},
        "channels": _channels(),
        "calendar": _calendar(plan),
        "products": _products(plan),
        "baskets": _baskets(plan),
        "statuses": {"cancelled": fulfilment.CANCELLED_SHARE, "refunded": fulfilment.REFUNDED_SHARE},
        "visits": _visits(plan),
        "campaigns": _campaigns(plan),
        "anomalies": _anomalies(plan),
        "daily": _daily(plan),
    }


def expected_revenue(plan: Plan) -> np.ndarray:
    """Expected revenue of each day in cents: expected orders x expected order value x share completed by as_of."""
    age = np.arange(plan.shop.history_days, 0, -1)[:, None] - (np.arange(24) + 0.5) / 24
    completed = fulfilment.completed_share(age) @ np.array(_shares(calendar.HOURS))
    order_value = plan.order_values[products.quarter(plan.shop.days)] * completed
    percents, shares = columns(DISCOUNTS)
    off = (1 - np.maximum(percents, FLASH_DISCOUNT) @ shares / 100) / (1 - percents @ shares / 100)
    for anomaly in plan.anomalies:
        if anomaly.kind == "flash_sale":
            order_value[anomaly.first_day - plan.shop.days[0]] *= off
    return np.asarray(plan.daily_orders.sum(axis=0) * order_value)


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
    revenue = expected_revenue(plan) / 100
    return [
        {"date": _date(day), "orders": rounded(placed), "revenue": rounded(amount)}
        for day, placed, amount in zip(plan.shop.days, plan.daily_orders.sum(axis=0), revenue, strict=True)
    ]
