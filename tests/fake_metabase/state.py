"""State of the stand-in, the requests it refuses, and the keys that each route declares."""

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

__all__ = ["ADMIN", "API_KEY", "DECLARED", "PASSWORD", "Reply", "State"]

ADMIN, PASSWORD, API_KEY = "admin@example.com", "CANARY_mb_9f3@:/#%w", "mb_CANARY_key_9f3"
EPOCH = datetime(2026, 1, 1, tzinfo=UTC)

# Of each route that takes a body: the keys it declares, the required ones with a star. `...` takes all keys.
DECLARED: dict[str, str] = {
    "POST /api/session": "username* password*",
    "POST /api/setup": "token* user* prefs*",
    "POST /api/api-key": "group_id* name*",
    "POST /api/database": (
        "name* engine* details* is_full_sync is_on_demand auto_run_queries connection_source schedules provider_name"
    ),
    "PUT /api/database": "name engine details auto_run_queries schedules description caveats settings",
    "PUT /api/table": "description display_name caveats points_of_interest visibility_type entity_type field_order",
    "PUT /api/field": (
        "description display_name caveats points_of_interest semantic_type fk_target_field_id visibility_type "
        "coercion_strategy has_field_values settings nfc_path json_unfolding"
    ),
    "POST /api/collection": "name* description parent_id namespace authority_level",
    "PUT /api/collection": "name description archived parent_id authority_level type",
    "POST /api/card": (
        "name* dataset_query* display* visualization_settings* description collection_id collection_position type "
        "parameters parameter_mappings result_metadata cache_ttl dashboard_id dashboard_tab_id entity_id"
    ),
    "PUT /api/card": (
        "name dataset_query display visualization_settings description collection_id collection_position type "
        "parameters parameter_mappings result_metadata cache_ttl dashboard_id dashboard_tab_id archived "
        "enable_embedding embedding_params embedding_type collection_preview"
    ),
    "POST /api/card/query": "ignore_cache collection_preview dashboard_id",
    "POST /api/dataset": "...",
    "POST /api/dashboard": "name* description parameters collection_id collection_position cache_ttl",
    "PUT /api/dashboard": (
        "name description parameters collection_id collection_position cache_ttl dashcards tabs width archived "
        "auto_apply_filters caveats points_of_interest position enable_embedding embedding_params embedding_type "
        "show_in_getting_started"
    ),
    "POST /api/dashboard/query": "parameters dashboard_load_id ignore_cache",
    "dashcard": (
        "id* size_x* size_y* row* col* card_id dashboard_tab_id action_id series parameter_mappings "
        "visualization_settings inline_parameters"
    ),
    "tab": "id* name*",
}


class Reply(Exception):  # noqa: N818 - not an error: 202 and 204 come this way too
    """An answer other than 200, raised from wherever it is known; `content` is text or what becomes JSON."""

    def __init__(self, status: int, content: Any, **headers: str) -> None:
        super().__init__(status)
        self.status, self.content, self.headers = status, content, headers


@dataclass
class State:
    """Everything that a server has in its own database, the faults it is to have, and what it was asked."""

    version: str = "v0.58.34"
    faults: dict[str, Any] = field(default_factory=dict)
    passwords: dict[str, str] = field(default_factory=lambda: {ADMIN: PASSWORD})
    keys: dict[str, str] = field(default_factory=lambda: {API_KEY: "tests"})
    sessions: set[str] = field(default_factory=set)
    databases: dict[int, dict] = field(default_factory=dict)
    tables: dict[int, dict] = field(default_factory=dict)
    collections: dict[int, dict] = field(default_factory=dict)
    cards: dict[int, dict] = field(default_factory=dict)
    dashboards: dict[int, dict] = field(default_factory=dict)
    requests: list[tuple[str, str, Any]] = field(default_factory=list)
    dropped: list[tuple[str, str]] = field(default_factory=list)
    numbers: int = 0

    @property
    def major(self) -> int:
        """58 for v0.58.34."""
        return int(self.version.split(".")[1])

    def number(self) -> int:
        """A new id."""
        self.numbers += 1
        return self.numbers

    def now(self) -> str:
        """An instant after all before."""
        return (EPOCH + timedelta(seconds=self.number())).isoformat().replace("+00:00", "Z")

    def entity_id(self) -> str:
        """21 characters, of the server's own choice."""
        return f"entity{self.number():015d}"

    def take(self, fault: str) -> Any:
        """The next of the values of a fault that comes a number of times; None when there are none left."""
        values = self.faults.get(fault) or []
        return values.pop(0) if values else None

    def writes(self) -> list[tuple[str, str]]:
        """Requests so far that changed something, or were meant to."""
        asking = re.compile(r"/api/(session|dataset|setup)$|/query$")
        return [(method, path) for method, path, _ in self.requests if method != "GET" and not asking.search(path)]

    def declared(self, route: str, body: Any) -> dict[str, Any]:
        """The body without what the route does not declare, which is noted; refused without what it requires."""
        words = DECLARED[route].split()
        if words == ["..."]:
            return body or {}
        body = body or {}
        if missing := [word[:-1] for word in words if word.endswith("*") and body.get(word[:-1]) in (None, "")]:
            text = "value must be a non-blank string."
            raise Reply(
                400, {"errors": dict.fromkeys(missing, text), "specific-errors": {name: [text] for name in missing}}
            )
        names = {word.rstrip("*") for word in words}
        self.dropped += [(route, name) for name in body if name not in names]
        return {name: value for name, value in body.items() if name in names}
