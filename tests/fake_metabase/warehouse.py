"""The part of the stand-in that reaches PostgreSQL: connections, synchronization, queries."""

import re
import time
from contextlib import closing
from decimal import Decimal
from functools import cache
from typing import Any

import psycopg2
import psycopg2.extensions

from tests.fake_metabase.state import Reply, State

__all__ = ["routes", "run"]

COLUMNS = """
SELECT c.relname, obj_description(c.oid), a.attname, col_description(c.oid, a.attnum),
    format_type(a.atttypid, a.atttypmod)
FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'v')
ORDER BY c.relname, a.attnum
"""
TAG = re.compile(r"--[^\n]*|\{\{\s*(?P<name>\w+)\s*\}\}")
CASTS = {"date": "'{}'::date", "text": "'{}'::text", "number": "{}"}
ALLOWED = {
    "date": ("date", "date/single", "date/all-options"),
    "number": ("number", "number/="),
    "text": ("text", "category"),
}
TYPES = {
    "uuid": "type/UUID",
    "numeric": "type/Decimal",
    "date": "type/Date",
    "integer": "type/Integer",
    "bigint": "type/BigInteger",
}
NAMES = ("host", "port", "dbname", "user", "password")
HIDDEN = "**MetabasePass**"


def _connection(details: dict[str, Any]) -> Any:
    return psycopg2.connect(connect_timeout=5, **{name: details[name] for name in NAMES})


@cache
def _kept_open(*details: Any) -> Any:
    """A connection as a pool has it: a real server does not log in for each question either."""
    connection = _connection(dict(zip(NAMES, details, strict=True)))
    connection.autocommit = True
    return connection


def _try(state: State, details: dict[str, Any], status: int) -> None:
    try:
        _connection(details).close()
    except psycopg2.Error as error:
        text = str(error).strip().splitlines()[0]
        raise Reply(
            status, {"message": text, "errors": {"host": "check your host settings", "port": "check it"}}
        ) from error


def _shown(database: dict) -> dict:
    return {k: v for k, v in database.items() if k != "polls"} | {"details": database["details"] | {"password": HIDDEN}}


def databases(state: State, **_: Any) -> dict:
    return {"data": [_shown(one) for one in state.databases.values()], "total": len(state.databases)}


def add_database(state: State, body: dict, **_: Any) -> dict:
    if "cache_ttl" in body:
        raise Reply(402, "Cache TTL is a paid feature not currently available to your instance.")
    _try(state, body["details"], 400)
    number = state.number()
    state.databases[number] = body | {
        "id": number, "is_sample": False, "initial_sync_status": "incomplete", "updated_at": state.now(),
        "created_at": state.now(), "polls": None, "features": [], "timezone": "UTC",
    }  # fmt: skip
    return _shown(state.databases[number])


def database(state: State, number: int, query: dict, **_: Any) -> dict:
    found = _shown(_found(state.databases, number))
    return found | ({"tables": tables(state)} if query.get("include") == ["tables"] else {})


def tables(state: State, **_: Any) -> list[dict]:
    return [_bare(one) for one in state.tables.values()]


def table(state: State, number: int, **_: Any) -> dict:
    return _bare(_found(state.tables, number))


def table_with_fields(state: State, number: int, **_: Any) -> dict:
    return _found(state.tables, number)


def field(state: State, number: int, **_: Any) -> dict:
    return _found(_fields(state), number)


def _bare(one: dict) -> dict:
    return {name: value for name, value in one.items() if name != "fields"}


def _fields(state: State) -> dict[int, dict]:
    return {one["id"]: one for found in state.tables.values() for one in found["fields"]}


def change_database(state: State, number: int, body: dict, **_: Any) -> dict:
    found = _found(state.databases, number)
    details = body.get("details", found["details"])
    if details["password"] == HIDDEN:
        details = details | {"password": found["details"]["password"]}
    _try(state, details, 400)
    found |= body | {"details": details, "updated_at": state.now()}
    return _shown(found)


def sync(state: State, number: int, **_: Any) -> dict:
    found = _found(state.databases, number)
    _try(state, found["details"], 422)
    if not state.take("early"):  # a look at tables that are not there yet finds nothing
        found["polls"] = 0
    return {"status": "ok"}


def metadata(state: State, number: int, **_: Any) -> dict:
    """The columns known so far: none at the first request, half of the columns at the second, then all."""
    found = _found(state.databases, number)
    if found["polls"] is not None:
        found["polls"] += 1
        _synchronize(state, found)
    return _shown(found) | {"tables": [one for one in state.tables.values() if one["db_id"] == number]}


