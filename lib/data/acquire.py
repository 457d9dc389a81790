"""Acquire the tables of a shop as Parquet: generated from a seed, or imported from files."""

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from lib.data.imports import AUTO
from lib.data.imports.importing import import_shop
from lib.data.imports.rejects import Policy, write_rejects
from lib.data.origin import SYNTHETIC, Origin, read_origin, refuse_loss, write_origin
from lib.data.profile import GAP_DAYS, Profile
from lib.data.synthetic import Counts, Shop, plan_shop
from lib.data.synthetic.shards import count_shop, write_shop
from lib.data.workers import Engine
from lib.errors import DataError, UsageError
from lib.formatting import integer
from lib.util.files import replacing_folder
from lib.util.zones import known_zone

__all__ = ["STEP", "Acquired", "Engine", "Policy", "acquire"]

STEP = "02_generate"  # step under which a refused import records its facts for the run page
COUNTS = dict.fromkeys(("read", "loaded", "rejected", "duplicates"), "int64")
REJECTS = {"file": "str", "rule": "str", "lines": "int64", "first_lines": "str", "amount": "float64"}
REJECTS |= {"rejected_with_parent": "bool", "example": "str"}
STRICT = Policy()  # rejects nothing: for a synthetic shop, which has no bad rows


def _empty(**types: str) -> pd.DataFrame:
    """A frame without rows."""
    return pd.DataFrame(columns=list(types)).astype(types)


@dataclass(frozen=True)
class Acquired:
    """A shop on disk.

    written: one row per table: table, rows, files. profile: its counts. truth: of a synthetic shop, the parameters that
    its rows were drawn by. lines, rejects, examples, decisions, notes, recognised: of imported files, the rows read,
    loaded and rejected per file, the rejected rows per rule, some of them, how loaded rows were read, this with the
    values that were converted, and how the files are written; empty for a synthetic shop.
    refusal: why imported files must not be loaded; empty if they may. as_of and currency: the given ones, or those that
    follow from the files.
    """

    written: pd.DataFrame
    profile: Profile
    truth: dict[str, Any] | None = None
    lines: pd.DataFrame = field(default_factory=partial(_empty, file="str", **COUNTS))
    rejects: pd.DataFrame = field(default_factory=partial(_empty, **REJECTS))
    examples: pd.DataFrame = field(default_factory=_empty)
    decisions: pd.DataFrame = field(default_factory=_empty)
    notes: pd.DataFrame = field(default_factory=partial(_empty, file="str", column="str", note="str", cases="int64"))
    recognised: pd.DataFrame = field(default_factory=_empty)
    refusal: str = ""
    as_of: date | None = None
    currency: str = ""

    @property
    def rows(self) -> int:
        """Rows of all tables."""
        return int(self.written["rows"].sum())

    def facts(self) -> dict[str, Any]:
        """Row counts and rejected rows, for the run page."""
        frames = {
            "files": self.lines,
            "rejects": self.rejects,
            "examples": self.examples,
            "recognised": self.recognised,
            "decisions": self.decisions,
        }
        days = self.profile["days"].loc[self.profile["days"]["orders"] > 0, "date"]
        span = {"first_day": days.min().date(), "last_day": days.max().date()} if len(days) else {}
        lines = {"lines_read": self.lines["read"].sum(), "lines_loaded": self.lines["loaded"].sum()}
        found = {"as_of": self.as_of, "currency": self.currency, **span}
        return {
            "rows": self.rows,
            **found,
            **lines,
            **{name: frame.to_dict("records") for name, frame in frames.items()},
        }

    def __str__(self) -> str:
        if self.lines.empty:
            return f"The synthetic shop has {integer(self.rows)} rows in {len(self.written)} tables."
        read, loaded, rejected, duplicated = self.lines[["read", "loaded", "rejected", "duplicates"]].sum()
        kinds = {"used": loaded, "rejected": rejected} | ({"dropped": duplicated} if duplicated else {})
        counts = [f"{integer(n)} {'is' if n == 1 else 'are'} {kind}" for kind, n in kinds.items()]
        return (
            f"The files have {integer(read)} {'row' if read == 1 else 'rows'}: {', '.join(counts)}. "
            f"They become {integer(self.rows)} rows in {len(self.written)} tables."
        )


def _no_record(step: str, **facts: object) -> None:
    """Default for callers outside a run."""


