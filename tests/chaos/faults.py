"""The faults, each done for real to a load under way; each gives how the load ended."""

import os
import random
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import psutil
import psycopg2
import sqlalchemy as sa

from lib import db
from lib.db import private
from lib.db import private as server_process
from lib.db.private.location import locate
from lib.db.url import private_folder, url
from tests.chaos.place import Place, Told
from tests.proxy import StallingProxy, stalling_proxy
from tests.runner import until

__all__ = ["FAULTS", "Fault", "Skipped"]

STARTED_S = 0.3  # from the first word of a load to its first statement
PATIENCE_S = 60
SMALL_DISKS = ["300k", "1m", "3m"]  # too small for a load, at its beginning or nearer to its end

BACKENDS = "SELECT pid FROM pg_stat_activity WHERE application_name ~ ('^workbook pid ' || :pid || '( |$)')"

Fault = Callable[[Place, random.Random, str], Told]


class Skipped(Exception):  # noqa: N818 - not an error: this machine does not let it be tried
    """Raised when a fault cannot be made on this machine, with the reason."""


def _ended(process: subprocess.Popen) -> Told:
    try:
        _, words = process.communicate(timeout=PATIENCE_S)
    except subprocess.TimeoutExpired:
        process.kill()
        return Told(1, f"still running after {PATIENCE_S} s")
    return Told(process.returncode, words)


def _begun(place: Place, process: subprocess.Popen, rng: random.Random) -> None:
    """Wait until the load has begun, and then for a random while within it."""
    process.stdout.readline()
    time.sleep(rng.uniform(0, STARTED_S + place.seconds))


def kill_loader(place: Place, rng: random.Random, mode: str) -> Told:
    """SIGKILL of the loading process, as the system does when memory runs out."""
    with place.loading(mode) as process:
        _begun(place, process, rng)
        process.kill()
        return _ended(process)


def _backends(process: subprocess.Popen) -> list[int]:
    """Server processes that work for the load."""
    with db.transaction() as connection:
        return list(connection.execute(sa.text(BACKENDS), {"pid": process.pid}).scalars())


def terminate_backend(place: Place, rng: random.Random, mode: str) -> Told:
    """An administrator ends one of the load's sessions."""
    with place.loading(mode) as process:
        _begun(place, process, rng)
        for pid in _backends(process)[:1]:
            with db.transaction() as connection:
                connection.execute(sa.text("SELECT pg_terminate_backend(:pid)"), {"pid": pid})
        return _ended(process)


def kill_backend(place: Place, rng: random.Random, mode: str) -> Told:
    """SIGKILL of one of the load's server processes: the server restarts itself and ends all sessions."""
    with place.loading(mode) as process:
        _begun(place, process, rng)
        for pid in _backends(process)[-1:]:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        told = _ended(process)
    db.engine().dispose()
    return told


def _postmaster() -> psutil.Process:
    return server_process.find_postmaster(locate(private_folder()))


def kill_postmaster(place: Place, rng: random.Random, mode: str) -> Told:
    """SIGKILL of the server's first process; the next start recovers."""
    with place.loading(mode) as process:
        _begun(place, process, rng)
        _postmaster().kill()
        return _ended(process)


def stop_immediately(place: Place, rng: random.Random, mode: str) -> Told:
    """The server is stopped without a shutdown."""
    with place.loading(mode) as process:
        _begun(place, process, rng)
        _postmaster().send_signal(signal.SIGQUIT)
        return _ended(process)


def restart_between(place: Place, _: random.Random, mode: str) -> Told:
    """The server is restarted between two steps of a run; a pooled connection must not matter."""
    db.engine().dispose()
    private.stop(private_folder())
    with place.loading(mode) as process:
        return _ended(process)


@contextmanager
def _proxied() -> Iterator[tuple[StallingProxy, str]]:
    at = url()
    with stalling_proxy(at.host, at.port) as proxy:
        yield proxy, _address(at.set(port=proxy.port))


def _address(at: sa.URL) -> str:
    return at.set(drivername="postgresql").render_as_string(hide_password=False)


