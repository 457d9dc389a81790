"""Runs programs under the server's account, and finds the reason in what a failed one said."""

import hashlib
import os
import pwd
import re
import shutil
import stat
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from lib.errors import DatabaseError, OutputError

__all__ = ["Account", "Place", "exists", "explained", "locate", "locked", "reason", "remove", "run"]

Account = pwd.struct_passwd


def run(
    command: list[str | Path], account: Account | None, *, variables: Mapping[str, str] | None = None, **options: object
) -> subprocess.CompletedProcess[str]:
    """Outcome of a program run as the account (None: whoever asks), whatever its exit code; options as of subprocess.

    It is kept apart from our terminal, folder and PG* variables; `variables` are added to its environment.
    """
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    options = {"input": "", "env": inherited | {"LC_ALL": "C"} | (variables or {})} | options
    if account:
        options |= {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
    return subprocess.run(command, cwd="/", start_new_session=True, text=True, check=False, **options)


def reason(text: str) -> str:
    """The last line of `text` that names an error, without time and level; without such a line, the last one."""
    named = re.findall(r"(?:FATAL|PANIC|ERROR|error):\s+(.+)", text)
    return (named or text.strip().splitlines() or ["no reason given"])[-1].strip().rstrip(".")


SERVER_ACCOUNTS = ("postgres", "nobody")
SECONDS_FOR_LOCK = 300


@dataclass(frozen=True)
class Place:
    """Where a cluster lives and which account runs it (None: whoever asks)."""

    home: Path
    account: Account | None

    @property
    def data(self) -> Path:
        """The cluster."""
        return self.home / "data"

    @property
    def work(self) -> Path:
        """The cluster while it is being made."""
        return self.home / "data.tmp"

    @property
    def state(self) -> Path:
        """The file of the address and its password."""
        return self.home / "state.json"

    @property
    def log(self) -> Path:
        """The file of what the server says."""
        return self.home / "server.log"

    @property
    def name(self) -> str:
        """The cluster's name in the process list."""
        return f"workbook-{_digest(self.data)}"


@contextmanager
def locked(folder: Path) -> Iterator[Place]:
    """The place of `folder`, made if missing, for one process at a time. Raises DatabaseError, OutputError."""
    with explained(folder):
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / "lock", timeout=SECONDS_FOR_LOCK):
            place = locate(folder)
            if place.home != folder.resolve():
                _secure(place.home)
            yield place


@contextmanager
def explained(folder: Path) -> Iterator[None]:
    """Turns what the file system refuses into one sentence of a DatabaseError or OutputError."""
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


def exists(folder: Path) -> bool:
    """Whether `folder`, or what stands in for it, was ever made."""
    with explained(folder):
        return folder.exists() or locate(folder).home.exists()


def locate(folder: Path) -> Place:
    """The folder itself; for root a refuge in /var/tmp when the server's account cannot get into the folder."""
    folder = folder.resolve()
    if os.geteuid() != 0:
        return Place(folder, None)
    refuge, account = _refuge(folder), _account(folder / "data")
    # A refuge once used stays in use until a reset, whatever becomes of the folder's permissions.
    if not _is_safe(refuge) and _reaches(account, folder):
        return Place(folder, account)
    return Place(refuge, _account(refuge / "data"))


def _refuge(folder: Path) -> Path:
    return Path("/var/tmp").resolve() / f"shop-workbook-{_digest(folder)}"  # noqa: S108


def _digest(path: Path) -> str:
    return hashlib.sha256(bytes(path)).hexdigest()[:16]


def _account(data: Path) -> Account:
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


def _reaches(account: Account, path: Path) -> bool:
    return run(["test", "-x", path], account).returncode == 0


def _secure(refuge: Path) -> None:
    if not refuge.exists():
        refuge.mkdir()
        refuge.chmod(0o711)
    if not _is_safe(refuge):
        raise DatabaseError(f"{refuge} is not a folder of root's own. Look who made it, and remove it.")


def remove(folder: Path) -> None:
    """Deletes a folder that may be missing. Raises OSError when it cannot be deleted."""
    if folder.exists():
        shutil.rmtree(folder)
