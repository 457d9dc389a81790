"""The customer export for mailing tools: scores and a suggested product per customer."""

from pathlib import Path

import pandas as pd

from lib.settings import run_folder
from lib.util.files import escape_formula, replacing

__all__ = ["write"]

COLUMNS = ["rfm_segment", "churn_risk", "predicted_orders", "predicted_value"]


def write(customers: pd.DataFrame, suggestions: pd.DataFrame, contacts: pd.DataFrame | None = None) -> Path:
    """Write exports/customers.csv of the current run, one row per customer, highest predicted value first.

    The file stays in the run's folder, which is deleted with old runs, and is not linked from the reports.

    Args:
        customers: Scored customers: user_id, revenue, segment and predictions.
        suggestions: user_id, product_id.
        contacts: user_id, name and email, if personal data may be exported.

    Returns:
        The path of the file.

    Example:
        >>> buyers = pd.DataFrame({"user_id": ["u1"], "revenue": 80.0, "rfm_segment": "Champions", "churn_risk": 0.2})
        >>> buyers = buyers.assign(predicted_orders=3.1, predicted_value=40.0)
        >>> mailing.write(buyers, pd.DataFrame({"user_id": ["u1"], "product_id": ["p7"]})).name
        'customers.csv'
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
