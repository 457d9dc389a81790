"""The model of a params file: each parameter's name, type, range, default and description, stated once."""

import argparse
import copy
import math
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Any, Literal

import yaml
from babel.localedata import locale_identifiers
from babel.numbers import list_currencies
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from lib.analysis.periods import PeriodName
from lib.data.imports import AUTO, FROM_FILES
from lib.data.imports.formats import NAMES
from lib.data.imports.sources import named_files
from lib.errors import UsageError
from lib.settings import PROJECT
from lib.util.similar import did_you_mean
from lib.util.zones import known_zone

__all__ = ["Generate", "Mapping", "Params", "add_options", "check", "chosen", "find", "load", "overridden"]

KeyPath = tuple[str, ...]  # such as ("generate", "orders")


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class Generate(_Section):
    """Sizes of the synthetic shop."""

    users: int = Field(600, ge=1, le=100_000_000, description="customers who signed up; about a quarter never order")
    products: int = Field(80, ge=1, le=100_000, description="products in the catalog")
    orders: int = Field(2_800, ge=0, le=1_000_000_000, description="expected orders; purchase rates are solved for it")
    lines_per_order: float = Field(1.5, ge=1, le=100, description="mean number of items of an order")
    events: int = Field(18_000, ge=0, le=10_000_000_000, description="expected events of all visits")
    marketing_campaigns: int = Field(20, ge=0, le=1_000, description="campaigns over the whole history")
    history_days: int = Field(730, ge=30, le=3_660, description="days from the opening of the shop to as_of")
    seasons: bool = Field(True, description="false: no weekday, season, holiday, trend or anomaly, to check models")

    @model_validator(mode="after")
    def _events_cover_orders(self) -> "Generate":
        least = math.ceil(self.orders * (3 + 2 * self.lines_per_order))
        if self.events < least:
            raise ValueError(
                f"events is {self.events}; expected at least {least}: the visit of each order has a session_start, a "
                "product_view and an add_to_cart per item, a checkout and a purchase. Raise events or lower orders"
            )
        return self


class IfUnclear(_Section):
    """How numbers and dates are read that a file writes ambiguously."""

    decimal: Literal["", ".", ","] = ""
    dates: Literal["", "day_first", "month_first"] = ""


class Mapping(_Section):
    """How imported files are read."""

    format: str
    columns: dict[str, str | dict[str, str]] = {}
    keys: Literal["uuid", "text"] = "uuid"
    delimiter: str = Field(AUTO, pattern=r"(?s)^(.|auto)$")
    encoding: str = AUTO
    decimal: Literal["auto", ".", ","] = "auto"
    date_format: str = AUTO
    if_unclear: IfUnclear = IfUnclear()
    excel_dates: bool = False
    time_zone: str = ""
    null_words: list[str] = []
    ignore_extra: bool = False
    countries: dict[str, str] = {}
    optional: list[str] = []
    units: Literal["whole", "decimal"] = "whole"
    earliest_date: date = Field(date(2000, 1, 1), strict=False)  # the record of a run has it as text
    statuses: dict[str, str] = {}
    discount_is: Literal["amount", "rate", "percent", "amount_included", "rate_included", "percent_included"] = "amount"
    round_amounts: bool = False
    charges_of: Literal["order", "row"] = "order"
    credit_note_prefix: str = ""
    ad_spend: list[str] = []

    @field_validator("format")
    @classmethod
    def _known_format(cls, value: str) -> str:
        if value not in NAMES:
            raise ValueError(f"unknown format {value!r}; expected one of {', '.join(NAMES)}")
        return value

    @field_validator("time_zone")
    @classmethod
    def _known_time_zone(cls, value: str) -> str:
        return value and _zone(value)


