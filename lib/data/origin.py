"""Where a shop comes from: recorded with its files and in the database, so that none is lost by accident."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import NoReturn

from lib.errors import UsageError
from lib.util.currencies import decimals_of

__all__ = ["SYNTHETIC", "Origin", "read_origin", "refuse_loss", "refuse_other", "refuse_other_units", "write_origin"]

FILE = "origin.json"


@dataclass(frozen=True)
class Origin:
    """Where a shop comes from; origins that differ only in time zone or currency are equal.

    Attributes:
        kind: synthetic or imported.
        source: Path of the imported files.
        format: Format of the imported files.
        time_zone: That of the shop's days.
        currency: ISO 4217 code of its amounts; empty if it was not recorded.
    """

    kind: str
    source: str = ""
    format: str = ""
    time_zone: str = field(default="UTC", compare=False)
    currency: str = field(default="", compare=False)

    def __str__(self) -> str:
        return f"the shop imported from {self.source} ({self.format})" if self.source else "a synthetic shop"


SYNTHETIC = Origin("synthetic", currency="USD")


def write_origin(folder: Path, origin: Origin) -> None:
    """Record the origin of the shop whose Parquet files are in the folder."""
    (folder / FILE).write_text(json.dumps(asdict(origin)) + "\n", encoding="utf-8")


def read_origin(folder: Path) -> Origin:
    """The origin of the shop in the folder: synthetic, in UTC and USD, unless another one is recorded."""
    path = folder / FILE
    return Origin(**json.loads(path.read_text(encoding="utf-8"))) if path.exists() else SYNTHETIC


def refuse_loss(present: Origin, new: Origin, place: str, *, replace_shop: bool) -> None:
    """Raise UsageError if an imported shop would be replaced by another shop without `replace_shop`.

    A synthetic shop follows from its parameters, so it is never lost.

    Args:
        present: The shop that is there.
        new: The shop that would take its place.
        place: Where the present shop is, such as `the database`; the error message begins with it.
        replace_shop: The parameter that allows it.
    """
    if present.kind == "imported" and present != new and not replace_shop:
        raise UsageError(
            f"{place} holds {present}; it would be replaced by {new}. To replace it, set replace_shop "
            '(SET="replace_shop=true", or the parameter of the notebook). To load the same shop again, name its files '
            "as before (DATA=…)."
        )


def refuse_other_units(present: Origin, new: Origin) -> None:
    """Raise UsageError if rows of another time zone or currency would be added to a shop."""
    if present.time_zone != new.time_zone:
        refuse_other("time_zone", present.time_zone, new.time_zone)
    known = present.currency and new.currency
    if (known and present.currency != new.currency) or decimals_of(present.currency) != decimals_of(new.currency):
        refuse_other("currency", present.currency, new.currency)


def refuse_other(name: str, present: str, new: str) -> NoReturn:
    """Raise UsageError because rows with another value of the parameter `name` would be added to a shop."""
    same = f'Append with SET="load_mode=append {name}={present}", or load' if present else "Load"
    raise UsageError(
        f"{name} of the shop in the database is {present or 'not recorded'}, that of the new rows "
        f"{new or 'not recorded'}; expected the same. {same} all rows again with "
        f'SET="load_mode=replace {name}={new}".'
    )
