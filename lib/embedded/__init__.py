"""The private PostgreSQL server of the workbook: start, stop, recover."""

import re
from contextlib import closing, suppress
from pathlib import Path

import psycopg2
from tenacity import retry, retry_if_exception
from tenacity import stop_after_delay as patience
from tenacity import wait_fixed as every

from lib.embedded.address import Address, connect, ensure_database, saved
from lib.embedded.cluster import prepare
from lib.embedded.place import Place, exists, explained, locate, locked, remove
from lib.embedded.process import SECONDS_TO_START, halt, launch, postmaster
from lib.embedded.programs import binary
from lib.embedded.run import reason
from lib.errors import DatabaseError

__all__ = ["Address", "binary", "reset", "running", "start", "stop"]

NOT_YET = "starting up|shutting down|recovery|refused|closed the connection"


def start(folder: Path, *, fsync: bool = True) -> Address:
    """Address of the server of `folder`, which is made, recovered and started as needed; safe for many processes.

    `fsync=False` is for tests and counts only when the server is not running yet. Raises DatabaseError, OutputError.
    """
    with locked(folder) as place:
        try:
            return _bring_up(place, fsync)
        except psycopg2.Error as problem:
            raise DatabaseError(
                f"The private PostgreSQL in {place.home} runs but refuses work: {reason(str(problem))}. "
                "Run `make db-stop` and try again; if that does not help, `make db-reset` makes it anew."
            ) from problem


def _is_transient(problem: BaseException) -> bool:
    return isinstance(problem, psycopg2.OperationalError) and bool(re.search(NOT_YET, str(problem)))


@retry(retry=retry_if_exception(_is_transient), stop=patience(SECONDS_TO_START), wait=every(0.1), reraise=True)
def _bring_up(place: Place, fsync: bool) -> Address:
    address = _alive(place)
    if address is None:
        halt(place)
        address = launch(place, prepare(place), fsync)
    ensure_database(address)
    return address


def _alive(place: Place) -> Address | None:
    """The saved address when a postmaster lives; whether it answers there is not asked."""
    address = saved(place)
    return address if address and postmaster(place) else None


def running(folder: Path) -> Address | None:
    """Address of the living server of `folder`, None when it does not answer; starts nothing."""
    with explained(folder):
        address = _alive(locate(folder))
        if address is None:
            return None
        with suppress(psycopg2.OperationalError), closing(connect(address)):
            return address
    return None


def stop(folder: Path) -> None:
    """Stops the server of `folder`, if it runs, and clears what a killed one left behind."""
    if exists(folder):
        with locked(folder) as place:
            halt(place)


def reset(folder: Path) -> None:
    """Stops the server of `folder` and deletes its cluster, password and log."""
    if not exists(folder):
        return
    with locked(folder) as place:
        halt(place)
        for path in (place.data, place.work):
            remove(path)
        for path in (place.state, place.log):
            path.unlink(missing_ok=True)
        if place.home != folder.resolve():
            remove(place.home)
