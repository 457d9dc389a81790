"""A small shop as CSV files that a test can change, and its import."""

import csv
import io
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
import pytest

from lib.catalog import tables
from lib.data.imports.importing import Imported, import_shop
from lib.data.imports.rejects import Policy
from lib.data.parquet import read_table
from lib.run import params
from lib.settings import PROJECT

__all__ = [
    "AS_OF",
    "AUTO",
    "EXPLICIT",
    "FIXTURES",
    "Found",
    "Rows",
    "given",
    "imported",
    "key",
    "shop",
    "text",
    "write",
]

AS_OF = date(2025, 7, 1)
GIVEN = PROJECT.parent / "shared"
FIXTURES = PROJECT / "tests" / "fixtures"
EXPLICIT = {"delimiter": ",", "encoding": "utf-8", "decimal": ".", "date_format": ""}
AUTO = dict.fromkeys(EXPLICIT, "auto")  # as in params/: the changes of a test that files are recognised
Rows = dict[str, list[dict[str, str]]]


def given(name: str, folder: Path) -> Path:
    """A copy in `folder` of an example from the trade, such as `cases/guests.csv`; the test is skipped without it."""
    if not (GIVEN / name).exists():
        pytest.skip(f"no file {GIVEN / name}")
    return Path(shutil.copy(GIVEN / name, folder))


def key(kind: str, number: int) -> str:
    """A UUID that shows its kind and number."""
    return f"{kind * 8}-0000-4000-8000-{number:012}"


def shop(**more: list[dict[str, str]]) -> Rows:
    """Two customers with an order each, a third without, a third product without a sale, and further tables."""
    users = [
        {"user_id": key("a", n), "email": f"{name}@example.com", "name": name, "signup_date": "2025-01-10"}
        for n, name in enumerate(("ada", "ben", "cleo"), 1)
    ]
    products = [
        {"product_id": key("b", n), "name": name, "category": "Kitchen", "price": "10.00"}
        for n, name in enumerate(("Mug", "Pot", "Jar"), 1)
    ]
    orders = [
        {"order_id": key("c", n), "user_id": key("a", n), "order_date": "2025-02-01T10:00:00Z", "status": "completed"}
        | {"total_amount": f"{n * 10}.00"}
        for n in (1, 2)
    ]
    items = [
        {"order_item_id": key("d", n), "order_id": key("c", n), "product_id": key("b", n), "quantity": str(n)}
        | {"price_at_time": "10.00", "discount": "0.00"}
        for n in (1, 2)
    ]
    return {"users": users, "products": products, "orders": orders, "order_items": items} | more


def text(rows: Sequence[Mapping[str, str]], columns: Sequence[str], delimiter: str = ",") -> str:
    """The rows as CSV; all quoted if a text has a carriage return, which Python would not quote."""
    file = io.StringIO()
    bare = any("\r" in cell for row in rows for cell in row.values())
    writer = csv.DictWriter(
        file, columns, restval="", delimiter=delimiter, lineterminator="\n", extrasaction="ignore",
        quoting=csv.QUOTE_ALL if bare else csv.QUOTE_MINIMAL,
    )  # fmt: skip
    writer.writeheader()
    writer.writerows(rows)
    return file.getvalue()


def write(folder: Path, rows: Rows, delimiter: str = ",") -> Path:
    """Write one file per table, with all columns of the catalog; return the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, table_rows in rows.items():
        content = text(table_rows, tables()[name].column_names, delimiter)
        (folder / f"{name}.csv").write_bytes(content.encode())
    return folder


@dataclass(frozen=True)
class Found:
    """The result of an import, and its folder."""

    imported: Imported
    folder: Path

    def table(self, name: str) -> pd.DataFrame:
        """The rows of a table."""
        return read_table(self.folder, name)

    @property
    def rejects(self) -> pd.DataFrame:
        """The rejected rows."""
        return pq.read_table(self.folder / "rejects.parquet").to_pandas()

    @property
    def notes(self) -> dict[tuple[str, str, str], int]:
        """Cases by file, column and words."""
        return {(n.file, n.column, n.note): n.cases for n in self.imported.notes.itertuples()}

    def cases(self, column: str, words: str) -> int:
        """Cases of a note on a column, in any file."""
        return sum(cases for (_, name, note), cases in self.notes.items() if (name, note) == (column, words))

    def faults(self) -> list[tuple[str, int, str, str]]:
        """File, line, column and rule of each rejected row."""
        return list(self.rejects[["file", "line", "column", "rule"]].itertuples(index=False, name=None))


@cache
def _mapping(name: str, is_folder: bool) -> dict[str, Any]:
    """The mapping of a params file for a file or a folder."""
    some = FIXTURES if is_folder else FIXTURES / "shopify.csv"
    mapping: dict[str, Any] = params.load(params.find(name), [f"data={some}"]).values()["mapping"]
    return mapping


def imported(
    data: Path, name: str = "own_files", *, as_of: date = AS_OF, policy: Policy | None = None,
    to: Path | None = None, shop_zone: str = "UTC", **changes: Any,
) -> Found:  # fmt: skip
    """Import `data` by the mapping of a params file, with changes; by default any share of the rows may be rejected."""
    written = EXPLICIT if name in ("own_files", "online_retail", "shopify") else {}
    written = written | ({"date_format": "%Y-%m-%d %H:%M:%S"} if name == "online_retail" else {})
    mapping = _mapping(name, data.is_dir() or data.suffix == ".zip") | written | changes
    target = to or data.parent / f"{data.name} imported {len(list(data.parent.iterdir()))}"
    policy = policy or Policy("USD", 1.0, "reject")
    return Found(import_shop(data, mapping, as_of, policy, target, shop_zone), target)
