"""Load in a process of its own, after printing its process id: `python -m tests.chaos.loader MODE FOLDER`."""

import os
import sys
from pathlib import Path

from lib import db, load
from lib.catalog import tables
from lib.db import watchdog
from lib.errors import WorkbookError
from lib.load.copy import copy_rows, parquet_files
from lib.load.marts import MARTS, build, create_sessions

__all__ = ["main"]

AS_OF = "2025-07-01"
HASTY = {"PROBE_EVERY_S": 0.2, "PROBE_TIMEOUT_S": 2, "FAILED_PROBES": 1}  # 2 s is the shortest connect_timeout of libpq


def broken(folder: Path, **_: object) -> None:
    """A broken load: deletes the old rows in one transaction and copies the new ones in another."""
    with db.transaction() as connection:
        db.run(connection, f"TRUNCATE {', '.join(tables())}")
    sys.stdout.write("between\n")
    sys.stdout.flush()
    with db.transaction() as connection:
        for name, paths in parquet_files(folder).items():
            copy_rows(connection, name, paths)
        create_sessions(connection)
        db.run(connection, f"TRUNCATE {', '.join(MARTS)}")
        for mart in MARTS:
            build(connection, mart)


def main() -> int:
    """Load as the command line says.

    Returns:
        The exit code.
    """
    mode, folder = sys.argv[1:]
    for name, value in HASTY.items():
        setattr(watchdog, name, value)
    sys.stdout.write(f"{os.getpid()}\n")
    sys.stdout.flush()
    try:
        ({"broken": broken} | load.MODES)[mode](Path(folder), as_of=AS_OF)
    except WorkbookError as error:
        sys.stderr.write(f"error: {error}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
