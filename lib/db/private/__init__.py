"""The private PostgreSQL server of the workbook: start, recover, stop and reset."""

import os
import re
import signal
import time
from contextlib import closing, suppress
from pathlib import Path

import psutil
import psycopg2
from tenacity import retry, retry_if_exception, stop_after_delay, wait_fixed

from lib.db.private.cluster import (
    Address,
    binary,
    connect,
    ensure_database,
    load_address,
    prepare,
    program,
    with_free_port,
)
from lib.db.private.location import (
    Location,
    exists,
    file_errors,
    last_error,
    locate,
    locked,
    remember_fallback,
    remove,
    run,
)
from lib.errors import DatabaseError

__all__ = ["Address", "binary", "find_postmaster", "reset", "running", "start", "stop"]

SECONDS_TO_START, SECONDS_TO_STOP, SECONDS_TO_DIE = 120, 120, 5
LOG_LIMIT = 10_000_000  # bytes
NOT_YET = re.compile("starting up|shutting down|recovery|refused|closed the connection")
# Minimal WAL lets COPY into a table of the same transaction skip the log; rare checkpoints speed up long loads.
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
    "io_method": "sync",  # the files are in the page cache, where reads by I/O workers cost more than they save
}


def start(folder: Path, *, fsync: bool = True) -> Address:
    """Create, recover and start the server of `folder` as needed; safe to call from many processes at once.

    Args:
        folder: Folder of the cluster, its address and its log.
        fsync: False is for tests; ignored if the server is already running.

    Raises:
        DatabaseError: The server cannot be started.
        OutputError: The file system refuses.
    """
    with locked(folder) as location:
        remember_fallback(folder, location)
        try:
            return _ensure_running(location, fsync)
        except psycopg2.Error as error:
            raise DatabaseError(
                f"the private PostgreSQL in {location.home} runs but refuses connections: {last_error(str(error))}. "
                "Run `make db-stop` and try again; if that does not help, `make db-reset` creates it again."
            ) from error


def running(folder: Path) -> Address | None:
    """Address of the running server of `folder`, None if it does not answer; starts nothing."""
    with file_errors(folder):
        address = _address_if_alive(locate(folder))
        if address is None:
            return None
        with suppress(psycopg2.OperationalError), closing(connect(address)):
            return address
    return None


def stop(folder: Path) -> None:
    """Stop the server of `folder` if it runs, and clean up after a killed one."""
    if exists(folder):
        with locked(folder) as location:
            _halt(location)


def reset(folder: Path) -> None:
    """Stop the server of `folder` and delete its cluster, password and log."""
    if not exists(folder):
        return
    with locked(folder) as location:
        _halt(location)
        for path in (location.data, location.work):
            remove(path)
        for path in (location.state, location.log, folder / "location"):
            path.unlink(missing_ok=True)
        if location.home != folder.resolve():
            remove(location.home)


def find_postmaster(location: Location) -> psutil.Process | None:
    """The running main process that the pid file names, None if there is none.

    The pid alone proves nothing: it may be stale, a zombie's, or reused by another program.
    """
    try:
        process = psutil.Process(int((location.data / "postmaster.pid").read_text().partition("\n")[0]))
    except (FileNotFoundError, ValueError, psutil.Error):
        return None
    return process if _belongs(process, location) else None


def _is_transient(error: BaseException) -> bool:
    return isinstance(error, psycopg2.OperationalError) and bool(NOT_YET.search(str(error)))


@retry(
    retry=retry_if_exception(_is_transient), stop=stop_after_delay(SECONDS_TO_START), wait=wait_fixed(0.1), reraise=True
)
def _ensure_running(location: Location, fsync: bool) -> Address:
    address = _address_if_alive(location)
    if address is None:
        _halt(location)
        address = _launch(location, prepare(location), fsync)
    ensure_database(address)
    return address


def _address_if_alive(location: Location) -> Address | None:
    """The saved address if the main process is running, without testing whether it answers."""
    address = load_address(location)
    return address if address and find_postmaster(location) else None


def _launch(location: Location, address: Address, fsync: bool) -> Address:
    """Start the server, on another port if the saved one is taken, and wait until it is ready."""
    for _ in range(3):
        address = with_free_port(location, address)
        failure = _try_launch(location, address, fsync)
        if not failure:
            return address
        if "could not bind" not in failure:
            break
    raise DatabaseError(
        f"PostgreSQL in {location.home} did not start: {last_error(failure)}. Details are in {location.log}; "
        "`make db-reset` creates the cluster again."
    )


def _try_launch(location: Location, address: Address, fsync: bool) -> str:
    """Empty if the server started, otherwise what it wrote to its log."""
    own = {"cluster_name": location.name, "listen_addresses": address.host, "port": address.port}
    settings = SETTINGS | own | ({} if fsync else {"fsync": "off", "full_page_writes": "off"})
    options = " ".join(f"-c {name}={value}" for name, value in settings.items())
    arguments = ["start", "--silent", "--wait", f"--timeout={SECONDS_TO_START}", "-o", options]
    command: list[str | Path] = [program(location, "pg_ctl"), *arguments]
    location.log.touch(mode=0o600)
    with location.log.open("ab") as log:
        if log.tell() > LOG_LIMIT:
            log.truncate(0)
        begin = log.seek(0, os.SEEK_END)
        # PGDATA instead of -D: pg_ctl pastes -D into a shell command, where a $ in the path would be expanded.
        started = run(command, location.account, variables={"PGDATA": str(location.data)}, stdout=log, stderr=log)
    if started.returncode == 0:
        return ""
    return location.log.read_bytes()[begin:].decode(errors="replace") or "no message in the log"


def _halt(location: Location) -> None:
    """End all processes of the cluster, gently first, then remove the pid file, which is stale only after that."""
    postmaster = find_postmaster(location)
    _send(signal.SIGINT, [postmaster] if postmaster else [])
    _send(signal.SIGQUIT, _remaining(location, SECONDS_TO_STOP if postmaster else SECONDS_TO_DIE))
    _send(signal.SIGKILL, _remaining(location, SECONDS_TO_DIE))
    if left := _remaining(location, SECONDS_TO_DIE):
        raise DatabaseError(f"PostgreSQL in {location.home} does not stop; end process {left[0].pid} and try again.")
    (location.data / "postmaster.pid").unlink(missing_ok=True)


def _send(number: signal.Signals, processes: list[psutil.Process]) -> None:
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.send_signal(number)


def _remaining(location: Location, seconds: float) -> list[psutil.Process]:
    """The processes of the cluster that are left after waiting up to `seconds` for all to end."""
    deadline = time.monotonic() + seconds
    while left := [process for process in psutil.process_iter() if _belongs(process, location)]:
        if time.monotonic() > deadline:
            break
        time.sleep(0.05)
    return left


def _belongs(process: psutil.Process, location: Location) -> bool:
    with suppress(psutil.Error):
        if process.name() == "postgres" and process.status() != psutil.STATUS_ZOMBIE:
            return _works_in(process, location)
        return process.name() == "initdb" and str(location.work) in " ".join(process.cmdline())
    return False


def _works_in(process: psutil.Process, location: Location) -> bool:
    try:
        return Path(process.cwd()) in (location.data, location.work / "cluster")
    except psutil.AccessDenied:
        # In a container even root may not read another account's working folder; the cluster's name is visible to all.
        return location.name in " ".join(process.cmdline())
