"""Kernels of a run: forked from a process that has imported what notebooks import, where forking is safe.

Its imports take a kernel about two seconds; a forked kernel has them at once.
"""

import atexit
import gc
import multiprocessing
import os
import signal
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing import forkserver, parent_process, resource_tracker, util
from pathlib import Path
from typing import Any, cast

import psutil
from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.manager import AsyncKernelManager
from jupyter_client.provisioning.local_provisioner import LocalProvisioner
from traitlets import default

__all__ = ["kernel_manager", "kill_all", "preload", "preloaded", "temporary_folder"]

# What all notebooks import, before the first kernel is forked; and what the reports need, while data are prepared.
PRELOADED = (
    "lib.run.preloaded", "ipykernel.kernelapp", "ipykernel.ipkernel", "pandas", "plotly.graph_objects", "plotly.io",
    "pyarrow.parquet", "sqlalchemy", "psycopg2", "duckdb", "lib.data.acquire", "lib.data.profile", "lib.load",
    "lib.report.charts", "lib.report.display", "lib.report.exploring", "lib.run.manifest",
)  # fmt: skip
LATER = (
    "scipy.optimize", "scipy.sparse", "scipy.stats", "sklearn.linear_model", "statsmodels.tsa.api",
    "statsmodels.duration.survfunc", "lib.metabase", "lib.analysis.basket", "lib.analysis.clv", "lib.analysis.cohorts",
    "lib.analysis.customers", "lib.analysis.forecast", "lib.analysis.segments", "lib.report.mailing",
    "lib.report.text.customers",
)  # fmt: skip
# A fork copies one thread only, so libraries must not start threads when they are imported.
NO_THREADS = {"OPENBLAS_NUM_THREADS": "1", "JE_ARROW_MALLOC_CONF": "background_thread:false"}
FOLDER, RUNNER = "WORKBOOK_TEMPORARY", "WORKBOOK_RUNNER"  # for the fork server: the runner's folder and process

_forking = multiprocessing.get_context("forkserver") if sys.platform == "linux" else None
preloaded = threading.Event()  # kernels are forked
_running: dict[int, LocalProvisioner] = {}


def preload() -> None:
    """Start the process from which the kernels of this process are forked; returns while it still imports.

    Elsewhere than on Linux this does nothing: libraries of the system may use threads there.
    """
    if _forking is not None:
        os.environ |= NO_THREADS | {FOLDER: util.get_temp_dir(), RUNNER: str(os.getpid())}
        _forking.set_forkserver_preload(list(PRELOADED))
        resource_tracker.ensure_running()  # first, since it unblocks interrupts when it starts
        with _interrupts_blocked():
            forkserver.ensure_running()
        preloaded.set()


