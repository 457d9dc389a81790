"""Hooks of the process from which kernels are forked: later imports, and clean-up at its end."""

import atexit
import os
import shutil
from importlib import import_module
from itertools import count

from lib.run.kernels import FOLDER, LATER, RUNNER

__all__ = ["clean_up", "import_later"]

FORK_SERVER = os.getpid()
_forks = count(1)


def import_later() -> None:
    """Import LATER after the second fork: the first two kernels prepare the data, which needs none of it."""
    if os.getpid() == FORK_SERVER and next(_forks) == 2:  # kernels inherit this hook
        for name in LATER:
            import_module(name)


def clean_up() -> None:
    """Remove the runner's temporary folder if the runner has ended; one that is not killed does so itself."""
    if os.getppid() != int(os.environ[RUNNER]):
        shutil.rmtree(os.environ[FOLDER], ignore_errors=True)


os.register_at_fork(after_in_parent=import_later)
atexit.register(clean_up)
