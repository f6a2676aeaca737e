"""``embed`` into a folder of Parquet files: as in one file, resumed after a kill, refused if it differs."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from fsl.embedding.shards import METADATA_KEY, open_store
from tests.helpers.commands import run
from tests.helpers.networks import save_small_checkpoint
from tests.helpers.pictures import COLOURS, noisy_png

ROOT = Path(__file__).resolve().parents[2]


def write_pictures(folder: Path, per_class: int) -> None:
    for name in ("red", "blue", "grey"):
        (folder / name).mkdir(parents=True)
        for i in range(per_class):
            (folder / name / f"{i}.png").write_bytes(noisy_png(COLOURS[name], i))
    (folder / "red" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n no more")


def content(folder: Path) -> tuple[list[str], list[str], np.ndarray]:
    """Read the folder as any program would."""
    table = pq.read_table(folder)
    return table["image"].to_pylist(), table["label"].to_pylist(), np.array(table["embedding"].to_pylist())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("store")
    save_small_checkpoint(folder)
    write_pictures(folder / "data", 5)
    return folder


def arguments(folder: Path, out: str, *more: str) -> list[str]:
    network = ["--checkpoint", str(folder / "small.safetensors"), "--device", "cpu"]
    return ["embed", "--data", str(folder / "data"), "--out", str(folder / out), *network, *more]


def test_shards_hold_what_one_file_holds(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, said = run(capsys, *arguments(folder, "a.parquet", "--shard-size", "6", "--json"))
    assert status == 0
    assert "red/broken.png" in said
    assert '"images": 15' in out
    assert '"shards": 3' in out
    assert run(capsys, *arguments(folder, "a.npz", "--map", "none"))[0] == 0
    names, labels, embeddings = content(folder / "a.parquet")
    with np.load(folder / "a.npz") as file:
        assert names == file["names"].tolist()
        assert labels == file["class_names"][file["labels"]].tolist()
        np.testing.assert_allclose(embeddings, file["embeddings"], atol=1e-5)


def test_what_stands_is_kept_and_what_differs_is_refused(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    size = ("--shard-size", "4")
    assert run(capsys, *arguments(folder, "b", *size))[0] == 0
    first, *others = sorted((folder / "b").glob("*.parquet"))
    before, whole = {one: one.stat().st_mtime_ns for one in others}, content(folder / "b")
    first.unlink()
    status, out, _ = run(capsys, *arguments(folder, "b", *size, "--json"))
    assert status == 0
    assert '"shards_before": 3' in out
    assert {one: one.stat().st_mtime_ns for one in others} == before
    names, _, embeddings = content(folder / "b")
    assert names == whole[0]
    assert np.array_equal(embeddings, whole[2])
    for change, told in (
        (["--shard-size", "5"], "shards of 4 pictures, not of 5"),
        ([*size, "--checkpoint", "fruits"], "another network (small)"),
        ([*size, "--data", "rendered"], "other pictures"),
        ([*size, "--out", str(folder / "data")], "holds other files"),
    ):
        status, _, said = run(capsys, *arguments(folder, "b", *change))
        assert (status, said.splitlines()[-1].count(told)) == (1, 1), said
    first.write_bytes(first.read_bytes()[:-9])
    status, _, said = run(capsys, *arguments(folder, "b", *size))
    assert status == 1
    assert "is damaged" in said


def test_a_killed_run_is_continued(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_pictures(folder / "many", 150)
    size = ("--data", str(folder / "many"), "--shard-size", "2")
    killed = folder / "killed"
    command = [sys.executable, "-m", "fsl", *arguments(folder, "killed", *size)]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL) as process:
        while len(list(killed.glob("part-*.parquet"))) < 5:
            assert process.poll() is None
            time.sleep(0.002)
        os.kill(process.pid, signal.SIGKILL)
    n_before = len(list(killed.glob("part-*.parquet")))
    assert 5 <= n_before < 226
    status, out, _ = run(capsys, *arguments(folder, "killed", *size, "--json"))
    assert status == 0
    assert f'"shards_before": {n_before}' in out
    assert run(capsys, *arguments(folder, "unbroken", *size))[0] == 0
    ours, theirs = content(killed), content(folder / "unbroken")
    assert ours[:2] == theirs[:2]
    np.testing.assert_allclose(ours[2], theirs[2], atol=1e-6)


def pack(folder: Path) -> Path:
    """Write a zip of a folder, as any program would do again after a change."""
    return Path(shutil.make_archive(str(folder), "zip", folder))


@pytest.mark.parametrize("place", [Path, pack])
def test_changed_and_repaired_pictures_are_embedded_again(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], place: Callable[[Path], Path]
) -> None:
    data, out = tmp_path / "data", tmp_path / "out"
    write_pictures(data, 5)

    def embed(into: Path = out) -> tuple[str, str]:
        status, told, said = run(
            capsys, *arguments(folder, str(into), "--data", str(place(data)), "--shard-size", "4", "--json")
        )
        assert status == 0, said
        return told, said

    assert "red/broken.png" in embed()[1]
    before = content(out)
    shards = sorted(out.glob("*.parquet"))
    dates = [one.stat().st_mtime_ns for one in shards]
    (data / "blue" / "0.png").write_bytes(noisy_png(COLOURS["green"], 7))
    (data / "red" / "broken.png").write_bytes(noisy_png(COLOURS["red"], 8))
    told, said = embed()
    assert "left out" not in said
    assert '"shards_before": 2' in told
    assert [one.stat().st_mtime_ns != date for one, date in zip(shards, dates, strict=True)] == [1, 0, 0, 1]
    embed(tmp_path / "fresh")
    ours, fresh = content(out), content(tmp_path / "fresh")
    assert ours[:2] == fresh[:2]
    np.testing.assert_allclose(ours[2], fresh[2], atol=1e-6)
    assert np.abs(ours[2][0] - before[2][0]).max() > 1e-3
    assert '"shards_before": 4' in embed()[0]


def test_a_picture_that_can_be_read_again_is_embedded(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its date and size are as before, as after a change of permissions."""
    write_pictures(tmp_path / "data", 5)
    good, broken = noisy_png(COLOURS["red"], 8), tmp_path / "data" / "red" / "broken.png"
    broken.write_bytes(bytes(len(good)))
    date = broken.stat().st_mtime_ns
    command = arguments(folder, str(tmp_path / "out"), "--data", str(tmp_path / "data"), "--shard-size", "4")
    assert "red/broken.png" in run(capsys, *command)[2]
    broken.write_bytes(good)
    os.utime(broken, ns=(date, date))
    status, told, said = run(capsys, *command, "--json")
    assert (status, "left out" in said) == (0, False)
    assert '"images": 16' in told
    assert '"shards_before": 3' in told


