"""What threads freed goes back to the system."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
# Twenty threads that live at the same time, as twenty visitors' do; each fills 20 MB, frees them, and keeps a
# little. The first block that is freed has the C library take the others from its regions.
MEGABYTES_LEFT = """
import sys, threading
from pathlib import Path
from fsl.base.memory import release_memory, use_one_arena

def held():
    return int(Path("/proc/self/status").read_text().split("VmRSS:")[1].split()[0]) / 1024

def fill(megabytes):
    block = bytearray(megabytes << 20)
    block[::4096] = bytes(len(block[::4096]))

def visit():
    fill(20)
    kept.append(bytes(3000))
    all_there.wait()
    all_gone.wait()

if sys.argv[1] == "together":
    use_one_arena()
kept, all_there, all_gone = [], threading.Barrier(21), threading.Event()
fill(30)
before = held()
for _ in range(20):
    threading.Thread(target=visit).start()
all_there.wait()
release_memory()
print(held() - before)
all_gone.set()
"""


def number_from(program: str, how: str) -> float:
    """What a program prints in a process of its own, whose memory nothing from outside sets."""
    done = subprocess.run(
        [sys.executable, "-c", program, how],
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if not name.startswith("MALLOC_")},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return float(done.stdout)


@pytest.mark.skipif(sys.platform != "linux", reason="this is a matter of Linux's C library")
def test_what_many_threads_freed_is_given_back() -> None:
    left = {how: number_from(MEGABYTES_LEFT, how) for how in ("apart", "together")}
    assert left["together"] < 60
    assert left["together"] < left["apart"] / 2


# A block as large as a network's feature maps, filled and freed again and again.
PAGES_TAKEN = """
import resource, sys
from fsl.base.memory import keep_freed_memory

if sys.argv[1] == "reused":
    keep_freed_memory()
for round in range(21):
    block = bytearray(20 << 20)
    block[::4096] = bytes(len(block[::4096]))
    del block
    if round == 0:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="this is a matter of Linux's C library")
def test_what_was_freed_is_used_again() -> None:
    taken = {how: number_from(PAGES_TAKEN, how) for how in ("anew", "reused")}
    assert taken["reused"] < taken["anew"] / 10