class Params(_Section):
    """All that a run may vary. Names, defaults and descriptions are those of the notebooks and of params/demo.yml."""

    seed: int = Field(42, ge=0, lt=2**63, description="seed of every random draw; same params, same bytes")
    as_of: date | Literal["auto"] = Field(
        date(2025, 7, 1), description="report date: first day that is not in the data"
    )
    currency: str = Field("USD", description="the shop's one currency, ISO 4217")
    locale: str = Field("en_US", description="format of numbers and dates, such as en_GB or de_DE; text stays English")
    time_zone: str = Field("UTC", description="time zone of the shop's days and hours, such as Europe/London")
    generate: Generate = Field(Generate(), description="sizes of the synthetic shop; orders and events on average")
    engine: Literal["local", "dask"] = Field("local", description="where it is generated: local, or dask for a cluster")
    dask_address: str = Field(
        "", description="Dask scheduler, such as tls://host:8786; empty: processes of this machine"
    )
    workers: int = Field(0, ge=0, le=256, description="processes; 0 for one per core. The rows do not depend on it")
    data: str = Field("", description="path of your file or folder; empty for the synthetic shop")
    mapping: Mapping | None = Field(None, description="how your files are read; see params/own_files.yml")
    max_reject_share: float = Field(
        0.01, ge=0, le=1, description="share of your rows that may be rejected before the run fails"
    )
    on_bad_rows: Literal["fail", "reject"] = Field(
        "fail", description="fail at the first bad row of your files, or reject it and continue"
    )
    load_mode: Literal["replace", "append"] = Field(
        "replace", description="replace all rows, or append: insert new keys, update known ones"
    )
    replace_shop: bool = Field(False, description="true: an imported shop may be replaced by another one")
    sales_basis: Literal["placed", "completed"] = Field(
        "placed", description="sales are: placed, every order; or completed, completed orders only"
    )
    period: PeriodName = Field(
        "last_month", description="last_30_days, last_90_days, last_month, month_to_date, year_to_date"
    )
    revenue_target: float | None = Field(15_000.0, gt=0, description="revenue target of the period, in currency")
    payment_fee_rate: float = Field(
        0.0, ge=0, lt=1, description="payment fees: share of what customers were charged, such as 0.029"
    )
    payment_fee_fixed: float = Field(0.0, ge=0, description="payment fees: currency per order, such as 0.30")
    fulfilment_cost_per_order: float = Field(
        0.0, ge=0, description="packing and shipping that the shop pays, in currency"
    )
    churn_days: int = Field(
        90, ge=1, le=3_650, description="days without an order after which a customer counts as churned"
    )
    horizon_days: int = Field(30, ge=1, le=365, description="days to forecast")
    horizon_months: int = Field(12, ge=1, le=60, description="months over which customer value is predicted")
    margin: float = Field(1.0, gt=0, le=1, description="share of revenue kept after costs, for customer value")
    discount_rate: float = Field(0.1, ge=0, le=1, description="annual discount rate of predicted value")
    show_personal_data: bool = Field(False, description="true: the customer export has names and e-mail addresses")
    cell_timeout_s: int = Field(600, ge=1, description="seconds a notebook cell may run")
    keep_runs: int = Field(10, ge=1, description="runs kept in output/runs")

    @field_validator("as_of", mode="before")
    @classmethod
    def _day_or_auto(cls, value: object) -> date | Literal["auto"]:
        if value == AUTO:
            return "auto"
        try:
            return date.fromisoformat(str(value))
        except ValueError as error:
            raise ValueError(
                f"{value!r} is not a day; expected one such as 2025-07-01, or auto for your files"
            ) from error

    @field_validator("revenue_target", mode="before")
    @classmethod
    def _none_is_a_word(cls, value: object) -> object:
        return None if value == "none" else value

    @field_validator("currency")
    @classmethod
    def _known_currency(cls, value: str) -> str:
        if value != AUTO and value not in list_currencies():
            raise ValueError(f"unknown currency {value!r}; expected an ISO 4217 code such as USD, EUR or GBP")
        return value

    @field_validator("locale")
    @classmethod
    def _known_locale(cls, value: str) -> str:
        if value not in locale_identifiers():
            raise ValueError(f"unknown locale {value!r}; expected language and country, such as en_US, en_GB or de_DE")
        return value

    @field_validator("time_zone")
    @classmethod
    def _known_time_zone(cls, value: str) -> str:
        return _zone(value)

    @model_validator(mode="after")
    def _data_belong_to_a_mapping(self) -> "Params":
        if self.mapping and not self.data:
            raise ValueError(
                "mapping is set, data is not. Name the file, as in `make pipeline PARAMS=online_retail DATA=FILE`"
            )
        if autos := [name for name in FROM_FILES if getattr(self, name) == AUTO and not self.data]:
            raise ValueError(f"{' and '.join(autos)}: auto follows from your files, and data is not set. Set a value")
        if self.data and not self.mapping:
            raise ValueError("data is set, mapping is not. Leave out PARAMS, or use params with a mapping")
        return self

    @model_validator(mode="after")
    def _cluster_belongs_to_dask(self) -> "Params":
        if self.dask_address and self.engine != "dask":
            raise ValueError("dask_address is set, engine is local. Set engine: dask, or leave dask_address empty")
        return self

    def values(self) -> dict[str, Any]:
        """The parameters as JSON types: the form that notebooks receive and the manifest stores."""
        return self.model_dump(mode="json")


