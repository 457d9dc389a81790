"""Tests of writing a shop: same bytes with any workers, atomic replacement, workers that end with their parent."""

import hashlib
import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path

import psutil
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lib import settings
from lib.data.parquet import read_table
from lib.data.synthetic import Counts, Plan, Shop, plan_shop, shards
from lib.data.synthetic.shards import PART_BLOCKS, write_shop
from lib.data.synthetic.shop import BLOCK_USERS
from lib.errors import OutputError, WorkbookError
from tests.runner import command, until

pytestmark = pytest.mark.slow

SAMPLE_SHA256 = "444f5b7e33a929e4be42bc64653bd339ecd2035d5c84f25c62711a9664f127a1"
SMALL = Counts(marketing_campaigns=3, users=4 * BLOCK_USERS + 1, products=40, orders=2_500, events=20_000)
WRITE = """
from pathlib import Path
from lib.data.synthetic import shards
from lib.data.synthetic import SAMPLE_COUNTS, SAMPLE_SHOP, plan_shop
shards.write_shop(plan_shop(SAMPLE_COUNTS, SAMPLE_SHOP), Path("data"))
"""


def digest(folder: Path) -> str:
    """One sha256 over the names and bytes of all files."""
    texts = [path.name.encode() + path.read_bytes() for path in sorted(folder.iterdir())]
    return hashlib.sha256(b"".join(texts)).hexdigest()


@pytest.fixture(scope="module")
def small() -> Plan:
    return plan_shop(SMALL, Shop(as_of=date(2025, 1, 1), history_days=200))


@pytest.fixture
def one_block_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shards, "PART_BLOCKS", 1)


def test_the_number_of_workers_does_not_matter(tmp_path: Path, small: Plan, one_block_parts: None) -> None:
    made = [write_shop(small, tmp_path / str(workers), workers) for workers in (1, 2, 5)]
    assert len({digest(tmp_path / str(workers)) for workers in (1, 2, 5)}) == 1
    assert made[0].written.set_index("table")["files"].to_dict() == {
        "products": 1, "marketing_campaigns": 1, "users": 5, "orders": 5, "order_items": 5, "refunds": 5, "events": 5,
    }  # fmt: skip
    for name, counts in made[0].profile.items():
        assert counts.equals(made[2].profile[name])


def test_shards_contain_the_rows_of_the_whole(tmp_path: Path, small: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    write_shop(small, tmp_path / "one", 1)
    monkeypatch.setattr(shards, "PART_BLOCKS", 2)
    write_shop(small, tmp_path / "three", 1)
    assert len(list((tmp_path / "three").glob("orders-*.parquet"))) == 3
    for table in ("users", "orders", "order_items", "events"):
        assert read_table(tmp_path / "one", table).equals(read_table(tmp_path / "three", table))


def test_zone_language_folder_and_hash_seed_do_not_matter(tmp_path: Path) -> None:
    env = {"PATH": os.environ["PATH"], "PYTHONPATH": str(settings.PROJECT)}
    env |= {"TZ": "Asia/Kolkata", "LC_ALL": "C", "PYTHONHASHSEED": "7", "WORKBOOK_ENV_FILE": ""}
    subprocess.run([sys.executable, "-c", WRITE], cwd=tmp_path, env=env, check=True)
    assert digest(tmp_path / "data") == SAMPLE_SHA256, (
        f"the sample's files changed; written with pyarrow {pa.__version__}: refresh the notebooks, pin the new value"
    )


def test_a_table_is_in_row_groups_of_some_size(tmp_path: Path, small: Plan) -> None:
    write_shop(small, tmp_path / "data", 1)
    assert pq.read_metadata(tmp_path / "data" / "users.parquet").num_row_groups == 1


def test_existing_files_stay_until_all_is_written(tmp_path: Path, small: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "orders-00007.parquet").write_text("of another shop")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(shards.TableWriter, "write", full)
    with pytest.raises(OutputError, match=r"No space left on device\. Free disk space"):
        write_shop(small, folder, 1)
    assert [path.name for path in folder.iterdir()] == ["orders-00007.parquet"]
    monkeypatch.undo()
    write_shop(small, folder, 1)
    assert not (folder / "orders-00007.parquet").exists()
    assert list(tmp_path.iterdir()) == [folder]


def test_workers_end_with_their_parent(tmp_path: Path) -> None:
    code = f"""
from pathlib import Path
from lib.data.synthetic import shards
from lib.data.synthetic import Counts, Shop, plan_shop
counts = Counts(0, users={3 * PART_BLOCKS * BLOCK_USERS}, products=40, orders=48_000, events=2_000_000)
shards.write_shop(plan_shop(counts, Shop()), Path("data"), 2)
"""
    with subprocess.Popen([sys.executable, "-c", code], cwd=tmp_path) as parent:
        known = psutil.Process(parent.pid)
        while len(list(tmp_path.glob(".data.*/orders-*.parquet"))) < 2:
            assert parent.poll() is None, "the shop was written before its workers were seen"
        workers = known.children(recursive=True)
        parent.send_signal(signal.SIGKILL)
    assert len(workers) >= 2
    assert psutil.wait_procs(workers, timeout=20)[1] == []


def _workers() -> list[psutil.Process]:
    return [child for child in psutil.Process().children() if any("spawn_main" in word for word in command(child))]


def test_a_killed_worker_is_reported(tmp_path: Path, small: Plan, one_block_parts: None) -> None:
    killer = ThreadPoolExecutor(1)
    killed = killer.submit(lambda: until(_workers)[0].kill())
    with pytest.raises(WorkbookError, match="ended early: killed, or out of memory"):
        write_shop(small, tmp_path / "data", 2)
    killed.result()
    assert list(tmp_path.iterdir()) == []


def test_a_worker_that_cannot_start_is_reported(tmp_path: Path) -> None:
    """A script on standard input has no file that a worker could import."""
    code = f"""
from lib.data.synthetic import shards
from lib.data.synthetic import Counts, Shop, plan_shop
counts = Counts(0, users={2 * PART_BLOCKS * BLOCK_USERS}, products=40, orders=100, events=1_000)
shards.write_shop(plan_shop(counts, Shop()), shards.Path("data"), 2)
"""
    done = subprocess.run(
        [sys.executable, "-"], input=code, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 1
    assert "ended early" in done.stderr


def test_a_failed_replacement_leaves_the_old_folder(
    tmp_path: Path, small: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "users.parquet").write_text("old")
    rename = Path.rename

    def refused(path: Path, target: Path) -> Path:
        if target == folder and path.suffixes[-2:] != [".old", ".tmp"]:
            raise OSError(5, "Input/output error")
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", refused)
    with pytest.raises(OutputError, match="Input/output error"):
        write_shop(small, folder, 1)
    assert (folder / "users.parquet").read_text() == "old"
