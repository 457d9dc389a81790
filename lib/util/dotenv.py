"""Write `.env` for docker compose: `.env.example` with matching addresses and random secrets."""

import os
import secrets
import sys

from lib.errors import OutputError, UsageError, WorkbookError
from lib.settings import PROJECT

__all__ = ["filled", "main"]

FILE, EXAMPLE = PROJECT / ".env", PROJECT / ".env.example"
ADDRESSES = {
    "DB_HOST": "127.0.0.1",
    "DB_NAME": "shop",
    "DB_USER": "shop",
    "METABASE_URL": "http://127.0.0.1:3000",
    "METABASE_USER": "admin@example.com",
    "METABASE_SETUP": "1",
    "METABASE_DB_HOST": "postgres",  # name of the service, which other containers resolve
    "METABASE_DB_PORT": "5432",
}
SECRETS = ("DB_PASSWORD", "METABASE_PASSWORD", "METABASE_DB_PASSWORD", "MB_DB_PASSWORD", "MB_ENCRYPTION_SECRET_KEY")


def filled(example: str) -> str:
    """Text of the example with each address and a new random value for each secret filled in."""
    values = ADDRESSES | {name: _secret() for name in SECRETS}
    lines = [line + values.get(line[:-1], "") if line.endswith("=") else line for line in example.splitlines()]
    return "\n".join(lines) + "\n"


def _secret() -> str:
    """33 letters, digits, - and _; it ends with a digit because Metabase requires one in passwords."""
    return f"{secrets.token_urlsafe(24)}{secrets.randbelow(10)}"


def main() -> int:
    """Write the file, readable by its owner only.

    Returns:
        The exit code.
    """
    try:
        _write(filled(EXAMPLE.read_text(encoding="utf-8")))
    except WorkbookError as error:
        sys.stderr.write(f"error: {error}\n")
        return error.exit_code
    sys.stdout.write(f"wrote {FILE.name}; `docker compose --profile metabase up --wait` starts the services\n")
    return 0


def _write(text: str) -> None:
    try:
        handle = os.open(FILE, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise UsageError(f"{FILE} exists and is not overwritten. Move it away to create a new one.") from error
    except OSError as error:
        reason = error.strerror
        raise OutputError(f"cannot write to {FILE}: {reason}. Fix the permissions or free disk space.") from error
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)


if __name__ == "__main__":
    sys.exit(main())
