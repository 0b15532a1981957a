"""A kernel that is a fork is as clean as one that was started anew."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import KernelManager, start_new_kernel

from xaicourse.teaching.kernels import NAME, start_by_forking
from xaicourse.teaching.notebooks import HEADLESS

Started = tuple[KernelManager, BlockingKernelClient]


@pytest.fixture(scope="module")
def kernels(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Started]]:
    start_by_forking(HEADLESS)
    folder = tmp_path_factory.mktemp("elsewhere")
    env = {**os.environ, "GREETING": "hello"}
    started = [start_new_kernel(cwd=str(folder), env=env) for _ in range(2)]
    yield started
    for manager, client in started:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def printed(client: BlockingKernelClient, code: str) -> Any:
    said: list[str] = []

    def hook(message: dict[str, Any]) -> None:
        if message["msg_type"] in ("stream", "error"):
            content = message["content"]
            said.append(content.get("text") or content["ename"])

    client.execute_interactive(code, output_hook=hook, timeout=60)
    return "".join(said).strip()


def test_it_has_imported_what_notebooks_need_and_has_no_names(
    kernels: list[Started],
) -> None:
    (_, one), (_, other) = kernels
    assert kernels[0][0].provisioner.__class__.__name__ == "Fork"
    assert NAME
    loaded = "import sys; print({'torch', 'captum', 'xaicourse.attribution'} <= "
    assert printed(one, loaded + "set(sys.modules))") == "True"
    assert printed(one, "print(torch)") == "NameError"
    printed(one, "import torch; torch.manual_seed(5); torch.left = 1; kept = 3")
    assert printed(other, "kept") == "NameError"
    assert printed(other, "import torch; print(hasattr(torch, 'left'))") == "False"


def test_it_is_where_and_with_what_it_was_started(kernels: list[Started]) -> None:
    client = kernels[0][1]
    assert printed(client, "import os; print(os.environ['GREETING'])") == "hello"
    where = Path(printed(client, "print(os.getcwd())"))
    assert where.name.startswith("elsewhere")
    workers = "import multiprocessing as m; print(m.current_process().daemon)"
    assert printed(client, workers) == "False", "a notebook may start processes"


def test_it_can_be_interrupted_and_ended(kernels: list[Started]) -> None:
    manager, client = kernels[1]
    # otherwise what is asked soon after the interrupt may be dropped
    client.execute("import time; time.sleep(60)", stop_on_error=False)
    time.sleep(1)
    manager.interrupt_kernel()
    reply = client.get_shell_msg(timeout=10)
    while reply["content"].get("ename") != "KeyboardInterrupt":
        reply = client.get_shell_msg(timeout=10)
    process = int(printed(client, "import os; print(os.getpid())"))
    manager.shutdown_kernel(now=True)
    assert not manager.is_alive()
    with pytest.raises(ProcessLookupError):
        os.kill(process, 0)
