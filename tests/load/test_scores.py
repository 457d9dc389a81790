"""Scores: saved in one transaction, cleared by every load, refused if out of range; and the mailing list."""

from pathlib import Path

import pandas as pd
import pytest
import sqlalchemy as sa

from lib import load
from lib.db import connect, locks, read
from lib.errors import DatabaseError, DataError
from lib.report import mailing
from lib.settings import run_folder
from tests.conftest import ask, fingerprint

PREDICTED = "predicted_orders, predicted_value, churn_risk, rfm_segment, model_version, predicted_as_of"
AS_OF = "2025-07-01"


def scored(n=3, **columns):
    """The first n customers with orders, with scores."""
    users = read("customer_history", split=AS_OF, as_of=AS_OF)["user_id"].head(n)
    given = {
        "predicted_orders": 1.25,
        "predicted_value": 10.128,
        "churn_risk": 0.5,
        "rfm_segment": "At risk",
        **columns,
    }
    return pd.DataFrame({"user_id": users, **given})


def save(rows, model_version="model, 1"):
    return load.save_scores(rows, model_version=model_version, as_of=AS_OF)


def kept():
    return ask(f"SELECT {PREDICTED} FROM customer_lifetime_value WHERE predicted_as_of IS NOT NULL ORDER BY user_id")


def test_scores_are_saved_in_the_mart(demo_database: sa.URL) -> None:
    before = fingerprint()
    assert save(scored()) == 3
    (row, *_) = kept()
    assert (row.predicted_orders, float(row.predicted_value), row.churn_risk) == (1.25, 10.13, 0.5)
    assert (row.rfm_segment, row.model_version, str(row.predicted_as_of)) == ("At risk", "model, 1", AS_OF)
    assert ask("SELECT count(*) FROM customer_lifetime_value")[0][0] == 100
    assert fingerprint() == before, "loaded rows are unchanged"


def test_missing_predictions_are_null(demo_database: sa.URL) -> None:
    save(scored(predicted_orders=float("nan"), predicted_value=float("nan"), churn_risk=float("nan")), None)
    assert set(kept()[0][:3]) == {None}
    assert (kept()[0].rfm_segment, kept()[0].model_version) == ("At risk", None)


def test_new_scores_replace_earlier_ones(demo_database: sa.URL) -> None:
    save(scored(5))
    assert save(scored(2, churn_risk=0.25)) == 2
    assert [row.churn_risk for row in kept()] == [0.25, 0.25]
    assert save(scored(0)) == 0


def test_the_same_scores_again_change_nothing(demo_database: sa.URL) -> None:
    save(scored())
    written = ask("SELECT user_id, updated_at FROM customer_lifetime_value ORDER BY user_id")
    save(scored())
    assert ask("SELECT user_id, updated_at FROM customer_lifetime_value ORDER BY user_id") == written


@pytest.mark.parametrize("mode", load.MODES)
def test_a_load_clears_the_scores_and_passes_its_checks(demo_database: sa.URL, demo_folder: Path, mode: str) -> None:
    save(scored())
    done = load.MODES[mode](demo_folder, as_of=AS_OF)
    assert kept() == []
    assert not done.checks.query("severity == 'error' and failed > 0").size
    assert done.rows > 0


@pytest.mark.parametrize(
    "wrong", [{"churn_risk": 1.5}, {"churn_risk": -0.1}, {"predicted_orders": float("inf")}, {"predicted_value": -1}]
)
def test_an_invalid_score_is_refused_and_nothing_changes(demo_database: sa.URL, wrong: dict) -> None:
    save(scored())
    with pytest.raises(DataError, match="customer_lifetime_value breaks a rule"):
        save(scored(**wrong))
    assert len(kept()) == 3
    assert kept()[0].churn_risk == 0.5


def test_scores_are_refused_during_a_load(demo_database: sa.URL) -> None:
    rows = scored()
    with connect() as other, locks.hold(other), pytest.raises(DatabaseError, match="another run is loading"):
        save(rows)
    assert kept() == []


# The mailing list

BUYERS = pd.DataFrame(
    {
        "user_id": ["a", "b", "c"],
        "rfm_segment": ["At risk", "Champions", "Loyal customers"],
        "revenue": [1.0, 3.0, 2.0],
        "churn_risk": [0.123456, 0.5, None],
        "predicted_orders": [1.0, 2.0, None],
        "predicted_value": [5.0, 7.123, None],
    }
)
SUGGESTED = pd.DataFrame({"user_id": ["a", "b"], "product_id": ["p", "q"]})


def test_mailing_list_has_keys_only_and_is_sorted_by_revenue(own_folders: Path) -> None:
    path = mailing.write(BUYERS, SUGGESTED)
    assert path == run_folder() / "exports" / "customers.csv"
    assert path.read_text("utf-8").splitlines() == [
        "user_id,rfm_segment,churn_risk,predicted_orders,predicted_value,suggested_product_id",
        "b,Champions,0.5,2.0,7.12,q",
        "a,At risk,0.1235,1.0,5.0,p",
        "c,Loyal customers,,,,",
    ]


def test_mailing_list_with_contacts_contains_no_formulas(own_folders: Path) -> None:
    contacts = pd.DataFrame({"user_id": ["a"], "name": ["=1+1"], "email": ["@x@example.com"]})
    lines = mailing.write(BUYERS, SUGGESTED, contacts).read_text("utf-8").splitlines()
    assert lines[0].endswith(",name,email")
    assert lines[2].endswith(",p,'=1+1,'@x@example.com")
    assert lines[1].endswith(",q,,")


def test_contacts_are_those_of_customers_with_orders(demo_database: sa.URL) -> None:
    contacts = read("customer_contacts")
    buyers = read("customer_history", split=AS_OF, as_of=AS_OF)
    assert contacts["user_id"].tolist() == buyers["user_id"].tolist()
    assert contacts["email"].str.contains("@").all()
