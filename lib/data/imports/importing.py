"""The tables that follow from the usable lines, as the files of the catalog's schema."""

import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from lib.catalog import arrow_schema, tables
from lib.data.imports.dialect import Dialect, Layout, dialect_of
from lib.data.imports.files import find_files, layouts_of
from lib.data.imports.formats import Format, Imported, Policy
from lib.data.imports.formats.online_retail import ONLINE_RETAIL
from lib.data.imports.formats.shopify import SHOPIFY
from lib.data.imports.formats.tables import SIX_TABLES
from lib.data.imports.lines import Staged, stage, stage_nothing
from lib.data.imports.rejects import Rejects, refusal, save_rejects
from lib.data.imports.store import Store
from lib.data.parquet import TableWriter, table_path
from lib.data.profile import Profile, profile, total
from lib.errors import UsageError

__all__ = ["FORMATS", "NOTHING", "Written", "import_shop", "shape_of", "write_tables"]


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


GROUP_ROWS = 500_000
NEEDED = ("users", "orders", "order_items", "events")


def shape_of(store: Store, folder: Path, written: Written) -> Profile:
    """The profile of the tables that were written, a group of customers at a time."""
    for name in NEEDED:
        store.add_file(f"written_{name}", table_path(folder, name))
    groups = -(-int(written.tables["rows"].sum()) // GROUP_ROWS) or 1
    return total(profile(_group(store, {"groups": groups, "number": number})) for number in range(groups))


def _group(store: Store, bound: dict[str, int]) -> dict[str, pa.Table]:
    return {name: store.table(f"profile/{name}", bound) for name in NEEDED}


FORMATS: dict[str, Format] = {"tables": SIX_TABLES, "online_retail": ONLINE_RETAIL, "shopify": SHOPIFY}
COUNTS = ("file", "read", "loaded", "refused", "repeated")
NOTES = {"file": "str", "column": "str", "note": "str", "cases": "int64"}


@dataclass(frozen=True)
class _Files:
    """The files of an import, how they are read, and what was read of those that are there."""

    form: Format
    layouts: dict[str, Layout]
    staged: list[Staged]
    unused: list[str]

    def name(self, source: str) -> str:
        """Name of the file that holds the lines of this name, or would."""
        return next((each.file for each in self.staged if each.source == source), f"{source}.csv")

    def called(self, source: str, field: str) -> str:
        """The file's name of a field."""
        return self.layouts[source].names[field]


def import_shop(data: Path, mapping: Mapping[str, Any], as_of: date, policy: Policy, folder: Path) -> Imported:
    """Write the tables of the catalog and the rejects into `folder`, read from `data` as `mapping` says.

    Keys depend on the files' own ones only, so the same shop gets the same keys each time. Lines that cannot be used
    raise nothing; when they are too many, `refusal` says so and no table is written. Raises UsageError for a mapping
    or path that cannot be, DataError for a file that cannot be read.
    """
    if mapping["format"] not in FORMATS:
        raise UsageError(f"mapping.format is {mapping['format']!r}; known are: {', '.join(FORMATS)}")
    form, dialect = FORMATS[mapping["format"]], dialect_of(mapping, as_of)
    layouts, work = layouts_of(form, mapping), folder / "lines"
    work.mkdir(parents=True)
    files = _staged(data, form, layouts, dialect, work)
    with Store(work) as store:
        _open(store, files, work)
        form.compare(store, dialect, policy.currency)
        imported = _imported(store, files, as_of, policy, folder)
    shutil.rmtree(work)
    return imported


def _staged(data: Path, form: Format, layouts: dict[str, Layout], dialect: Dialect, work: Path) -> _Files:
    found, unused = find_files(data, form)
    staged = [stage(path, layouts[source], dialect, work) for source, path in found.items()]
    for source in layouts.keys() - found:
        stage_nothing(layouts[source], dialect, work)
    return _Files(form, layouts, staged, unused)


def _open(store: Store, files: _Files, work: Path) -> None:
    """Make the lines known to the store, each file's as all, as usable and as refused ones."""
    sources = list(files.layouts)
    store.add_rows(
        "files",
        pa.table({"place": range(len(sources)), "source": sources, "file": [files.name(each) for each in sources]}),
    )
    names = [(source, *pair) for source, layout in files.layouts.items() for pair in layout.names.items()]
    store.add_rows("columns", pa.table(dict(zip(("source", "field", "called"), zip(*names, strict=True), strict=True))))
    for source in sources:
        store.add_file(f"all_{source}", work / f"{source}.parquet")
        for view in ("struck", "usable", "refused"):
            store.run(view, source=source)


def _imported(store: Store, files: _Files, as_of: date, policy: Policy, folder: Path) -> Imported:
    save_rejects(store, list(files.layouts), folder)
    lines = pd.DataFrame([_counts(store, each) for each in files.staged], columns=COUNTS)
    rejects = Rejects(store, _personal(files))
    refused = refusal(lines, rejects, policy)
    written = NOTHING if refused else write_tables(store, files.form, folder)
    shape = total([]) if refused else shape_of(store, folder, written)
    notes = _notes(store, files, as_of, lines, written)
    return Imported(written.tables, shape, lines, rejects.by_rule(), rejects.examples(), notes, refused)


def _counts(store: Store, each: Staged) -> tuple:
    (counts,) = store.rows("counts", source=each.source)
    return each.file, *(counts[name] for name in COUNTS[1:])


def _personal(files: _Files) -> set[tuple[str, str]]:
    """File and column of each value that is not shown."""
    return {
        (files.name(source), layout.names[column.name])
        for source, layout in files.layouts.items()
        for column in layout.columns
        if column.personal
    }


def _notes(store: Store, files: _Files, as_of: date, lines: pd.DataFrame, written: Written) -> pd.DataFrame:
    """What was set right in the files, what had to be decided, and what stays empty; nothing that did not happen."""
    decided = store.rows(f"{files.form.folder}/notes", {"as_of": as_of})
    rows = [
        *((name, "", "file is not used", 1) for name in files.unused),
        *((each.file, "", "file has no line after its header", int(not each.lines)) for each in files.staged),
        *((each.file, "", "line identical to an earlier one, dropped", each.repeated) for each in lines.itertuples()),
        *(row for each in files.staged for row in _repairs(each)),
        *((files.name(n["source"]), files.called(n["source"], n["field"]), n["note"], n["cases"]) for n in decided),
        *written.gaps,
    ]
    return pd.DataFrame([row for row in rows if row[-1]], columns=list(NOTES)).astype(NOTES)


def _repairs(each: Staged) -> Iterator[tuple[str, str, str, int]]:
    for (column, words), cases in each.notes.items():
        yield each.file, column, words, cases
