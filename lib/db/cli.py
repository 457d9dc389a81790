"""Commands for the database: `python -m lib.db.cli start | stop | status | psql | url | reset`."""

import argparse
import os
import sys
from collections.abc import Callable

import psycopg2.extensions

from lib.db import private
from lib.db.connection import engine, server
from lib.db.url import external_url, private_folder, url
from lib.errors import UsageError, WorkbookError

__all__ = ["main"]


def _start() -> None:
    """Start the private server, or check that the external one answers: connecting does both."""
    sys.stdout.write(server() + "\n")


def _stop() -> None:
    _refuse_external()
    private.stop(private_folder())


def _status() -> None:
    address = external_url() or private.running(private_folder())
    if address is None:
        sys.stdout.write("the private server is not running; `make db-start` starts it\n")
    else:
        sys.stdout.write(f"{server()} at {address.host}:{address.port}\n")


def _psql() -> None:
    """Replace this process with psql and pass it the further arguments; psql reads a script from standard input."""
    _, options = engine().dialect.create_connect_args(url())
    # The password travels in the environment, because every user can list command lines.
    secret = {"PGPASSWORD": password} if (password := options.pop("password", None)) else {}
    target = "--dbname=" + psycopg2.extensions.make_dsn(**options)
    program = str(private.binary("psql"))
    arguments = [program, "--set=ON_ERROR_STOP=1", target, *sys.argv[2:]]
    os.execve(program, arguments, os.environ | secret)  # noqa: S606


def _print_url() -> None:
    address = url().set(drivername="postgresql")
    sys.stdout.write(address.render_as_string(hide_password=False) + "\n")


def _reset() -> None:
    _refuse_external()
    private.reset(private_folder())


def _refuse_external() -> None:
    if external_url():
        raise UsageError(
            "the settings name an external database; only the private server can be stopped or reset. "
            "Unset DATABASE_URL and DB_HOST first."
        )


COMMANDS: dict[str, Callable[[], None]] = {
    "start": _start,
    "stop": _stop,
    "status": _status,
    "psql": _psql,
    "url": _print_url,
    "reset": _reset,
}


def main() -> int:
    """Run the command that the command line names; an error of the workbook is printed instead of raised.

    Returns:
        The exit code: 0, or that of the error.
    """
    parser = argparse.ArgumentParser(prog="python -m lib.db.cli", description=__doc__)
    parser.add_argument("command", choices=COMMANDS)
    try:
        # Further arguments belong to psql and would confuse the parser.
        COMMANDS[parser.parse_args(sys.argv[1:2]).command]()
    except WorkbookError as error:
        sys.stderr.write(f"error: {error}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
