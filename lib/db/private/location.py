"""Folder and operating system account of a private cluster; locking it and running programs as that account."""

import hashlib
import os
import pwd
import re
import shutil
import stat
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from lib.errors import DatabaseError, OutputError
from lib.util.files import replacing

__all__ = [
    "Account",
    "Location",
    "exists",
    "file_errors",
    "last_error",
    "locate",
    "locked",
    "remember_fallback",
    "remove",
    "run",
]

Account = pwd.struct_passwd
SERVER_ACCOUNTS = ("postgres", "nobody")
SECONDS_FOR_LOCK = 300


@dataclass(frozen=True)
class Location:
    """Where a cluster lives and which account runs it (None: the current user)."""

    home: Path
    account: Account | None

    @property
    def data(self) -> Path:
        """Folder of the cluster."""
        return self.home / "data"

    @property
    def work(self) -> Path:
        """Folder in which initdb creates the cluster before it is moved to `data`."""
        return self.home / "data.tmp"

    @property
    def state(self) -> Path:
        """The file with address and password."""
        return self.home / "state.json"

    @property
    def log(self) -> Path:
        """The server's log file."""
        return self.home / "server.log"

    @property
    def name(self) -> str:
        """The cluster's name, visible in the process list."""
        return f"workbook-{_digest(self.data)}"


@contextmanager
def locked(folder: Path) -> Iterator[Location]:
    """Lock the location of `folder`, which is created if missing, for one process at a time.

    Raises:
        DatabaseError: Another process holds the lock for too long.
        OutputError: A folder or the lock file cannot be created.
    """
    with file_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / "lock", timeout=SECONDS_FOR_LOCK):
            location = locate(folder)
            if location.home != folder.resolve():
                _create_fallback(location.home)
            yield location


def remember_fallback(folder: Path, location: Location) -> None:
    """Record in `folder` that its cluster is in the fallback folder, whose name is a digest of the path of `folder`.

    Raises:
        DatabaseError: The folder was renamed or copied since, and its cluster is still in the fallback of the old path.
    """
    pointer = folder / "location"
    if location.home == folder.resolve():
        return
    recorded = Path((pointer.read_text(encoding="utf-8") if pointer.exists() else "") or location.home)
    if recorded != location.home and recorded.exists():
        raise DatabaseError(
            f"{folder} was renamed or copied; its private PostgreSQL with the loaded shop is still in {recorded}, "
            f"which belongs to the old name. Rename the folder back, or delete {pointer} for an empty database."
        )
    with replacing(pointer) as written:
        written.write_text(str(location.home), encoding="utf-8")


@contextmanager
def file_errors(folder: Path) -> Iterator[None]:
    """Raise an OSError of the block as OutputError, and a timeout of the lock as DatabaseError."""
    try:
        yield
    except Timeout as error:
        raise DatabaseError(
            f"{error.lock_file} is locked by another process for {SECONDS_FOR_LOCK // 60} minutes. "
            "Wait for that process or end it, then run again."
        ) from error
    except OSError as error:
        path = error.filename or folder
        raise OutputError(
            f"cannot keep a PostgreSQL server in {folder}: {error.strerror or error} ({path}). "
            "Free disk space or make the folder writable, or set DATABASE_URL to a server of your own."
        ) from error


def exists(folder: Path) -> bool:
    """Whether `folder` or its fallback was ever created."""
    with file_errors(folder):
        return folder.exists() or locate(folder).home.exists()


def locate(folder: Path) -> Location:
    """The folder itself; for root, a fallback in /var/tmp if the server's account cannot enter the folder."""
    folder = folder.resolve()
    if os.geteuid() != 0:
        return Location(folder, None)
    fallback, account = fallback_folder(folder), _account(folder / "data")
    # A fallback once used stays in use until a reset, even if the permissions of the folder change.
    if not _owned_by_root(fallback) and _can_enter(account, folder):
        return Location(folder, account)
    return Location(fallback, _account(fallback / "data"))


def fallback_folder(folder: Path) -> Path:
    """Folder in /var/tmp, which every account can enter, named after `folder`."""
    return Path("/var/tmp").resolve() / f"shop-workbook-{_digest(folder)}"  # noqa: S108


def _digest(path: Path) -> str:
    return hashlib.sha256(bytes(path)).hexdigest()[:16]


def _account(data: Path) -> Account:
    """The account that owns the cluster, or will own a new one: PostgreSQL refuses to run as root."""
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


def _owned_by_root(folder: Path) -> bool:
    """Whether it is a real folder that only root can change: any user could have put one into /var/tmp."""
    with suppress(FileNotFoundError):
        status = folder.lstat()
        return stat.S_ISDIR(status.st_mode) and status.st_uid == 0 and not status.st_mode & 0o022
    return False


def _can_enter(account: Account, folder: Path) -> bool:
    return run(["test", "-x", folder], account).returncode == 0


def _create_fallback(folder: Path) -> None:
    if not folder.exists():
        folder.mkdir()
        folder.chmod(0o711)
    if not _owned_by_root(folder):
        raise DatabaseError(f"{folder} is not owned by root alone. Check its owner, then remove it.")


def remove(folder: Path) -> None:
    """Delete a folder that may be missing; raises OSError if it cannot be deleted."""
    if folder.exists():
        shutil.rmtree(folder)


def run(
    command: Sequence[str | Path],
    account: Account | None,
    *,
    variables: Mapping[str, str] | None = None,
    **options: Any,
) -> subprocess.CompletedProcess[str]:
    """Run a program as the account, without our terminal, working folder and PG* variables.

    Args:
        command: Program and arguments.
        account: None for the current user.
        variables: Added to the environment.
        options: Passed to subprocess.run.

    Returns:
        The finished process; a failed program raises nothing.
    """
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    settings: dict[str, Any] = {"input": "", "env": {**inherited, "LC_ALL": "C", **(variables or {})}}
    if account:
        settings |= {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
    return subprocess.run(command, cwd="/", start_new_session=True, text=True, check=False, **settings | options)


def last_error(text: str) -> str:
    """The last error message in the output of a PostgreSQL program, else its last line."""
    messages = re.findall(r"(?:FATAL|PANIC|ERROR|error):\s+(.+)", text)
    return str((messages or text.strip().splitlines() or ["no reason given"])[-1]).strip().rstrip(".")
