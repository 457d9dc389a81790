"""Runs programs under the server's account, and finds the reason in what a failed one said."""

import os
import pwd
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

__all__ = ["Account", "reason", "run"]

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
