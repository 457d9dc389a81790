"""Tests of running one notebook headless with its own parameters; failures are reported in words. Real kernels run."""

import os
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import nbformat
import psutil
import pytest

from lib import settings
from lib.errors import OutputError, UsageError
from lib.run import kernels, notebook

pytestmark = pytest.mark.slow

PARAMETERS = "rows: int = 1  # how many"


@pytest.fixture(scope="module", params=["forked", "usual"], autouse=True)
def _ready(request: pytest.FixtureRequest) -> Any:
    """Every test runs with forked kernels and with kernels that are started as usual."""
    notebook.prepare()
    kernels.preload()
    if request.param == "usual":
        kernels.preloaded.clear()
    yield
    kernels.preloaded.clear()


@pytest.fixture(autouse=True)
def _nothing_left(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Any:
    """After every test: no kernel runs, no socket is left, and the user's Jupyter folders are unchanged."""
    home = tmp_path_factory.mktemp("h")
    monkeypatch.setattr(tempfile, "tempdir", str(home))
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(home / "runtime"))
    before = living()  # helpers of multiprocessing stay as long as this process
    yield
    assert living() <= before
    assert list(home.iterdir()) == []


def living() -> set[psutil.Process]:
    """Processes that this one has started and that run; the fork server soon removes those that have ended."""
    found = set()
    for child in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            if child.status() != psutil.STATUS_ZOMBIE:
                found.add(child)
    return found


def book(folder: Path, *cells: str, parameters: str = PARAMETERS) -> Path:
    """A notebook with a title, a parameters cell, and `cells` under the heading Work."""
    v4 = nbformat.v4
    first = v4.new_code_cell(parameters, metadata={"tags": ["parameters"]})
    kernel = {"name": "python3", "language": "python", "display_name": "Python 3"}
    body = [v4.new_markdown_cell("## Work\n\nWords."), *map(v4.new_code_cell, cells)]
    made = v4.new_notebook(cells=[v4.new_markdown_cell("# A *title*"), first, *body], metadata={"kernelspec": kernel})
    folder.mkdir(parents=True, exist_ok=True)
    nbformat.write(made, folder / "01_try.ipynb")
    return folder / "01_try.ipynb"


def run(path: Path, **values: Any) -> dict[str, Any]:
    """The executed notebook, written next to its source."""
    target = path.parent / "out" / path.name
    notebook.execute(path, target, {"rows": 2, "cell_timeout_s": 60} | values, lambda *at: None)
    return nbformat.read(target, as_version=4)


def failure(path: Path, **values: Any) -> notebook.StepError:
    with pytest.raises(notebook.StepError) as failed:
        run(path, **values)
    return failed.value


def test_a_notebook_writes_numbers_in_the_locale_of_the_run(tmp_path: Path) -> None:
    cell = "from lib.report import display\ndisplay.sentence(display.money(1234.5, 'EUR'))"
    with settings.use_locale("de_DE"):
        executed = run(book(tmp_path, cell))
    assert executed.cells[-1].outputs[0].data["text/plain"] == "1.234,50\xa0€"


def test_runs_with_its_own_parameters_in_its_own_folder(tmp_path: Path) -> None:
    path = book(tmp_path / "a {b} c", "import os\nprint(rows, 'seed' in globals(), os.environ['MINE'], os.getcwd())")
    here, cells, target = Path.cwd(), [], path.parent / "out" / "01_try.ipynb"
    values = {"rows": 7, "seed": 1, "cell_timeout_s": 60}
    notebook.execute(path, target, values, lambda *at: cells.append(at), environment={"MINE": "yes"})
    done = nbformat.read(target, as_version=4)
    assert done.cells[-1].outputs[0].text == f"7 False yes {path.parent}\n"
    assert done.metadata.papermill.parameters == {"rows": 7}
    assert cells == [(number, 5, "A *title*" if number < 4 else "Work") for number in range(1, 6)]
    assert [file.name for file in target.parent.iterdir()] == ["01_try.ipynb"]
    assert Path.cwd() == here
    assert "MINE" not in os.environ


def test_an_unknown_parameter_is_refused(tmp_path: Path) -> None:
    path = book(tmp_path, parameters="rowz: int = 1")
    with pytest.raises(
        UsageError, match=r"01_try.ipynb: unknown parameters \['rowz'\]; expected names of lib/run/params.py"
    ):
        run(path)
    assert not (tmp_path / "out").exists()


def test_an_error_of_the_workbook_is_reported_with_section_and_exit_code(tmp_path: Path) -> None:
    raising = "from lib.errors import DataError\nraise DataError('orders.csv lacks quantity; add it')"
    failed = failure(book(tmp_path, raising, "never = 1"))
    assert str(failed) == "01_try failed at “Work”: orders.csv lacks quantity; add it"
    assert failed.exit_code == 3
    assert "Traceback" in failed.detail
    saved = nbformat.read(tmp_path / "out" / "01_try.ipynb", as_version=4)
    assert [cell.get("execution_count") for cell in saved.cells if cell.cell_type == "code"][-1] is None


def test_any_other_error_is_reported_in_one_line_with_the_notebook(tmp_path: Path) -> None:
    failed = failure(book(tmp_path, "raise ValueError('first\\nsecond')"))
    assert str(failed) == f"01_try failed at “Work”: ValueError: first. See {tmp_path}/out/01_try.ipynb"
    assert failed.exit_code == 1


def test_a_killed_kernel_is_reported_and_its_log_is_kept(tmp_path: Path) -> None:
    failed = failure(
        book(tmp_path, "import os, sys\nos.write(sys.__stderr__.fileno(), b'ouch')\nos.kill(os.getpid(), 9)")
    )
    assert str(failed) == "01_try: the kernel died (Kernel died): killed, or out of memory"
    assert failed.exit_code == 1
    assert (tmp_path / "out" / "01_try.log").read_text() == "ouch"


def test_a_cell_that_exceeds_its_timeout_is_reported(tmp_path: Path) -> None:
    failed = failure(book(tmp_path, "import time\ntime.sleep(60)"), cell_timeout_s=1)
    assert str(failed) == (
        "01_try: cell 5 of 5, “Work”, took more than 1 s. If it only needs longer, run "
        '`make pipeline SET="cell_timeout_s=2" ARGS=--resume`'
    )


def test_a_target_that_cannot_be_written_is_reported(tmp_path: Path) -> None:
    path = book(tmp_path)
    (tmp_path / "out").touch()
    with pytest.raises(OutputError, match=r"01_try: cannot write .*/out/01_try.ipynb: File exists"):
        run(path)


def test_parameter_names_are_read_from_the_parameters_cell(tmp_path: Path) -> None:
    path = book(tmp_path, parameters="rows: int = 1  # how many\nmapping: dict = None  # which")
    assert notebook.parameter_names(path) == ["rows", "mapping"]
    assert notebook.parameter_names(book(tmp_path, parameters="rows = 1\nsizes = {\n  'a': 1,\n}")) == ["rows", "sizes"]
    with pytest.raises(
        UsageError, match=r"01_try.ipynb: the cell with the tag parameters is not Python \(.+, line 1\)"
    ):
        notebook.parameter_names(book(tmp_path, parameters="rows: int = "))
