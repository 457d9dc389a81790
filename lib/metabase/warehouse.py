"""The shop's database in Metabase: registered with a reader's login, synchronized, and described as in the catalog."""

from typing import Any

import tenacity

from lib import catalog, db, settings
from lib.catalog import Column, Table
from lib.db import roles
from lib.db.url import SAFE_SSLMODES, external_url, url
from lib.errors import MetabaseError
from lib.metabase import content
from lib.metabase.content import CREATE, EDITED, KEEP, UPDATE, Live, digest, marked, parted
from lib.metabase.site import Change, Site

__all__ = ["plan_database", "plan_dictionary", "synchronize", "write_database", "write_table"]

LOGIN = "workbook_metabase"
SYNC_S, POLL_S = 120, 1
SCHEMA = "public"
PLACE = ("host", "port", "dbname", "user")  # what is compared; the password is never given out again
# Semantic types by name, else by type and unit. Keys and references Metabase takes from the database itself.
CATEGORIES = ("acquisition_channel", "category", "subcategory", "channel", "status", "event_type")
BY_NAME = {
    "email": "type/Email",
    "name": "type/Name",
    **dict.fromkeys(("country_code", "shipping_country_code", "country"), "type/Country"),
    **dict.fromkeys(("city", "shipping_city"), "type/City"),
    **dict.fromkeys(CATEGORIES, "type/Category"),
}
BY_TYPE = {**dict.fromkeys(("money", "unit_price", "total"), "type/Currency"), "ratio": "type/Percentage"}


def plan_database(site: Site) -> Change:
    """What to do with the database that has the name in the spec; raises MetabaseError if there are two."""
    found = [
        entry
        for entry in site.client.get("/api/database")["data"]
        if entry["engine"] == "postgres" and entry["name"] == site.spec.database and not entry.get("is_sample")
    ]
    if len(found) > 1:
        numbers = ", ".join(str(entry["id"]) for entry in found)
        raise MetabaseError(
            f"Metabase has several databases “{site.spec.database}” ({numbers}); expected one. Rename the others"
        )
    if not found:
        return site.change("database", site.spec.database, CREATE, {})
    live = found[0]
    differences = _differences(live)
    # Only the workbook uses the private server, and its port can change between starts.
    ours = site.force or external_url() is None
    action = KEEP if not differences else UPDATE if ours else EDITED
    action = UPDATE if site.rotate else action
    return site.change("database", site.spec.database, action, live, ", ".join(differences))


def _differences(live: Live) -> list[str]:
    """Differences of the connection from the settings; none without METABASE_DB_PASSWORD, as it is then not ours."""
    if not settings.get("METABASE_DB_PASSWORD"):
        return []
    wants, has = _details(), live.get("details") or {}
    return [f"{name} is {has.get(name)}, not {wants[name]}" for name in PLACE if has.get(name) != wants[name]]


def _details() -> dict[str, Any]:
    """The connection for Metabase, without the password."""
    address = url()
    port = settings.get("METABASE_DB_PORT") or str(address.port or 5432)
    if not port.isdecimal():
        raise MetabaseError(f"METABASE_DB_PORT is {port!r}; expected a number such as 5432")
    host = settings.get("METABASE_DB_HOST") or address.host or ""
    if not host or host.startswith("/"):
        raise MetabaseError(
            "the workbook connects to PostgreSQL by a Unix socket; Metabase needs a host. Set METABASE_DB_HOST"
        )
    mode = address.query.get("sslmode", "")
    return {
        "host": host,
        "port": int(port),
        "dbname": address.database,
        "user": settings.get("METABASE_DB_USER") or LOGIN,
        "ssl": mode in SAFE_SSLMODES,
        **({"ssl-mode": mode} if mode in SAFE_SSLMODES else {}),
        "tunnel-enabled": False,
        "advanced-options": False,
        "schema-filters-type": "inclusion",
        "schema-filters-patterns": SCHEMA,
    }


