"""The faults: each is injected into a running load and returns its outcome."""

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
from tests.chaos.sandbox import Outcome, Sandbox
from tests.proxy import StallingProxy, stalling_proxy
from tests.runner import until

__all__ = ["FAULTS", "Fault", "Skipped"]

STARTED_S = 0.3  # from the first output of a load to its first statement
PATIENCE_S = 60
SMALL_DISKS = ["300k", "1m", "3m"]  # too small for a load: it fails early or late

BACKENDS = "SELECT pid FROM pg_stat_activity WHERE application_name ~ ('^workbook pid ' || :pid || '( |$)')"

Fault = Callable[[Sandbox, random.Random, str], Outcome]


class Skipped(Exception):  # noqa: N818 - not an error: this machine does not let it be tried
    """A fault cannot be injected on this machine; the message says why."""


def _ended(process: subprocess.Popen) -> Outcome:
    try:
        _, text = process.communicate(timeout=PATIENCE_S)
    except subprocess.TimeoutExpired:
        process.kill()
        return Outcome(1, f"still running after {PATIENCE_S} s")
    return Outcome(process.returncode, text)


def _begun(sandbox: Sandbox, process: subprocess.Popen, rng: random.Random) -> None:
    """Wait until the load has started, and then for a random part of its duration."""
    process.stdout.readline()
    time.sleep(rng.uniform(0, STARTED_S + sandbox.seconds))


def kill_loader(sandbox: Sandbox, rng: random.Random, mode: str) -> Outcome:
    """SIGKILL the loading process, as the system does when memory runs out."""
    with sandbox.loading(mode) as process:
        _begun(sandbox, process, rng)
        process.kill()
        return _ended(process)


def _backends(process: subprocess.Popen) -> list[int]:
    """Server processes of the load's sessions."""
    with db.transaction() as connection:
        return list(connection.execute(sa.text(BACKENDS), {"pid": process.pid}).scalars())


def terminate_backend(sandbox: Sandbox, rng: random.Random, mode: str) -> Outcome:
    """Terminate one of the load's sessions, as an administrator does."""
    with sandbox.loading(mode) as process:
        _begun(sandbox, process, rng)
        for pid in _backends(process)[:1]:
            with db.transaction() as connection:
                connection.execute(sa.text("SELECT pg_terminate_backend(:pid)"), {"pid": pid})
        return _ended(process)


def kill_backend(sandbox: Sandbox, rng: random.Random, mode: str) -> Outcome:
    """SIGKILL one of the load's server processes: the server restarts and terminates all sessions."""
    with sandbox.loading(mode) as process:
        _begun(sandbox, process, rng)
        for pid in _backends(process)[-1:]:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        outcome = _ended(process)
    db.engine().dispose()
    return outcome


def _postmaster() -> psutil.Process:
    return server_process.find_postmaster(locate(private_folder()))


def kill_postmaster(sandbox: Sandbox, rng: random.Random, mode: str) -> Outcome:
    """SIGKILL the postmaster; the server recovers at the next start."""
    with sandbox.loading(mode) as process:
        _begun(sandbox, process, rng)
        _postmaster().kill()
        return _ended(process)


def stop_immediately(sandbox: Sandbox, rng: random.Random, mode: str) -> Outcome:
    """Stop the server without a shutdown."""
    with sandbox.loading(mode) as process:
        _begun(sandbox, process, rng)
        _postmaster().send_signal(signal.SIGQUIT)
        return _ended(process)


def restart_between(sandbox: Sandbox, _: random.Random, mode: str) -> Outcome:
    """Restart the server between two steps of a run; a pooled connection must not matter."""
    db.engine().dispose()
    private.stop(private_folder())
    with sandbox.loading(mode) as process:
        return _ended(process)


@contextmanager
def _proxied() -> Iterator[tuple[StallingProxy, str]]:
    at = url()
    with stalling_proxy(at.host, at.port) as proxy:
        yield proxy, _address(at.set(port=proxy.port))


def _address(at: sa.URL) -> str:
    return at.set(drivername="postgresql").render_as_string(hide_password=False)


def stalled_network(sandbox: Sandbox, rng: random.Random, mode: str) -> Outcome:
    """The network stops forwarding, and no connection breaks."""
    with _proxied() as (proxy, address), sandbox.loading(mode, DATABASE_URL=address) as process:
        _begun(sandbox, process, rng)
        proxy.stall()
        return _ended(process)


def cut_network(sandbox: Sandbox, rng: random.Random, mode: str) -> Outcome:
    """All connections to the server break, and new ones are refused."""
    with _proxied() as (proxy, address), sandbox.loading(mode, DATABASE_URL=address) as process:
        _begun(sandbox, process, rng)
        proxy.__exit__()
        return _ended(process)


def statement_timeout(sandbox: Sandbox, rng: random.Random, mode: str) -> Outcome:
    """A statement_timeout that may be too short for some statements."""
    limit = rng.choice([1, 3, 10, 30, 100])
    options = f"-c search_path=public -c TimeZone=UTC -c statement_timeout={limit}"
    address = url().update_query_dict({"options": options})
    with sandbox.loading(mode, DATABASE_URL=_address(address)) as process:
        return _ended(process)


def two_loads(sandbox: Sandbox, rng: random.Random, mode: str) -> Outcome:
    """Two loads at once: one succeeds, the other is refused and names the first."""
    with sandbox.loading(mode) as first, sandbox.loading(mode) as second:
        _begun(sandbox, first, rng)
        outcome = [_ended(one) for one in (first, second)]
    refused = [one for one in outcome if not one.succeeded]
    if any("another run is loading: workbook pid" not in one.text for one in refused) or len(refused) == 2:
        return Outcome(1, f"of two loads: {outcome}")
    return next(one for one in outcome if one.succeeded)


