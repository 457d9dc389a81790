"""Own CSV files as the six typed frames, with every line that cannot be used and the reason why."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from lib.errors import UsageError
from lib.sources.imported import Imported
from lib.sources.online_retail import import_online_retail
from lib.sources.rejects import write_rejects

__all__ = ["FORMATS", "Imported", "import_shop", "write_rejects"]

FORMATS: dict[str, Callable[[Path, Mapping[str, Any]], Imported]] = {"online_retail": import_online_retail}


def import_shop(data: Path, mapping: Mapping[str, Any]) -> Imported:
    """The file `data`, read as `mapping` (the section of a params file) says, as the tables of the catalog.

    Keys depend on the file's own numbers only, so the same shop gets the same keys each time. Raises UsageError
    for a mapping or path that cannot be, DataError for a file that cannot be read or has no usable line.
    """
    if mapping["format"] not in FORMATS:
        raise UsageError(f"mapping.format is {mapping['format']!r}; known are: {', '.join(FORMATS)}")
    return FORMATS[mapping["format"]](Path(data), mapping)
