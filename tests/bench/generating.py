"""Speed and memory of the generator, compared with one call of Faker per field."""

import io
import json
import os
import sys
import time
from datetime import date
from statistics import median

import pandas as pd
from faker import Faker

from lib import settings
from lib.data import acquire
from lib.run import params
from tests.bench.figures import RUNS
from tests.bench.watching import Seen, run_apart

__all__ = ["make_here", "measure_generate", "measure_generate_large", "take"]


def take(name: str, times: float = 1, workers: int = 0) -> acquire.Acquired:
    """Write the shop of a params file with a multiple of its customers, orders and events."""
    values = params.load(params.find(name)).values()
    sizes = {key: round(values["generate"][key] * times) for key in ("users", "orders", "events")}
    shape = {key: values[key] for key in ("seed", "as_of")}
    output = settings.output_folder()
    return acquire.acquire(values["generate"] | sizes, None, "", **shape, workers=workers, output=output)


def make_here(times: float, workers: int) -> None:
    """In a process of its own: print rows, seconds and CPU seconds of `times` large.yml, without imports."""
    take("sample", workers=1)
    cpu, started = sum(os.times()[:4]), time.perf_counter()
    rows = take("large", times, workers).rows
    spent = time.perf_counter() - started
    sys.stdout.write(json.dumps({"rows": rows, "seconds": spent, "cpu": sum(os.times()[:4]) - cpu}))


def _made(times: float = 1, workers: int = 0) -> tuple[dict, Seen]:
    return run_apart(f"tests.bench.generating.make_here({times}, {workers})")


def measure_generate() -> dict[str, float]:
    """Rate of writing the rows of large.yml and of calling Faker for each field, measured alternately."""
    pairs = [(_made()[0], _faker_rows_per_s()) for _ in range(RUNS)]
    rates = [made["rows"] / made["seconds"] for made, _ in pairs]
    return {
        "generate_rows_per_s": median(rates),
        "generate_ratio_faker": median(rate / theirs for rate, (_, theirs) in zip(rates, pairs, strict=True)),
    }


def measure_generate_large() -> dict[str, float]:
    """Memory at 10 and 30 million rows, and whether a row of a large shop costs more than one of a smaller shop."""
    (small, _), (one, _) = _made(0.1, workers=1), _made(1, workers=1)
    return {
        "generate_peak_mb_10m": _made()[1].peak_of_all / 1e6,
        "generate_peak_mb_30m": _made(3)[1].peak_of_all / 1e6,
        "generate_cost_ratio_10m_1m": (one["cpu"] / one["rows"]) / (small["cpu"] / small["rows"]),
    }


def _faker_rows_per_s(n: int = 5_000) -> float:
    """Rows a second to Parquet of Faker with one call per field: of events, and of a customer per 100 rows."""
    fake = Faker()
    fake.seed_instance(42)
    steps, days = ["session_start", "product_view", "add_to_cart", "purchase"], (date(2024, 1, 1), date(2025, 1, 1))
    event = {
        **dict.fromkeys(("event_id", "user_id", "session_id", "product_id", "order_id"), fake.uuid4),
        "event_type": lambda: fake.random_element(steps),
        "event_timestamp": lambda: fake.date_time_between(*days),
        "revenue": lambda: fake.pydecimal(left_digits=4, right_digits=2, positive=True),
    }
    user = {
        **dict.fromkeys(("user_id", "campaign_id"), fake.uuid4),
        "email": fake.email,
        "name": fake.name,
        "city": fake.city,
        "country": fake.country,
        "country_code": fake.country_code,
        "channel": lambda: fake.random_element(steps),
        "signup_date": lambda: fake.date_between(*days),
    }
    started = time.perf_counter()
    for fields, rows in ((event, n - n // 100), (user, n // 100)):
        made = pd.DataFrame([{name: call() for name, call in fields.items()} for _ in range(rows)])
        made.to_parquet(io.BytesIO())
    return n / (time.perf_counter() - started)
