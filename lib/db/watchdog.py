"""Cuts connections to a server that no longer answers: a call that waits on a silent peer would wait for ever."""

import contextlib
import os
import socket
import threading
from collections.abc import Iterator
from typing import Any

import psycopg2
import sqlalchemy as sa

from lib.db.connection import engine
from lib.errors import DatabaseError

__all__ = ["lifeline"]

ASK_EVERY_S = 10
PATIENCE_S = 10  # for the answer to a new connection
SILENCES = 3  # questions without an answer until the connections are cut


class _Lifeline:
    """The connections that are cut when the server falls silent."""

    def __init__(self) -> None:
        self.cut = False
        self._sockets: list[socket.socket] = []

    def watch(self, opened: psycopg2.extensions.connection, _: object = None) -> None:
        """Cut this one too."""
        self._sockets.append(socket.socket(fileno=os.dup(opened.fileno())))

    def give_up(self) -> None:
        """Shut the connections down, so that whoever waits on them gets an error."""
        self.cut = True
        for watched in list(self._sockets):
            with contextlib.suppress(OSError):
                watched.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Forget the connections; they live on."""
        for watched in self._sockets:
            watched.close()


@contextlib.contextmanager
def lifeline() -> Iterator[None]:
    """Watches over each connection that is opened in the block; raises DatabaseError when it had to cut them.

    Time alone says nothing, since an index may take an hour: the server is asked whether it still takes connections.
    """
    line, ended = _Lifeline(), threading.Event()
    at = engine()  # asked once, and here: it may start the private server, which is not the thread's to do
    at.dispose()  # so that no connection of before is used
    sa.event.listen(at, "connect", line.watch, insert=True)  # before SQLAlchemy asks it anything
    _, options = at.dialect.create_connect_args(at.url)
    threading.Thread(target=_keep_asking, args=(line, ended, options), daemon=True).start()
    try:
        yield
    except DatabaseError as error:
        if not line.cut:
            raise
        raise DatabaseError(
            f"PostgreSQL has not answered for {SILENCES * (ASK_EVERY_S + PATIENCE_S)} s, so the connection was given "
            f"up; look at the server and at the way to it, then run again: {error}"
        ) from error
    finally:
        ended.set()
        sa.event.remove(at, "connect", line.watch)
        line.close()


def _keep_asking(line: _Lifeline, ended: threading.Event, options: dict[str, Any]) -> None:
    silences = 0
    while not ended.wait(ASK_EVERY_S):
        silences = 0 if _answers(options) else silences + 1
        if silences >= SILENCES:
            line.give_up()


def _answers(options: dict[str, Any]) -> bool:
    """Whether the server says anything at all to a new connection: a refusal is an answer."""
    try:
        psycopg2.connect(**options | {"connect_timeout": PATIENCE_S}).close()
    except psycopg2.OperationalError as error:
        return "timeout expired" not in str(error)
    return True
