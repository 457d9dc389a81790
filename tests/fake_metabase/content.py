"""The part of the stand-in that keeps collections, cards and dashboards."""

from typing import Any
from uuid import NAMESPACE_URL, uuid5

from tests.fake_metabase.state import Reply, State
from tests.fake_metabase.warehouse import ALLOWED, run

__all__ = ["routes"]


def _found(things: dict[int, dict], number: int) -> dict:
    if number not in things:
        raise Reply(404, "Not found.")
    return things[number]


def _new(state: State, things: dict[int, dict], content: dict) -> dict:
    number = state.number()
    defaults = {
        "id": number, "entity_id": state.entity_id(), "archived": False, "created_at": state.now(),
        "updated_at": state.now(), "creator_id": 1, "can_write": True,
    }  # fmt: skip
    things[number] = defaults | content
    return things[number]


def collections(state: State, query: dict, **_: Any) -> list:
    archived = query.get("archived") == ["true"]
    root = [] if archived else [{"id": "root", "name": "Our analytics", "can_write": True}]
    return root + [one for one in state.collections.values() if one["archived"] == archived]


def add_collection(state: State, body: dict, **_: Any) -> dict:
    if body.get("description") == "":
        raise Reply(400, {"errors": {"description": "nullable value must be a non-blank string."}})
    return _new(state, state.collections, {"description": None, "location": "/", "parent_id": None} | body)


def collection(state: State, number: int, **_: Any) -> dict:
    return _found(state.collections, number)


def change_collection(state: State, number: int, body: dict, **_: Any) -> dict:
    found = _found(state.collections, number)
    if body.get("archived", found["archived"]) != found["archived"]:
        for things in (state.cards, state.dashboards):
            for one in things.values():
                one["archived"] = body["archived"] if one["collection_id"] == number else one["archived"]
    return _changed(state, found, body)


def _changed(state: State, found: dict, body: dict) -> dict:
    found |= body | {"updated_at": state.now()}
    return found


def items(state: State, number: int | str, query: dict, **_: Any) -> dict:
    """A page of what is in a collection; of what is archived in the trash."""
    lists = {"card": state.cards, "dashboard": state.dashboards}
    every = [
        _item(model, one)
        for model in query.get("models", list(lists))
        for one in lists.get(model, {}).values()
        if (one["archived"] if number == "trash" else one["collection_id"] == number and not one["archived"])
    ]
    limit, offset = (int(query.get(name, [given])[0]) for name, given in (("limit", 50), ("offset", 0)))
    page = every[offset : offset + limit]
    return {"data": page, "total": len(every), "limit": limit, "offset": offset, "models": query.get("models", [])}


def _item(model: str, one: dict) -> dict:
    names = ("id", "name", "description", "entity_id", "collection_id", "archived", "display")
    return {"model": model} | {name: one.get(name) for name in names}


def cards(state: State, query: dict, **_: Any) -> list:
    return [_read(state, one, query) for one in state.cards.values() if not one["archived"]]


def add_card(state: State, body: dict, **_: Any) -> dict:
    content = {
        "description": None, "collection_id": None, "type": "question", "parameters": [], "parameter_mappings": [],
        "result_metadata": None, "cache_ttl": None, "dashboard_id": None, "query_type": "native", "table_id": None,
        "enable_embedding": False, "embedding_params": None, "collection_position": None, "public_uuid": None,
    }  # fmt: skip
    given = {name: value for name, value in body.items() if name != "entity_id"}
    return _read(state, _new(state, state.cards, content | _valid(state, given)), {})


def _valid(state: State, body: dict) -> dict:
    """The card's query normalized: refused, or lost without a word, when it is malformed or the fault says so."""
    if "dataset_query" not in body:
        return body
    query = body["dataset_query"]
    if state.take("loses_query"):
        return body | {"dataset_query": {}}
    if not query:
        raise Reply(500, {"message": 'NULL not allowed for column "DATABASE_ID"', "via": [], "trace": []})
    if query.get("type") != "native" or not query["native"].get("query"):
        raise Reply(400, {"errors": {"dataset_query": "value must be a valid MBQL query."}})
    return body | {"database_id": query["database"]}


def card(state: State, number: int, query: dict, **_: Any) -> dict:
    return _read(state, _found(state.cards, number), query)


def _read(state: State, one: dict, query: dict) -> dict:
    """A card as this version answers it: MBQL 5 since 57 unless asked otherwise, tags as a list since 61."""
    old = one["dataset_query"]
    if not old:
        return one
    tags = old["native"].get("template-tags") or {}
    tags = list(tags.values()) if state.major >= 61 else tags
    if query.get("legacy-mbql") == ["true"] and state.major > 57:
        return one | {"dataset_query": old | {"native": old["native"] | {"template-tags": tags}}}
    stage = {
        "lib/type": "mbql.stage/native", "native": old["native"]["query"], "template-tags": tags,
        "lib/uuid": str(uuid5(NAMESPACE_URL, str(one["id"]))),
    }  # fmt: skip
    new = {"lib/type": "mbql/query", "database": old["database"], "stages": [stage], "lib.convert/converted?": True}
    return one | {"dataset_query": new}


def change_card(state: State, number: int, body: dict, **_: Any) -> dict:
    given = {name: value for name, value in _valid(state, body).items() if value is not None}
    return _read(state, _changed(state, _found(state.cards, number), given), {})


def run_card(state: State, number: int, **_: Any) -> None:
    run(state, _found(state.cards, number)["dataset_query"], {})


def dashboards(state: State, **_: Any) -> list:
    shown = [one for one in state.dashboards.values() if not one["archived"]]
    return [{name: value for name, value in one.items() if name not in ("dashcards", "tabs")} for one in shown]


