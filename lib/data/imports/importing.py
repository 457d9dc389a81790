"""Import a shop's CSV files as the typed Parquet files of the catalog's tables."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from lib.catalog import arrow_schema, tables
from lib.data.imports import AUTO
from lib.data.imports.ad_spend import REPORTS, STATEMENTS, compare_reports, find_reports, stage_reports
from lib.data.imports.currency import only_currency, refuse_other_sign, use_currency
from lib.data.imports.database import StagingDatabase
from lib.data.imports.formats import load_format
from lib.data.imports.mapping import layouts_of, read_options
from lib.data.imports.matching import find_files
from lib.data.imports.rejects import Policy, refusal, rejected_examples, rejects_by_rule, save_rejects
from lib.data.imports.rules import CURRENCY_HAS
from lib.data.imports.sources import named_files, unpacked
from lib.data.imports.staging import Staged, stage
from lib.data.parquet import TableWriter, table_path, with_all_columns
from lib.data.profile import Profile, profile, report_date, total
from lib.errors import UsageError
from lib.util.ahead import ahead

__all__ = ["Imported", "import_shop"]

COUNTS = ["file", "read", "loaded", "rejected", "duplicates"]
RECOGNISED = ["file", "setting", "value", "from_what", "agree"]
HEADINGS = {"value": "read as", "from_what": "from what", "agree": "rows that agree"}
NOTES = {"file": "str", "column": "str", "note": "str", "cases": "int64"}
Note = tuple[str, str, str, int]  # file or table, column, note, cases
CAMPAIGNS = "marketing_campaigns"
PROFILED = ("users", "orders", "order_items", "events")
PROFILE_ROWS = 500_000  # rows of all tables in a group of customers (of events: of sessions), to bound memory


@dataclass(frozen=True)
class Imported:
    """Result of an import.

    Attributes:
        written: table, rows, files.
        profile: Profile of the written tables.
        lines: file, read, loaded, rejected, duplicates; `read` is the sum of the others.
        rejects: file, rule, lines (their number), first_lines, amount (of sales), rejected_with_parent, example.
        examples: file, line, column, value, reason, rejected_with_parent.
        decisions: file, column, note, cases: how rows that are loaded were read.
        notes: The same columns: the decisions, then what was dropped or repaired, is not used, or stays empty.
        recognised: file, setting, read as, from what, rows that agree: how the files are written.
        as_of: Report date: the given one, or the one that follows from the orders; None without any order.
        currency: The given one, or that of the files.
        refusal: Why the data must not be loaded; empty if it may. Then no table is written.
    """

    written: pd.DataFrame
    profile: Profile
    lines: pd.DataFrame
    rejects: pd.DataFrame
    examples: pd.DataFrame
    decisions: pd.DataFrame
    notes: pd.DataFrame
    recognised: pd.DataFrame
    as_of: date | None
    currency: str
    refusal: str = ""


def import_shop(
    data: Path, mapping: Mapping[str, Any], as_of: date | None, policy: Policy, folder: Path, time_zone: str = "UTC"
) -> Imported:
    """Write the tables of the catalog and the rejected rows to `folder`.

    Keys depend on nothing but the keys in the files, so a shop gets the same keys each time.

    Args:
        data: Path of the files, see named_files; of a format of several files the folder with all of them.
        mapping: How the files are read; the section of a params file.
        as_of: First day that is not in the data; None for the one that follows from the orders, see report_date.
        policy: Treatment of bad rows, which raise no error: see `Imported.refusal`.
        folder: A new folder.
        time_zone: Of the shop's days, and of timestamps without offset unless the mapping has another one.

    Raises:
        UsageError: The mapping or the path is unusable, or the currency is `auto` and the files have none or several.
        DataError: A file cannot be read.
    """
    source, options = load_format(mapping["format"]), read_options(mapping, as_of, time_zone)
    layouts = layouts_of(source, mapping)
    work = folder / "staging"
    work.mkdir(parents=True)
    present = unpacked(named_files(data), work / "unpacked")
    campaigns = find_reports(data, present, mapping["ad_spend"], work)
    found, unused = find_files(data, [path for path in present if path not in campaigns], source, layouts, work)
    if CAMPAIGNS in found and campaigns:
        other = next(iter(campaigns)).name
        raise UsageError(
            f"{data} has {CAMPAIGNS}.csv and {other}; expected the campaigns in one of them. Remove the other."
        )
    reports = stage_reports(campaigns, options, work)
    files = [stage(found.get(name, ()), layout, options, work) for name, layout in layouts.items()] + reports
    with StagingDatabase(work, mapping["format"], time_zone, *([STATEMENTS] if reports else [])) as database:
        _create_views(database, files, work)
        if policy.currency == AUTO:
            policy = replace(policy, currency=only_currency(database, files))
        refuse_other_sign(files, policy.currency)
        use_currency(database, files, policy.currency)
        if source.row_key and len(files[0].parts) > 1:
            database.run("other_parts", source=files[0].layout.name, **source.row_key._asdict())
        source.compare(database, options, policy.currency)
        compare_reports(database, reports, policy.currency)
        imported = _imported(database, files, source.amounts, unused, as_of, policy, folder)
    shutil.rmtree(work)
    return imported


def _imported(
    database: StagingDatabase, files: list[Staged], amounts: Mapping[str, str], unused: list[str],
    as_of: date | None, policy: Policy, folder: Path,
) -> Imported:  # fmt: skip
    save_rejects(
        database, {each.layout.name: amounts.get(each.layout.name, "NULL") for each in files if each.parts}, folder
    )
    counts = [row for each in files if each.parts for row in database.rows("counts", source=each.layout.name)]
    lines = pd.DataFrame(counts, columns=COUNTS)
    personal = {(name, column) for each in files for name, *_ in each.parts for column in each.layout.personal}
    rejects, examples = rejects_by_rule(database, personal), rejected_examples(database, personal)
    refused = refusal(lines, rejects, policy)
    names = [] if refused else [table.name for table in tables().values() if not table.mart]
    written, gaps = _write_tables(database, names, folder)
    counted = total([]) if refused else _profile(database, folder, int(written["rows"].sum()))
    as_of = as_of or report_date(counted["days"])
    decisions = _occurred(_decisions(database, files, as_of))
    notes = pd.concat([decisions, _occurred(_notes(database, files, unused) + gaps)], ignore_index=True)
    found = [
        {"file": part.name} | row
        for each in files
        for part in each.parts
        for row in (part.recognised[0] | {"setting": "format", "value": _format(each, database)}, *part.recognised)
    ]
    recognised = pd.DataFrame(found, columns=RECOGNISED).rename(columns=HEADINGS)
    return Imported(
        written, counted, lines, rejects, examples, decisions, notes, recognised, as_of, policy.currency, refused
    )


def _occurred(notes: list[Note]) -> pd.DataFrame:
    return pd.DataFrame([note for note in notes if note[-1]], columns=list(NOTES)).astype(NOTES)


def _format(file: Staged, database: StagingDatabase) -> str:
    """The format of a file: a report has its own, a companion its name."""
    name = file.layout.name
    of_shop = f"{database.name}, {name}" if name in load_format(database.name).companions else database.name
    return name if name in REPORTS else of_shop


def _create_views(database: StagingDatabase, files: list[Staged], work: Path) -> None:
    """The views of README.md: all rows of each file, the usable and the rejected ones, and the names of the files."""
    names = [
        {"source": each.layout.name, "part": part, "file": name}
        for each in files
        for part, name in enumerate([part.name for part in each.parts] or [each.file])
    ]
    columns = [
        {"source": each.layout.name, "field": field, "called": name}
        for each in files
        for field, name in each.layout.names.items()
    ]
    database.add_rows("files", pa.Table.from_pylist([{"place": place, **name} for place, name in enumerate(names)]))
    database.add_rows("columns", pa.Table.from_pylist(columns))
    for each in files:
        source = each.layout.name
        database.add_file(f"all_{source}", work / f"{source}.parquet")
        for statement in ("removed", "usable", "rejected"):
            database.run(statement, source=source, marker=CURRENCY_HAS)


def _write_tables(database: StagingDatabase, names: list[str], folder: Path) -> tuple[pd.DataFrame, list[Note]]:
    """Write these tables, without rows if the format has no statement; table, rows, files, and what the tables lack."""
    rows, gaps = dict.fromkeys(names, 0), []
    for name in names:
        schema = arrow_schema(name)
        empty = dict.fromkeys(schema.names, 0)
        with TableWriter(table_path(folder, name), name) as writer:
            for batch in ahead(database.batches(name)) if database.has_statement(name) else ():
                table = with_all_columns(pa.table(batch), schema)
                writer.write(table)
                rows[name] += table.num_rows
                for column in empty:
                    empty[column] += table[column].null_count
        gaps += [(name, column, "empty", count) for column, count in empty.items()]
    gaps += [(name, "", "table without rows", 1) for name in names if not rows[name]]
    return pd.DataFrame({"table": names, "rows": rows.values(), "files": 1}), gaps


def _profile(database: StagingDatabase, folder: Path, rows: int) -> Profile:
    """The profile of the written tables, computed for one group of customers at a time."""
    for name in PROFILED:
        database.add_file(f"written_{name}", table_path(folder, name))
    groups = round(rows / PROFILE_ROWS) or 1
    return total(
        profile(
            {name: database.table(f"profile_{name}", {"groups": groups, "number": number}) for name in PROFILED},
            database.time_zone,
        )
        for number in range(groups)
    )


def _notes(database: StagingDatabase, files: list[Staged], unused: list[str]) -> list[Note]:
    """Unused files, dropped rows and repaired cells."""
    notes: list[Note] = [(name, "", "file is not used", 1) for name in unused]
    parts = [part for each in files for part in each.parts]
    notes += [(name, "", "file has no row below its header", int(not rows)) for name, rows, *_ in parts]
    dropped = [row for each in files if each.parts for row in database.rows("dropped", source=each.layout.name)]
    notes += [(row["file"], row["column"], row["note"], row["cases"]) for row in dropped]
    return notes + [(part.name, column, done, n) for part in parts for (column, done), n in part.notes.items()]


def _decisions(database: StagingDatabase, files: list[Staged], as_of: date | None) -> list[Note]:
    """Decisions of the format about rows that are loaded."""
    by_source = {each.layout.name: each for each in files}
    notes: list[Note] = []
    rows = database.rows("notes", {"as_of": as_of or date.max})
    if database.has_statement("report_notes"):
        reports = [name for name in by_source if name in REPORTS]
        rows += [row for name in reports for row in database.rows("report_notes", source=name)]
    for row in rows:
        of = by_source[row["source"]]
        notes.append((of.file, of.layout.names[row["field"]], row["note"], row["cases"]))
    return notes
