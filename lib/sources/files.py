"""The shop's own files by the name of their lines: one file, or a folder with one for each."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lib.errors import DataError, UsageError
from lib.sources.dialect import Layout, layout_of, near
from lib.sources.format import Format

__all__ = ["find_files", "layouts_of"]

ENDINGS = (".csv", ".csv.gz")


def find_files(data: Path, form: Format) -> tuple[dict[str, Path], list[str]]:
    """The file of each name that is there, and the names of CSV files that are for nothing.

    Raises UsageError for a path of the wrong kind, DataError for a file that lacks or is there twice.
    """
    if len(form.columns) == 1:
        return dict.fromkeys(form.columns, data), []
    if not data.is_dir():
        wanted = ", ".join(f"{name}.csv" for name in form.columns)
        raise UsageError(f"{data} is no folder; wanted one with {wanted} ({' and '.join(form.optional)} may lack)")
    there = {path: _stem(path) for path in sorted(data.iterdir()) if path.name.casefold().endswith(ENDINGS)}
    found = {name: [path for path, stem in there.items() if stem == name] for name in form.columns}
    for name, paths in found.items():
        if len(paths) > 1:
            raise DataError(f"{data} has {' and '.join(path.name for path in paths)}; keep one file for {name}")
        if not paths and name not in form.optional:
            raise DataError(
                f"{data} lacks {name}.csv{near(name, there.values())}; `make templates` shows what it holds"
            )
    unused = [path.name for path, stem in there.items() if stem not in form.columns]
    return {name: paths[0] for name, paths in found.items() if paths}, unused


def _stem(path: Path) -> str:
    return path.name.casefold().removesuffix(".gz").removesuffix(".csv")


def layouts_of(form: Format, mapping: Mapping[str, Any]) -> dict[str, Layout]:
    """The columns of each file under the names of the mapping; raises UsageError for names that fit nothing."""
    names = mapping["columns"]
    if len(form.columns) == 1:
        ((source, columns),) = form.columns.items()
        lacking = [column.name for column in columns if column.name not in names and not column.optional]
        if lacking:
            raise UsageError(f"mapping.columns does not say which column of the file holds: {', '.join(lacking)}")
        absent = {column.name: "" for column in columns if column.optional}
        return {source: layout_of(source, columns, absent | names, "mapping.columns")}
    for name, called in names.items():
        if name not in form.columns or not isinstance(called, Mapping):
            known = ", ".join(form.columns)
            raise UsageError(
                f"mapping.columns has {name!r}{near(name, form.columns)}; wanted a table with names below it: {known}"
            )
    return {
        source: layout_of(source, columns, names.get(source, {}), f"mapping.columns.{source}")
        for source, columns in form.columns.items()
    }
