"""Kernels that start at once: forks of one process that has imported what notebooks
import.

Most of the time of a short notebook goes into importing torch and the like. Here
`multiprocessing`'s fork server imports it all once, and each kernel is a fork of it,
taken before any cell has run: no name, state or random number of one notebook reaches
another.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
from importlib.metadata import EntryPoint
from multiprocessing import forkserver
from multiprocessing.context import ForkServerProcess
from typing import Any
from unittest.mock import patch

from jupyter_client.provisioning.factory import KernelProvisionerFactory
from jupyter_client.provisioning.local_provisioner import LocalProvisioner

NAME = "xaicourse-fork"
INLINE = "module://matplotlib_inline.backend_inline"  # what a kernel sets, too


def start_by_forking(environment: dict[str, str]) -> None:
    """Let the kernels that this process starts be forks, where a system can fork.

    `environment` holds what packages must find when they are imported, such as the
    number of threads.
    """
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return
    factory = KernelProvisionerFactory.instance()
    if factory.default_provisioner_name == NAME:
        return
    factory.provisioners[NAME] = EntryPoint(
        NAME, f"{__name__}:Fork", factory.GROUP_NAME
    )
    factory.default_provisioner_name = NAME
    forkserver.set_forkserver_preload(["xaicourse.teaching.preloaded"])
    with patch.dict(os.environ, environment | {"MPLBACKEND": INLINE}):
        forkserver.ensure_running()


class Fork(LocalProvisioner):
    """Starts a kernel as a fork of the server instead of a new interpreter."""

    process: Any

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> Any:
        """Start the kernel of a command such as ``python -m ipykernel_launcher -f
        file``.
        """
        self.cwd = kwargs.get("cwd") or os.getcwd()
        options = cmd[cmd.index("-f") :]
        fork = multiprocessing.get_context("forkserver").Process(
            target=_kernel, args=(options, dict(kwargs["env"]), self.cwd)
        )
        fork.start()
        self.process, self.pid, self.pgid = _Started(fork), fork.pid, None
        return self.connection_info


class _Started:
    """A fork, as `LocalProvisioner` handles the processes that it starts."""

    stdin = stdout = stderr = None

    def __init__(self, fork: ForkServerProcess) -> None:
        self.fork = fork

    def poll(self) -> int | None:
        return self.fork.exitcode

    def wait(self) -> int | None:
        self.fork.join()
        return self.fork.exitcode

    def send_signal(self, signal: int) -> None:
        if self.fork.is_alive() and self.fork.pid:
            os.kill(self.fork.pid, signal)


def _kernel(options: list[str], environment: dict[str, str], folder: str) -> None:
    """Become a kernel."""
    from ipykernel.kernelapp import launch_new_instance

    multiprocessing.set_start_method(None, force=True)  # as it was before this one
    os.environ.clear()
    # A kernel watches its parent by this number, and this parent is another process.
    os.environ.update({**environment, "JPY_PARENT_PID": str(os.getppid())})
    os.chdir(folder)
    silence = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(silence, stream)
    asyncio.set_event_loop(None)
    launch_new_instance(options)
