"""Tests of forked kernels: what they have at once, what each has of its own, and what ends them. Real processes."""

import asyncio
import importlib.util
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from lib.run import kernels, notebook
from tests.run.test_notebook import book
from tests.runner import FORKED, command, until

pytestmark = [pytest.mark.slow, pytest.mark.skipif(kernels._forking is None, reason="kernels are forked on Linux only")]

FACTS = """
import json, os, random, sys
import numpy
print(json.dumps({
    "parent": os.getppid(), "group": os.getpgid(0), "pid": os.getpid(), "folder": os.getcwd(),
    "modules": [name for name in ("pandas", "statsmodels", "lib.report") if name in sys.modules],
    "argument": os.path.basename(sys.argv[0]), "draws": [random.random(), numpy.random.random()],
    "later": os.environ.get("LATER"), "mine": os.environ["MINE"]}))"""
WAITING = """
import os, time
open({begun!r}, "w").close()
while not os.path.exists({stop!r}):
    time.sleep(0.02)
print(os.getppid())"""
WITH_CHILD = """
import subprocess
child = subprocess.Popen(["sleep", "60"])
with open({begun!r}, "w") as file:
    file.write(str(child.pid))
child.wait()"""
COMPUTING = """
import duckdb, numpy, pyarrow, pyarrow.compute
from lib.data.workers import run_here
found = sorted(run_here(abs, [-1, -2, -3], workers=2))
numbers = pyarrow.table({"x": range(1000)})
rows = duckdb.sql("SELECT count(*) FROM numbers").fetchall()[0][0]
print([found, rows, pyarrow.compute.sum(numbers["x"]).as_py(), float(numpy.linalg.inv(numpy.eye(300)).sum())])"""


@pytest.fixture(autouse=True)
def _preloaded() -> Iterator[None]:
    notebook.prepare()
    kernels.preload()
    yield
    kernels.preloaded.clear()


def output(path: Path, **environment: str) -> Any:
    """Text that the last cell prints, as JSON."""
    target = path.parent / "out" / path.name
    values = {"rows": 2, "cell_timeout_s": 60}
    notebook.execute(path, target, values, lambda *at: None, environment=environment)
    return json.loads(json.loads(target.read_text("utf-8"))["cells"][-1]["outputs"][0]["text"][-1])


def in_thread(function: Callable[[], Any]) -> threading.Thread:
    """Start the function in a thread, and close the event loop that running a notebook leaves there."""

    def body() -> None:
        try:
            function()
        finally:
            asyncio.get_event_loop().close()

    thread = threading.Thread(target=body)
    thread.start()
    return thread


def servers() -> list[psutil.Process]:
    return [child for child in psutil.Process().children() if FORKED in " ".join(command(child))]


def test_a_kernel_has_the_imports_at_once_and_a_state_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = book(tmp_path / "a", FACTS)
    first = output(path, MINE="1")
    monkeypatch.setenv("LATER", "set after the fork server has started")
    second = output(path, MINE="2")
    assert {"pandas", "lib.report"} <= set(first["modules"])
    assert first["parent"] == second["parent"] == servers()[0].pid
    assert first["group"] == first["pid"]
    assert (first["folder"], first["argument"]) == (str(path.parent), "ipykernel_launcher")
    assert not set(first["draws"]) & set(second["draws"])
    assert (first["later"], second["later"]) == (None, "set after the fork server has started")
    assert (first["mine"], second["mine"]) == ("1", "2")


def test_from_the_third_kernel_on_all_is_imported_without_a_thread(tmp_path: Path) -> None:
    found = [output(book(tmp_path, FACTS), MINE="1") for _ in range(3)][-1]
    assert found["modules"] == ["pandas", "statsmodels", "lib.report"]
    assert servers()[0].num_threads() == 1


def test_every_preloaded_module_exists() -> None:
    names = [*kernels.PRELOADED, *kernels.LATER]
    assert [name for name in names if importlib.util.find_spec(name) is None] == []


def test_ctrl_c_does_not_reach_the_fork_server_and_interrupts_a_kernel(tmp_path: Path) -> None:
    output(book(tmp_path, FACTS), MINE="1")
    servers()[0].send_signal(signal.SIGINT)
    cell = "import os, signal\ntry:\n    os.kill(os.getpid(), signal.SIGINT)\nexcept KeyboardInterrupt:\n    print(1)"
    assert output(book(tmp_path / "a", cell)) == 1
    assert servers()[0].is_running()


