"""The model of a params file: which keys there are, their types and ranges; anything else is refused with a hint."""

import difflib
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

from lib.errors import UsageError
from lib.settings import PROJECT

__all__ = ["Generate", "Mapping", "Params", "find", "load"]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class Generate(_Section):
    """Sizes of the synthetic shop."""

    users: int = Field(100, ge=1, le=100_000_000)
    products: int = Field(50, ge=1, le=100_000)
    orders: int = Field(115, ge=0, le=1_000_000_000)
    lines_per_order: float = Field(1.45, ge=1, le=100)
    events: int = Field(850, ge=0, le=10_000_000_000)
    marketing_campaigns: int = Field(10, ge=0, le=1_000)
    history_days: int = Field(400, ge=30, le=3_660)
    seasons: bool = True

    @model_validator(mode="after")
    def _events_cover_orders(self) -> "Generate":
        least = math.ceil(self.orders * (3 + 2 * self.lines_per_order))
        if self.events < least:
            raise ValueError(
                f"events is {self.events}; wanted at least {least}: the visit of each order has a session_start, a "
                "product_view and an add_to_cart per line, a checkout and a purchase"
            )
        return self


class Mapping(_Section):
    """How the shop's own files are to be read."""

    format: Literal["tables", "online_retail", "shopify"]
    columns: dict[str, str | dict[str, str]] = {}
    keys: Literal["uuid", "text"] = "uuid"
    delimiter: str = Field(",", min_length=1, max_length=1)
    encoding: str = "utf-8"
    decimal: Literal[".", ","] = "."
    date_format: str = ""
    time_zone: str = "UTC"
    null_words: list[str] = []
    ignore_extra: bool = False
    countries: dict[str, str] = {}


class Params(_Section):
    """All that a run may vary; the names are those of the notebooks' parameters."""

    seed: int = Field(42, ge=0, lt=2**63)
    as_of: date = Field(date(2025, 7, 1), strict=False)
    currency: str = "USD"
    locale: str = "en_US"
    generate: Generate = Generate()
    engine: Literal["local", "dask"] = "local"
    dask_address: str = ""
    workers: int = Field(0, ge=0, le=256)
    data: str = ""
    mapping: Mapping | None = None
    max_reject_share: float = Field(0.01, ge=0, le=1)
    on_bad_rows: Literal["fail", "reject"] = "fail"
    load_mode: Literal["replace", "append"] = "replace"
    period: Literal["last_30_days", "last_90_days", "last_month", "month_to_date", "year_to_date"] = "last_month"
    revenue_target: float = Field(1_000, gt=0)
    churn_days: int = Field(90, ge=1, le=3_650)
    horizon_days: int = Field(30, ge=1, le=365)
    horizon_months: int = Field(12, ge=1, le=60)
    margin: float = Field(1.0, gt=0, le=1)
    discount_rate: float = Field(0.1, ge=0, le=1)
    show_personal_data: bool = False
    cell_timeout_s: int = Field(600, ge=1)
    keep_runs: int = Field(10, ge=1)

    @field_validator("currency")
    @classmethod
    def _known_currency(cls, value: str) -> str:
        if value not in list_currencies():
            raise ValueError(f"{value!r} is no currency; wanted an ISO 4217 code such as USD, EUR or GBP")
        return value

    @field_validator("locale")
    @classmethod
    def _known_locale(cls, value: str) -> str:
        if value not in locale_identifiers():
            raise ValueError(f"{value!r} is no locale; wanted a language and a country such as en_US, en_GB or de_DE")
        return value

    @model_validator(mode="after")
    def _data_belong_to_a_mapping(self) -> "Params":
        if self.mapping and not self.data:
            raise ValueError(
                "mapping is given, data is not; name the file, as in `make pipeline PARAMS=online_retail DATA=FILE`"
            )
        if self.data and not self.mapping:
            raise ValueError("data is given, mapping is not; use params that map it, such as PARAMS=online_retail")
        return self

    @model_validator(mode="after")
    def _cluster_belongs_to_dask(self) -> "Params":
        if self.dask_address and self.engine != "dask":
            raise ValueError("dask_address is given, engine is local; set engine: dask, or leave the address empty")
        return self

    def values(self) -> dict[str, Any]:
        """The parameters as JSON types: what a notebook takes and the manifest keeps."""
        return self.model_dump(mode="json")


def find(name: str) -> Path:
    """Path of a params file, given as a path or as a name in params/; raises UsageError with the names there are."""
    candidates = [Path(name), PROJECT / "params" / f"{name}.yml"]
    for path in candidates:
        if path.is_file():
            return path
    known = sorted(path.stem for path in (PROJECT / "params").glob("*.yml"))
    raise UsageError(
        f"no params file {name!r}{_did_you_mean(name, known)}; there are {', '.join(known)}, or give a path"
    )


