"""The command ``embed``."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

import fsl
from fsl.__main__ import main
from fsl.data.catalogue import path_source
from fsl.data.query import ImageQuery
from fsl.twin.inference import embed_images
from tests.helpers.networks import save_small_checkpoint
from tests.helpers.pictures import COLOURS, noisy_png


@pytest.fixture
def data(tmp_path: Path) -> Path:
    for name, colour in (("=red", "red"), ("blue", "blue"), ("grey", "grey")):
        (tmp_path / "data" / name).mkdir(parents=True)
        for i in range(5):
            (tmp_path / "data" / name / f"{i}.png").write_bytes(noisy_png(COLOURS[colour], i))
    return tmp_path / "data"


@pytest.fixture
def checkpoint(tmp_path: Path) -> str:
    save_small_checkpoint(tmp_path)
    return str(tmp_path / "small.safetensors")


def test_npz_and_json(
    data: Path, checkpoint: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out.npz"
    settings = ["--checkpoint", checkpoint, "--iterations", "250", "--json"]
    assert main(["embed", "--data", str(data), "--out", str(out), *settings]) == 0
    result = json.loads(capsys.readouterr().out)
    assert set(result) == {"images", "dimension", "seconds"}
    assert result["images"] == 15
    with np.load(out, allow_pickle=False) as file:
        assert file["embeddings"].shape == (15, result["dimension"])
        images, _ = path_source(data).load(ImageQuery(16))
        expected = embed_images(fsl.load(checkpoint, "cpu").twin, images.images).numpy()
        np.testing.assert_allclose(file["embeddings"], expected, atol=1e-5)
        assert file["names"].tolist() == list(images.names)
        assert file["coordinates"].shape == (15, 2)
        assert file["class_names"].tolist() == ["=red", "blue", "grey"]


def test_csv_with_pca_in_space(data: Path, checkpoint: str, tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    settings = ["--checkpoint", checkpoint, "--map", "pca", "--dimensions", "3", "--metric", "euclidean"]
    assert main(["embed", "--data", str(data), "--out", str(out), *settings]) == 0
    rows = list(csv.reader(out.open(encoding="utf-8")))
    assert rows[0][:5] == ["name", "class", "x", "y", "z"]
    assert rows[1][1] == "'=red"
    assert len(rows) == 16


def test_embeddings_alone(data: Path, checkpoint: str, tmp_path: Path) -> None:
    out = tmp_path / "out.npz"
    arguments = ["embed", "--data", str(data), "--out", str(out), "--checkpoint", checkpoint, "--map", "none"]
    assert main(arguments) == 0
    with np.load(out) as file:
        assert file["coordinates"].shape == (15, 0)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (["--out", "x.txt"], ".npz or .csv"),
        (["--out", "absent/x.npz", "--checkpoint", "never loaded"], "no folder absent"),
        (["--data", "absent"], "absent"),
        (["--perplexity", "1"], "perplexity"),
        (["--dimensions", "5"], "2 or 3"),
    ],
)
def test_failures_are_one_line(
    change: list[str],
    told: str,
    data: Path,
    checkpoint: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    usual = ["--data", str(data), "--out", "o.npz", "--checkpoint", checkpoint, "--iterations", "250"]
    assert main(["embed", *usual, *change]) == 1
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert told in error
