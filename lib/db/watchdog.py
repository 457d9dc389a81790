"""Connection watchdog: closes connections to a server that accepts packets but no longer answers.

TCP keepalives and tcp_user_timeout (see lib.db.connection) detect that the other machine or the network is gone. They
do not detect a stopped server process or a proxy that hangs: its kernel still acknowledges every packet, and a client
that waits for a result would wait for ever. The duration of a statement says nothing, since building an index may take
an hour, so the watchdog tests whether the server still answers a new connection.
"""

import contextlib
import socket
import threading
from collections.abc import Iterator, Mapping
from typing import Any

import psycopg2
import sqlalchemy as sa

from lib.db.connection import engine
from lib.errors import DatabaseError

__all__ = ["connection_watchdog"]

PROBE_EVERY_S = 10
PROBE_TIMEOUT_S = 10  # for the response to a new connection
FAILED_PROBES = 3  # in a row, before the connections are closed


@contextlib.contextmanager
def connection_watchdog() -> Iterator[None]:
    """Watch every connection that the block opens.

    Raises:
        DatabaseError: The server stopped answering and the connections were closed.
    """
    pool = engine()  # resolved here, not in the thread, because it may start the private server
    pool.dispose()  # connections opened before the block would not be watched
    _, options = pool.dialect.create_connect_args(pool.url)
    watchdog = _Watchdog(options)
    sa.event.listen(pool, "connect", watchdog.add, insert=True)  # before SQLAlchemy's own queries on a new connection
    threading.Thread(target=watchdog.probe_until_stopped, daemon=True).start()
    try:
        yield
    except DatabaseError as error:
        if not watchdog.fired:
            raise
        silence = FAILED_PROBES * (PROBE_EVERY_S + PROBE_TIMEOUT_S)
        raise DatabaseError(
            f"PostgreSQL has not answered for {silence} s, so its connections were closed: {error}. "
            "Check the server and the network, then run again."
        ) from error
    finally:
        watchdog.stopped.set()
        sa.event.remove(pool, "connect", watchdog.add)


class _Watchdog:
    """The connections of a block and the thread function that closes them."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        self.fired = False
        self.stopped = threading.Event()
        self._options = options
        self._connections: list[psycopg2.extensions.connection] = []

    def add(self, opened: psycopg2.extensions.connection, _: object = None) -> None:
        """Watch a connection too."""
        self._connections.append(opened)

    def probe_until_stopped(self) -> None:
        """Probe the server at intervals; close the connections after FAILED_PROBES probes without a response."""
        failed = 0
        while not self.stopped.wait(PROBE_EVERY_S):
            failed = 0 if _answers(self._options) else failed + 1
            if failed >= FAILED_PROBES:
                self.fired = True
                for connection in list(self._connections):
                    _shut_down(connection)


def _answers(options: Mapping[str, Any]) -> bool:
    """Whether the server responds to a new connection at all; refusing it is a response."""
    try:
        psycopg2.connect(**{**options, "connect_timeout": PROBE_TIMEOUT_S}).close()
    except psycopg2.OperationalError as error:
        return "timeout expired" not in str(error)
    return True


def _shut_down(connection: psycopg2.extensions.connection) -> None:
    """Shut the socket down, which makes the thread that waits for a result fail.

    connection.close() is not an option: it would wait for that thread. fromfd() duplicates the descriptor, so that
    closing the Python socket leaves the driver's own descriptor open.
    """
    with (
        contextlib.suppress(OSError, psycopg2.InterfaceError),  # closed in the meantime
        socket.fromfd(connection.fileno(), socket.AF_INET, socket.SOCK_STREAM) as duplicate,
    ):
        duplicate.shutdown(socket.SHUT_RDWR)
