"""The files that DATA names: one, several by a pattern, those of a folder, or those of a .zip archive."""

import shutil
import zipfile
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from lib.errors import DataError, UsageError

__all__ = ["EXTENSIONS", "name_of", "named_files", "unpacked", "without_ending"]

TEXTS = (".csv", ".tsv", ".txt")
EXTENSIONS = (*TEXTS, *(f"{ending}.gz" for ending in TEXTS), ".xlsx", ".xls", ".parquet")


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
    files = _exports(path for path in found if path.is_file())
    if not files:
        place = f"the folder {data} has no file" if data.is_dir() else f"no file {data}"
        raise UsageError(
            f"{place}; expected the export of your shop: a file, several as in DATA='orders_*.csv', a folder, or an "
            f"archive. Name it, as in DATA=FILE; names end in {', '.join(EXTENSIONS)} or .zip"
        )
    return files


def _exports(paths: Iterable[Path]) -> list[Path]:
    """The files of a known kind by name; those such as README.txt last, since most exports have another ending."""
    known = (path for path in paths if path.name.casefold().endswith((*EXTENSIONS, ".zip")))
    return sorted(known, key=lambda path: (path.name.casefold().endswith((".txt", ".txt.gz")), path))


def name_of(path: Path) -> str:
    """Name of a file in lower case, without its ending."""
    return without_ending(path.name).casefold()


def without_ending(name: str) -> str:
    """Name of a file without the ending of a known kind."""
    endings = (ending for ending in EXTENSIONS if name.casefold().endswith(ending))
    return name[: len(name) - max(map(len, endings), default=0)]


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
            listed = [name for name in sorted(opened.namelist()) if not name.startswith("__MACOSX/")]
            wanted = {path for path in _exports(map(Path, listed)) if path.suffix.casefold() != ".zip"}
            names = [name for name in listed if Path(name) in wanted]
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
