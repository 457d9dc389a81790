"""The registry of source formats: every module of this folder is one, named like its module, with a `FORMAT`.

Listing the names imports no format, since every command that checks a params file does it. README.md in the folder
above says how to write a format.
"""

import importlib
import pkgutil
from typing import TYPE_CHECKING

from lib.errors import UsageError

if TYPE_CHECKING:
    from lib.data.imports.layout import Format

__all__ = ["NAMES", "load_format"]

NAMES = tuple(sorted(module.name for module in pkgutil.iter_modules(__path__)))


def load_format(name: str) -> "Format":
    """The format of this name.

    Raises:
        UsageError: There is none.
    """
    if name not in NAMES:
        raise UsageError(f"mapping.format is {name!r}; expected one of {', '.join(NAMES)}")
    source: Format = importlib.import_module(f"{__name__}.{name}").FORMAT
    return source
