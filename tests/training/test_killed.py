"""kill -9 in the middle of a run from the shell: it is listed, resumed, and ends with the same numbers."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from fsl.__main__ import main
from fsl.training.events import Evaluation, Step
from fsl.training.manager import RunManager
from fsl.training.status import find_run, run_events
from fsl.twin import checkpoint as checkpoints

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = [
    *("train", "--data", "digits", "--image-size", "16", "--hold-out", "0.4", "--steps", "60"),
    *("--evaluate-every", "20", "--batch-classes", "4", "--batch-images", "2", "--snapshots", "20"),
    *("--device", "cpu", "--precision", "fp32"),
]


def numbers(root: Path, run_id: str) -> list[tuple[object, ...]]:
    events = run_events(root / run_id)
    steps = [(e.step, e.loss, e.separation, e.embedding_spread) for e in events if isinstance(e, Step)]
    return [*steps, *((e.step, e.accuracy, e.loss) for e in events if isinstance(e, Evaluation))]


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
def test_kill_and_resume_equals_never_killed(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "fsl", *SETTINGS, "--run-dir", str(tmp_path / "killed")]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    killed = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE)
    assert killed.stdout is not None
    seen_running = False
    for line in killed.stdout:
        seen_running = seen_running or find_run("killed", tmp_path).status == "running"
        if b'"step": 30' in line:  # after the save at 20
            os.kill(killed.pid, signal.SIGKILL)
            break
    killed.wait(20)
    assert seen_running
    run = find_run("killed", tmp_path)
    assert run.status == "interrupted"
    assert run.problems == ()
    checkpoints.load(run.folder / "checkpoint.safetensors")

    torch.set_num_threads(1)
    assert main([*SETTINGS, "--run-dir", str(tmp_path / "whole")]) == 0
    manager = RunManager(tmp_path)
    manager.resume("killed")  # from what its folder says, without its command
    assert manager.wait("killed", 120)
    assert find_run("killed", tmp_path).status == "finished"
    assert numbers(tmp_path, "killed") == numbers(tmp_path, "whole")
    one, two = (checkpoints.load(tmp_path / n / "checkpoint.safetensors").twin for n in ("whole", "killed"))
    assert all(torch.equal(v, two.state_dict()[k]) for k, v in one.state_dict().items())
    # Hidden is what was being written when it was killed; it is cleared away an hour later.
    frames = [
        sorted(p.name for p in (tmp_path / n / "snapshots").iterdir() if not p.name.startswith("."))
        for n in ("whole", "killed")
    ]
    assert frames[0] == frames[1]
    assert {"20.npy", "40.npy", "60.npy", "images.npz"} <= set(frames[0])  # each evaluation's, and between
