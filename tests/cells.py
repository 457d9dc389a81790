"""Runs the cells of a notebook in this process with given parameters and returns their outputs in order."""

from typing import Any

import nbformat
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output

from lib.run.steps import NOTEBOOKS

__all__ = ["shown_by"]


def shown_by(step: str, **values: Any) -> list[dict[str, Any]]:
    """The mimebundles of all outputs; an exception in a cell is raised."""
    InteractiveShell.clear_instance()
    shell = InteractiveShell.instance()
    shell.display_formatter.active_types = list(shell.display_formatter.formatters)
    outputs = []
    for cell in nbformat.read(NOTEBOOKS / f"{step}.ipynb", as_version=4).cells:
        if cell.cell_type == "code":
            with capture_output() as captured:
                result = shell.run_cell(cell.source)
            result.raise_error()
            outputs += [output.data for output in captured.outputs]
            data, _ = shell.display_formatter.format(result.result) if _is_value(result.result) else ({}, {})
            outputs += [data] if data else []
        if "parameters" in cell.metadata.get("tags", []):
            shell.push(values)
    return outputs


def _is_value(result: object) -> bool:
    """Whether the shell only printed the value; an object with its own display is among the outputs already."""
    return result is not None and getattr(result, "_ipython_display_", None) is None
