"""The registry of source formats: every module of this folder is one, with its format as FORMAT.

The views and macros that the SQL of a format may use are described in ../README.md.
"""

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from lib.data.imports.format import Format

__all__ = ["NAMES", "load_format"]

NAMES = tuple(sorted(path.stem for path in Path(__file__).parent.glob("*.py") if path.stem != "__init__"))


def load_format(name: str) -> "Format":
    """The format with this name, one of NAMES."""
    return cast("Format", import_module(f"{__name__}.{name}").FORMAT)