def add_dashboard(state: State, body: dict, **_: Any) -> dict:
    content = {
        "description": None, "parameters": [], "collection_id": None, "dashcards": [], "tabs": [], "width": "fixed",
        "auto_apply_filters": True, "cache_ttl": None, "enable_embedding": False, "embedding_params": None,
        "public_uuid": None,
    }  # fmt: skip
    return _new(state, state.dashboards, content | body)


def dashboard(state: State, number: int, **_: Any) -> dict:
    """With the cards it holds; those in the trash are not shown."""
    found = _found(state.dashboards, number)
    shown = [one | {"card": state.cards.get(one["card_id"])} for one in found["dashcards"] if _alive(state, one)]
    return found | {"dashcards": shown, "collection": state.collections.get(found["collection_id"])}


def _alive(state: State, dashcard: dict) -> bool:
    return dashcard["card_id"] is None or not state.cards[dashcard["card_id"]]["archived"]


def change_dashboard(state: State, number: int, body: dict, **_: Any) -> dict:
    found = _found(state.dashboards, number)
    if state.take("dashboard_fails"):
        raise Reply(400, {"errors": {"dashcards": "value must be seq of maps in which ids are unique"}})
    if found["archived"] and set(body) - {"archived", "description"}:
        raise Reply(404, "Not found.")
    kept = {name for name in ("name", "parameters", "archived", "auto_apply_filters") if body.get(name, 0) is None}
    given = {name: value for name, value in body.items() if name not in (*kept, "dashcards", "tabs")}
    if body.get("dashcards") is not None:
        given |= _laid_out(state, found, body)
    _changed(state, found, given)
    return dashboard(state, number)


def _laid_out(state: State, found: dict, body: dict) -> dict:
    """Tabs and cards in place of those before: what is not sent is gone, negative ids are new."""
    given = [state.declared("dashcard", one) for one in body["dashcards"]]
    sent_tabs = [state.declared("tab", one) for one in body.get("tabs") or []]
    for parts in (given, sent_tabs):
        if len({one["id"] for one in parts}) < len(parts):
            raise Reply(400, {"errors": {"dashcards": "value must be seq of maps in which ids are unique"}})
    old = {tab["id"] for tab in found["tabs"]}
    ids = {tab["id"]: tab["id"] if tab["id"] in old else state.number() for tab in sent_tabs}
    if len(ids) > 1 and any(one.get("dashboard_tab_id") not in ids for one in given):
        raise Reply(400, "This dashboard has tab, makes sure every card has a tab")
    tabs = [
        {"id": ids[tab["id"]], "dashboard_id": found["id"], "name": tab["name"], "position": at}
        for at, tab in enumerate(sent_tabs)
    ]
    known = {one["id"] for one in found["dashcards"]}
    if state.take("loses_mappings"):
        given = [one | {"parameter_mappings": []} for one in given]
    return {"tabs": tabs, "dashcards": [_dashcard(state, found, one, known, ids) for one in given]}


def _dashcard(state: State, found: dict, one: dict, known: set[int], tabs: dict[int, int]) -> dict:
    if one.get("card_id") is not None and _found(state.cards, one["card_id"])["archived"]:
        raise Reply(404, "The object has been archived.")
    defaults = {
        "card_id": None, "dashboard_id": found["id"], "action_id": None, "series": [], "parameter_mappings": [],
        "visualization_settings": {}, "inline_parameters": [], "entity_id": state.entity_id(),
        "created_at": state.now(), "updated_at": state.now(),
    }  # fmt: skip
    number = one["id"] if one["id"] in known else state.number()
    only = next(iter(tabs.values()), None) if len(tabs) == 1 else None
    return defaults | one | {"id": number, "dashboard_tab_id": tabs.get(one.get("dashboard_tab_id"), only)}


def run_dashcard(state: State, number: int, dashcard: int, other: int, body: dict, **_: Any) -> None:
    found = _found(state.dashboards, number)
    placed = _found({one["id"]: one for one in found["dashcards"]}, dashcard)
    query = _found(state.cards, other)["dataset_query"]
    run(state, query, dict(_wired(found, placed, query, given) for given in body.get("parameters") or []))


def _wired(found: dict, placed: dict, query: dict, given: dict) -> tuple[str, Any]:
    """Tag and value that a filter's value comes to by the card's mapping; refused when the two do not fit."""
    parameter = next((one for one in found["parameters"] if one["id"] == given["id"]), None)
    mapping = next((one for one in placed["parameter_mappings"] if one["parameter_id"] == given["id"]), None)
    if not parameter or not mapping:
        raise Reply(400, {"message": f"Dashboard does not have a parameter with ID {given['id']!r}."})
    kind, (_, name) = mapping["target"]
    tag = (query["native"].get("template-tags") or {}).get(name)
    if kind != "variable" or not tag or parameter["type"] not in ALLOWED[tag["type"]]:
        raise Reply(400, {"message": f"Invalid parameter type {parameter['type']!r} for parameter {name!r}."})
    return name, given["value"]


routes = {
    "GET /api/collection": collections,
    "POST /api/collection": add_collection,
    "GET /api/collection/:id": collection,
    "PUT /api/collection/:id": change_collection,
    "GET /api/collection/:id/items": items,
    "GET /api/card": cards,
    "POST /api/card": add_card,
    "GET /api/card/:id": card,
    "PUT /api/card/:id": change_card,
    "POST /api/card/:id/query": run_card,
    "GET /api/dashboard": dashboards,
    "POST /api/dashboard": add_dashboard,
    "GET /api/dashboard/:id": dashboard,
    "PUT /api/dashboard/:id": change_dashboard,
    "POST /api/dashboard/:id/dashcard/:id/card/:id/query": run_dashcard,
}
