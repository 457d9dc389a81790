"""The shop's database in Metabase: registered by name with a reader's login, synchronized until all of it is known."""

from typing import Any

import tenacity

from lib import catalog, db, settings
from lib.db import roles
from lib.db.url import SAFE_SSLMODES, external_url, url
from lib.errors import MetabaseError
from lib.metabase.site import CREATE, EDITED, KEEP, UPDATE, Change, Live, Site

__all__ = ["metadata", "missing_from", "plan_database", "synchronize", "write_database"]

LOGIN = "workbook_metabase"
SYNC_S, POLL_S = 120, 1
SCHEMA = "public"
PLACE = ("host", "port", "dbname", "user")  # what is compared; the password is never given out again


def plan_database(site: Site) -> Change:
    """What to do with the database called as in the spec; raises MetabaseError for two of them."""
    found = [
        entry
        for entry in site.client.get("/api/database")["data"]
        if entry["engine"] == "postgres" and entry["name"] == site.spec.database and not entry.get("is_sample")
    ]
    if len(found) > 1:
        numbers = ", ".join(str(entry["id"]) for entry in found)
        raise MetabaseError(f"Metabase has several databases “{site.spec.database}” ({numbers}); rename all but one")
    if not found:
        return Change("database", site.spec.database, CREATE)
    live = found[0]
    site.database = live["id"]
    differences = _differences(live)
    # Only the workbook uses the private server, and its port can change between starts.
    ours = site.force or external_url() is None
    action = KEEP if not differences else UPDATE if ours else EDITED
    action = UPDATE if site.rotate else action
    return Change("database", site.spec.database, action, live, _link(site), ", ".join(differences))


def _differences(live: Live) -> list[str]:
    """Where the connection is not as the settings have it; nothing without a password, as then it is not ours."""
    if not settings.get("METABASE_DB_PASSWORD"):
        return []
    wants, has = _details(), live.get("details") or {}
    return [f"{name} is {has.get(name)}, not {wants[name]}" for name in PLACE if has.get(name) != wants[name]]


def _details() -> dict[str, Any]:
    """The connection as Metabase is to use it, but for the password."""
    address = url()
    port = settings.get("METABASE_DB_PORT") or str(address.port or 5432)
    if not port.isdecimal():
        raise MetabaseError(f"METABASE_DB_PORT is {port!r}; expected a number such as 5432")
    host = settings.get("METABASE_DB_HOST") or address.host or ""
    if not host or host.startswith("/"):
        raise MetabaseError("the workbook reaches PostgreSQL over a socket file; name a host in METABASE_DB_HOST")
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
    """Register the database or its connection as planned; Metabase tries the connection before it keeps it."""
    if change.action not in (CREATE, UPDATE):
        return change
    details = _details() | {"password": _login(site)}
    body = {"name": site.spec.database, "engine": "postgres", "details": details, "auto_run_queries": True}
    if change.action == CREATE:
        # What has a default is sent too: the server's own form does, and its schema calls some of it required.
        whole = body | {"is_full_sync": True, "is_on_demand": False, "connection_source": "admin"}
        site.database = _connected(site.client.post, "/api/database", whole)["id"]
    else:
        site.save(change.existing)
        _connected(site.client.put, f"/api/database/{site.database}", body)
    if kept := _differences(site.client.get(f"/api/database/{site.database}")):
        raise MetabaseError(f"Metabase accepted the connection but did not keep it as sent: {', '.join(kept)}")
    return change.at(_link(site))


def _login(site: Site) -> str:
    """The password of the login for Metabase, which is made here unless the settings name another one."""
    password = settings.get("METABASE_DB_PASSWORD")
    if not password:
        raise MetabaseError(
            f"METABASE_DB_PASSWORD, with which Metabase is to read the database “{site.spec.database}”, is not set; "
            "`make env` makes one"
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
            f"{error}; Metabase must reach PostgreSQL from where it runs: look at METABASE_DB_HOST, METABASE_DB_PORT "
            "and METABASE_DB_USER",
            error.status,
        ) from error


def metadata(site: Site) -> dict[str, Live]:
    """Tables of the shop as Metabase knows them, by name, hidden ones too; empty for a database not yet registered."""
    if site.database is None:
        return {}
    answer = site.client.get(f"/api/database/{site.database}/metadata", include_hidden=True)
    return {table["name"]: table for table in answer["tables"] if table.get("schema") == SCHEMA}


def synchronize(site: Site) -> None:
    """Have Metabase look at the database until it knows every table and column of the catalog.

    Nothing is asked when it does already. Raises MetabaseError with what is missing when it takes too long or fails.
    """
    if not missing_from(metadata(site)):
        return
    aborted_before = _abort(site)  # it stays on record until a look succeeds, and says nothing about the next one
    for _ in range(2):  # once more after half the time: tables may have come after the first look
        _connected(site.client.post, f"/api/database/{site.database}/sync_schema")
        missing = _waited(site, aborted_before)
        if not missing:
            return
    raise MetabaseError(
        f"Metabase did not come to know {', '.join(missing[:5])}{' and more' if missing[5:] else ''} within "
        f"{SYNC_S} s; see the log of Metabase, and whether it reads the database that the workbook loads"
    )


def _abort(site: Site) -> str:
    """Why Metabase gave up its first look at the database; "" when it did not."""
    state = site.client.get(f"/api/database/{site.database}")
    if state.get("initial_sync_status") != "aborted":
        return ""
    return state.get("initial_sync_error") or "it does not say why; see its log"


def _waited(site: Site, aborted_before: str) -> list[str]:
    """Tables and columns still missing after half the time."""
    wait = tenacity.Retrying(
        retry=tenacity.retry_if_result(bool),
        stop=tenacity.stop_after_delay(SYNC_S / 2),
        wait=tenacity.wait_fixed(POLL_S),
        retry_error_callback=lambda state: state.outcome.result() if state.outcome else [],
    )
    return wait(_looked_at, site, aborted_before)


def _looked_at(site: Site, aborted_before: str) -> list[str]:
    missing = missing_from(metadata(site))
    if missing and not aborted_before and (reason := _abort(site)):
        raise MetabaseError(f"Metabase gave up looking at the database: {reason}")
    return missing


def missing_from(known: dict[str, Live]) -> list[str]:
    """Tables, and columns of known tables, that the catalog has and Metabase does not."""
    absent = []
    for table in catalog.tables().values():
        fields = {entry["name"] for entry in known.get(table.name, {}).get("fields", [])}
        columns = [column.name for column in (*table.columns, *catalog.bookkeeping())]
        absent += [f"{table.name}.{name}" for name in columns if name not in fields] if fields else [table.name]
    return absent


def _link(site: Site) -> str:
    return f"{site.client.url}/admin/databases/{site.database}"