def write_database(site: Site, change: Change) -> Change:
    """Register the database or its connection as planned; Metabase tests the connection before it stores it."""
    if change.action not in (CREATE, UPDATE):
        return change
    details = _details() | {"password": _login(site)}
    body = {"name": site.spec.database, "engine": "postgres", "details": details, "auto_run_queries": True}
    if change.action == CREATE:
        # Defaults are sent too, as Metabase's own form does: its API requires some of them.
        whole = body | {"is_full_sync": True, "is_on_demand": False, "connection_source": "admin"}
        live = _connected(site.client.post, "/api/database", whole)
    else:
        live = change.live
        site.save(live)
        _connected(site.client.put, f"/api/database/{live['id']}", body)
    if kept := _differences(site.client.get(f"/api/database/{live['id']}")):
        raise MetabaseError(f"Metabase accepted the connection but did not keep it as sent: {', '.join(kept)}")
    return site.change("database", change.key, change.action, live, change.note)


def _login(site: Site) -> str:
    """Password of the login for Metabase; the login is created here unless the settings name another one."""
    password = settings.get("METABASE_DB_PASSWORD")
    if not password:
        raise MetabaseError(
            f"METABASE_DB_PASSWORD is not set; Metabase reads the database “{site.spec.database}” with it. "
            "`make env` writes one to .env"
        )
    if not settings.get("METABASE_DB_USER"):
        with db.transaction() as connection:
            roles.ensure_login(connection, LOGIN, password)
    return password


def _connected(send: Any, path: str, body: dict[str, Any] | None = None) -> Any:
    try:
        return send(path, body) if body else send(path)
    except MetabaseError as error:
        if error.status not in (400, 422):
            raise
        raise MetabaseError(
            f"{error}. Metabase must reach PostgreSQL from its own machine or container: check METABASE_DB_HOST, "
            "METABASE_DB_PORT and METABASE_DB_USER",
            error.status,
        ) from error


def _metadata(site: Site) -> dict[str, Live]:
    """Tables of the shop as Metabase knows them, by name, hidden ones too; empty for a database not yet registered."""
    if site.database is None:
        return {}
    answer = site.client.get(f"/api/database/{site.database}/metadata", include_hidden=True)
    return {table["name"]: table for table in answer["tables"] if table.get("schema") == SCHEMA}


def synchronize(site: Site) -> None:
    """Have Metabase sync its schema of the database until it has every table and column of the catalog.

    Does nothing if it has them. Raises MetabaseError with the missing ones if the sync fails or takes too long.
    """
    missing = _missing_from(_metadata(site))
    if not missing:
        return
    aborted_before = _abort(site)  # stays on record until a sync succeeds, so it says nothing about the next one
    wait = tenacity.Retrying(
        retry=tenacity.retry_if_result(bool),
        stop=tenacity.stop_after_delay(SYNC_S / 2),
        wait=tenacity.wait_fixed(POLL_S),
        retry_error_callback=lambda state: state.outcome.result() if state.outcome else [],
    )
    for _ in range(2):  # again after half the time: tables may have been created after the first sync
        _connected(site.client.post, f"/api/database/{site.database}/sync_schema")
        missing = wait(_unsynced, site, aborted_before)
        if not missing:
            return
    raise MetabaseError(
        f"Metabase did not find {', '.join(missing[:5])}{' and more' if missing[5:] else ''} within {SYNC_S} s. "
        "Check its log, and that it reads the database that the workbook loads"
    )


def _unsynced(site: Site, aborted_before: str) -> list[str]:
    """Tables and columns that Metabase does not have yet; raises MetabaseError if its sync was aborted."""
    missing = _missing_from(_metadata(site))
    if missing and not aborted_before and (reason := _abort(site)):
        raise MetabaseError(f"Metabase could not sync the database: {reason}")
    return missing


