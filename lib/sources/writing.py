"""The tables that follow from the usable lines, as the files of the catalog's schema."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pyarrow as pa

from lib.catalog import arrow_schema, tables
from lib.files import TableWriter, table_path
from lib.sources.format import Format
from lib.sources.store import Store

__all__ = ["NOTHING", "Written", "write_tables"]


@dataclass(frozen=True)
class Written:
    """Table, rows and files of what was written; and table, column, words and number of the cells that are empty."""

    tables: pd.DataFrame
    gaps: list[tuple[str, str, str, int]]


NOTHING = Written(pd.DataFrame({"table": [], "rows": [], "files": []}, dtype="int64"), [])


def write_tables(store: Store, form: Format, folder: Path) -> Written:
    """Write all six tables, those that the format knows nothing of without rows."""
    names = [name for name, table in tables().items() if not table.mart]
    rows, gaps = {}, []
    for name in names:
        batches = store.batches(f"{form.folder}/{name}") if name in form.tables else ()
        empty = dict.fromkeys(arrow_schema(name).names, 0)
        rows[name] = 0
        with TableWriter(table_path(folder, name), name) as writer:
            for batch in batches:
                table = _completed(pa.table(batch), arrow_schema(name))
                writer.write(table)
                rows[name] += table.num_rows
                empty = {column: n + table[column].null_count for column, n in empty.items()}
        gaps += [(name, column, "empty", n) for column, n in empty.items()]
    gaps += [(name, "", "table without rows", 1) for name in names if not rows[name]]
    return Written(pd.DataFrame({"table": names, "rows": rows.values(), "files": 1}), gaps)


def _completed(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """The table with all columns of the schema in their order; one that the source does not have is empty."""
    known = table.column_names
    columns = [table[f.name] if f.name in known else pa.nulls(len(table), f.type) for f in schema]
    return pa.table(columns, names=schema.names)
