"""Session with a Metabase: wait until it responds, check its version, log in once and out at the end."""

import contextlib
import re
from collections.abc import Iterator
from typing import Any

import tenacity

from lib import settings
from lib.errors import MetabaseError
from lib.metabase.client import Client, address

__all__ = ["opened", "version_notes"]

LISTENING_S, READY_S, POLL_S = 15, 300, 1  # a first start takes one or two minutes
OLDEST = 57  # since 0.57 queries are stored in the form that is read back here
NEWEST = 63  # that was tried
# The first point release of each line without known critical holes; lines that are not here get no repairs any more.
FLOORS = {58: 28, 61: 11, 63: 15}
SITE = "Shop analytics"


@contextlib.contextmanager
def opened(*, set_up: bool) -> Iterator[tuple[Client, list[str]]]:
    """A logged-in client of the Metabase at METABASE_URL, and notes on its version.

    With `set_up`, and METABASE_SETUP, a new Metabase gets its administrator. Raises MetabaseError if it does not
    respond, does not become ready, is too old, or refuses the login.
    """
    with Client(address()) as client:
        properties = _ready(client)
        notes = version_notes((properties.get("version") or {}).get("tag", ""))
        with _logged_in(client, properties, set_up=set_up):
            yield client, notes


def _ready(client: Client) -> dict[str, Any]:
    """The session properties, once Metabase is healthy: the health check succeeds a little before they do."""
    listening = tenacity.Retrying(
        retry=tenacity.retry_if_exception(lambda error: isinstance(error, MetabaseError) and not error.status),
        stop=tenacity.stop_after_delay(LISTENING_S),
        wait=tenacity.wait_fixed(POLL_S),
        reraise=True,
    )
    ready = tenacity.Retrying(
        retry=tenacity.retry_if_result(lambda properties: properties is None),
        stop=tenacity.stop_after_delay(READY_S),
        wait=tenacity.wait_fixed(POLL_S),
        retry_error_callback=lambda _: None,
    )
    properties = ready(listening, _properties, client)
    if properties is None:
        _, health = client.try_once("/api/health")
        raise MetabaseError(
            f"Metabase at {client.url} was not ready within {READY_S} s ({_health_text(health)}). Check its log"
        )
    return properties


def _properties(client: Client) -> dict[str, Any] | None:
    """None for a server that is still starting."""
    status, health = client.try_once("/api/health")
    if status == 429 or status >= 500:  # 503 of its own, the others of a proxy before it
        return None
    if status != 200 or not isinstance(health, dict) or health.get("status") != "ok":
        text = f"the server at {client.url} is not Metabase ({status} for /api/health). Check METABASE_URL"
        raise MetabaseError(text, status)
    status, properties = client.try_once("/api/session/properties")
    return properties if status == 200 and isinstance(properties, dict) else None


def _health_text(health: Any) -> str:
    if not isinstance(health, dict):
        return str(health)[:100]
    return f"{health.get('status')}, {health['progress']:.0%}" if "progress" in health else str(health.get("status"))


def version_notes(tag: str) -> list[str]:
    """Notes on a version such as v0.58.34; raises MetabaseError if it is too old."""
    found = re.match(r"v[01]\.(\d+)(?:\.(\d+))?", tag)
    if not found:
        return [f"Metabase has the version {tag or '(none)'}; the workbook was tested with 0.58 to 0.63."]
    major, point = int(found[1]), int(found[2] or 0)
    if major < OLDEST:
        raise MetabaseError(
            f"Metabase is {tag}; expected at least 0.{OLDEST}. Upgrade it, preferably to the long-term release 0.58"
        )
    if major > NEWEST:
        return [f"Metabase is {tag}; the workbook was tested with 0.58 to 0.63."]
    if major in FLOORS and point >= FLOORS[major]:
        return []
    wanted = f"0.{major}.{FLOORS[major]} or later" if major in FLOORS else "the long-term release 0.58 or a current one"
    return [f"Metabase is {tag}, which has known vulnerabilities or no more security updates. Upgrade to {wanted}."]


@contextlib.contextmanager
def _logged_in(client: Client, properties: dict[str, Any], *, set_up: bool) -> Iterator[None]:
    """Within the block the client is an administrator: by API key, or by one login that ends with the block."""
    if key := settings.get("METABASE_API_KEY"):
        client.identify("x-api-key", key)
        _check_rights(client, "METABASE_API_KEY")
        yield
        return
    client.identify("X-Metabase-Session", _session(client, properties, set_up=set_up))
    try:
        _check_rights(client, "METABASE_USER")
        yield
    finally:
        with contextlib.suppress(MetabaseError):  # a session that cannot be ended ends by itself in two weeks
            client.delete("/api/session")


def _check_rights(client: Client, setting: str) -> None:
    try:
        user = client.get("/api/user/current")
    except MetabaseError as error:
        if error.status != 401:
            raise
        raise MetabaseError(f"Metabase rejects {setting} (401). Create a new one in its admin settings", 401) from error
    if not user.get("is_superuser"):
        raise MetabaseError(
            f"{setting} has no administrator rights, which adding a database needs. Use those of an administrator"
        )


def _session(client: Client, properties: dict[str, Any], *, set_up: bool) -> str:
    user, password = settings.get("METABASE_USER"), settings.get("METABASE_PASSWORD")
    if not (user and password):
        raise MetabaseError("no Metabase login is set. Set METABASE_API_KEY, or METABASE_USER and METABASE_PASSWORD")
    if properties.get("has-user-setup", True):
        return _log_in(client, user, password)
    if not (set_up and settings.get("METABASE_SETUP")):
        raise MetabaseError(
            f"Metabase at {client.url} has no user yet. Set it up in the browser, or run `make metabase` with "
            "METABASE_SETUP=1, which creates METABASE_USER as its administrator"
        )
    return _set_up(client, properties.get("setup-token"), user, password)


def _log_in(client: Client, user: str, password: str) -> str:
    """Id of the session; tried once only, since each further try makes Metabase refuse for longer."""
    try:
        return client.post("/api/session", {"username": user, "password": password})["id"]
    except MetabaseError as error:
        if error.status not in (400, 401):
            raise
        if "Too many attempts" in str(error):
            text = f"{error}. Wait that long before the next run"
        else:
            text = "Metabase rejects METABASE_USER with METABASE_PASSWORD. Correct them; the login was not retried"
        raise MetabaseError(text, error.status) from error


def _set_up(client: Client, token: str | None, user: str, password: str) -> str:
    """Id of the session of the administrator that a new Metabase gets; a login if another client was faster."""
    body = {
        "token": token,
        "user": {"email": user, "password": password, "first_name": "Shop", "last_name": "Administrator"},
        "prefs": {"site_name": SITE, "site_locale": "en"},
    }
    try:
        return client.post("/api/setup", body)["id"]
    except MetabaseError as error:
        if error.status != 403:
            raise
        return _log_in(client, user, password)
