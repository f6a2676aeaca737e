"""Two processes equal one: the same losses and weights, the same files, and a clear end when one dies."""

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image

from fsl.__main__ import main
from fsl.training.distributed import ProcessGroup
from tests.helpers.distributed_worker import CASES, trained
from tests.helpers.networks import save_small_checkpoint

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.skipif(not torch.distributed.is_available(), reason="PyTorch without distributed")


def free_ports(n: int) -> list[str]:
    sockets = [socket.socket() for _ in range(n)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [str(one.getsockname()[1]) for one in sockets]
    for one in sockets:
        one.close()
    return ports


def write_pictures(folder: Path) -> None:
    """Three classes of different sizes, one of which cannot be read, and a file that is no picture."""
    rng = np.random.default_rng(0)
    for slot, name in enumerate(("blue", "green", "red")):
        (folder / name).mkdir(parents=True)
        for i in range(3 + slot):
            pixels = rng.integers(0, 120, (20, 24, 3), dtype=np.uint8)
            pixels[..., 2 - slot] += 100
            Image.fromarray(pixels).save(folder / name / f"{i}.png")
    (folder / "damaged").mkdir()
    for broken in ("damaged/0.png", "red/9.png"):
        (folder / broken).write_bytes(b"\x89PNG\r\n\x1a\n no more")


@pytest.fixture(scope="module")
def worked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder in which two processes have done all that ``distributed_worker`` does."""
    folder = tmp_path_factory.mktemp("team")
    save_small_checkpoint(folder)
    write_pictures(folder / "data")
    write_pictures(folder / "support")
    port, *others = free_ports(4)
    processes = []
    for rank in range(2):
        place = {"RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": "2"}
        meeting = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "OMP_NUM_THREADS": "1"}
        command = [sys.executable, "-m", "tests.helpers.distributed_worker", str(folder), *others]
        processes.append(
            subprocess.Popen(
                command, cwd=ROOT, env={**os.environ, **place, **meeting}, stderr=subprocess.PIPE
            )
        )
    said = [process.communicate(timeout=280)[1].decode() for process in processes]
    assert [process.returncode for process in processes] == [0, 0], "\n".join(said)
    (folder / "said.json").write_text(json.dumps(said))
    return folder


def test_the_same_losses_and_weights_as_one_process(worked: Path) -> None:
    first, second = (torch.load(worked / f"trained-{rank}.pt", weights_only=True) for rank in range(2))
    for name, alone in trained():
        for key, value in alone.items():
            assert torch.allclose(first[name][key], value, rtol=1e-3, atol=2e-5), (name, key)
            assert torch.equal(first[name][key], second[name][key]), (name, key)
        moved = alone["losses"].std()
        assert moved > 1e-3, name  # it trained at all
    assert set(first) == set(CASES)


def test_embeddings_are_merged_in_order(worked: Path) -> None:
    out = worked / "alone.npz"
    network = ["--checkpoint", str(worked / "small.safetensors"), "--device", "cpu"]
    assert main(["embed", "--data", str(worked / "data"), "--out", str(out), "--map", "none", *network]) == 0
    with np.load(out) as alone, np.load(worked / "together.npz") as together:
        for key in ("names", "class_names", "labels"):
            assert together[key].tolist() == alone[key].tolist()
        np.testing.assert_allclose(together["embeddings"], alone["embeddings"], atol=1e-5)
        assert alone["class_names"].tolist() == ["blue", "green", "red"]


def test_two_processes_write_the_shards_of_one(worked: Path) -> None:
    table = pq.read_table(worked / "shards")
    assert len(list((worked / "shards").glob("*.parquet"))) == 4
    with np.load(worked / "together.npz") as file:
        assert table["image"].to_pylist() == file["names"].tolist()
        np.testing.assert_allclose(np.array(table["embedding"].to_pylist()), file["embeddings"], atol=1e-5)


def test_answers_are_merged_in_order(worked: Path) -> None:
    out = worked / "alone.csv"
    asked = ["--support", str(worked / "support"), "--query", str(worked / "data"), "--csv", str(out)]
    assert main(["classify", *asked, "--checkpoint", str(worked / "small.safetensors")]) == 0
    alone, together = (path.read_text().splitlines() for path in (out, worked / "together.csv"))
    assert [line.split(",")[:2] for line in together] == [line.split(",")[:2] for line in alone]
    assert len(alone) == 1 + 12


def test_only_the_first_process_prints_and_names_files_that_any_left_out(worked: Path) -> None:
    first, second = json.loads((worked / "said.json").read_text())
    assert "damaged/0.png" in first
    assert "red/9.png" in first  # it was in the share of the second
    assert "left out" not in second
    assert "Warning" not in first + second


def test_shares_cover_everything_once() -> None:
    for n in range(20):
        for size in range(1, 7):
            parts = [list(range(n))[ProcessGroup(rank, size).share(n)] for rank in range(size)]
            assert [i for part in parts for i in part] == list(range(n))
            assert max(map(len, parts)) - min(map(len, parts)) <= 1
            assert max(map(len, parts)) == -(-n // size)


TRAINING = [
    *("train", "--data", "digits", "--image-size", "16", "--backbone", "plain4", "--hold-out", "0.4"),
    *("--steps", "60", "--evaluate-every", "20", "--batch-classes", "4", "--batch-images", "2"),
    *("--device", "cpu", "--precision", "fp32", "--optimiser", "sgd"),
]


def losses(folder: Path) -> dict[int, float]:
    events = map(json.loads, (folder / "events.jsonl").read_text().splitlines())
    return {event["step"]: event["loss"] for event in events if event["event"] == "step"}


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="finds the second process by /proc")
def test_torchrun_and_a_process_that_dies(tmp_path: Path) -> None:
    """The run ends soon and says why; one process alone can resume it, with the same numbers."""
    launcher = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2"]
    # Seconds; by default it may end the first process before that one says why.
    launcher += ["--monitor-interval", "3"]
    launcher += ["--master-addr", "127.0.0.1", "--master-port", *free_ports(1), "-m", "fsl"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(
        [*launcher, *TRAINING, "--run-dir", str(tmp_path / "died")],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as team:
        assert team.stdout is not None
        for line in team.stdout:
            if b'"step": 30' in line:  # after the save at 20
                children = Path(f"/proc/{team.pid}/task/{team.pid}/children").read_text().split()
                second = next(pid for pid in children if environment_of(pid).get("RANK") == "1")
                os.kill(int(second), signal.SIGKILL)
                break
        said = team.communicate(timeout=120)[1].decode()
    assert team.returncode != 0
    assert "fsl: Another of the processes that compute together has ended" in said
    assert "--resume" in said
    resumed = [*TRAINING, "--run-dir", str(tmp_path / "died"), "--resume"]
    assert main(resumed) == 0
    assert main([*TRAINING, "--run-dir", str(tmp_path / "whole")]) == 0
    assert losses(tmp_path / "died") == pytest.approx(losses(tmp_path / "whole"), rel=1e-3)


def environment_of(pid: str) -> dict[str, str]:
    pairs = Path(f"/proc/{pid}/environ").read_bytes().decode().split("\0")
    return dict(pair.split("=", 1) for pair in pairs if "=" in pair)
