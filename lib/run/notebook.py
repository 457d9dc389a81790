"""Run one notebook headless with papermill: only its own parameters, progress per cell, errors for people."""

import ast
import contextlib
import json
import logging
import os
import re
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, BinaryIO, cast

from lib.errors import OutputError, UsageError, WorkbookError, exit_code, is_ours

__all__ = ["StepError", "execute", "parameter_names", "prepare", "prepared", "skip_slow_import"]

START_TIMEOUT_S = 120
OnCell = Callable[[int, int, str], None]


class StepError(WorkbookError):
    """Raised when a notebook fails; has the exit code of the error in its cell."""

    def __init__(self, text: str, code: int = 1, detail: str = "") -> None:
        super().__init__(text)
        self.exit_code = code
        self.detail = detail  # traceback from the kernel, for --debug


def prepare() -> None:
    """Register the engine with progress. Call once per process, before any other use of papermill."""
    skip_slow_import()
    from papermill.engines import papermill_engines

    papermill_engines.register("workbook", _engine())
    for name in ("papermill", "asyncio"):  # errors are raised and reported once; nbclient leaves a task at a time-out
        logging.getLogger(name).addHandler(logging.NullHandler())


def skip_slow_import() -> None:
    """Make rfc3987_syntax unimportable in this process.

    It builds an Earley parser on import (1.5 s in every process) for a JSON format that notebooks never use;
    jsonschema works without it.
    """
    sys.modules.setdefault("rfc3987_syntax", cast("ModuleType", None))


def _engine() -> type:
    from papermill.engines import NBClientEngine

    class ProgressEngine(NBClientEngine):  # type: ignore[misc]  # papermill has no type information
        """papermill's engine, which calls `on_cell` with the number of the cell that starts, of all, and its heading.

        It saves the notebook at its start, at its end and every `autosave_cell_every` seconds, not twice per cell: that
        took a fifth of the CPU time of a run.
        """

        @classmethod
        def execute_managed_notebook(cls, nb_man: Any, kernel_name: str, on_cell: OnCell, **options: Any) -> Any:
            begin, save = nb_man.cell_start, nb_man.save

            def cell_start(cell: Any, cell_index: int | None = None, **more: Any) -> Any:
                number = (cell_index or 0) + 1
                on_cell(number, len(nb_man.nb.cells), _heading(nb_man.nb.cells[:number]))
                return begin(cell, cell_index, **more)

            def save_at_times() -> None:
                if (nb_man.now() - nb_man.last_save_time).total_seconds() >= nb_man.autosave_cell_every:
                    save()

            nb_man.cell_start, nb_man.save = cell_start, save_at_times
            try:
                return super().execute_managed_notebook(nb_man, kernel_name, **options)
            finally:
                nb_man.save = save

    return ProgressEngine


def parameter_names(path: Path) -> list[str]:
    """Names of the parameters in the notebook's parameters cell.

    Raises:
        UsageError: The cell is not Python.
    """
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    tagged = [cell for cell in cells if "parameters" in cell["metadata"].get("tags", [])]
    try:
        body = [node for cell in tagged[:1] for node in ast.parse("".join(cell["source"])).body]
    except SyntaxError as error:
        raise UsageError(
            f"{path.name}: the cell with the tag parameters is not Python ({error.msg}, line {error.lineno}); "
            "expected lines such as `rows: int = 1  # how many`. Correct it."
        ) from error
    targets = [node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)] for node in body]
    return [target.id for found in targets for target in found if isinstance(target, ast.Name)]


def prepared(path: Path, values: dict[str, Any]) -> Any:
    """The notebook with these parameters injected, not executed and not saved."""
    from papermill.iorw import load_notebook_node
    from papermill.parameterize import parameterize_notebook

    return parameterize_notebook(load_notebook_node(_literal(path)), values)