def acquire(
    generate: Mapping[str, Any],
    mapping: Mapping[str, Any] | None,
    data: str,
    *,
    seed: int,
    as_of: str,
    output: Path,
    workers: int = 0,
    engine: Engine | None = None,
    policy: Policy = STRICT,
    record: Callable[..., None] = _no_record,
    replace_shop: bool = False,
    time_zone: str = "UTC",
    append: bool = False,
) -> Acquired:
    """Write output/data/*.parquet, and the rejected rows of an import to output/rejects, replacing earlier ones.

    Args:
        generate: Sizes of the synthetic shop.
        mapping: How the files are read; None for a synthetic shop.
        data: Path of the file or folder to import.
        seed: Seed of every random draw.
        as_of: First day that is not in the data (ISO date); `auto` for the one that follows from imported orders.
        output: The output folder.
        workers: Processes of this machine; 0 for one per core.
        engine: Where a synthetic shop is generated. With Dask only its generation plan is written, and the rows are
            generated where they are loaded. Files are always read on this machine.
        policy: Treatment of bad rows.
        record: Called with step and facts when an import is refused, before the error is raised.
        replace_shop: Allow that the files of an imported shop are replaced by a synthetic shop.
        time_zone: Of the shop's days and hours; recorded with the files, so that loading them uses it.
        append: The files are added to a shop, whose other orders may be closer to as_of.

    Raises:
        UsageError: Sizes, mapping or time zone are impossible, imported files have no order in the 45 days before
            as_of, or the folder holds the files of an imported shop.
        DataError: The files cannot be used.
        OutputError: A file cannot be written.

    Example:
        >>> sizes = {"users": 20, "products": 5, "orders": 30, "lines_per_order": 1.5, "events": 200}
        >>> sizes |= {"marketing_campaigns": 2, "history_days": 90, "seasons": True}
        >>> folder = settings.output_folder() / "small shop"
        >>> acquired = acquire.acquire(sizes, None, "", seed=42, as_of="2025-07-01", output=folder, workers=1)
        >>> acquired.written["table"].tolist()
        ['products', 'marketing_campaigns', 'users', 'orders', 'order_items', 'events', 'refunds']
    """
    known_zone(time_zone)
    origin = Origin("imported", data, mapping["format"], time_zone) if mapping else SYNTHETIC
    if origin == SYNTHETIC:  # other files may be a later export of the same shop; loading compares them
        refuse_loss(read_origin(output / "data"), origin, f"{output.name}/data", replace_shop=replace_shop)
    shutil.rmtree(output / "rejects", ignore_errors=True)
    if mapping is None:
        sizes = {name: generate[name] for name in ("marketing_campaigns", "users", "products", "orders", "events")}
        settings = {name: generate[name] for name in ("history_days", "lines_per_order", "seasons")}
        settings |= {"time_zone": time_zone, "currency": policy.currency}
        shop = Shop(seed=seed, as_of=date.fromisoformat(as_of), **settings)
        engine = engine or Engine(workers=workers)
        if engine.kind == "local":
            made = write_shop(plan_shop(Counts(**sizes), shop), output / "data", engine.workers)
        else:
            made = count_shop(Counts(**sizes), shop, output / "data", engine)
        return Acquired(**vars(made), as_of=shop.as_of, currency=policy.currency)
    with replacing_folder(output / "data") as folder:
        fixed = None if as_of == AUTO else date.fromisoformat(as_of)
        imported = import_shop(Path(data), mapping, fixed, policy, folder, time_zone)
        write_rejects(folder, output / "rejects")
        acquired = Acquired(**vars(imported))
        write_origin(folder, replace(origin, currency=acquired.currency))
        if acquired.refusal:
            record(STEP, **acquired.facts())
            raise DataError(acquired.refusal)
        if fixed and not append:
            _refuse_distant(fixed, acquired.profile["days"])
    return acquired


def _refuse_distant(as_of: date, days: pd.DataFrame) -> None:
    """Raise UsageError if no order lies within GAP_DAYS before `as_of`: every report would be empty."""
    dates, end = days.loc[days["orders"] > 0, "date"], pd.Timestamp(as_of)
    if len(dates) and not dates.between(end - pd.Timedelta(days=GAP_DAYS), end, inclusive="left").any():
        raise UsageError(
            f"as_of is {as_of}, but the orders are from {dates.min():%Y-%m-%d} to {dates.max():%Y-%m-%d}; expected "
            f'orders in the {GAP_DAYS} days before as_of. Set it to the day after the last order: SET="as_of=auto".'
        )