def _zone(value: str) -> str:
    try:
        return known_zone(value)
    except UsageError as error:
        raise ValueError(str(error)) from error


def add_options(parser: argparse.ArgumentParser, usual: str = "demo") -> None:
    """Add the options of a command that name a shop: --params, --data and --set."""
    words = f"a params file, or its name ({usual}; with --data the one in params/ that fits it)"
    parser.add_argument("--params", default="", metavar="FILE", help=words)
    parser.add_argument("--data", default="", metavar="FILE", help="your file, folder or zip archive")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="override one parameter")


def chosen(options: argparse.Namespace) -> tuple[Path, Params]:
    """The params file that the options name, or that fits their file, else the demo's; its parameters with overrides.

    Raises:
        UsageError: See `find` and `load`.
        DataError: No params file fits the file.
    """
    if options.data and not options.params:
        from lib.run.presets import preset_for

        file = preset_for(Path(options.data).expanduser().resolve())
    else:
        file = find(options.params or "demo")
    return file, load(file, [*options.set, *([f"data={options.data}"] if options.data else [])])


def find(name: str) -> Path:
    """Path of a params file.

    Args:
        name: A path, or the name of a file in params/ without its ending.

    Raises:
        UsageError: No such file; the message lists the names in params/ and the closest match.
    """
    candidates = [Path(name), PROJECT / "params" / f"{name}.yml"]
    for path in candidates:
        if path.is_file():
            return path
    known = sorted(path.stem for path in (PROJECT / "params").glob("*.yml"))
    raise UsageError(
        f"unknown params file {name!r}{did_you_mean(name, known)}; expected a path or one of {', '.join(known)}"
    )


def load(path: Path, settings: Sequence[str] = ()) -> Params:
    """The parameters of a file, validated.

    Args:
        path: The params file (YAML).
        settings: `key=value` texts that override it, such as `seed=7`; the last part of a key is enough.

    Returns:
        All parameters, with defaults filled in; `data` is an absolute path.

    Raises:
        UsageError: Lists every wrong key and value with its file and line, or names the missing data file.
    """
    values, places = _read(path)
    params = _validated(values, settings, path, places)
    if params.mapping is None:
        return params
    return params.model_copy(update={"data": _existing(params.data, params.mapping.format)})


def overridden(values: dict[str, Any], settings: Sequence[str]) -> Params:
    """The parameters of an earlier run, with `key=value` texts that override them.

    Raises:
        UsageError: Lists every wrong key and value.
    """
    return _validated(copy.deepcopy(values), settings, Path("the last run"), {})


def _validated(values: dict[str, Any], settings: Sequence[str], path: Path, places: dict[KeyPath, str]) -> Params:
    for setting in settings:
        places[_override(values, setting)] = f"--set {setting}"
    try:
        return Params.model_validate(values)
    except ValidationError as error:
        problems = [_message(problem, path, places) for problem in error.errors()]
        raise UsageError("\n".join(problems)) from error


def check(values: dict[str, Any]) -> None:
    """Refuse values that a params file could not have, such as those of an edited notebook.

    Args:
        values: Value by name; names that are not parameters are ignored.

    Raises:
        UsageError: Lists every wrong value.
    """
    try:
        Params.model_validate({name: values[name] for name in Params.model_fields if name in values})
    except ValidationError as error:
        problems = [_message(problem, Path("parameters"), {}) for problem in error.errors()]
        raise UsageError("\n".join(problems)) from error