def stalled_network(place: Place, rng: random.Random, mode: str) -> Told:
    """The way to the server falls silent, and no connection breaks."""
    with _proxied() as (proxy, address), place.loading(mode, DATABASE_URL=address) as process:
        _begun(place, process, rng)
        proxy.stall()
        return _ended(process)


def cut_network(place: Place, rng: random.Random, mode: str) -> Told:
    """The connections to the server break, and no new one comes about."""
    with _proxied() as (proxy, address), place.loading(mode, DATABASE_URL=address) as process:
        _begun(place, process, rng)
        proxy.__exit__()
        return _ended(process)


def statement_timeout(place: Place, rng: random.Random, mode: str) -> Told:
    """A limit on statements that is too short for some of them, or for none."""
    limit = rng.choice([1, 3, 10, 30, 100])
    options = f"-c search_path=public -c TimeZone=UTC -c statement_timeout={limit}"
    address = url().update_query_dict({"options": options})
    with place.loading(mode, DATABASE_URL=_address(address)) as process:
        return _ended(process)


def two_loads(place: Place, rng: random.Random, mode: str) -> Told:
    """Two loads at once: one completes, the other reports who is loading."""
    with place.loading(mode) as first, place.loading(mode) as second:
        _begun(place, first, rng)
        told = [_ended(one) for one in (first, second)]
    refused = [one for one in told if not one.good]
    if any("another run is loading: workbook pid" not in one.words for one in refused) or len(refused) == 2:
        return Told(1, f"of two loads: {told}")
    return next(one for one in told if one.good)


READ = """
    SELECT (SELECT name LIKE 'New %' FROM products LIMIT 1), (SELECT shipping_city LIKE 'New %' FROM orders LIMIT 1),
        (SELECT sum(total_amount) FROM orders) = (SELECT sum(quantity * price_at_time) FROM order_items),
        (SELECT sum(revenue) FROM daily_kpis) = (SELECT sum(revenue) FROM customer_lifetime_value)
"""


def readers(place: Place, _: random.Random, mode: str) -> Told:
    """Several readers ask over several tables at once, all the while: each answer is of one shop and adds up."""
    ended, seen = threading.Event(), []
    threads = [threading.Thread(target=_read, args=(ended, seen)) for _ in range(3)]
    for thread in threads:
        thread.start()
    with place.loading(mode) as process:
        told = _ended(process)
    ended.set()
    for thread in threads:
        thread.join()
    mixed = [answer for answer in seen if isinstance(answer, str) or answer[0] != answer[1] or not all(answer[2:])]
    return Told(1, f"readers met {mixed[:3]}") if mixed or not seen else told


def _read(ended: threading.Event, seen: list) -> None:
    with closing(psycopg2.connect(_address(url()))) as connection, connection.cursor() as cursor:
        connection.autocommit = True
        while not ended.wait(0.002):
            try:
                cursor.execute(READ)
                seen.append(cursor.fetchone())
            except psycopg2.Error as error:
                seen.append(str(error))


def long_reader(place: Place, rng: random.Random, mode: str) -> Told:
    """A reader holds a table for a while, and then reads another: it is neither killed nor deadlocked."""
    with (
        closing(psycopg2.connect(_address(url()))) as connection,
        connection.cursor() as cursor,
        place.loading(mode) as process,
    ):
        cursor.execute("SELECT count(*) FROM orders")
        process.stdout.readline()
        time.sleep(rng.uniform(0.2, 2))
        cursor.execute("SELECT count(*) FROM users")
        connection.rollback()
        return _ended(process)


def drift(place: Place, rng: random.Random, mode: str) -> Told:
    """A column is added before the load, which must not vanish silently."""
    table = rng.choice(["users", "orders", "events", "daily_kpis"])
    _run(f"ALTER TABLE {table} ADD COLUMN note text")
    with place.loading(mode) as process:
        told = _ended(process)
    _run(f"ALTER TABLE {table} DROP COLUMN note")
    return told if "differ from the catalog" in told.words else Told(1, f"drift was not told: {told}")


