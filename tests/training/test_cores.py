"""A job keeps its usual priority until it has shown something; then all its threads let others go first."""

import os
import sys
import threading
from pathlib import Path

import pytest
import torch

from fsl.training.cores import NICENESS, LaterPriority


@pytest.mark.skipif(sys.platform != "linux", reason="priorities of threads are Linux's")
def test_the_priority_falls_later_and_for_torch_s_threads_too() -> None:
    found: dict[str, list[int]] = {}

    def niceness_of(name: str) -> list[int]:
        tasks = Path("/proc/self/task").iterdir()
        named = [int(t.name) for t in tasks if (t / "comm").read_text().strip() == name]
        return [os.getpriority(os.PRIO_PROCESS, task) for task in named]

    def job() -> None:
        own = threading.get_native_id()
        usual = os.getpriority(os.PRIO_PROCESS, own)
        priority = LaterPriority()
        name = Path(f"/proc/self/task/{own}/comm").read_text().strip()
        torch.set_num_threads(2)
        torch.randn(600, 600) @ torch.randn(600, 600)  # starts its threads
        found["before"] = [niceness - usual for niceness in niceness_of(name)]
        priority.lower()
        found["after"] = niceness_of(name)
        found["others"] = [os.getpriority(os.PRIO_PROCESS, os.getpid()) - usual]

    before = torch.get_num_threads()
    thread = threading.Thread(target=job)
    thread.start()
    thread.join()
    torch.set_num_threads(before)
    assert set(found["before"]) == {0}
    assert set(found["after"]) == {NICENESS}
    assert found["others"] == [0]
