"""Import a shop's CSV files as the typed Parquet files of the catalog's tables."""

import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from lib.catalog import arrow_schema, tables
from lib.data.imports.database import StagingDatabase
from lib.data.imports.files import find_files
from lib.data.imports.formats import load_format
from lib.data.imports.layout import Layout, layouts_of
from lib.data.imports.options import ReadOptions, read_options
from lib.data.imports.rejects import Policy, Rejects, refusal, save_rejects
from lib.data.imports.staging import Staged, stage, stage_nothing
from lib.data.parquet import TableWriter, table_path
from lib.data.profile import Profile, profile, total

__all__ = ["Imported", "import_shop"]

COUNTS = ("file", "read", "loaded", "rejected", "duplicates")
EXAMPLE = ("file", "line", "column", "value", "reason", "rejected_with_parent")
NOTES = {"file": "str", "column": "str", "note": "str", "cases": "int64"}
PROFILED = ("users", "orders", "order_items", "events")
PROFILE_ROWS = 500_000  # rows of all tables per group of customers, to bound memory


@dataclass(frozen=True)
class Imported:
    """Result of an import.

    Attributes:
        written: table, rows, files.
        profile: Profile of the written tables.
        lines: file, read, loaded, rejected, duplicates; `read` is the sum of the others.
        rejects: file, rule, lines, rejected_with_parent, example.
        examples: file, line, column, value, reason, rejected_with_parent.
        notes: file, column, note, cases: what was repaired or derived, and what stays empty.
        refusal: Why the data must not be loaded; empty if it may. Then no table is written.
    """

    written: pd.DataFrame
    profile: Profile
    lines: pd.DataFrame
    rejects: pd.DataFrame
    examples: pd.DataFrame
    notes: pd.DataFrame
    refusal: str = ""


@dataclass(frozen=True)
class _Files:
    """The layouts of a format's files, those that were read, and names of files that are not used."""

    layouts: dict[str, Layout]
    staged: list[Staged]
    unused: list[str]

    def name(self, source: str) -> str:
        """File name of a source; its default name if there is no such file."""
        return next((each.file for each in self.staged if each.source == source), f"{source}.csv")


@dataclass(frozen=True)
class _Written:
    """The written tables (table, rows, files), and (table, column, note, cases) for what they lack."""

    tables: pd.DataFrame
    gaps: list[tuple[str, str, str, int]]


def import_shop(data: Path, mapping: Mapping[str, Any], as_of: date, policy: Policy, folder: Path) -> Imported:
    """Write the tables of the catalog and the rejected rows to `folder`.

    Keys depend on nothing but the keys in the files, so a shop gets the same keys each time.

    Args:
        data: The file, or the folder with one file per table.
        mapping: How the files are read; the section of a params file.
        as_of: First day that is not in the data.
        policy: Treatment of bad rows, which raise no error: see `Imported.refusal`.
        folder: A new folder.

    Raises:
        UsageError: The mapping or the path is unusable.
        DataError: A file cannot be read.
    """
    source, options = load_format(mapping["format"]), read_options(mapping, as_of)
    layouts = layouts_of(source, mapping)
    found, unused = find_files(data, source)
    work = folder / "staging"
    work.mkdir(parents=True)
    files = _Files(layouts, _stage_all(found, layouts, options, work), unused)
    with StagingDatabase(work, mapping["format"]) as database:
        _create_views(database, files, work)
        source.compare(database, options, policy.currency)
        imported = _imported(database, files, as_of, policy, folder)
    shutil.rmtree(work)
    return imported


def _stage_all(found: dict[str, Path], layouts: dict[str, Layout], options: ReadOptions, work: Path) -> list[Staged]:
    for source in layouts.keys() - found:
        stage_nothing(layouts[source], options, work)
    return [stage(path, layouts[source], options, work) for source, path in found.items()]


def _create_views(database: StagingDatabase, files: _Files, work: Path) -> None:
    """The views of README.md: all rows of each file, the usable and the rejected ones, and the names of the files."""
    sources = list(files.layouts)
    names = [files.name(source) for source in sources]
    database.add_rows("files", pa.table({"place": range(len(sources)), "source": sources, "file": names}))
    columns = [
        {"source": source, "field": field, "called": name}
        for source, layout in files.layouts.items()
        for field, name in layout.names.items()
    ]
    database.add_rows("columns", pa.Table.from_pylist(columns))
    for source in sources:
        database.add_file(f"all_{source}", work / f"{source}.parquet")
        for statement in ("removed", "usable", "rejected"):
            database.run(statement, source=source)


