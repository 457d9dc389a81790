"""The collection, questions and dashboard that Metabase gets: metabase.yml, and one question per KPI in kpis.yml."""

import itertools
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from lib import kpis
from lib.errors import MetabaseError

__all__ = ["FILTERS", "Card", "Collection", "Dashboard", "Question", "Spec", "Tab", "load"]

FILE = Path(__file__).with_name("metabase.yml")
GRID = 24  # columns of a dashboard since Metabase 0.47
DISPLAYS = Literal[
    "table", "bar", "line", "area", "row", "pie", "scalar", "smartscalar", "combo", "funnel", "map", "scatter",
    "waterfall", "progress", "gauge",
]  # fmt: skip
KEY = Field(pattern=r"^[a-z][a-z0-9_.]*$")
WORDS = Field(min_length=1, pattern=r"^(?s:(?!.*managed-by:).*)$")
# The bound values that a dashboard offers as filters, and how they are called there.
FILTERS = {"start": "From", "end": "Up to, not including", "as_of": "As of"}


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, regex_engine="python-re")


class Collection(_Section):
    """The one collection that holds everything."""

    name: str = WORDS
    description: str = WORDS


class Question(_Section):
    """One question: `sql` is a file of lib/sql/questions, `values` binds what is neither as_of nor the period."""

    key: str = KEY
    name: str = WORDS
    description: str = WORDS
    sql: str
    display: DISPLAYS
    settings: dict[str, Any] = {}
    formats: dict[str, Literal["money", "percent", "integer"]] = {}
    values: dict[str, Any] = {}


class Card(_Section):
    """A question on the dashboard: `at` is its column and row, `size` its columns and rows of the grid."""

    question: str
    at: tuple[int, int] = Field(strict=False)
    size: tuple[int, int] = Field(strict=False)

    @model_validator(mode="after")
    def _within_the_grid(self) -> "Card":
        if min(self.at) < 0 or min(self.size) < 1 or self.at[0] + self.size[0] > GRID:
            raise ValueError(
                f"the card {self.question} is outside the grid; expected columns 0 to {GRID - 1} and sizes from 1"
            )
        return self

    def overlaps(self, other: "Card") -> bool:
        """Whether the two cards share a cell of the grid."""
        return all(self.at[i] < other.at[i] + other.size[i] and other.at[i] < self.at[i] + self.size[i] for i in (0, 1))


class Tab(_Section):
    """One tab of the dashboard."""

    name: str = WORDS
    cards: list[Card] = Field(min_length=1)

    @model_validator(mode="after")
    def _side_by_side(self) -> "Tab":
        for one, other in itertools.combinations(self.cards, 2):
            if one.overlaps(other):
                raise ValueError(f"{one.question} and {other.question} overlap on the tab {self.name}. Move one")
        return self


class Dashboard(_Section):
    """The dashboard; its filters are the bound values of the questions that FILTERS names."""

    key: str = KEY
    name: str = WORDS
    description: str = WORDS
    tabs: list[Tab] = Field(min_length=1)


class Spec(_Section):
    """All of metabase.yml; its questions come after those of the KPI registry."""

    database: str = WORDS
    collection: Collection
    questions: list[Question]
    dashboard: Dashboard

    @field_validator("questions")
    @classmethod
    def _after_those_of_kpis(cls, questions: list[Question]) -> list[Question]:
        return [*(_of_kpi(kpi) for kpi in kpis.registry().values() if kpi.metabase), *questions]

    def question(self, key: str) -> Question:
        """The question with this key."""
        return next(question for question in self.questions if question.key == key)

    @model_validator(mode="after")
    def _names_are_known_and_single(self) -> "Spec":
        keys = [question.key for question in self.questions]
        placed = [card.question for tab in self.dashboard.tabs for card in tab.cards]
        for kind, names in (
            ("key", [*keys, self.dashboard.key]),
            ("name", [question.name for question in self.questions]),
            ("card", placed),
            ("tab", [tab.name for tab in self.dashboard.tabs]),
        ):
            if twice := {name for name in names if names.count(name) > 1}:
                raise ValueError(f"the {kind} {', '.join(sorted(twice))} occurs twice; keep one")
        if unknown := sorted(set(placed) - set(keys)):
            raise ValueError(f"the dashboard has cards for unknown questions: {', '.join(unknown)}")
        return self


def _of_kpi(kpi: kpis.Kpi) -> Question:
    """The question that shows the KPI of the period as a number; it is named like the others, with capital initials."""
    return Question(
        key=kpi.name,
        name=kpi.metabase_name or " ".join(word[:1].upper() + word[1:] for word in kpi.label.split()),
        description=f"{kpi.definition[0].upper()}{kpi.definition[1:]}.",
        sql="period_kpis",
        display="scalar",
        settings={"scalar.field": kpi.name},
    )


def load(time_zone: str = "UTC") -> Spec:
    """The spec of metabase.yml for a shop with days of `time_zone`, and the KPI registry.

    Raises:
        MetabaseError: Names every mistake in it.
    """
    try:
        return Spec.model_validate(yaml.safe_load(FILE.read_text(encoding="utf-8").replace("{time_zone}", time_zone)))
    except yaml.YAMLError as error:
        raise MetabaseError(f"{FILE.name} is not YAML: {' '.join(str(error).split())}") from error
    except ValidationError as error:
        faults = (f"{'.'.join(map(str, fault['loc'])) or 'all of it'}: {fault['msg']}" for fault in error.errors())
        raise MetabaseError(f"{FILE.name} has mistakes: {'; '.join(faults)}") from error
