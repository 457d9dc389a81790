"""The proof on a shop's own past: what was expected at a day beside what came after it."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

__all__ = ["by_frequency", "capture", "compare"]

MANY = 7  # a frequency from which on customers are looked at together
TOP = 0.1


def compare(expected: Mapping[str, np.ndarray], actual: np.ndarray) -> pd.DataFrame:
    """One row per way to predict orders: expected and actual in all, total_error, mean absolute error, correlation.

    total_error is expected / actual - 1, NaN when nothing came.
    """
    actual = np.asarray(actual, dtype=float)
    rows = [_compared(name, np.asarray(values, dtype=float), actual) for name, values in expected.items()]
    return pd.DataFrame(rows, columns=["method", "expected", "actual", "total_error", "mae", "correlation"])


def _compared(name: str, values: np.ndarray, actual: np.ndarray) -> dict[str, object]:
    total, came = values.sum(), actual.sum()
    varied = len(actual) > 1 and np.ptp(values) > 0 and np.ptp(actual) > 0
    return {
        "method": name,
        "expected": total,
        "actual": came,
        "total_error": total / came - 1 if came else np.nan,
        "mae": np.abs(values - actual).mean() if len(actual) else np.nan,
        "correlation": np.corrcoef(values, actual)[0, 1] if varied else np.nan,
    }


def by_frequency(frequency: pd.Series, expected: np.ndarray, actual: pd.Series) -> pd.DataFrame:
    """Mean orders expected and come per customer, by purchases after the first: 0 to 6, and 7 or more together."""
    frame = pd.DataFrame({"frequency": frequency.clip(upper=MANY), "expected": expected, "actual": actual})
    means = frame.groupby("frequency").agg(
        customers=("actual", "size"), expected=("expected", "mean"), actual=("actual", "mean")
    )
    names = [f"{MANY} or more" if number == MANY else str(number) for number in means.index]
    return means.reset_index(drop=True).assign(repeats=names)[["repeats", "customers", "expected", "actual"]]


def capture(rankings: Mapping[str, np.ndarray], actual: np.ndarray) -> pd.DataFrame:
    """Share of what came that the tenth ranked first holds, by ranking; `perfect` ranks by what came itself."""
    actual = np.asarray(actual, dtype=float)
    return pd.DataFrame(
        [
            {"ranking": name, "share": _captured(np.asarray(values, dtype=float), actual)}
            for name, values in {**rankings, "perfect": actual}.items()
        ]
    )


def _captured(values: np.ndarray, actual: np.ndarray) -> float:
    """The first tenth, at least one; customers of equal rank share what they brought."""
    top = max(1, round(TOP * len(actual)))
    if not actual.sum():
        return np.nan
    ranked = pd.DataFrame({"value": values, "actual": actual}).groupby("value")["actual"].agg(["sum", "size"])[::-1]
    taken = np.clip(top - (ranked["size"].cumsum() - ranked["size"]), 0, ranked["size"])
    return float((ranked["sum"] * taken / ranked["size"]).sum() / actual.sum())
