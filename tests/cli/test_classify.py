"""The command ``classify``: its JSON keys, its table, and its rules."""

import csv
import errno
import hashlib
import json
import os
import zipfile
from collections import Counter
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from fsl.__main__ import main
from fsl.base.errors import DataError
from fsl.cli.sorting import sort_queries
from fsl.fewshot.support import SupportSet
from fsl.twin import checkpoint as checkpoints
from tests.fewshot.test_results import PREDICTION, SUPPORT
from tests.helpers.commands import run
from tests.helpers.networks import checkpoint
from tests.helpers.pictures import COMMAND_COLOURS, named_image, noisy_png


def test_classify_json(
    folder: Path, weights: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    query = tmp_path / "new.png"
    query.write_bytes(noisy_png(COMMAND_COLOURS["green"], 77))
    bad = [tmp_path / "bad" / f"{i}.png" for i in range(12)]  # more than are named on stderr
    bad[0].parent.mkdir()
    for path in bad:
        path.write_text("no picture")
    (bad[0].parent / "notes.pdf").write_text("no picture")
    (tmp_path / "bad.zip").write_text("no zip")
    (folder / "red" / "broken.png").write_text("no picture")
    status, out, err = run(
        capsys, "classify", "--support", folder, "--query", query, *bad[:2], bad[0].parent, tmp_path / "none",
        tmp_path / "bad.zip",
        "--checkpoint", weights, "--json", "--csv", tmp_path / "out.csv",
    )  # fmt: skip
    assert status == 0
    found = json.loads(out)
    left_out = {one["file"]: one["reason"] for one in found["left_out"]}
    others = [tmp_path / "none", tmp_path / "bad.zip", bad[0].parent / "notes.pdf"]
    assert set(left_out) == {"red/broken.png", *map(str, [*bad, *others])}
    assert not any(reason.endswith(".") for reason in left_out.values())
    (prediction,) = found["predictions"]
    assert set(prediction) == {"query", "label", "probability", "unknown", "scores", "similarities"}
    assert prediction["label"] == "green"
    assert set(prediction["scores"]) == set(COMMAND_COLOURS)
    assert len(prediction["similarities"]) == 16
    assert set(prediction["similarities"][0]) == {"class", "support", "similarity"}
    assert "0.png" in err
    assert "left out 5 more" in err
    rows = list(csv.reader((tmp_path / "out.csv").open()))
    assert len(rows) == 2
    assert "probability: =blue" in rows[0]  # no formula for a spreadsheet to run


def test_queries_that_cannot_be_read_are_named_and_without_any_it_fails(
    folder: Path, weights: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "bad.png").write_text("no picture")
    status, out, err = run(
        capsys, "classify", "--support", folder, "--query", tmp_path / "bad.png", "--checkpoint", weights
    )
    assert (status, out) == (1, "")
    left_out, failure = err.splitlines()
    assert left_out.startswith(f"left out {tmp_path / 'bad.png'}: ")
    assert failure.startswith(f"fsl: None of the queries is a readable image ({tmp_path / 'bad.png'}: ")


def test_a_support_set_is_held_at_the_size_of_the_network(
    folder: Path, weights: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes = set()

    def look(checkpoint: object, support: SupportSet, **_: object) -> None:
        sizes.update(image.image.size for image in support.images)

    monkeypatch.setattr("fsl.cli.classify.prepare_support", look)
    status, _, _ = run(
        capsys, "classify", "--support", folder, "--query", folder / "red", "--checkpoint", weights
    )
    assert (status, sizes) == (0, {(16, 16)})


def test_classify_a_zip_against_a_zip(
    folder: Path, weights: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    archive = tmp_path / "support.zip"
    with zipfile.ZipFile(archive, "w") as file:
        for path in sorted(folder.rglob("*.png")):
            file.write(path, f"top/{path.relative_to(folder)}")
    status, out, _ = run(
        capsys, "classify", "--support", archive, "--query", folder / "red", "--checkpoint", weights, "--json"
    )
    assert status == 0
    assert [p["label"] for p in json.loads(out)["predictions"]] == ["red"] * 4


def test_a_class_without_a_picture_is_told(
    folder: Path, weights: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "violet").mkdir()
    status, _, err = run(
        capsys, "classify", "--support", folder, "--query", folder / "red", "--checkpoint", weights
    )
    assert (status, err) == (0, "left out violet: has no pictures in it\n")


def quick_arguments(folder: Path, n_shot: int) -> list[str]:
    made = checkpoint()
    checkpoints.save(folder / "tiny.safetensors", made.twin, made.info)
    for number, colour in enumerate(("red", "green")):
        (folder / "classes" / colour).mkdir(parents=True)
        for shot in range(n_shot):
            picture = named_image(colour, 10 * number + shot)
            picture.image.save(folder / "classes" / colour / f"{shot}.png")
    named_image("green", 99).image.save(folder / "query.png")
    return [
        *("classify", "--checkpoint", str(folder / "tiny.safetensors"), "--rule", "quick", "--json"),
        *("--support", str(folder / "classes"), "--query", str(folder / "query.png")),
    ]


def test_the_quick_rule_answers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(quick_arguments(tmp_path, n_shot=5)) == 0
    (prediction,) = json.loads(capsys.readouterr().out)["predictions"]
    assert prediction["label"] == "green"
    assert sum(prediction["scores"].values()) == pytest.approx(1, abs=1e-5)


def test_the_quick_rule_needs_five_pictures_of_every_class(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(quick_arguments(tmp_path, n_shot=4)) == 1
    assert "needs 5 images of every class" in capsys.readouterr().err


def test_the_queries_are_sorted_into_a_folder_per_answer(
    folder: Path, weights: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    photos = tmp_path / "photos"
    (photos / "more").mkdir(parents=True)
    for name, colour, seed in (("1.png", "red", 50), ("more/1.png", "red", 51), ("2.png", "green", 52)):
        (photos / name).write_bytes(noisy_png(COMMAND_COLOURS[colour], seed))
    archive = tmp_path / "more.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("3.png", noisy_png(COMMAND_COLOURS["=blue"], 53))
    command = ["classify", "--support", folder, "--checkpoint", weights, "--query", photos, archive, "--json"]
    command += ["--sort-into", tmp_path / "sorted", "--threshold", "0"]
    status, out, err = run(capsys, *command)
    assert status == 0
    found = json.loads(out)
    counts = dict.fromkeys(COMMAND_COLOURS, 0) | Counter(p["label"] for p in found["predictions"])
    numbers = {"unknown": 0, "linked": 3, "copied": 1}
    assert found["sorted"] == {"folder": str(tmp_path / "sorted"), "classes": counts, **numbers}
    assert f"sorted into {tmp_path / 'sorted'}: 4 pictures in " in err
    assert "(3 hard links, 1 copy)" in err
    made = (tmp_path / "sorted").glob("*/*")
    assert {path.read_bytes() for path in made} == {
        noisy_png(COMMAND_COLOURS["=blue"], 53),
        *(path.read_bytes() for path in photos.rglob("*.png")),
    }
    held = {path.name for path in (tmp_path / "sorted").iterdir()}
    assert held == {*COMMAND_COLOURS, "unknown", "summary.txt"}

    status, _, err = run(capsys, *command)
    assert status == 1
    assert "is not empty, and nothing is overwritten" in err
    status, _, err = run(capsys, *command[:-3], tmp_path / "all", "--threshold", "1")
    assert status == 0
    assert len(list((tmp_path / "all" / "unknown").iterdir())) == 4


@pytest.mark.parametrize("json_option", [["--json"], []])
def test_a_full_disk_while_sorting_costs_neither_the_table_nor_the_answers(
    folder: Path,
    weights: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    json_option: list[str],
) -> None:
    def fail(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("fsl.fewshot.sort_files._place", fail)
    command = [
        "classify",
        "--support",
        folder,
        "--checkpoint",
        weights,
        "--query",
        folder / "red",
        *json_option,
    ]
    command += ["--sort-into", tmp_path / "sorted", "--csv", tmp_path / "out.csv"]
    status, out, err = run(capsys, *command)
    assert status == 1
    assert "No space left on device" in err
    with (tmp_path / "out.csv").open() as file:
        assert len(list(csv.reader(file))) == 5
    assert "0.png" in out
    assert "sorted" not in out


def test_files_of_one_name_are_told_apart_by_their_content(tmp_path: Path) -> None:
    pictures = [noisy_png(COMMAND_COLOURS["red"], seed) for seed in range(3)]
    queries = [("same.png", partial(bytes, data)) for data in pictures]
    answered = [
        (hashlib.sha256(data).hexdigest(), replace(PREDICTION, query="same.png", unknown=unknown))
        for data, unknown in zip(pictures[1:], (True, False), strict=True)
    ]
    sort_queries(tmp_path / "out", answered, queries, SUPPORT)
    assert (tmp_path / "out/unknown/same.png").read_bytes() == pictures[1]
    assert (tmp_path / "out/pear/same.png").read_bytes() == pictures[2]
    with pytest.raises(DataError, match=r"same\.png has changed meanwhile"):
        sort_queries(tmp_path / "again", answered, queries[:2], SUPPORT)
    assert not (tmp_path / "again").exists()


def test_together_changes_probabilities_but_not_what_is_unknown(
    folder: Path, weights: str, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ("classify", "--support", folder, "--query", folder / "red", folder / "blue", "--checkpoint")
    alone, together = (
        json.loads(run(capsys, *command, weights, "--json", *more)[1])["predictions"]
        for more in ((), ("--together",))
    )
    assert [one["query"] for one in together] == [one["query"] for one in alone]
    assert [one["unknown"] for one in together] == [one["unknown"] for one in alone]
    assert [one["scores"] for one in together] != [one["scores"] for one in alone]
    for one in together:
        assert one["label"] == max(one["scores"], key=one["scores"].__getitem__)
        assert sum(one["scores"].values()) == pytest.approx(1, abs=1e-3)
    status, _, err = run(capsys, *command, weights, "--together", "--rule", "max")
    assert status == 1
    assert err.splitlines()[-1].startswith("fsl: --together compares with the mean of each class")