READ = """
    SELECT (SELECT name LIKE 'New %' FROM products LIMIT 1), (SELECT shipping_city LIKE 'New %' FROM orders LIMIT 1),
        (SELECT sum(total_amount) FROM orders) = (SELECT sum(quantity * price_at_time) FROM order_items),
        (SELECT sum(revenue) FROM daily_kpis) = (SELECT sum(revenue) FROM customer_lifetime_value)
"""


def readers(sandbox: Sandbox, _: random.Random, mode: str) -> Outcome:
    """Readers query several tables during the load: each answer comes from one shop and adds up."""
    ended, seen = threading.Event(), []
    threads = [threading.Thread(target=_read, args=(ended, seen)) for _ in range(3)]
    for thread in threads:
        thread.start()
    with sandbox.loading(mode) as process:
        outcome = _ended(process)
    ended.set()
    for thread in threads:
        thread.join()
    mixed = [answer for answer in seen if isinstance(answer, str) or answer[0] != answer[1] or not all(answer[2:])]
    return Outcome(1, f"readers saw {mixed[:3]}") if mixed or not seen else outcome


def _read(ended: threading.Event, seen: list) -> None:
    with closing(psycopg2.connect(_address(url()))) as connection, connection.cursor() as cursor:
        connection.autocommit = True
        while not ended.wait(0.002):
            try:
                cursor.execute(READ)
                seen.append(cursor.fetchone())
            except psycopg2.Error as error:
                seen.append(str(error))


def long_reader(sandbox: Sandbox, rng: random.Random, mode: str) -> Outcome:
    """A reader locks a table for a while, then reads another: it is neither terminated nor deadlocked."""
    with (
        closing(psycopg2.connect(_address(url()))) as connection,
        connection.cursor() as cursor,
        sandbox.loading(mode) as process,
    ):
        cursor.execute("SELECT count(*) FROM orders")
        process.stdout.readline()
        time.sleep(rng.uniform(0.2, 2))
        cursor.execute("SELECT count(*) FROM users")
        connection.rollback()
        return _ended(process)


def drift(sandbox: Sandbox, rng: random.Random, mode: str) -> Outcome:
    """A person adds a column before the load; it must not be lost silently."""
    table = rng.choice(["users", "orders", "events", "daily_kpis"])
    _run(f"ALTER TABLE {table} ADD COLUMN note text")
    with sandbox.loading(mode) as process:
        outcome = _ended(process)
    _run(f"ALTER TABLE {table} DROP COLUMN note")
    return (
        outcome
        if "differ from the catalog" in outcome.text
        else Outcome(1, f"the extra column was not reported: {outcome}")
    )


def _run(statement: str) -> None:
    with db.transaction() as connection:
        db.run(connection, statement)


def wrong_password(sandbox: Sandbox, _: random.Random, mode: str) -> Outcome:
    """A wrong password is refused at once, without a retry."""
    started = time.monotonic()
    with sandbox.loading(mode, DATABASE_URL=_address(url().set(password="wrong"))) as process:
        outcome = _ended(process)
    refused_in_time = "authentication failed" in outcome.text and time.monotonic() - started < 10
    return outcome if refused_in_time else Outcome(1, f"a wrong password: {outcome}")


def late_server(sandbox: Sandbox, rng: random.Random, mode: str) -> Outcome:
    """The server starts after the load, which waits for it."""
    address = _address(url())
    db.engine().dispose()
    private.stop(private_folder())
    with sandbox.loading(mode, DATABASE_URL=address) as process:
        process.stdout.readline()
        time.sleep(rng.uniform(0, 3))
        private.start(private_folder(), fsync=False)
        return _ended(process)


def reading_role(sandbox: Sandbox, _: random.Random, mode: str) -> Outcome:
    """A login with read permissions only is refused with a readable error."""
    _run("DROP ROLE IF EXISTS only_reads; CREATE ROLE only_reads LOGIN PASSWORD 'only_reads' IN ROLE workbook_reader")
    with sandbox.loading(
        mode, DATABASE_URL=_address(url().set(username="only_reads", password="only_reads"))
    ) as process:
        return _ended(process)


def full_disk(sandbox: Sandbox, rng: random.Random, mode: str) -> Outcome:
    """The server's disk fills up during the load."""
    with _small_disk(rng.choice(SMALL_DISKS)) as disk:
        _in_autocommit(f"CREATE TABLESPACE small LOCATION '{disk}'")
        _in_autocommit("GRANT CREATE ON TABLESPACE small TO PUBLIC")
        limits = "-c search_path=public -c TimeZone=UTC -c default_tablespace=small -c temp_tablespaces=small"
        try:
            with sandbox.loading(mode, DATABASE_URL=_address(url().update_query_dict({"options": limits}))) as process:
                return _ended(process)
        finally:
            db.engine().dispose()
            until(lambda: _dropped("small"), 20)


def _in_autocommit(statement: str) -> None:
    with db.engine().execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
        connection.exec_driver_sql(statement)


def _dropped(tablespace: str) -> bool:
    """Drop the tablespace, after dropping or moving what a load left there; whether that succeeded."""
    try:
        _in_autocommit("DROP SCHEMA IF EXISTS workbook_next CASCADE")
        for kind in ("TABLE", "INDEX"):
            _in_autocommit(f"ALTER {kind} ALL IN TABLESPACE {tablespace} SET TABLESPACE pg_default")
        _in_autocommit(f"DROP TABLESPACE {tablespace}")
        _in_autocommit("CHECKPOINT")  # so that a later recovery does not need the disk
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


FAULTS: dict[str, tuple[int, Fault]] = {  # name: (weight, function)
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