def test_shards_of_an_earlier_version_open_and_are_renewed(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Their files do not say how their pictures were, so nobody knows whether they have changed."""
    command = arguments(folder, str(tmp_path), "--shard-size", "6", "--json")
    assert run(capsys, *command)[0] == 0
    for file in tmp_path.glob("*.parquet"):
        table = pq.read_table(file)
        about = json.loads(table.schema.metadata[METADATA_KEY])
        del about["version"]
        pq.write_table(table.replace_schema_metadata({METADATA_KEY: json.dumps(about)}), file)
    assert [len(rows.names) for rows in open_store(tmp_path)] == [5, 5, 5]
    assert '"shards_before": 0' in run(capsys, *command)[1]
    assert '"shards_before": 3' in run(capsys, *command)[1]


@pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="Ray is not installed")
def test_two_actors_of_ray_write_the_same(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    engine = ("--engine", "ray", "--workers", "2", "--shard-size", "4")
    assert run(capsys, *arguments(folder, "ray", *engine))[0] == 0
    assert run(capsys, *arguments(folder, "alone", "--shard-size", "4"))[0] == 0
    ours, theirs = content(folder / "ray"), content(folder / "alone")
    assert ours[:2] == theirs[:2]
    np.testing.assert_allclose(ours[2], theirs[2], atol=1e-5)
