"""Measure a load by two workers, one of which loses its network during the load.

For root on Linux: it runs in network namespaces that only these processes see and that end with them.
"""

import json
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from lib import db, load, settings
from lib.data.synthetic import Shop, plan_shop
from lib.data.synthetic.shards import count_shop, write_shop
from lib.data.workers import Engine
from lib.data.workers.dask import PATIENCE_S
from lib.db import private, schema
from lib.db.private.cluster import load_address, save_address
from lib.db.private.location import locked
from lib.db.url import private_folder, url
from lib.errors import UsageError, WorkbookError
from tests.cluster import MILLION, cluster
from tests.conftest import _use, ask, fingerprint
from tests.runner import until

__all__ = ["allowed", "cut_link", "measure_cut_link"]

HERE, AWAY = "10.213.0.1", "10.213.0.2"
AT_WORK = f"SELECT count(*) FROM pg_stat_activity WHERE client_addr = '{AWAY}' AND xact_start IS NOT NULL"
PLAINTEXT = {"DB_ALLOW_PLAINTEXT": "1", "DASK_ALLOW_PLAINTEXT": "1"}  # no other host is on this network


def allowed() -> str:
    """Why this machine cannot create a network namespace; empty if it can."""
    if missing := [tool for tool in ("unshare", "nsenter", "ip") if not shutil.which(tool)]:
        return f"{missing[0]} is not installed"
    tried = subprocess.run(["unshare", "--net", "ip", "link", "add", "type", "veth"], capture_output=True, text=True)
    return tried.stderr.strip()


def cut_link(folder: Path, given_up_s: int) -> dict[str, float]:
    """Seconds from the cut to the end of the load, and its rows, which are compared with those of a load from files.

    `given_up_s`: seconds without a heartbeat after which a worker counts as lost.
    """
    folder.mkdir(parents=True, exist_ok=True)
    words = ["unshare", "--net", sys.executable, "-m", "tests.cut_link", str(folder), str(given_up_s)]
    ended = subprocess.run(words, capture_output=True, text=True, check=False)
    if ended.returncode:
        raise WorkbookError(f"the load by workers of two networks failed: {ended.stderr}")
    return json.loads(ended.stdout)


def measure_cut_link() -> dict[str, float]:
    """Seconds that a load takes after one of its two workers loses its network.

    Raises:
        UsageError: This machine cannot create a network namespace.
    """
    if refusal := allowed():
        raise UsageError(f"this machine cannot make a network for a process: {refusal}")
    return {"scale_cut_link_s": cut_link(settings.output_folder() / "cut-link", PATIENCE_S)["seconds"]}


def main(folder: Path, given_up_s: int) -> None:
    """In a network namespace of its own: run the load and print the result of `cut_link` as JSON."""
    with pytest.MonkeyPatch.context() as patch, _network() as away:
        for name, value in PLAINTEXT.items():
            patch.setenv(name, value)
        patch.setenv("WORKBOOK_ENV_FILE", "")
        patch.setenv("WORKBOOK_OUTPUT", str(folder))
        try:
            _serve(patch)
            shop = Shop(history_days=200)
            write_shop(plan_shop(MILLION, shop), folder / "files", 1)
            count_shop(MILLION, shop, folder / "plan", Engine(workers=1), part_blocks=2)
            with db.transaction() as connection:
                schema.create(connection)
            rows = load.replace(folder / "files", as_of=shop.as_of).rows
            known = fingerprint()
            with cluster(folder, 1, host=HERE, away=away, given_up_s=given_up_s) as address:
                seconds = _load_while_cut(folder, Engine("dask", address, 2), away)
            if fingerprint() != known:
                raise WorkbookError("the rows are not those of a load from files")
        finally:
            db.engine().dispose()
            private.reset(private_folder())
    sys.stdout.write(json.dumps({"seconds": seconds, "rows": rows}))


@contextmanager
def _network() -> Iterator[list[str]]:
    """The command prefix that runs a command in a second network, linked to this one."""
    with psutil.Popen(["unshare", "--net", "sleep", "infinity"]) as holder:
        try:
            until(lambda: Path(f"/proc/{holder.pid}/ns/net").readlink() != Path("/proc/self/ns/net").readlink())
            inside = ["nsenter", f"--target={holder.pid}", "--net"]
            _ip(f"link add here type veth peer name away netns {holder.pid}")
            for words, name, address in (([], "here", HERE), (inside, "away", AWAY)):
                _ip("link set lo up", words)
                _ip(f"address add {address}/30 dev {name}", words)
                _ip(f"link set {name} up", words)
            yield inside
        finally:
            holder.kill()


def _ip(words: str, inside: list[str] | tuple = ()) -> None:
    subprocess.run([*inside, "ip", *words.split()], check=True)


def _serve(patch: pytest.MonkeyPatch) -> None:
    """Start a server that both networks reach, named by the settings."""
    url()
    private.stop(private_folder())
    with locked(private_folder()) as location:
        save_address(location, replace(load_address(location), host=HERE))
        with (location.data / "pg_hba.conf").open("a") as rules:
            rules.write(f"host all all {HERE}/30 scram-sha-256\n")
    _use(patch, url())


def _load_while_cut(folder: Path, engine: Engine, away: list[str]) -> float:
    """Seconds from the cut, while the remote worker was loading a shard, to the end of the load."""
    cut_at: list[float] = []

    def cut() -> None:
        until(lambda: ask(AT_WORK)[0][0])
        _ip("link set away down", away)
        cut_at.append(time.monotonic())

    cutter = threading.Thread(target=cut)
    cutter.start()
    load.replace(folder / "plan", as_of=Shop().as_of, engine=engine)
    ended = time.monotonic()
    cutter.join()
    return ended - cut_at[0]


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