def _run(statement: str) -> None:
    with db.transaction() as connection:
        db.run(connection, statement)


def wrong_password(place: Place, _: random.Random, mode: str) -> Told:
    """Refused at once, and not tried again."""
    started = time.monotonic()
    with place.loading(mode, DATABASE_URL=_address(url().set(password="wrong"))) as process:
        told = _ended(process)
    told_in_time = "authentication failed" in told.words and time.monotonic() - started < 10
    return told if told_in_time else Told(1, f"a wrong password: {told}")


def late_server(place: Place, rng: random.Random, mode: str) -> Told:
    """The server is not up yet when the load begins: it is waited for."""
    address = _address(url())
    db.engine().dispose()
    private.stop(private_folder())
    with place.loading(mode, DATABASE_URL=address) as process:
        process.stdout.readline()
        time.sleep(rng.uniform(0, 3))
        private.start(private_folder(), fsync=False)
        return _ended(process)


def reading_role(place: Place, _: random.Random, mode: str) -> Told:
    """A read-only login gets an error that says so."""
    _run("DROP ROLE IF EXISTS only_reads; CREATE ROLE only_reads LOGIN PASSWORD 'only_reads' IN ROLE workbook_reader")
    with place.loading(mode, DATABASE_URL=_address(url().set(username="only_reads", password="only_reads"))) as process:
        return _ended(process)


def full_disk(place: Place, rng: random.Random, mode: str) -> Told:
    """The server's disk fills up while rows come in."""
    with _small_disk(rng.choice(SMALL_DISKS)) as disk:
        _in_autocommit(f"CREATE TABLESPACE small LOCATION '{disk}'")
        _in_autocommit("GRANT CREATE ON TABLESPACE small TO PUBLIC")
        limits = "-c search_path=public -c TimeZone=UTC -c default_tablespace=small -c temp_tablespaces=small"
        try:
            with place.loading(mode, DATABASE_URL=_address(url().update_query_dict({"options": limits}))) as process:
                return _ended(process)
        finally:
            db.engine().dispose()
            until(lambda: _dropped("small"), 20)


def _in_autocommit(statement: str) -> None:
    with db.engine().execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
        connection.exec_driver_sql(statement)


def _dropped(tablespace: str) -> bool:
    """Whether the tablespace is gone; what a load left there goes, or moves, first."""
    try:
        _in_autocommit("DROP SCHEMA IF EXISTS workbook_next CASCADE")
        for kind in ("TABLE", "INDEX"):
            _in_autocommit(f"ALTER {kind} ALL IN TABLESPACE {tablespace} SET TABLESPACE pg_default")
        _in_autocommit(f"DROP TABLESPACE {tablespace}")
        _in_autocommit("CHECKPOINT")  # a server that recovers later must not look for the disk again
    except sa.exc.DBAPIError:
        return False
    return True


@contextmanager
def _small_disk(size: str) -> Iterator[Path]:
    folder = locate(private_folder()).home / "small-disk"
    folder.mkdir(exist_ok=True)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, check=False, capture_output=True).returncode:
        raise Skipped("only root may mount a small disk, where the system lets it")
    try:
        space = folder / "space"
        space.mkdir()
        account = locate(private_folder()).account
        os.chown(space, account.pw_uid, account.pw_gid)
        yield space
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


FAULTS: dict[str, tuple[int, Fault]] = {  # name: (relative frequency, function)
    "loader killed": (6, kill_loader),
    "session terminated": (4, terminate_backend),
    "server process killed": (3, kill_backend),
    "server killed": (3, kill_postmaster),
    "server stopped at once": (2, stop_immediately),
    "server restarted before": (1, restart_between),
    "network silent": (3, stalled_network),
    "network cut": (3, cut_network),
    "statement timeout": (3, statement_timeout),
    "two loads at once": (2, two_loads),
    "readers all the while": (2, readers),
    "a long reader": (1, long_reader),
    "a column added": (1, drift),
    "wrong password": (1, wrong_password),
    "server up late": (1, late_server),
    "a role that reads": (1, reading_role),
    "disk full": (2, full_disk),
}