def _read(path: Path) -> tuple[dict[str, Any], dict[KeyPath, str]]:
    """The nested values of a file, and the place of each key for messages."""
    try:
        text = path.read_text(encoding="utf-8")
        values, lines = yaml.safe_load(text) or {}, list(_lines(yaml.compose(text)))
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} cannot be read as text: {error}") from error
    except (yaml.YAMLError, ValueError) as error:  # PyYAML raises ValueError for a date such as 2025-02-30
        raise UsageError(f"{path} is not YAML: {' '.join(str(error).split())}") from error
    if not isinstance(values, dict):
        raise UsageError(f"{path} has no `key: value` lines; see params/demo.yml for an example")
    places: dict[KeyPath, str] = {}
    for key, line in lines:
        if key in places:
            raise UsageError(f"{path}, line {line}: duplicate key {'.'.join(key)}. Keep one")
        places[key] = f"{path}, line {line}"
    return values, places


def _lines(node: yaml.Node | None, place: KeyPath = ()) -> Iterator[tuple[KeyPath, int]]:
    """Each key of the file with its line number."""
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield (*place, str(key.value)), key.start_mark.line + 1
            yield from _lines(value, (*place, str(key.value)))


def _override(values: dict[str, Any], setting: str) -> KeyPath:
    """Set the value of a `key=value` text in the nested values; returns the full key."""
    key, equals, text = setting.partition("=")
    if not equals:
        raise UsageError(f"--set {setting}: expected key=value, such as --set seed=7")
    name = _full_name(key.strip())
    *sections, leaf = name.split(".")
    target = values
    for section in sections:
        if not isinstance(target.get(section), dict):
            target[section] = {}
        target = target[section]
    target[leaf] = _value(name, text)
    return (*sections, leaf)


def _full_name(key: str) -> str:
    """`generate.orders` for `orders`: the last part of a key is enough where no other name has it."""
    names = _known()
    same = [key] if key in names else [name for name in names if key == name.rpartition(".")[2]]
    if len(same) != 1 and not key.startswith("mapping."):
        raise UsageError(
            f"--set: unknown parameter {key!r}{did_you_mean(key, names)}. params/demo.yml explains every parameter"
        )
    return same[0] if len(same) == 1 else key


def _value(name: str, text: str) -> Any:
    """The value as YAML reads it; for text parameters as typed, since a path may contain any character."""
    expected = _known()[name].annotation if name in _known() else str
    try:
        return text if expected is str else yaml.safe_load(text)
    except (yaml.YAMLError, ValueError):
        return text


def _known() -> dict[str, FieldInfo]:
    """Every parameter by its full name."""
    sections: dict[str, type[_Section]] = {"generate": Generate, "mapping": Mapping}
    known = {name: field for name, field in Params.model_fields.items() if name not in sections}
    for section, model in sections.items():
        known |= {f"{section}.{name}": field for name, field in model.model_fields.items()}
    return known


def _existing(data: str, source_format: str) -> str:
    """The absolute path or pattern of the data: a folder for the workbook's own tables, files for any other format."""
    path = Path(data).expanduser().resolve()
    if source_format != "tables":
        named_files(path)
    elif not path.is_dir() and path.suffix.lower() != ".zip":
        raise UsageError(f"no folder {path}; expected the folder with your files. Name it, as in DATA=FOLDER")
    return str(path)


def _message(problem: ErrorDetails, path: Path, places: dict[KeyPath, str]) -> str:
    key = tuple(str(part) for part in problem["loc"])
    name, place = ".".join(key), places.get(key, str(path))
    text = problem["msg"].removeprefix("Value error, ")
    if problem["type"] == "extra_forbidden":
        return f"{place}: unknown parameter {name!r}{did_you_mean(name, _known())}"
    if not key:
        return f"{place}: {text}"
    if problem["type"] == "value_error":  # our own validators name the value themselves
        return f"{place}: {name}: {text}"
    value = "" if isinstance(problem["input"], dict) else f" is {problem['input']!r}"
    return f"{place}: {name}{value}: {text}"
