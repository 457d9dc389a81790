"""A file for a mailing tool: who is worth writing to, and with what."""

from pathlib import Path

import pandas as pd

from lib.settings import run_folder
from lib.util.files import escape_formula, replacing

__all__ = ["write"]

COLUMNS = ["rfm_segment", "churn_risk", "predicted_orders", "predicted_value"]


def write(customers: pd.DataFrame, suggestions: pd.DataFrame, contacts: pd.DataFrame | None = None) -> Path:
    """exports/customers.csv of the present run: one line per customer, the most valuable first.

    Holds user_id, segment, predictions and the suggested product; name and email only with `contacts`.
    It stays in the run's folder, where old runs are removed, and is no page: pages are what people pass on.
    """
    ordered = customers.sort_values(["predicted_value", "revenue", "user_id"], ascending=[False, False, True])
    rows = ordered[["user_id", *COLUMNS]].round({"churn_risk": 4, "predicted_orders": 3, "predicted_value": 2})
    rows = rows.merge(suggestions.rename(columns={"product_id": "suggested_product_id"}), on="user_id", how="left")
    if contacts is not None:
        rows = rows.merge(contacts.map(escape_formula), on="user_id", how="left")
    path = run_folder() / "exports" / "customers.csv"
    with replacing(path) as temporary:
        rows.to_csv(temporary, index=False, lineterminator="\n")
    return path
