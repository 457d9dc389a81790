"""What the process from which kernels are forked does at its end: remove the folder of a runner that was killed."""

import atexit
import os
import shutil

from lib.run.kernels import FOLDER, RUNNER

__all__ = ["clean_up"]


def clean_up() -> None:
    """Remove the runner's temporary folder if the runner has ended; one that is not killed does so itself."""
    if os.getppid() != int(os.environ[RUNNER]):
        shutil.rmtree(os.environ[FOLDER], ignore_errors=True)


atexit.register(clean_up)
