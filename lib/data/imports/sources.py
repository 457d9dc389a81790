"""The files that DATA names: one, several by a pattern, those of a folder, or those of a .zip archive."""

import shutil
import zipfile
from pathlib import Path, PurePosixPath

from lib.errors import DataError, UsageError

__all__ = ["EXTENSIONS", "named_files", "unpacked"]

EXTENSIONS = (".csv", ".csv.gz")


def named_files(data: Path) -> list[Path]:
    """The files that a path names, in the order of their names; a .zip archive is one of them.

    Args:
        data: A file, a folder, or a pattern with `*`, `?` or `[`.

    Raises:
        UsageError: There is none.
    """
    if data.is_file():
        return [data]
    found = data.iterdir() if data.is_dir() else data.parent.glob(data.name)
    files = sorted(path for path in found if path.is_file() and path.name.casefold().endswith((*EXTENSIONS, ".zip")))
    if not files:
        place = f"the folder {data} has no file" if data.is_dir() else f"no file {data}"
        raise UsageError(
            f"{place}; expected the export of your shop: a file, several as in DATA='orders_*.csv', a folder, or an "
            f"archive. Name it, as in DATA=FILE; names end in {', '.join(EXTENSIONS)} or .zip"
        )
    return files


def unpacked(files: list[Path], folder: Path) -> list[Path]:
    """The files, with those in archives instead of the archives, unpacked to `folder`.

    Raises:
        DataError: An archive is damaged or encrypted, has no file of a known kind, or two of one name.
    """
    return [each for path in files for each in (_members(path, folder) if path.suffix.lower() == ".zip" else [path])]


def _members(archive: Path, folder: Path) -> list[Path]:
    """The files of an archive, without those that macOS adds."""
    target = folder / archive.stem
    target.mkdir(parents=True)
    try:
        with zipfile.ZipFile(archive) as opened:
            names = [name for name in sorted(opened.namelist()) if name.casefold().endswith(EXTENSIONS)]
            names = [name for name in names if not name.startswith("__MACOSX/")]
            paths = [target / PurePosixPath(name).name for name in names]
            if not paths:
                raise DataError(f"{archive} has no file that ends in {', '.join(EXTENSIONS)}. Pack the export itself.")
            if len(set(paths)) < len(paths):
                raise DataError(f"{archive} has two files of one name in different folders. Unpack it, and rename one.")
            for name, path in zip(names, paths, strict=True):
                with opened.open(name) as packed, path.open("wb") as file:
                    shutil.copyfileobj(packed, file)
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError) as error:
        raise DataError(f"{archive} cannot be unpacked ({error}). Unpack it yourself, and name the folder.") from error
    return paths
