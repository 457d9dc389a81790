"""Import files: read each file, compare the rows, and write the accepted ones as the six tables."""

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
from lib.data.imports.format import Format, Imported, Policy
from lib.data.imports.formats import NAMES, load_format
from lib.data.imports.lines import Staged, stage, stage_nothing
from lib.data.imports.rejects import Rejects, refusal, save_rejects
from lib.data.imports.store import Store
from lib.data.parquet import TableWriter, table_path
from lib.data.profile import Profile, profile, total
from lib.errors import UsageError

__all__ = ["import_shop"]

COUNTS = ("file", "read", "loaded", "rejected", "duplicates")
NOTES = {"file": "str", "column": "str", "note": "str", "cases": "int64"}
PROFILED = ("users", "orders", "order_items", "events")
GROUP_ROWS = 500_000  # rows of a group of customers whose profile is counted at once


@dataclass(frozen=True)
class Written:
    """Written tables (table, rows, files), and the empty cells: table, column, words, number."""

    tables: pd.DataFrame
    gaps: list[tuple[str, str, str, int]]


NOTHING = Written(pd.DataFrame({"table": [], "rows": [], "files": []}, dtype="int64"), [])


@dataclass(frozen=True)
class _Files:
    """The files of an import: their format, columns, what was read of them, and unused files."""

    form: Format
    layouts: dict[str, Layout]
    staged: list[Staged]
    unused: list[str]

    def name(self, source: str) -> str:
        """File name of a source; the expected one if the file is absent."""
        return next((each.file for each in self.staged if each.source == source), f"{source}.csv")

    def column_of(self, source: str, field: str) -> str:
        """Name of a field in the file."""
        return self.layouts[source].names[field]


def import_shop(data: Path, mapping: Mapping[str, Any], as_of: date, policy: Policy, folder: Path) -> Imported:
    """Import files into the tables of the catalog.

    Keys depend on the keys in the files only, so importing the same shop again gives the same keys. Bad rows raise no
    error; if they exceed the policy, `refusal` of the result says so and no table is written.

    Args:
        data: The file, or the folder with the files.
        mapping: How they are read; see params/own_files.yml.
        as_of: First day that is not in the data.
        policy: Currency, and what happens to bad rows.
        folder: Where the Parquet files of the tables and the rejects are written.

    Raises:
        UsageError: The mapping or the path is invalid.
        DataError: A file cannot be read.
    """
    if mapping["format"] not in NAMES:
        raise UsageError(f"mapping.format is {mapping['format']!r}; expected one of {', '.join(NAMES)}")
    form, dialect = load_format(mapping["format"]), dialect_of(mapping, as_of)
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
    """Add the rows of each file to the store, with the views all_<source>, <source> and rejected_<source>."""
    sources = list(files.layouts)
    store.add_rows(
        "files",
        pa.table({"place": range(len(sources)), "source": sources, "file": [files.name(each) for each in sources]}),
    )
    names = [(source, *pair) for source, layout in files.layouts.items() for pair in layout.names.items()]
    store.add_rows("columns", pa.table(dict(zip(("source", "field", "called"), zip(*names, strict=True), strict=True))))
    for source in sources:
        store.add_file(f"all_{source}", work / f"{source}.parquet")
        for view in ("excluded", "usable", "rejected"):
            store.run(view, source=source)


def _imported(store: Store, files: _Files, as_of: date, policy: Policy, folder: Path) -> Imported:
    save_rejects(store, list(files.layouts), folder)
    lines = pd.DataFrame([_counts(store, each) for each in files.staged], columns=COUNTS)
    rejects = Rejects(store, _personal(files))
    refused = refusal(lines, rejects, policy)
    written = NOTHING if refused else _write_tables(store, files.form, folder)
    counts = total([]) if refused else _profile_of(store, folder, written)
    notes = _notes(store, files, as_of, lines, written)
    return Imported(written.tables, counts, lines, rejects.by_rule(), rejects.examples(), notes, refused)


def _counts(store: Store, each: Staged) -> tuple[Any, ...]:
    (counts,) = store.rows("counts", source=each.source)
    return each.file, *(counts[name] for name in COUNTS[1:])


def _personal(files: _Files) -> set[tuple[str, str]]:
    """(file, column) of the personal values, which are hidden."""
    return {
        (files.name(source), layout.names[column.name])
        for source, layout in files.layouts.items()
        for column in layout.columns
        if column.personal
    }


def _notes(store: Store, files: _Files, as_of: date, lines: pd.DataFrame, written: Written) -> pd.DataFrame:
    """Conversions, decisions and empty columns with their numbers; only those that occurred."""
    decided = store.rows(f"{files.form.name}/notes", {"as_of": as_of})
    rows = [
        *((name, "", "file is not used", 1) for name in files.unused),
        *((each.file, "", "file has no row below its header", int(not each.lines)) for each in files.staged),
        *(
            (file, "", "exact duplicates, dropped", n)
            for file, n in zip(lines["file"], lines["duplicates"], strict=True)
        ),
        *(row for each in files.staged for row in _repairs(each)),
        *((files.name(n["source"]), files.column_of(n["source"], n["field"]), n["note"], n["cases"]) for n in decided),
        *written.gaps,
    ]
    return pd.DataFrame([row for row in rows if row[-1]], columns=list(NOTES)).astype(NOTES)


def _repairs(each: Staged) -> Iterator[tuple[str, str, str, int]]:
    for (column, words), cases in each.notes.items():
        yield each.file, column, words, cases


def _write_tables(store: Store, form: Format, folder: Path) -> Written:
    """Write all six tables, without rows those that the format does not fill."""
    names = [name for name, table in tables().items() if not table.mart]
    rows, gaps = {}, []
    for name in names:
        batches = store.batches(f"{form.name}/{name}") if name in form.tables else ()
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
    """The table with all columns of the schema in their order; columns that the source lacks are empty."""
    known = table.column_names
    columns = [table[f.name] if f.name in known else pa.nulls(len(table), f.type) for f in schema]
    return pa.table(columns, names=schema.names)


def _profile_of(store: Store, folder: Path, written: Written) -> Profile:
    """The profile of the written tables, counted by groups of customers to bound memory."""
    for name in PROFILED:
        store.add_file(f"written_{name}", table_path(folder, name))
    groups = -(-int(written.tables["rows"].sum()) // GROUP_ROWS) or 1
    return total(profile(_group(store, {"groups": groups, "number": number})) for number in range(groups))


def _group(store: Store, bound: dict[str, int]) -> dict[str, pa.Table]:
    return {name: store.table(f"profile/{name}", bound) for name in PROFILED}