def _literal(path: Path) -> str:
    """The path with braces doubled: papermill formats paths."""
    return str(path).replace("{", "{{").replace("}", "}}")


def execute(
    path: Path,
    target: Path,
    values: dict[str, Any],
    on_cell: OnCell,
    *,
    environment: dict[str, str] | None = None,
) -> None:
    """Run a notebook and save the executed copy.

    Args:
        path: The notebook.
        target: Where the executed notebook is written; the kernel's log lies next to it if it wrote any.
        values: Parameters of the run; those that the notebook's parameters cell names are passed to it.
        on_cell: Called with the number of the cell that starts, the number of all cells, and the heading above it.
        environment: Environment variables of the kernel, in addition to those of this process.

    Raises:
        UsageError: The notebook has a parameter that `values` lacks.
        StepError: A cell fails, the kernel dies or a cell exceeds `cell_timeout_s`; has the error's exit code.
        OutputError: `target` or the log cannot be written.
    """
    from nbclient.exceptions import CellTimeoutError
    from papermill.exceptions import PapermillExecutionError

    from lib.run.kernels import kernel_manager, temporary_folder

    own = {name: values[name] for name in _known(path, values)}
    at = "its start"

    def cell_starts(number: int, count: int, heading: str) -> None:
        nonlocal at
        at = f"cell {number} of {count}, “{heading}”,"
        on_cell(number, count, heading)

    try:
        with _log(target) as log, tempfile.TemporaryDirectory(dir=temporary_folder(), prefix="workbook-") as sockets:
            options = {"cwd": path.parent, "env": os.environ | (environment or {}), "stdout": log, "stderr": log}
            manager = kernel_manager(sockets, **options)
            _run(path, target, own, on_cell=cell_starts, kernel_manager_class=manager, timeout=values["cell_timeout_s"])
    except PapermillExecutionError as error:
        raise _failed(path, target, error) from error
    except CellTimeoutError as error:
        limit = values["cell_timeout_s"]
        raise StepError(
            f"{path.stem}: {at} took more than {limit} s. If it only needs longer, "
            f'run `make pipeline SET="cell_timeout_s={2 * limit}" ARGS=--resume`'
        ) from error
    except OSError as error:
        reason = error.strerror or error
        raise OutputError(f"{path.stem}: cannot write {target}: {reason}. Free disk space and run again") from error
    except RuntimeError as error:  # from nbclient and jupyter_client: the kernel died or did not start
        raise StepError(f"{path.stem}: the kernel died ({error}): killed, or out of memory") from error


def _known(path: Path, values: dict[str, Any]) -> list[str]:
    names = parameter_names(path)
    if unknown := [name for name in names if name not in values]:
        raise UsageError(
            f"{path.name}: unknown parameters {unknown}; expected names of lib/run/params.py. Add or rename them."
        )
    return names


@contextlib.contextmanager
def _log(target: Path) -> Iterator[BinaryIO]:
    """File for kernel output outside of cells, next to the executed notebook; removed if it stays empty."""
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
    return StepError(text if is_ours(error.ename) else f"{text}. See {target}", exit_code(error.ename), detail)


def _reason(error: Any) -> str:
    if is_ours(error.ename):
        return str(error.evalue)
    return ": ".join([error.ename, *error.evalue.splitlines()[:1]])


def _failed_section(target: Path) -> str:
    """The last heading before the cell that failed."""
    import nbformat

    cells = nbformat.read(target, as_version=4).cells
    failed = [any(output.output_type == "error" for output in cell.get("outputs", [])) for cell in cells]
    return _heading(cells[: failed.index(True)] if True in failed else cells)


def _heading(cells: Sequence[Any]) -> str:
    """The last heading in the cells; `its start` if they have none."""
    texts = [cell.source for cell in cells if cell.cell_type == "markdown"]
    return ["its start", *(heading for text in texts for heading in re.findall(r"^#+ (.+)$", text, re.MULTILINE))][-1]
