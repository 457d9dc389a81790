"""Tests of renewing saved outputs: they compare equal on any machine, and a failing notebook is left unchanged."""

from pathlib import Path

import nbformat
import pytest

from lib.errors import UsageError, WorkbookError
from lib.run import refresh

pytestmark = pytest.mark.slow


def saved(path: Path, source: str) -> Path:
    cell = nbformat.v4.new_code_cell(source, id="one", metadata={"tags": ["parameters"]})
    book = nbformat.v4.new_notebook(
        cells=[cell], metadata={"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    )
    nbformat.write(book, path)
    return path


def test_outputs_are_saved_without_times_and_versions(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.ipynb", "1 + 1")
    refresh.renew(path)
    book = nbformat.read(path, as_version=4)
    assert book.cells[0].outputs[0].data == {"text/plain": "2"}
    assert book.cells[0].metadata == {"tags": ["parameters"]}
    assert book.metadata.language_info == {"name": "python"}


def test_an_output_that_is_not_compared_is_kept(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.ipynb", "import time\ntime.perf_counter()")
    refresh.renew(path)
    book = nbformat.read(path, as_version=4)
    book.cells[0].metadata["tags"] = [refresh.NOT_COMPARED]
    nbformat.write(book, path)
    before = path.read_bytes()
    refresh.renew(path)
    assert path.read_bytes() == before


def test_a_failing_notebook_is_unchanged(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.ipynb", "1 / 0")
    before = path.read_bytes()
    with pytest.raises(WorkbookError, match=r"a\.ipynb failed and is unchanged: ZeroDivisionError"):
        refresh.renew(path)
    assert path.read_bytes() == before


def test_the_parameters_cell_is_rewritten_from_the_model(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.ipynb", "seed: int = 7  # old\nmapping: dict = None  # old")
    refresh.renew(path)
    assert nbformat.read(path, as_version=4).cells[0].source == refresh.parameter_cell(["seed", "mapping"])


def test_a_parameter_line_has_type_default_and_description() -> None:
    line = "horizon_days: int = 30  # days to forecast"
    assert refresh.parameter_cell(["horizon_days"]) == line


def test_an_unknown_parameter_is_refused() -> None:
    with pytest.raises(UsageError, match="unknown parameter 'colour' in a notebook"):
        refresh.parameter_cell(["colour"])
