"""A way to a server that can fall silent: connections stay open, and nothing comes through any more."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Self

__all__ = ["StallingProxy", "stalling_proxy"]


class StallingProxy:
    """Listens on a port of its own and passes on what comes to another one, until it stalls."""

    def __init__(self, host: str, port: int) -> None:
        self._target, self._flows = (host, port), threading.Event()
        self._flows.set()
        self._door = socket.create_server(("127.0.0.1", 0))
        self._sockets: list[socket.socket] = []
        self.port: int = self._door.getsockname()[1]

    def __enter__(self) -> Self:
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._flows.set()
        for one in (self._door, *self._sockets):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def stall(self) -> None:
        """Forward no more data; new connections are accepted without an answer."""
        self._flows.clear()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                guest = self._door.accept()[0]
                way = socket.create_connection(self._target)
                self._sockets += [guest, way]
                for pair in ((guest, way), (way, guest)):
                    threading.Thread(target=self._pass_on, args=pair, daemon=True).start()

    def _pass_on(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                self._flows.wait()
                target.sendall(data)
            self._flows.wait()
            target.shutdown(socket.SHUT_WR)


@contextmanager
def stalling_proxy(host: str, port: int) -> Iterator[StallingProxy]:
    """A proxy to that server for the block."""
    with StallingProxy(host, port) as proxy:
        yield proxy
