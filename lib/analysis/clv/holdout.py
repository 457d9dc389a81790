"""Holdout validation: orders and revenue expected on a past day, compared with those observed after it."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

__all__ = ["by_frequency", "capture", "compare"]

MANY = 7  # repeat purchases from which on customers are pooled
TOP = 0.1


def compare(expected: Mapping[str, np.ndarray], observed: np.ndarray) -> pd.DataFrame:
    """One row per method: total orders expected and observed, total_error, mae (per customer), correlation.

    total_error is expected / observed - 1, NaN without observed orders.
    """
    observed = np.asarray(observed, dtype=float)
    rows = [_compared(name, np.asarray(values, dtype=float), observed) for name, values in expected.items()]
    return pd.DataFrame(rows, columns=["method", "expected", "observed", "total_error", "mae", "correlation"])


def _compared(name: str, values: np.ndarray, observed: np.ndarray) -> dict[str, object]:
    total = observed.sum()
    varied = len(observed) > 1 and np.ptp(values) > 0 and np.ptp(observed) > 0
    return {
        "method": name,
        "expected": values.sum(),
        "observed": total,
        "total_error": values.sum() / total - 1 if total else np.nan,
        "mae": np.abs(values - observed).mean() if len(observed) else np.nan,
        "correlation": np.corrcoef(values, observed)[0, 1] if varied else np.nan,
    }


def by_frequency(frequency: pd.Series, expected: np.ndarray, observed: pd.Series) -> pd.DataFrame:
    """Mean orders per customer, expected and observed, by repeat purchases before: 0 to 6, and 7 or more."""
    frame = pd.DataFrame({"frequency": frequency.clip(upper=MANY), "expected": expected, "observed": observed})
    means = frame.groupby("frequency").agg(
        customers=("observed", "size"), expected=("expected", "mean"), observed=("observed", "mean")
    )
    names = [f"{MANY} or more" if number == MANY else str(number) for number in means.index]
    return means.reset_index(drop=True).assign(repeats=names)[["repeats", "customers", "expected", "observed"]]


def capture(rankings: Mapping[str, np.ndarray], observed: np.ndarray) -> pd.DataFrame:
    """Share of the observed total held by the top tenth of each ranking; `perfect` ranks by the observed values."""
    observed = np.asarray(observed, dtype=float)
    return pd.DataFrame(
        [
            {"ranking": name, "share": _captured(np.asarray(values, dtype=float), observed)}
            for name, values in {**rankings, "perfect": observed}.items()
        ]
    )


def _captured(values: np.ndarray, observed: np.ndarray) -> float:
    """Share of the top tenth, at least one customer; tied customers share their total."""
    top = max(1, round(TOP * len(observed)))
    if not observed.sum():
        return np.nan
    frame = pd.DataFrame({"value": values, "observed": observed})
    ranked = frame.groupby("value")["observed"].agg(["sum", "size"])[::-1]
    taken = np.clip(top - (ranked["size"].cumsum() - ranked["size"]), 0, ranked["size"])
    return float((ranked["sum"] * taken / ranked["size"]).sum() / observed.sum())
