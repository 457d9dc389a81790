"""Tests of acquiring the tables: generated from a seed, or imported with rejected rows counted."""

import csv
import gzip
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
import sqlalchemy as sa

from lib import db, load
from lib.data.acquire import Acquired, Policy, acquire
from lib.data.parquet import read_table
from lib.errors import DataError, UsageError
from lib.run import params
from lib.settings import PROJECT

REAL = PROJECT.parent / "shared" / "data" / "online_retail_300_customers.csv.gz"

SIZES = params.Generate(users=5, products=12, orders=4, events=90, marketing_campaigns=1).model_dump()
HEADER = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n"
LINES = "1,A,Mug,2,2011-01-01 10:00:00,1.50,7,France\n2,A,Mug,2,2011-01-01 10:00:00,-1,7,France\n"


def test_a_synthetic_shop(tmp_path: Path) -> None:
    acquired = acquire(SIZES, None, "", seed=1, as_of="2025-07-01", workers=1, output=tmp_path)
    rows = acquired.written.set_index("table")["rows"]
    assert rows[["users", "products", "marketing_campaigns"]].tolist() == [5, 12, 1]
    assert {name: len(read_table(tmp_path / "data", name)) for name in rows.index} == rows.to_dict()
    assert str(acquired).startswith(f"The synthetic shop has {rows.sum()} rows")
    assert acquired.truth["asked"]["users"] == 5
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


@pytest.fixture
def own_file(tmp_path: Path) -> Path:
    """Two invoices, the second with a negative price."""
    (tmp_path / "shop.csv").write_text(HEADER + LINES, encoding="utf-8")
    return tmp_path / "shop.csv"


def take_file(
    data: Path, output: Path, policy: Policy, record: Callable[..., None] = lambda *_, **__: None, as_of: str = "auto",
    **more: bool,
) -> Acquired:  # fmt: skip
    mapping = params.load(params.find("online_retail"), [f"data={data}"]).values()["mapping"]
    how = {"seed": 1, "as_of": as_of, "workers": 1, "output": output, "policy": policy, "record": record}
    return acquire(SIZES, mapping, str(data), **how, **more)


def test_a_file_with_a_rejected_row(own_file: Path, tmp_path: Path) -> None:
    acquired = take_file(own_file, tmp_path, Policy("GBP", 0.5, "reject"))
    counts = {"file": "shop.csv", "read": 2, "loaded": 1, "rejected": 1, "duplicates": 0}
    assert acquired.facts()["files"] == [counts]
    assert (acquired.facts()["lines_read"], acquired.facts()["lines_loaded"]) == (2, 1)
    assert acquired.rejects.to_dict("records") == [
        {
            "file": "shop.csv",
            "rule": "negative",
            "lines": 1,
            "first_lines": "3",
            "amount": 0.0,
            "rejected_with_parent": False,
            "example": "line 3, column UnitPrice, '-1': expected a number of at least 0; correct it, or remove the "
            "line",
        }
    ]
    assert "1 is used, 1 is rejected" in str(acquired)
    assert acquired.truth is None
    assert not (tmp_path / "data" / "truth.json").exists()
    assert (tmp_path / "rejects" / "shop.csv").read_text(encoding="utf-8").count("\n") == 2


def test_too_many_bad_rows_keep_the_previous_data_and_are_recorded(own_file: Path, tmp_path: Path) -> None:
    acquire(SIZES, None, "", seed=1, as_of="2025-07-01", workers=1, output=tmp_path)
    before = {path.name: path.read_bytes() for path in (tmp_path / "data").iterdir()}
    recorded: list[tuple[str, dict]] = []
    with pytest.raises(DataError, match=r"1 of 2 rows are invalid, but max_reject_share is 0\.01"):
        take_file(
            own_file, tmp_path, Policy("GBP", 0.01, "reject"), lambda step, **facts: recorded.append((step, facts))
        )
    assert {path.name: path.read_bytes() for path in (tmp_path / "data").iterdir()} == before
    assert (tmp_path / "rejects" / "shop.csv").exists()
    ((step, facts),) = recorded
    assert (step, facts["rows"], facts["lines_read"], facts["rejects"][0]["lines"]) == ("02_generate", 0, 2, 1)
    assert facts["examples"][0]["line"] == 3


def test_earlier_rejects_are_deleted_with_the_next_shop(own_file: Path, tmp_path: Path) -> None:
    take_file(own_file, tmp_path, Policy("GBP", 0.5, "reject"))
    acquire(SIZES, None, "", seed=1, as_of="2025-07-01", workers=1, output=tmp_path, replace_shop=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "shop.csv"]
    assert not (tmp_path / "data" / "rejects.parquet").exists()


def test_impossible_sizes_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="events"):
        acquire(SIZES | {"events": 1}, None, "", seed=1, as_of="2025-07-01", workers=1, output=tmp_path)


@pytest.mark.skipif(not REAL.exists(), reason=f"the real shop's file is not there: {REAL.name} next to the project")
def test_a_real_shop_to_the_cent(tmp_path: Path, empty_database: sa.URL) -> None:
    acquired = take_file(REAL, tmp_path, Policy("GBP", 0.01, "reject"))
    load.replace(tmp_path / "data", as_of="2011-12-09")
    with gzip.open(REAL, "rt", encoding="utf-8", newline="") as file:
        lines = list(csv.DictReader(file))
    sold = [line for line in lines if not line["InvoiceNo"].startswith("C")]
    with db.transaction(read_only=True) as connection:
        revenue = connection.execute(sa.text("SELECT sum(total_amount) FROM orders")).scalar()
    assert revenue == sum(int(line["Quantity"]) * Decimal(line["UnitPrice"]) for line in sold)
    assert acquired.lines[["read", "loaded", "rejected"]].to_numpy().tolist() == [[len(lines), len(lines), 0]]


def test_as_of_follows_from_the_orders(own_file: Path, tmp_path: Path) -> None:
    acquired = take_file(own_file, tmp_path, Policy("GBP", 0.5, "reject"))
    assert (acquired.as_of, acquired.currency) == (date(2011, 1, 2), "GBP")
    assert {"as_of": date(2011, 1, 2), "last_day": date(2011, 1, 1)}.items() <= acquired.facts().items()


def test_a_report_date_far_from_the_orders_is_refused(own_file: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r'the orders are from 2011-01-01 to 2011-01-01; .* SET="as_of=auto"'):
        take_file(own_file, tmp_path, Policy("GBP", 0.5, "reject"), as_of="2011-03-01")
    assert not (tmp_path / "data").exists()
    added = take_file(own_file, tmp_path, Policy("GBP", 0.5, "reject"), as_of="2011-03-01", append=True)
    assert added.as_of == date(2011, 3, 1)


def test_a_currency_that_the_files_do_not_name_must_be_set(own_file: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r'currency is auto, and the files name no currency; .*SET="currency=EUR"'):
        take_file(own_file, tmp_path, Policy("auto", 0.5, "reject"))
