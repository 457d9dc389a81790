"""Which files of an export have the columns of a layout."""

from pathlib import Path

from lib.data.imports.conversion import previews
from lib.data.imports.formats import Format
from lib.data.imports.headers import field_positions, header_in
from lib.data.imports.mapping import Layout
from lib.data.imports.sampling import Sample, sample_of
from lib.data.imports.sources import name_of
from lib.errors import DataError
from lib.util.similar import did_you_mean

__all__ = ["find_files", "matched_columns", "samples_of"]


def samples_of(path: Path, folder: Path) -> list[Sample]:
    """A sample of a file, or of each sheet of a workbook; `folder` is for copies."""
    return [sample_of(text) for text in previews(path, folder)]


def matched_columns(samples: list[Sample], layout: Layout) -> int:
    """How many columns of the layout a file has, or one of its sheets; 0 if it lacks a needed one."""
    found = [field_positions(header_in(sample, layout)[2], layout) for sample in samples]
    return max((len(positions) for positions in found if layout.needed <= set(positions)), default=0)


def _best(samples: list[Sample], layouts: dict[str, Layout]) -> str:
    """Name of the layout with the most columns of the file; empty if it is none of them."""
    matched = {name: matched_columns(samples, layout) for name, layout in layouts.items()}
    best = max(matched, key=lambda name: matched[name])
    return best if matched[best] else ""


def find_files(
    data: Path, files: list[Path], source: Format, layouts: dict[str, Layout], folder: Path
) -> tuple[dict[str, list[Path]], list[str]]:
    """Paths by name of each file of the format, and the names of the files that are not used.

    Those of a format of one file are parts of it, or of a companion; in a folder or archive, those without the columns
    of either are not used. Of several files, missing optional ones are left out.

    Args:
        data: The path in DATA.
        files: Every file there.
        source: The format.
        layouts: Layout by name of the file.
        folder: For copies of workbooks and Parquet files.

    Raises:
        DataError: A required file is missing, or one exists twice.
    """
    if len(source.files) == 1:
        (main,) = source.files
        of = {path: _best(samples_of(path, folder), layouts) for path in files} if len(files) > 1 else {}
        if main not in of.values():
            return {main: [path for path in files if not of.get(path)] or files}, []
        if not data.exists():  # a pattern: each of its files is meant
            of = {path: name or main for path, name in of.items()}
        found = {name: [path for path in files if of[path] == name] for name in layouts}
        return found, [path.name for path in files if not of[path]]
    names = {path: name_of(path) for path in files}
    found = {}
    for name in source.files:
        paths = [path for path in files if names[path] == name]
        if len(paths) > 1:
            raise DataError(f"{data} has {' and '.join(path.name for path in paths)}. Keep one file for {name}.")
        if paths:
            found[name] = paths
        elif name not in source.optional:
            raise DataError(
                f"{data} lacks {name}.csv{did_you_mean(name, names.values())}. `make templates` writes an example."
            )
    return found, [path.name for path in files if names[path] not in source.files]
