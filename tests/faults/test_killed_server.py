"""kill -9 of a real server in mid-run: nothing saved is lost, and the next server resumes the run."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from bench._server import start_app
from bench._visitor import Visitor
from fsl.training.status import find_run, list_runs
from fsl.twin import checkpoint
from tests.helpers.networks import save_small_checkpoint
from tests.helpers.waiting import until

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")


def start_server(folder: Path, *options: str) -> tuple[str, subprocess.Popen[bytes]]:
    app = start_app(folder, options, {"FSL_CHECKPOINT_DIR": str(folder / "checkpoints")})
    return app.address, app.process


def test_a_run_outlives_its_server_and_is_listed_for_who_started_it(tmp_path: Path) -> None:
    (tmp_path / "checkpoints").mkdir()
    save_small_checkpoint(tmp_path / "checkpoints")
    root = tmp_path / "runs"
    address, process = start_server(tmp_path)
    try:
        with Visitor(address) as mine, Visitor(address) as other:
            mine.open("training")
            mine.set("image_size", string_array_value=["16"])
            mine.set("batch", string_array_value=["8"])
            mine.set("start_training", trigger_value=True)
            owner = mine.token
            until(lambda: any(run.steps_done > 3 for run in list_runs(root)), 90)
            other.open("training")
            assert mine.has("shown")
            assert not other.has("shown")
            assert not any(run.id in other.text for run in list_runs(root))
        done = {run.id: run.steps_done for run in list_runs(root)}  # now the browsers are gone, not the runs
        until(lambda: all(run.steps_done > done[run.id] + 10 for run in list_runs(root)), 90)
    finally:
        os.kill(process.pid, signal.SIGKILL)
        process.wait(20)
    runs = list_runs(root)
    assert {run.config.batch_pairs for run in runs if run.config} == {8}  # small, so that the runs get on
    assert {run.status for run in runs} == {"interrupted"}
    assert all(run.problems == () for run in runs)
    for run in runs:
        checkpoint.load(run.folder / "checkpoint.safetensors")

    chosen = next(run for run in runs if run.steps_done)
    address, process = start_server(tmp_path, "--server.maxUploadSize", "1")
    try:
        with Visitor(address) as other:
            other.open("training", query=f"run={chosen.id}")
            assert not any(other.has(f"{act}_{chosen.id}") for act in ("resume", "delete", "save", "use"))
        with Visitor(address, token=owner) as visitor:
            visitor.open("classify")
            with pytest.raises(OSError, match="413"):  # by the server, whatever the browser lets through
                visitor.drop("class_0", [("large.png", bytes(3 * 2**20))])
            visitor.open("training", query=f"run={chosen.id}")
            visitor.set(f"resume_{chosen.id}", trigger_value=True)
            until(lambda: find_run(chosen.id, root).steps_done > chosen.steps_done + 3, 90)
            assert visitor.faults == []
    finally:
        process.terminate()
        process.wait(60)
    assert "Traceback" not in (tmp_path / "log.txt").read_text(errors="replace")
