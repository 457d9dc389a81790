"""Failing runs: one sentence, the right exit code, reports and data unchanged, no process left."""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import psutil
import psycopg2
import pytest

from lib import db, load
from tests.runner import Ran, kernels, pipeline, running, until

pytestmark = pytest.mark.slow

# Not the shop that is loaded, so reports and fingerprint would differ if any of it were published.
OTHER = ("--set", "seed=7")
COLUMNS = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country"
STOPPED = (
    "stopped: published reports are unchanged; the database holds either the old data or the new data, never a mix\n"
)


def state(ran: Ran, monkeypatch: pytest.MonkeyPatch) -> tuple[dict[str, bytes], str]:
    """Every report, and a digest of all rows."""
    monkeypatch.setenv("DATABASE_URL", ran.url)
    with db.transaction(read_only=True) as connection:
        fingerprint = load.fingerprint(connection)
    db.engine().dispose()
    return {path.name: path.read_bytes() for path in (ran.output / "reports").iterdir()}, fingerprint


@pytest.fixture(scope="module")
def good_run(whole_run: Ran, tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """Reports and rows of an earlier, successful run, without its run folder."""
    output = tmp_path_factory.mktemp("faults") / "output"
    shutil.copytree(whole_run.output / "reports", output / "reports")
    return whole_run._replace(output=output)


@pytest.fixture
def unchanged(good_run: Ran, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ran]:
    """An earlier run whose reports and rows must be the same after the test."""
    before = state(good_run, monkeypatch)
    yield good_run
    assert state(good_run, monkeypatch) == before


@pytest.fixture
def temporary() -> Iterator[Path]:
    """A folder for temporary files of a run; its path is short enough for sockets."""
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


def begun(process: subprocess.Popen, ran: Ran, step: str) -> list[psutil.Process]:
    """Kernels of the run, as soon as `step` has started."""
    started = datetime.fromtimestamp(psutil.Process(process.pid).create_time() - 1, UTC)  # the boot clock is coarse
    return until(lambda: _has_begun(ran, started, step) and process.poll() is None and kernels(process))


def _has_begun(ran: Ran, started: datetime, step: str) -> bool:
    newest = _newest(ran, f"{step}.ipynb")
    return newest.parent.name > f"{started:%Y%m%dT%H%M%S}" and newest.exists()


def _newest(ran: Ran, name: str) -> Path:
    return max((ran.output / "runs").glob("*"), default=ran.output / "none") / name


def is_one_sentence(words: str) -> bool:
    return words.startswith("error: ") and words.count("\n") == 1


def test_a_file_without_a_column_is_bad_data(unchanged: Ran, tmp_path: Path) -> None:
    file = tmp_path / "a shop's export.csv"
    file.write_text(COLUMNS.replace("Quantity", "Number") + "\n1,2,MUG,3,2010-12-01 08:26:00,2.55,4,Norway\n")
    done = pipeline("--params", "online_retail", "--data", str(file), output=unchanged.output, url=unchanged.url)
    assert done.returncode == 3
    assert is_one_sentence(done.stderr)
    assert done.stderr.startswith("error: 02_generate failed at “Tables”: ")
    assert "Quantity" in done.stderr
    assert re.search(r"^[12]/8  02_generate    failed in", done.stdout, re.MULTILINE)  # 01 and 02 run in parallel


@contextlib.contextmanager
def reading(ran: Ran) -> Iterator[None]:
    """A reader holds the orders table, so that no load can complete before it is stopped."""
    with contextlib.closing(psycopg2.connect(ran.url)) as connection, connection.cursor() as cursor:
        cursor.execute("LOCK TABLE orders IN ACCESS SHARE MODE")
        yield


@pytest.mark.parametrize(("kind", "step"), [(signal.SIGINT, "02_generate"), (signal.SIGTERM, "03_load")])
def test_a_stopped_run_terminates_its_kernels(kind: signal.Signals, step: str, unchanged: Ran) -> None:
    with reading(unchanged), running(*OTHER, output=unchanged.output, url=unchanged.url) as process:
        started = begun(process, unchanged, step)
        os.killpg(process.pid, kind)
        _, words = process.communicate(timeout=30)
    assert (process.returncode, words) == (130, STOPPED)
    assert psutil.wait_procs(started, timeout=10)[1] == []
    assert '"status": "stopped"' in _newest(unchanged, "run.json").read_text("utf-8")


def test_a_killed_kernel_is_reported(unchanged: Ran) -> None:
    with running(*OTHER, output=unchanged.output, url=unchanged.url) as process:
        begun(process, unchanged, "01_schema")[0].kill()
        _, words = process.communicate(timeout=60)
    assert (process.returncode, is_one_sentence(words)) == (1, True)
    assert "the kernel died" in words


def test_a_second_run_is_refused_and_a_killed_one_leaves_nothing(unchanged: Ran, temporary: Path) -> None:
    settings = {"output": unchanged.output, "url": unchanged.url}
    with reading(unchanged), running(*OTHER, **settings, TMPDIR=str(temporary)) as process:
        started = begun(process, unchanged, "03_load")
        second = pipeline(**settings)
        family = psutil.Process(process.pid).children(recursive=True)
        process.kill()
        assert set(started) < set(family)
        assert psutil.wait_procs(family, timeout=10)[1] == []
    assert list(temporary.iterdir()) == []
    assert (second.returncode, is_one_sentence(second.stderr)) == (2, True)
    assert second.stderr.startswith(f"error: another run (process {process.pid}, since ")
    assert not _newest(unchanged, "run.json").exists()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of one megabyte, less than a report needs."""
    tmp_path = tmp_path / "disk"
    tmp_path.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(tmp_path)]
    if os.geteuid() != 0 or subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("only root may mount a small disk, where the system lets it")
    yield tmp_path
    subprocess.run(["umount", str(tmp_path)], check=True)


def test_a_full_disk_is_reported(small_disk: Path, unchanged: Ran) -> None:
    done = pipeline(*OTHER, output=small_disk / "output", url=unchanged.url)
    assert (done.returncode, is_one_sentence(done.stderr)) == (1, True)
    assert "No space left on device" in done.stderr
    assert not (small_disk / "output" / "reports").exists()


def test_the_next_run_succeeds_with_the_same_rows(good_run: Ran, monkeypatch: pytest.MonkeyPatch) -> None:
    """After all failures above; keep_runs limits the run folders that remain."""
    _, fingerprint = state(good_run, monkeypatch)
    done = pipeline("--set", "keep_runs=3", output=good_run.output, url=good_run.url)
    assert (done.returncode, done.stderr) == (0, "")
    assert state(good_run, monkeypatch)[1] == fingerprint
    assert len(list((good_run.output / "runs").iterdir())) == 3