@contextmanager
def _interrupts_blocked() -> Iterator[None]:
    """Block Ctrl-C in processes that are started within the block: the runner handles it, and ends them."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def kill_all() -> None:
    """Kill every kernel that this process has started, with the processes that it has started."""
    for pid in list(_running):
        with suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)


def temporary_folder() -> str | None:
    """Folder for the socket files of kernels, which is removed even if this process is killed."""
    return util.get_temp_dir() if preloaded.is_set() else None


def kernel_manager(folder: str, **options: Any) -> type:
    """A kernel manager whose kernels use socket files in `folder` instead of TCP ports, so no other user can connect.

    `options` are cwd, env, stdout and stderr of the kernel, as of a subprocess.
    """

    class SocketKernelManager(AsyncKernelManager):
        transport = "ipc"

        @default("connection_file")
        def _in_folder(self) -> str:
            return f"{folder}/kernel.json"

        async def start_kernel(self, **more: Any) -> None:  # type: ignore[override]  # async in this subclass too
            self.provisioner = Provisioner(kernel_spec=self.kernel_spec, parent=self)
            await super().start_kernel(**more, **options)

        async def shutdown_kernel(  # type: ignore[override]  # async in this subclass too
            self, now: bool = False, restart: bool = False
        ) -> None:
            """Kill the kernel: its outputs have arrived, and a graceful shutdown takes a second."""
            if self.provisioner is not None:
                await self.provisioner.kill()
                await self.provisioner.wait()

    return SocketKernelManager


class Provisioner(LocalProvisioner):
    """Forks a kernel if the imports are preloaded, and otherwise starts it as usual."""

    async def launch_kernel(self, cmd: list[str], **options: Any) -> KernelConnectionInfo:
        """Start the kernel, in a process group of its own."""
        if preloaded.is_set():
            try:
                self._fork(**options)
            except (OSError, EOFError, psutil.NoSuchProcess) as error:
                sys.stderr.write(f"kernels are started without preloaded imports from here on: {error!r}\n")
                preloaded.clear()
        if self.process is None:
            await super().launch_kernel(cmd, **options)
        assert self.pid is not None  # noqa: S101  # set above
        _running[self.pid] = self
        return self.connection_info

    def _fork(self, *, cwd: Path, env: dict[str, str], stdout: Any = None, **_others: Any) -> None:
        assert _forking is not None and self.parent is not None  # noqa: S101
        log = getattr(stdout, "name", None)
        process = _forking.Process(target=_be_kernel, args=(self.parent.connection_file, cwd, env, log))
        with _interrupts_blocked():  # it starts the fork server again if that was killed
            process.start()
        self.process = cast("Any", ForkedKernel(process))
        self.pid = self.pgid = process.pid

    async def wait(self) -> int | None:
        """Wait until the kernel has ended."""
        code = await super().wait()
        _running.pop(self.pid or 0, None)
        return code


class ForkedKernel:
    """The part of `subprocess.Popen` that a provisioner uses, for a kernel that the fork server has started.

    A kernel outlives its fork server, so nothing here asks that server.
    """

    stdin = stdout = stderr = None

    def __init__(self, process: Any) -> None:
        self._process = process  # kept: the kernel ends when this object does
        self._seen = psutil.Process(process.pid)
        self.pid = process.pid

    def poll(self) -> int | None:
        """None while the kernel runs, then its exit code, or 1 if that is not known."""
        with suppress(psutil.NoSuchProcess):
            if self._seen.status() != psutil.STATUS_ZOMBIE:
                return None
        return self._process.exitcode or 1

    wait = poll  # called after poll() has returned an exit code

    def send_signal(self, number: int) -> None:
        """Send the signal to the kernel, if it still runs."""
        with suppress(psutil.NoSuchProcess):
            self._seen.send_signal(number)


def _be_kernel(connection_file: str, cwd: Path, env: dict[str, str], log: str | None) -> None:
    """Body of a forked kernel: set up the process like one that was started anew, then run the kernel.

    The kernel ends when the runner ends.
    """
    import numpy as np
    from ipykernel.kernelapp import IPKernelApp

    from lib.run.preloaded import clean_up

    atexit.unregister(clean_up)
    os.setsid()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # it drops a Ctrl-C that was for the runner
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ.clear()
    os.environ.update(env)
    os.chdir(cwd)
    if log:
        with Path(log).open("ab") as stream:
            os.dup2(stream.fileno(), 1)
            os.dup2(stream.fileno(), 2)
    gc.freeze()  # collecting what was imported would copy the memory that the kernels share
    tempfile.tempdir = None
    np.random.seed()  # noqa: NPY002  # the only other generator with a state, `random`, is renewed by the fork
    threading.Thread(target=_end_with_runner, daemon=True).start()
    sys.argv = ["ipykernel_launcher", "-f", connection_file]
    # 1: not watched by the kernel itself, whose parent is the fork server
    IPKernelApp.launch_instance(argv=[*sys.argv[1:], "--IPKernelApp.parent_handle=1"])


def _end_with_runner() -> None:
    """End when the runner has ended; its folder is removed here too, since the fork server may be killed with it."""
    from lib.run.preloaded import clean_up

    runner = parent_process()
    assert runner is not None  # noqa: S101
    runner.join()
    clean_up()
    os._exit(1)
