"""Time, memory and held-out accuracy of the customer models, and time of the whole customer report."""

import json
import sys
import time
from functools import partial

import numpy as np
import pandas as pd

from lib import db, load, settings
from lib.analysis import churn, clv, segments
from lib.data import acquire
from lib.db import schema
from lib.run import notebook, params
from lib.run.steps import NOTEBOOKS
from tests.bench.holdouts import measure_clusters, measure_holdouts
from tests.bench.watching import run_apart, seconds

__all__ = ["drawn", "fit_here", "measure_customers", "scored"]

SIZES = {"10k": 10_000, "100k": 100_000, "1m": 1_000_000}
HISTORY_DAYS = 1_095
CHURN_DAYS = 90
SHOP = {"users": 135_000, "products": 2_000, "orders": 270_000, "lines_per_order": 2.46, "events": 2_200_000}


def measure_customers() -> dict[str, float]:
    """Seconds and memory by number of buyers, seconds of the notebook for 100,000 of them, and accuracy."""
    figures = {}
    for name, size in SIZES.items():
        spent, seen = run_apart(f"tests.bench.customers.fit_here({size})")
        figures |= {f"clv_fit_s_{name}": spent["fit"], f"clv_score_s_{name}": spent["score"]}
        figures[f"clv_peak_mb_{name}"] = seen.peak / 1e6
        figures[f"clv_interval_cpu_s_{name}"] = spent["interval"]
    accuracy = measure_holdouts() | measure_clusters()
    return figures | accuracy | {"customers_notebook_s_100k": _notebook_s()}


def fit_here(buyers: int) -> None:
    """In a separate process: print the seconds to fit and score this many buyers."""
    frame = drawn(buyers)
    started = time.perf_counter()
    model = clv.fit_models(frame)
    fitted = time.perf_counter()
    found = scored(model, frame)
    done, used = time.perf_counter(), time.process_time()
    noise = clv.draw_noise(model, frame, clv.Terms().days, seed=1)
    clv.interval(noise, found["rfm_segment"], {"orders": 0.1, "value": 0.1}, seed=1)
    spent = {"fit": fitted - started, "score": done - fitted, "interval": time.process_time() - used}
    sys.stdout.write(json.dumps(spent))


def scored(model: clv.Model, frame: pd.DataFrame) -> pd.DataFrame:
    """The columns that the report computes for each buyer: segment, orders, value and churn risk."""
    expected = model.orders.expected_orders(frame, CHURN_DAYS)
    curve = churn.Calibration(0.0, 1.0)
    return segments.rfm(frame).join(clv.score(model, frame, clv.Terms())).assign(churn_risk=churn.risk(expected, curve))


def drawn(buyers: int, seed: int = 42) -> pd.DataFrame:
    """Simulated buyers: BG/NBD and Gamma-Gamma, parameters of the synthetic shop, columns of customer_history."""
    rng = np.random.default_rng(seed)
    rate, leave = rng.gamma(0.7, 1 / 80, buyers), rng.beta(0.8, 3.2, buyers)
    first = rng.integers(0, HISTORY_DAYS, buyers)
    now, last, frequency, active = first.astype(float), first.copy(), np.zeros(buyers, int), np.arange(buyers)
    while len(active):
        now[active] += 1 + rng.exponential(1, len(active)) / rate[active]
        active = active[now[active] < HISTORY_DAYS]
        frequency[active] += 1
        last[active] = now[active].astype(int)
        active = active[rng.random(len(active)) >= leave[active]]
    value = rng.gamma(3.5 * (frequency + 1)) * 60 / rng.gamma(3.5, size=buyers) / (frequency + 1)
    frame = pd.DataFrame({"frequency": frequency, "recency": last - first, "age": HISTORY_DAYS - 1 - first})
    return frame.assign(
        purchases=frequency + 1,
        orders=frequency + 1,
        days_since_last=HISTORY_DAYS - last,
        monetary_value=value.round(2),
        revenue=(value * (frequency + 1)).round(2),
    )


def _notebook_s() -> float:
    """Seconds of 08_customers, including the start of its kernel, with about 100,000 buyers in the database."""
    values = params.load(params.find("large")).values()
    shape = {"seed": values["seed"], "as_of": values["as_of"], "workers": 0}
    output = settings.output_folder()
    acquire.acquire(values["generate"] | SHOP, None, "", **shape, output=output)
    with db.transaction() as connection:
        schema.create(connection)
    load.replace(output / "data", as_of=values["as_of"])
    notebook.prepare()
    step = "08_customers.ipynb"
    return seconds(partial(notebook.execute, NOTEBOOKS / step, output / step, values, _silent))


def _silent(_cell: int, _cells: int) -> None:
    """No progress is shown."""