def _abort(site: Site) -> str:
    """Why Metabase aborted the first sync of the database; empty if it did not."""
    state = site.client.get(f"/api/database/{site.database}")
    if state.get("initial_sync_status") != "aborted":
        return ""
    return state.get("initial_sync_error") or "no reason given. Check its log"


def _missing_from(known: dict[str, Live]) -> list[str]:
    """Tables, and columns of known tables, that the catalog has and Metabase does not."""
    absent = []
    for table in catalog.tables().values():
        fields = {entry["name"] for entry in known.get(table.name, {}).get("fields", [])}
        columns = [f"{table.name}.{column.name}" for column in _columns(table) if column.name not in fields]
        absent += columns if fields else [table.name]
    return absent


def plan_dictionary(site: Site) -> list[Change]:
    """What to do with each table of which Metabase has all columns."""
    known = _metadata(site)
    missing = {name.partition(".")[0] for name in _missing_from(known)}  # of these there is not yet all to compare
    return [_plan(site, table, known[name]) for name, table in catalog.tables().items() if name not in missing]


def _plan(site: Site, table: Table, live: Live) -> Change:
    has, wants, marker = _has(table, live), _wants(table), parted(live["description"])[1]
    # Without a marker, only a description that a person wrote before the first publication differs.
    others = [name or table.name for name, text in has.items() if not marker and text not in ("", wants[name])]
    theirs = digest(has) != marker.sha if marker else bool(others)
    action = EDITED if theirs and has != wants and not site.force else UPDATE
    if marker and marker.sha == digest(has) == digest(wants):
        action = KEEP
    note = f"described otherwise: {', '.join(others)}" if action == EDITED and others else ""
    link = f"{site.client.url}/reference/databases/{site.database}/tables/{live['id']}"
    return Change("table", table.name, action, live, link, note)


def _columns(table: Table) -> list[Column]:
    return [*table.columns, *catalog.bookkeeping()]


def _has(table: Table, live: Live) -> dict[str, str]:
    """Descriptions by column, and that of the table under "": the content of the marker's digest.

    Semantic types are not part of it: Metabase guesses them by itself, at any time.
    """
    fields = {field["name"]: field.get("description") or "" for field in live["fields"]}
    return {"": parted(live["description"])[0]} | {column.name: fields[column.name] for column in _columns(table)}


def _wants(table: Table) -> dict[str, str]:
    return {"": table.meaning} | {column.name: column.meaning for column in _columns(table)}


def semantic_type(column: Column) -> str | None:
    """Semantic type of a column in Metabase, such as `type/Currency`; None if there is none."""
    if column.references or column.type == "uuid":
        return None
    counted = "type/Quantity" if column.type == "integer" and column.unit else None
    return BY_NAME.get(column.name) or BY_TYPE.get(column.type) or counted


def write_table(site: Site, change: Change) -> Change:
    """Write descriptions that differ and missing semantic types, and verify the content that Metabase has stored."""
    if change.action != UPDATE:
        return change
    table = catalog.tables()[change.key]
    wants, fields = _wants(table), {field["name"]: field for field in change.live["fields"]}
    site.save(change.live)
    for column in _columns(table):
        field = fields[column.name]
        if body := _differing(field, column, force=site.force):
            site.client.put(f"/api/field/{field['id']}", body)
    description = marked(wants[""], f"table.{table.name}", digest(wants))
    site.client.put(f"/api/table/{change.number}", {"description": description})
    content.compare(f"table {table.name}", wants, _has(table, _metadata(site)[table.name]))
    return change


def _differing(field: Live, column: Column, *, force: bool) -> dict[str, str]:
    """Changes of a column to send. An existing semantic type stays, unless forced, as a person may have set it."""
    body = {"description": column.meaning} if field.get("description") != column.meaning else {}
    kind, present = semantic_type(column), field.get("semantic_type")
    return body | ({"semantic_type": kind} if kind and kind != present and (force or not present) else {})