def _imported(database: StagingDatabase, files: _Files, as_of: date, policy: Policy, folder: Path) -> Imported:
    save_rejects(database, list(files.layouts), folder)
    counts = [{"file": each.file} | database.rows("counts", source=each.source)[0] for each in files.staged]
    lines = pd.DataFrame(counts, columns=list(COUNTS))
    rejects = Rejects(database, _personal(files))
    refused = refusal(lines, rejects, policy)
    if refused:
        written = _Written(pd.DataFrame({"table": [], "rows": [], "files": []}, dtype="int64"), [])
        counted = total([])
    else:
        written = _write_tables(database, folder)
        counted = _profile(database, folder, written)
    return Imported(
        written.tables,
        counted,
        lines,
        rejects.by_rule(),
        pd.DataFrame(rejects.examples(), columns=list(EXAMPLE)),
        _notes(database, files, as_of, lines, written),
        refused,
    )


def _personal(files: _Files) -> set[tuple[str, str]]:
    """File and column of the values that are never shown."""
    return {
        (files.name(source), layout.names[column.name])
        for source, layout in files.layouts.items()
        for column in layout.columns
        if column.personal
    }


def _write_tables(database: StagingDatabase, folder: Path) -> _Written:
    """Write all tables; those for which the format has no statement without rows."""
    names = [name for name, table in tables().items() if not table.mart]
    rows: dict[str, int] = {}
    gaps: list[tuple[str, str, str, int]] = []
    for name in names:
        schema = arrow_schema(name)
        empty = dict.fromkeys(schema.names, 0)
        rows[name] = 0
        with TableWriter(table_path(folder, name), name) as writer:
            for batch in database.batches(name) if database.has_statement(name) else ():
                table = _with_all_columns(pa.table(batch), schema)
                writer.write(table)
                rows[name] += table.num_rows
                for column in empty:
                    empty[column] += table[column].null_count
        gaps += [(name, column, "empty", count) for column, count in empty.items()]
    gaps += [(name, "", "table without rows", 1) for name in names if not rows[name]]
    return _Written(pd.DataFrame({"table": names, "rows": rows.values(), "files": 1}), gaps)


def _with_all_columns(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """The table with all columns of the schema, in their order; those that it lacks are null."""
    present = table.column_names
    columns = [table[f.name] if f.name in present else pa.nulls(len(table), f.type) for f in schema]
    return pa.table(columns, names=schema.names)


def _profile(database: StagingDatabase, folder: Path, written: _Written) -> Profile:
    """The profile of the written tables, computed for one group of customers at a time."""
    for name in PROFILED:
        database.add_file(f"written_{name}", table_path(folder, name))
    groups = -(-int(written.tables["rows"].sum()) // PROFILE_ROWS) or 1
    return total(profile(_group(database, groups, number)) for number in range(groups))


def _group(database: StagingDatabase, groups: int, number: int) -> dict[str, pa.Table]:
    return {name: database.table(f"profile_{name}", {"groups": groups, "number": number}) for name in PROFILED}


def _notes(
    database: StagingDatabase, files: _Files, as_of: date, lines: pd.DataFrame, written: _Written
) -> pd.DataFrame:
    """Repairs of cells, decisions of the format and empty columns that occurred, with their number of cases."""
    rows = [(name, "", "file is not used", 1) for name in files.unused]
    rows += [(each.file, "", "file has no row below its header", int(not each.rows)) for each in files.staged]
    rows += [
        (file, "", "exact duplicates, dropped", duplicates)
        for file, duplicates in zip(lines["file"], lines["duplicates"], strict=True)
    ]
    rows += [row for each in files.staged for row in _repairs(each)]
    for decision in database.rows("notes", {"as_of": as_of}):
        layout = files.layouts[decision["source"]]
        column = layout.names[decision["field"]]
        rows.append((files.name(layout.name), column, decision["note"], decision["cases"]))
    rows += written.gaps
    return pd.DataFrame([row for row in rows if row[-1]], columns=list(NOTES)).astype(NOTES)


def _repairs(each: Staged) -> Iterator[tuple[str, str, str, int]]:
    for (column, words), cases in each.notes.items():
        yield each.file, column, words, cases
