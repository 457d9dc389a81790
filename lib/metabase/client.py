"""Client of Metabase's HTTP API: one session, timeouts, retries by method, and errors as MetabaseError."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import httpx
import tenacity

from lib import settings
from lib.errors import MetabaseError
from lib.settings import LOCAL_HOSTS

__all__ = ["Answer", "Client", "address"]

TIMEOUT_S = 60  # sync_schema alone was seen to take more than ten seconds
RETRIES = 3
RETRY_FIRST_S, RETRY_LONGEST_S = 0.25, 8
# What may pass: for a POST only a refused connection, as otherwise it may have been done.
REFUSED = tenacity.retry_if_exception_type(httpx.ConnectError)
PASSING = tenacity.retry_if_exception_type(httpx.TransportError) | tenacity.retry_if_result(
    lambda response: response.status_code in (408, 425, 429, 500, 502, 503, 504)
)
PAGE = 100
Answer = Any  # what JSON holds
Query = dict[str, Any]


def address() -> str:
    """METABASE_URL without a trailing slash; raises MetabaseError if it is not an address or contains a secret."""
    url = settings.get("METABASE_URL").rstrip("/")
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise MetabaseError("METABASE_URL is not a URL; expected one such as http://127.0.0.1:3000")
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise MetabaseError(
            "METABASE_URL contains a password or a query; expected only the address. Set METABASE_API_KEY instead"
        )
    plain = parts.scheme == "http" and parts.hostname not in LOCAL_HOSTS
    if plain and not settings.get("METABASE_ALLOW_PLAINTEXT"):
        raise MetabaseError(
            f"Metabase at {parts.hostname} is remote and its URL begins with http://, so the network could read keys "
            "and passwords; expected https://. Set METABASE_ALLOW_PLAINTEXT=1 to allow plaintext"
        )
    return url


class Client:
    """HTTP client of one Metabase; as a context manager it closes its connections at the end.

    Every method returns the parsed JSON of the response, and raises MetabaseError with the status if it is not 2xx.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        # A proxy of the environment is for places beyond this machine.
        outside = urlsplit(url).hostname not in LOCAL_HOSTS
        self._http = httpx.Client(timeout=TIMEOUT_S, trust_env=outside)

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def identify(self, header: str, secret: str) -> None:
        """Send this secret in a header of all later requests."""
        self._http.headers[header] = secret

    def get(self, path: str, **query: Any) -> Answer:
        """GET; retried on temporary errors of the server or the network."""
        return self._api("GET", path, query=query)

    def put(self, path: str, body: dict[str, Any]) -> Answer:
        """PUT; retried like `get` because it is idempotent."""
        return self._api("PUT", path, body=body)

    def post(self, path: str, body: dict[str, Any] | None = None) -> Answer:
        """POST; retried only if the connection was refused, because it is not idempotent."""
        return self._api("POST", path, body=body)

    def delete(self, path: str) -> Answer:
        """DELETE; retried like `get`."""
        return self._api("DELETE", path)

    def items(self, path: str, **query: Any) -> Iterator[dict[str, Any]]:
        """The entries of a paginated list."""
        seen = 0
        while True:
            page = self.get(path, **query, limit=PAGE, offset=seen)
            yield from page["data"]
            seen += len(page["data"])
            if not page["data"] or seen >= page["total"]:
                return

    def try_once(self, path: str) -> tuple[int, Answer]:
        """Status and body of a GET of any status, not retried; raises MetabaseError if there is no response."""
        response = self._request("GET", path, retries=0)
        return response.status_code, _content(response)

    def _api(self, method: str, path: str, *, query: Query | None = None, body: Query | None = None) -> Answer:
        response = self._request(method, path, query=query, body=body)
        if not response.is_success:
            raise MetabaseError(
                f"Metabase refused {method} {path} ({response.status_code}): {_reason(response)}", response.status_code
            )
        return _content(response)

    def _request(
        self, method: str, path: str, *, query: Query | None = None, body: Query | None = None, retries: int = RETRIES
    ) -> httpx.Response:
        """The response of any status; all requests pass here."""
        send = tenacity.Retrying(
            retry=REFUSED if method == "POST" else PASSING,
            stop=tenacity.stop_after_attempt(1 + retries),
            wait=_pause,
            retry_error_callback=lambda state: _outcome(state).result(),  # the last response or error, unchanged
        )
        try:
            return send(self._http.request, method, self.url + path, params=query, json=body)
        except httpx.TransportError as error:
            raise MetabaseError(
                f"Metabase at {self.url} cannot be reached ({error or type(error).__name__}). Start it, "
                "or check METABASE_URL"
            ) from error


def _outcome(state: tenacity.RetryCallState) -> tenacity.Future:
    """Outcome of the attempt; raises ValueError before it has one, when tenacity does not ask."""
    if state.outcome is None:
        raise ValueError("the attempt has no outcome yet")
    return state.outcome


def _pause(state: tenacity.RetryCallState) -> float:
    """Seconds to wait: as the response asks, otherwise doubled each time, up to the limit."""
    outcome = _outcome(state)
    asked = "" if outcome.failed else outcome.result().headers.get("retry-after", "")
    seconds = float(asked) if asked.isdecimal() else RETRY_FIRST_S * 2 ** (state.attempt_number - 1)
    return min(seconds, RETRY_LONGEST_S)


def _content(response: httpx.Response) -> Answer:
    try:
        return response.json()
    except ValueError:
        return response.text


def _reason(response: httpx.Response) -> str:
    """The error message in a response; its place depends on the version of Metabase."""
    content = _content(response)
    if isinstance(content, dict):
        via = [step.get("message") for step in content.get("via") or []]
        places = [content.get(name) for name in ("message", "error", "error-message")]
        errors = [content.get(name) for name in ("specific-errors", "errors")]
        content = next((text for text in [*places, *via, *errors] if text), "no reason given")
    return " ".join(_flat(content or response.reason_phrase).split())[:300]


def _flat(errors: Any) -> str:
    """`{"host": "x", "port": ["y"]}` -> `host: x; port: y`."""
    if isinstance(errors, dict):
        return "; ".join(f"{name}: {_flat(inner)}" for name, inner in errors.items())
    return ", ".join(map(_flat, errors)) if isinstance(errors, list) else str(errors)
