"""The private PostgreSQL server of the workbook: start, stop, recover."""

import os
import re
import signal
from contextlib import closing, suppress
from pathlib import Path

import psutil
import psycopg2
from tenacity import Retrying, retry, retry_if_exception, retry_if_result
from tenacity import stop_after_delay as patience
from tenacity import wait_fixed as every

from lib.db.private.cluster import Address, binary, connect, ensure_database, prepare, program, saved, with_free_port
from lib.db.private.place import Place, exists, explained, locate, locked, reason, remove, run
from lib.errors import DatabaseError

__all__ = ["SECONDS_TO_START", "Address", "binary", "halt", "launch", "postmaster", "reset", "running", "start", "stop"]

SECONDS_TO_START, SECONDS_TO_STOP, SECONDS_TO_DIE = 120, 120, 5

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


LOG_LIMIT = 10_000_000
# Minimal WAL lets a COPY into a table of the same transaction skip the log; rare checkpoints keep a long load flowing.
SETTINGS = {
    "unix_socket_directories": "",
    "TimeZone": "UTC",
    "wal_level": "minimal",
    "max_wal_senders": 0,
    "max_connections": 60,
    "shared_buffers": "128MB",
    "maintenance_work_mem": "128MB",
    "max_wal_size": "2GB",
    "checkpoint_timeout": "15min",
    "io_method": "sync",  # the system caches the files: to have workers read them costs more than it saves
}


def launch(place: Place, address: Address, fsync: bool) -> Address:
    """Starts the postmaster on the saved port, or on another one when that is taken, and waits until it is ready.

    Raises DatabaseError with the reason from the log.
    """
    for _ in range(3):
        address = with_free_port(place, address)
        failure = _try_launch(place, address, fsync)
        if failure is None:
            return address
        if "could not bind" not in failure:
            break
    raise DatabaseError(
        f"PostgreSQL in {place.home} did not start: {reason(failure)}. The rest is in {place.log}; "
        "`make db-reset` makes the cluster anew."
    )


def _try_launch(place: Place, address: Address, fsync: bool) -> str | None:
    """What the log says about a start that failed, None for one that worked."""
    own = {"cluster_name": place.name, "listen_addresses": address.host, "port": address.port}
    settings = SETTINGS | own | {"fsync": "on" if fsync else "off"}
    options = " ".join(f"-c {name}={value}" for name, value in settings.items())
    command = [program(place, "pg_ctl"), "start", "--silent", "--wait", f"--timeout={SECONDS_TO_START}", "-o", options]
    place.log.touch(mode=0o600)
    with place.log.open("ab") as log:
        if log.tell() > LOG_LIMIT:
            log.truncate(0)
        seen = log.seek(0, os.SEEK_END)
        # The data folder goes by the environment: pg_ctl pastes -D into a shell command, where a $ would hurt.
        started = run(command, place.account, variables={"PGDATA": str(place.data)}, stdout=log, stderr=log)
    return place.log.read_bytes()[seen:].decode(errors="replace") if started.returncode else None


def halt(place: Place) -> None:
    """Ends all processes of the cluster, gently first; only then is its pid file known to be stale and removed.

    Raises DatabaseError when one survives.
    """
    leader = postmaster(place)
    _send(signal.SIGINT, [leader] if leader else [])
    _send(signal.SIGQUIT, _remaining(place, SECONDS_TO_STOP if leader else SECONDS_TO_DIE))
    _send(signal.SIGKILL, _remaining(place, SECONDS_TO_DIE))
    if left := _remaining(place, SECONDS_TO_DIE):
        raise DatabaseError(f"PostgreSQL in {place.home} does not stop: process {left[0].pid}. End it and try again.")
    (place.data / "postmaster.pid").unlink(missing_ok=True)


def _send(number: signal.Signals, processes: list[psutil.Process]) -> None:
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.send_signal(number)


def _remaining(place: Place, seconds: float) -> list[psutil.Process]:
    """The processes of the cluster that are still there after waiting `seconds` for the last one to go."""
    wait = Retrying(
        retry=retry_if_result(bool),
        stop=patience(seconds),
        wait=every(0.05),
        retry_error_callback=lambda state: state.outcome.result(),
    )
    return wait(lambda: [process for process in psutil.process_iter() if _belongs(process, place)])


def postmaster(place: Place) -> psutil.Process | None:
    """The living postmaster that the pid file names: the pid alone may be stale, a zombie's or somebody else's."""
    try:
        process = psutil.Process(int((place.data / "postmaster.pid").read_text().partition("\n")[0]))
    except (FileNotFoundError, ValueError, psutil.Error):
        return None
    return process if _belongs(process, place) else None


def _belongs(process: psutil.Process, place: Place) -> bool:
    with suppress(psutil.Error):
        if process.name() == "postgres" and process.status() != psutil.STATUS_ZOMBIE:
            return _works_in(process, place)
        return process.name() == "initdb" and str(place.work) in " ".join(process.cmdline())
    return False


def _works_in(process: psutil.Process, place: Place) -> bool:
    try:
        return Path(process.cwd()) in (place.data, place.work / "cluster")
    except psutil.AccessDenied:
        # In a container even root may not see another account's folder; the cluster's name is visible to all.
        return place.name in " ".join(process.cmdline())
