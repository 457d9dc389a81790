"""Runs one notebook headless with papermill: its own parameters only, progress per cell, a failure in words."""

import contextlib
import logging
import os
import re
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

from lib.errors import OutputError, UsageError, WorkbookError, exit_code, is_ours

__all__ = ["StepError", "execute", "kernel_manager", "parameter_names", "prepare"]

START_TIMEOUT_S = 120


class StepError(WorkbookError):
    """Raised when a notebook fails; carries the exit code of the error that failed it."""

    def __init__(self, text: str, code: int = 1, detail: str = "") -> None:
        super().__init__(text)
        self.exit_code = code
        self.detail = detail  # the kernel's own traceback, for --debug


def prepare() -> None:
    """Import what running needs, without what it does not: call once, before any other use of papermill.

    rfc3987_syntax builds an Earley parser on import (1.5 s in every process) for a JSON format that notebooks never
    use; jsonschema does without it when it is not importable.
    """
    sys.modules.setdefault("rfc3987_syntax", None)
    from papermill.engines import papermill_engines

    papermill_engines.register("workbook", _engine())
    logging.getLogger("papermill").addHandler(logging.NullHandler())  # what matters is raised, and told once


def _engine() -> type:
    from papermill.engines import NBClientEngine

    class ProgressEngine(NBClientEngine):
        """papermill's engine that tells which cell starts."""

        @classmethod
        def execute_managed_notebook(cls, nb_man: Any, kernel_name: str, on_cell: Callable, **options: Any) -> Any:
            begin = nb_man.cell_start

            def cell_start(cell: Any, cell_index: int | None = None, **more: Any) -> Any:
                on_cell((cell_index or 0) + 1, len(nb_man.nb.cells))
                return begin(cell, cell_index, **more)

            nb_man.cell_start = cell_start
            return super().execute_managed_notebook(nb_man, kernel_name, **options)

    return ProgressEngine


def kernel_manager(folder: str, **popen: Any) -> type:
    """Kernels started with `popen` that talk over socket files in `folder`, where no other user can listen."""
    from jupyter_client.manager import AsyncKernelManager
    from traitlets import default

    class SocketKernelManager(AsyncKernelManager):
        transport = "ipc"

        @default("connection_file")
        def _in_folder(self) -> str:
            return f"{folder}/kernel.json"

        async def start_kernel(self, **options: Any) -> None:
            await super().start_kernel(**options, **popen)

        async def shutdown_kernel(self, now: bool = False, restart: bool = False) -> None:
            """End the kernel at once: all outputs are in, and the polite way costs a second and logs an interrupt."""
            await self.provisioner.kill()
            await self.provisioner.wait()

    return SocketKernelManager


def parameter_names(path: Path) -> list[str]:
    """Names in the notebook's parameters cell."""
    from papermill import inspect_notebook

    return list(inspect_notebook(_literal(path)))


def _literal(path: Path) -> str:
    """The path as papermill wants it: it takes braces for places to fill in."""
    return str(path).replace("{", "{{").replace("}", "}}")


def execute(
    path: Path,
    target: Path,
    values: dict[str, Any],
    on_cell: Callable[[int, int], None],
    *,
    environment: dict[str, str] | None = None,
) -> None:
    """Run the notebook at `path` with those of `values` that its parameters cell names; the executed one at `target`.

    `environment` is laid over this process's own. Raises UsageError for a parameter that `values` lacks, StepError, in
    words and with its exit code, when a cell fails, the kernel dies or time runs out, OutputError when `target` or the
    kernel's log beside it cannot be written.
    """
    from nbclient.exceptions import CellTimeoutError
    from papermill.exceptions import PapermillExecutionError

    own = {name: values[name] for name in _known(path, values)}
    try:
        with _log(target) as log, tempfile.TemporaryDirectory(prefix="workbook-") as sockets:
            options = {"cwd": path.parent, "env": os.environ | (environment or {}), "stdout": log, "stderr": log}
            manager = kernel_manager(sockets, **options)
            _run(path, target, own, on_cell=on_cell, kernel_manager_class=manager, timeout=values["cell_timeout_s"])
    except PapermillExecutionError as error:
        raise _failed(path, target, error) from error
    except CellTimeoutError as error:
        limit = values["cell_timeout_s"]
        raise StepError(f"{path.stem}: a cell took more than {limit} s; raise cell_timeout_s or look why") from error
    except OSError as error:
        reason = error.strerror or error
        raise OutputError(f"{path.stem}: cannot write {target}: {reason}; free some space and run again") from error
    except RuntimeError as error:  # of nbclient and jupyter_client: the kernel died, or did not come up
        raise StepError(f"{path.stem}: its Python process ended early ({error}): killed or out of memory") from error


def _known(path: Path, values: dict[str, Any]) -> list[str]:
    names = parameter_names(path)
    if unknown := [name for name in names if name not in values]:
        raise UsageError(
            f"{path.name} has the parameters {unknown}, which no params file can hold; see lib/run/params.py"
        )
    return names


@contextlib.contextmanager
def _log(target: Path) -> Iterator[BinaryIO]:
    """File for what the kernel writes past its cells, beside the executed notebook; removed when that was nothing."""
    path = target.with_suffix(".log")
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with path.open("wb") as log:
            yield log
    finally:
        if path.exists() and not path.stat().st_size:
            path.unlink()


def _run(path: Path, target: Path, own: dict[str, Any], *, timeout: int, **options: Any) -> None:
    import papermill

    papermill.execute_notebook(
        _literal(path), _literal(target), own, engine_name="workbook", kernel_name="python3", progress_bar=False,
        log_output=False, start_timeout=START_TIMEOUT_S, execution_timeout=timeout,
        iopub_timeout=START_TIMEOUT_S, **options,
    )  # fmt: skip


def _failed(path: Path, target: Path, error: Any) -> StepError:
    text = f"{path.stem} failed at “{_failed_section(target)}”: {_reason(error)}"
    detail = "\n".join([*error.traceback, ""])
    return StepError(text if is_ours(error.ename) else f"{text}; look at {target}", exit_code(error.ename), detail)


def _reason(error: Any) -> str:
    if is_ours(error.ename):
        return error.evalue
    return ": ".join([error.ename, *error.evalue.splitlines()[:1]])


def _failed_section(target: Path) -> str:
    """The last heading before the cell with the error."""
    import nbformat

    heading = "its start"
    for cell in nbformat.read(target, as_version=4).cells:
        if any(output.output_type == "error" for output in cell.get("outputs", [])):
            return heading
        headings = re.findall(r"^#+ (.+)$", cell.source, re.MULTILINE) if cell.cell_type == "markdown" else []
        heading = [heading, *headings][-1]
    return heading
