"""Where a shop comes from: recorded with its files and in the database, so that none is lost by accident."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from lib.errors import UsageError

__all__ = ["SYNTHETIC", "Origin", "read_origin", "refuse_loss", "write_origin"]

FILE = "origin.json"


@dataclass(frozen=True)
class Origin:
    """kind: synthetic or imported. source: path of the imported files. format: theirs."""

    kind: str
    source: str = ""
    format: str = ""

    def __str__(self) -> str:
        return f"the shop imported from {self.source} ({self.format})" if self.source else "a synthetic shop"


SYNTHETIC = Origin("synthetic")


def write_origin(folder: Path, origin: Origin) -> None:
    """Record the origin of the shop whose Parquet files are in the folder."""
    (folder / FILE).write_text(json.dumps(asdict(origin)) + "\n", encoding="utf-8")


def read_origin(folder: Path) -> Origin:
    """The origin of the shop in the folder: synthetic unless an import recorded another one."""
    path = folder / FILE
    return Origin(**json.loads(path.read_text(encoding="utf-8"))) if path.exists() else SYNTHETIC


def refuse_loss(present: Origin, new: Origin, place: str, *, replace_shop: bool) -> None:
    """Raise UsageError if an imported shop would be replaced by another shop without `replace_shop`.

    A synthetic shop follows from its parameters, so it is never lost.

    Args:
        present: The shop that is there.
        new: The shop that would take its place.
        place: Where, as the beginning of a sentence.
        replace_shop: The parameter that allows it.
    """
    if present.kind == "imported" and present != new and not replace_shop:
        raise UsageError(
            f"{place} holds {present}; it would be replaced by {new}. To replace it, set replace_shop "
            '(SET="replace_shop=true", or the parameter of the notebook). To load the same shop again, name its files '
            "as before (DATA=…)."
        )
