"""Reading the published one-shot runs, and the command that scores them."""

import io
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from fsl.__main__ import main
from fsl.base.errors import DataError
from fsl.config import ModelConfig
from fsl.data.one_shot_runs import read_runs
from fsl.twin import checkpoint as checkpoints
from fsl.twin.header import CheckpointInfo
from fsl.twin.network import TwinNetwork


def drawing(seed: int) -> bytes:
    """Blocks of ink that are the same for the same seed."""
    ink = np.random.default_rng(seed).random((4, 4)) > 0.5
    buffer = io.BytesIO()
    Image.fromarray(np.kron(ink, np.ones((8, 8))).astype(bool)).save(buffer, "PNG")
    return buffer.getvalue()


def write_runs(path: Path, labels: str | None = None) -> Path:
    """Two runs of five characters; the test images are the training images in another order."""
    with zipfile.ZipFile(path, "w") as archive:
        for run in ("run01", "run02"):
            lines = []
            for i in range(1, 6):
                archive.writestr(f"{run}/training/class{i:02}.png", drawing(i))
                archive.writestr(f"{run}/test/item{i:02}.png", drawing(6 - i))
                lines.append(f"{run}/test/item{i:02}.png {run}/training/class{6 - i:02}.png")
            archive.writestr(f"{run}/class_labels.txt", labels or "\n".join(lines))
    return path


def encrypted(path: Path, name: str) -> Path:
    """The archive with an entry marked as encrypted, in both its headers."""
    data = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as archive:
        start = archive.getinfo(name).header_offset
    data[start + 6] |= 1
    central = data.rindex(name.encode())
    data[central - 46 + 8] |= 1
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("unpacked", [True, False])
def test_answers_point_at_the_training_images(tmp_path: Path, unpacked: bool) -> None:
    path = write_runs(tmp_path / "runs.zip")
    if unpacked:
        zipfile.ZipFile(path).extractall(tmp_path / "folder")
        path = tmp_path / "folder"
    runs = read_runs(path)
    assert [run.name for run in runs] == ["run01", "run02"]
    for run in runs:
        assert run.answers == (4, 3, 2, 1, 0)
        assert all(run.training[a].read() == t.read() for t, a in zip(run.test, run.answers, strict=True))


def test_incomplete_runs_are_refused_in_words(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="not there: a b"):
        read_runs(write_runs(tmp_path / "wrong.zip", "a b"))
    with pytest.raises(DataError, match=r"run01/class_labels\.txt names no images"):
        read_runs(write_runs(tmp_path / "empty.zip", "\n"))
    with pytest.raises(DataError, match=r"no readable run01/class_labels\.txt"):
        read_runs(encrypted(write_runs(tmp_path / "locked.zip"), "run01/class_labels.txt"))
    with zipfile.ZipFile(tmp_path / "none.zip", "w") as archive:
        archive.writestr("x/y.png", drawing(1))
    with pytest.raises(DataError, match="holds no runs"):
        read_runs(tmp_path / "none.zip")
    with zipfile.ZipFile(tmp_path / "unlabelled.zip", "w") as archive:
        archive.writestr("run01/training/class01.png", drawing(1))
    with pytest.raises(DataError, match="class_labels"):
        read_runs(tmp_path / "unlabelled.zip")


def test_the_command_counts_right_answers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    torch.manual_seed(0)
    model = ModelConfig(widths=(4, 4, 4, 4), image_size=32)
    checkpoints.save(tmp_path / "t.safetensors", TwinNetwork(model), CheckpointInfo("t", model))
    runs = write_runs(tmp_path / "runs.zip")
    arguments = [
        "omniglot-runs",
        "--runs",
        str(runs),
        "--checkpoint",
        str(tmp_path / "t.safetensors"),
        "--json",
    ]
    assert main(arguments) == 0
    result = json.loads(capsys.readouterr().out)
    # Equal images have distance 0, so every answer is right whatever the weights are.
    assert (result["accuracy"], result["correct"], result["total"]) == (1.0, 10, 10)
    assert result["per_run"][1] == {"run": "run02", "correct": 5, "total": 5}


def test_the_published_runs_are_read(data_dir: Path) -> None:
    runs = read_runs(data_dir / "omniglot-one-shot-runs.zip")
    assert len(runs) == 20
    assert all(len(run.training) == len(run.test) == 20 for run in runs)
    assert all(sorted(run.answers) == list(range(20)) for run in runs)