def _synchronize(state: State, found: dict) -> None:
    fault = state.faults.get("sync")
    if fault == "aborted":
        found |= {"initial_sync_status": "aborted", "initial_sync_error": "permission denied for schema public"}
    if fault or found["polls"] < 2:
        return
    with closing(_connection(found["details"])) as connection, connection.cursor() as cursor:
        cursor.execute(COLUMNS)
        rows = cursor.fetchall()
    for row in rows if found["polls"] > 2 else rows[: len(rows) // 2]:
        _learn(state, found["id"], *row)
    if found["polls"] > 2:
        found |= {"initial_sync_status": "complete", "polls": None}


def _learn(state: State, number: int, table: str, meaning: str, column: str, said: str, kind: str) -> None:
    """Add a table and a column that are new; descriptions come from the comments, once."""
    known = {one["name"]: one for one in state.tables.values() if one["db_id"] == number}
    if table not in known:
        new = state.number()
        known[table] = state.tables[new] = {
            "id": new, "db_id": number, "name": table, "display_name": table, "schema": "public",
            "description": meaning, "fields": [], "entity_type": None, "visibility_type": None, "active": True,
        }  # fmt: skip
    fields = known[table]["fields"]
    if column not in {field["name"] for field in fields}:
        fields.append({
            "id": state.number(), "table_id": known[table]["id"], "name": column, "display_name": column,
            "description": said, "semantic_type": state.faults.get("guesses", {}).get(column),
            "base_type": TYPES.get(kind.split("(")[0], "type/Text"), "database_type": kind, "fk_target_field_id": None,
            "visibility_type": "normal", "has_field_values": None, "position": len(fields), "active": True,
        })  # fmt: skip


def change_table(state: State, number: int, body: dict, **_: Any) -> dict:
    return _updated(_found(state.tables, number), body)


def change_field(state: State, number: int, body: dict, **_: Any) -> dict:
    return _updated(_found(_fields(state), number), body)


def _updated(found: dict, body: dict) -> dict:
    found |= body
    return found


def run_dataset(state: State, body: dict, **_: Any) -> None:
    run(state, body, {})


def run(state: State, query: dict, given: dict[str, Any]) -> None:
    """The answer to a native query with these values of its tags: 202, whether it went well or not."""
    started = time.perf_counter()
    try:
        details = state.databases[query["database"]]["details"]
        columns, rows = _asked(_kept_open(*(details[name] for name in NAMES)), _filled(query["native"], given))
    except (psycopg2.Error, KeyError) as error:
        text = f"ERROR: {str(error).strip()}"
        raise Reply(
            202, {"status": "failed", "error": text, "row_count": 0, "data": {"rows": [], "cols": []}}
        ) from error
    milliseconds = round(1000 * (time.perf_counter() - started))
    data = {"rows": rows, "cols": [_column(name) for name in columns], "native_form": {}, "results_timezone": "UTC"}
    raise Reply(202, {
        "status": "completed", "row_count": len(rows), "running_time": milliseconds, "database_id": query["database"],
        "data": data, "json_query": query, "context": "question",
    })  # fmt: skip


def _column(name: str) -> dict:
    return {
        "name": name,
        "display_name": name,
        "base_type": "type/*",
        "field_ref": ["field", name, {"base-type": "type/*"}],
        "source": "native",
    }


def _asked(connection: Any, statement: str) -> tuple[list[str], list]:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        names = [column.name for column in cursor.description]
        return names, [[_plain(value) for value in row] for row in cursor.fetchmany(2_000)]


def _plain(value: Any) -> Any:
    return float(value) if isinstance(value, Decimal) else value if isinstance(value, int | float | str) else str(value)


def _filled(native: dict, given: dict[str, Any]) -> str:
    """The SQL with a typed literal for each tag; a tag in a comment is none."""
    tags = native.get("template-tags") or {}

    def literal(found: re.Match) -> str:
        if not found["name"]:
            return found[0]
        tag = tags[found["name"]]
        value = given.get(found["name"], tag.get("default"))
        return CASTS[tag["type"]].format(str(value).replace("'", "''"))

    return TAG.sub(literal, native["query"])


def _found(things: dict[int, dict], number: int) -> dict:
    if number not in things:
        raise Reply(404, "Not found.")
    return things[number]


routes = {
    "GET /api/database": databases,
    "POST /api/database": add_database,
    "GET /api/database/:id": database,
    "PUT /api/database/:id": change_database,
    "POST /api/database/:id/sync_schema": sync,
    "GET /api/database/:id/metadata": metadata,
    "GET /api/table": tables,
    "GET /api/table/:id": table,
    "GET /api/table/:id/query_metadata": table_with_fields,
    "PUT /api/table/:id": change_table,
    "GET /api/field/:id": field,
    "PUT /api/field/:id": change_field,
    "POST /api/dataset": run_dataset,
}