def load(path: Path, settings: Sequence[str] = ()) -> Params:
    """Parameters of a file with `key=value` settings laid over them; `data` becomes an absolute path.

    Raises UsageError that names every wrong key and value with its file and line, or the data file that is not there.
    """
    values, places = _read(path)
    for setting in settings:
        places[_lay_over(values, setting)] = f"--set {setting}"
    try:
        found = Params.model_validate(values)
    except ValidationError as error:
        problems = [_in_words(problem, path, places) for problem in error.errors()]
        raise UsageError("\n".join(problems)) from error
    return found.model_copy(update={"data": _existing(found)}) if found.data else found


def _read(path: Path) -> tuple[dict, dict[tuple[str, ...], str]]:
    """The nested values of a file and, for messages, where in it each key is."""
    try:
        text = path.read_text(encoding="utf-8")
        values, lines = yaml.safe_load(text) or {}, list(_lines(yaml.compose(text)))
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} cannot be read as text: {error}") from error
    except (yaml.YAMLError, ValueError) as error:  # a ValueError is a day that no calendar has
        raise UsageError(f"{path} is not YAML: {' '.join(str(error).split())}") from error
    if not isinstance(values, dict):
        raise UsageError(f"{path} holds no `key: value` lines; see params/demo.yml")
    places: dict[tuple[str, ...], str] = {}
    for key, line in lines:
        if key in places:
            raise UsageError(f"{path}, line {line}: {'.'.join(key)} is there twice; keep one")
        places[key] = f"{path}, line {line}"
    return values, places


def _lines(node: yaml.Node | None, place: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], int]]:
    """Line of every key in the file, by its path of names."""
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield (*place, str(key.value)), key.start_mark.line + 1
            yield from _lines(value, (*place, str(key.value)))


def _lay_over(values: dict, setting: str) -> tuple[str, ...]:
    """Put a setting's value into the nested values; the path of names where it went."""
    key, equals, text = setting.partition("=")
    if not equals:
        raise UsageError(f"--set {setting}: wanted key=value, such as --set seed=7")
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
    """`generate.orders` for `orders`: the short name of a key is enough where only one section has it."""
    names = list(_known())
    same = [name for name in names if key in (name, name.rpartition(".")[2])]
    if len(same) != 1 and not key.startswith("mapping."):
        raise UsageError(f"--set: unknown parameter {key!r}{_did_you_mean(key, names)}")
    return same[0] if len(same) == 1 else key


def _value(name: str, text: str) -> Any:
    """The value as YAML would read it; a text stays as typed, as a path may hold any character."""
    wanted = _known()[name].annotation if name in _known() else str
    try:
        return text if wanted is str else yaml.safe_load(text)
    except (yaml.YAMLError, ValueError):
        return text


def _known() -> dict[str, FieldInfo]:
    """Every parameter by its full name."""
    sections = {"generate": Generate, "mapping": Mapping}
    nested = {
        f"{section}.{name}": field for section, model in sections.items() for name, field in model.model_fields.items()
    }
    return {name: field for name, field in Params.model_fields.items() if name not in sections} | nested


def _existing(found: Params) -> str:
    """The data's absolute path, when it is there: a folder for the six tables, else a file."""
    path = Path(found.data).expanduser().resolve()
    if found.mapping.format == "tables" and not path.is_dir():
        raise UsageError(f"the folder {path} is not there; name the one with the shop's own files, as in DATA=FOLDER")
    if found.mapping.format != "tables" and not path.is_file():
        raise UsageError(f"the data file {path} is not there; name the shop's own file, as in DATA=FILE")
    return str(path)


def _in_words(problem: dict, path: Path, places: dict[tuple[str, ...], str]) -> str:
    place = tuple(str(part) for part in problem["loc"])
    name, where = ".".join(place), places.get(place, str(path))
    text = problem["msg"].removeprefix("Value error, ")
    if problem["type"] == "extra_forbidden":
        return f"{where}: unknown parameter {name!r}{_did_you_mean(name, list(_known()))}"
    if not place:
        return f"{where}: {text}"
    found = "" if isinstance(problem["input"], dict) else f" is {problem['input']!r}"
    return f"{where}: {name}{found}: {text}"


def _did_you_mean(word: str, known: list[str]) -> str:
    """The nearest known name; a key of a section is compared by its last part too."""
    leaves = {name.rpartition(".")[2]: name for name in known}
    near = difflib.get_close_matches(word.rpartition(".")[2], leaves, n=1)
    return f"; did you mean {leaves[near[0]]!r}?" if near else ""
