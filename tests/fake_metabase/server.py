"""The HTTP side of the stand-in: routes, who may come in, and faults on the way."""

import json
import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.fake_metabase import content, warehouse
from tests.fake_metabase.state import DECLARED, Reply, State

__all__ = ["FakeMetabase", "serving"]

OPEN = ("/api/health", "/api/session/properties", "/api/session", "/api/setup")
SETUP_TOKEN = "d1f1e0de-0000-4000-8000-000000000001"
THROTTLED = "Too many attempts! You must wait 37 seconds before trying again."
STARTING = "Metabase is still initializing. Please sit tight..."


def health(state: State, **_: Any) -> dict:
    if answer := state.take("health"):
        raise Reply(503, answer)
    return {"status": "ok"}


def properties(state: State, **_: Any) -> dict:
    if state.take("properties"):
        raise Reply(503, STARTING)
    return {
        "setup-token": None if state.passwords else SETUP_TOKEN,
        "has-user-setup": bool(state.passwords),
        "version": {"tag": state.version, "date": "2026-09-14", "hash": "0000000"},
        "token-features": {},
    }


def set_up(state: State, body: dict, **_: Any) -> dict:
    if state.passwords:
        raise Reply(
            403, "The /api/setup route can only be used to create the first user, however a user currently exists."
        )
    if body["token"] != SETUP_TOKEN:
        raise Reply(400, {"errors": {"token": "Token does not match the setup token."}})
    state.passwords[body["user"]["email"]] = body["user"]["password"]
    return {"id": _session(state)}


def log_in(state: State, body: dict, **_: Any) -> dict:
    if state.faults.get("throttled"):
        raise Reply(401, {"errors": {"username": THROTTLED}})
    if state.passwords.get(body["username"]) != body["password"]:
        raise Reply(401, {"errors": {"password": "did not match stored password"}})
    return {"id": _session(state)}


def _session(state: State) -> str:
    session = f"00000000-0000-4000-8000-{state.number():012d}"
    state.sessions.add(session)
    return session


def log_out(state: State, headers: Any, **_: Any) -> None:
    state.sessions.discard(headers.get("X-Metabase-Session"))
    raise Reply(204, None)


def current_user(state: State, **_: Any) -> dict:
    admin = not state.faults.get("ordinary_user")
    return {"id": 1, "email": "someone@example.com", "common_name": "Someone", "is_superuser": admin, "is_active": True}


Route = tuple[str, re.Pattern, str, Callable]


def _compiled(routes: dict[str, Callable]) -> list[Route]:
    """Method, pattern of the path, name in DECLARED, function; `:id` is a number, `root` or `trash`."""
    found = []
    for name, function in routes.items():
        method, path = name.split()
        pattern = re.compile(path.replace(":id", r"(\d+|root|trash)") + "$")
        words = [word for word in path.split("/")[3:] if word != ":id"]
        short = f"{method} /api/{path.split('/')[2]}" + ("/query" if "query" in words else "")
        found.append((method, pattern, short if short in DECLARED else "", function))
    return found


ROUTES = _compiled(
    {
        "GET /api/health": health,
        "GET /api/session/properties": properties,
        "POST /api/setup": set_up,
        "POST /api/session": log_in,
        "DELETE /api/session": log_out,
        "GET /api/user/current": current_user,
        **warehouse.routes,
        **content.routes,
    }
)


class FakeMetabase(State):
    """The state, and how a request changes it."""

    url: str = ""

    def answer(self, method: str, target: str, headers: Any, body: Any) -> Any:
        """Answer of the route; a Reply for every status except 200."""
        parts = urlsplit(target)
        self.requests.append((method, parts.path, body))
        if fault := self.take(f"{method} {parts.path}"):
            raise Reply(*fault)
        if parts.path not in OPEN and not self._known(headers):
            raise Reply(401, "Unauthenticated")
        for known, pattern, route, function in ROUTES:
            if known == method and (found := pattern.match(parts.path)):
                ids = [int(text) if text.isdecimal() else text for text in found.groups()]
                named = dict(zip(("number", "dashcard", "other"), ids, strict=False))
                given = self.declared(route, body) if route and body is not None else {}
                return function(self, **named, query=parse_qs(parts.query), headers=headers, body=given)
        raise Reply(404, "API endpoint does not exist.")

    def _known(self, headers: Any) -> bool:
        return headers.get("x-api-key") in self.keys or headers.get("X-Metabase-Session") in self.sessions


class Handler(BaseHTTPRequestHandler):
    """Speaks HTTP for one FakeMetabase."""

    fake: FakeMetabase
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # else each answer waits 40 ms for the acknowledgement of its head

    def _serve(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        text = self.rfile.read(length) if length else b""
        path = self.path
        try:
            with LOCK:
                self._send(200, self.fake.answer(self.command, path, self.headers, json.loads(text) if text else None))
        except Reply as refusal:
            if refusal.status == 0:  # the answer never comes
                self.connection.shutdown(socket.SHUT_RDWR)
                return
            self._send(refusal.status, refusal.content, **refusal.headers)

    do_GET = do_POST = do_PUT = do_DELETE = _serve  # noqa: N815 - as http.server wants it

    def _send(self, status: int, answer: Any, **headers: str) -> None:
        data = (
            b""
            if status == 204
            else answer.encode()
            if isinstance(answer, str)
            else json.dumps(answer, default=str).encode()
        )
        self.send_response(status)
        kind = "text/plain" if isinstance(answer, str) else "application/json"
        for name, value in ({"Content-Type": kind, "Content-Length": str(len(data))} | headers).items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: Any) -> None:
        """Nothing: what was asked is in `requests`."""


LOCK = threading.Lock()


@contextmanager
def serving(port: int = 0, **how: Any) -> Iterator[FakeMetabase]:
    """A stand-in that listens on a loopback port for the block; its `url` says where."""
    fake = FakeMetabase(**how)
    handler = type("OwnHandler", (Handler,), {"fake": fake})
    server = ThreadingHTTPServer(("127.0.0.1", port), handler)
    server.daemon_threads = True
    fake.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield fake
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
