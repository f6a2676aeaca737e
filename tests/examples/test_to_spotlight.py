"""The table for Spotlight holds what `fsl embed` and `fsl classify` wrote, row by row."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from fsl.__main__ import main

PROGRAM = Path(__file__).resolve().parents[2] / "examples" / "to_spotlight.py"


def test_the_table_joins_embeddings_and_answers(
    folder: Path,
    checkpoint_folder: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    # Two parts whose pictures have the same names, but not the same content.
    shutil.copytree(folder, "pictures/train")
    for name, other in (("red", "green"), ("green", "red")):
        shutil.copytree(folder / other, f"pictures/test/{name}")
    network = ["--checkpoint", str(checkpoint_folder / "small.safetensors")]
    assert main(["embed", "--data", "pictures", "--out", "e.npz", "--map", "pca", *network]) == 0
    capsys.readouterr()
    asked = ["pictures/train/red", "pictures/test/red"]
    assert main(["classify", "--support", str(folder), "--query", *asked, "--json", *network]) == 0
    answers = capsys.readouterr().out
    Path("a.json").write_text(answers, encoding="utf-8")
    arguments = ["e.npz", "--pictures", "pictures", "--answers", "a.json", "--out", "table.parquet"]
    subprocess.run([sys.executable, PROGRAM, *arguments], check=True, timeout=60)
    rows = pq.read_table("table.parquet").to_pylist()
    with np.load("e.npz") as held:
        assert [row["embedding"] for row in rows] == [pytest.approx(one) for one in held["embeddings"]]
        assert [row["map"] for row in rows] == [pytest.approx(one) for one in held["coordinates"]]
    assert all(
        Path(row["image"]).is_file() and Path(row["image"]).parent.name == row["label"] for row in rows
    )
    found = {Path(row["image"]): row for row in rows}
    predictions = json.loads(answers)["predictions"]
    assert len(predictions) > 2
    for one in predictions:
        row = found.pop(Path(one["query"]).resolve())
        assert (row["answer"], row["probability"]) == (one["label"], one["probability"])
        assert (row["unknown"], row["wrong"]) == (one["unknown"], one["label"] != row["label"])
    assert {row["answer"] for row in found.values()} == {None}  # those that nobody asked about