def test_ctrl_c_is_blocked_while_the_first_fork_server_of_a_process_imports() -> None:
    code = (
        "from multiprocessing import forkserver; from lib.run import kernels; kernels.preload();"
        "print(open(f'/proc/{forkserver._forkserver._forkserver_pid}/status').read())"
    )
    status = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    blocked = next(line.split()[1] for line in status.splitlines() if line.startswith("SigBlk:"))
    assert int(blocked, 16) & 1 << (signal.SIGINT - 1)


def test_a_kernel_computes_with_several_threads_and_processes(tmp_path: Path) -> None:
    assert output(book(tmp_path, COMPUTING)) == [[1, 2, 3], 1000, 499500, 300.0]


def test_a_kernel_outlives_its_fork_server_and_the_next_one_has_another(tmp_path: Path) -> None:
    begun, stop = tmp_path / "begun", tmp_path / "stop"
    path, parents = book(tmp_path / "a", WAITING.format(begun=str(begun), stop=str(stop))), []
    step = in_thread(lambda: parents.append(output(path)))
    until(begun.exists)
    killed = servers()[0]
    killed.kill()
    until(lambda: not killed.is_running() or killed.status() == psutil.STATUS_ZOMBIE)
    stop.touch()
    step.join(60)
    parents.append(output(path))
    assert parents[0] != parents[1] == servers()[0].pid


def test_kernels_start_as_usual_where_forking_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refused(*_arguments: Any, **_options: Any) -> Any:
        raise OSError(12, "Cannot allocate memory")

    monkeypatch.setattr(kernels._forking, "Process", refused)
    path = book(tmp_path, "import os\nprint(os.getppid())")
    assert [output(path), output(path)] == [os.getpid()] * 2
    assert capsys.readouterr().err.splitlines() == [
        "kernels are started without preloaded imports from here on: OSError(12, 'Cannot allocate memory')"
    ]


def test_all_kernels_can_be_killed_with_what_they_have_started(tmp_path: Path) -> None:
    begun = tmp_path / "begun"
    path, errors = book(tmp_path / "a", WITH_CHILD.format(begun=str(begun))), []

    def run() -> None:
        try:
            output(path)
        except notebook.StepError as error:
            errors.append(str(error))

    step = in_thread(run)
    child = psutil.Process(int(until(lambda: begun.exists() and begun.read_text())))
    kernels.kill_all()
    step.join(60)
    assert errors == ["01_try: the kernel died (Kernel died): killed, or out of memory"]
    assert psutil.wait_procs([child], timeout=10)[1] == []


def test_a_runner_that_is_killed_leaves_no_temporary_folder(tmp_path: Path) -> None:
    killed = "from lib.run import kernels; import os; kernels.preload(); os.kill(os.getpid(), 9)"
    done = subprocess.run([sys.executable, "-c", killed], env=os.environ | {"TMPDIR": str(tmp_path)}, check=False)
    assert done.returncode == -signal.SIGKILL
    until(lambda: not list(tmp_path.iterdir()))


def test_a_runner_that_is_killed_with_its_fork_server_leaves_no_temporary_folder(tmp_path: Path) -> None:
    begun = tmp_path / "begun"
    path = book(tmp_path, WAITING.format(begun=str(begun), stop=str(tmp_path / "stop")))
    run = (
        "from pathlib import Path; from lib.run import kernels, notebook; notebook.prepare(); kernels.preload();"
        f"notebook.execute(Path({str(path)!r}), Path({str(tmp_path / 'out.ipynb')!r}),"
        "{'rows': 2, 'cell_timeout_s': 60}, lambda *at: None)"
    )
    with tempfile.TemporaryDirectory() as temporary:  # the path of a socket must be short
        environment = os.environ | {"TMPDIR": temporary}
        process = subprocess.Popen([sys.executable, "-c", run], env=environment, start_new_session=True)
        try:
            until(begun.exists)
            assert list(Path(temporary).iterdir())
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        until(lambda: not list(Path(temporary).iterdir()))
