"""The command line's contract: names, options, JSON keys, exit status, one line on stderr."""

import csv
import json
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fsl.__main__ import main
from fsl.config import ModelConfig
from fsl.data.query import DataSpec
from fsl.fewshot.support import SupportSet
from fsl.training.run_data import load_training_data
from fsl.twin import checkpoint as checkpoints
from tests.helpers.commands import run
from tests.helpers.pictures import COMMAND_COLOURS, noisy_png


def test_classify_json(
    folder: Path, weights: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    query = tmp_path / "new.png"
    query.write_bytes(noisy_png(COMMAND_COLOURS["green"], 77))
    (tmp_path / "bad.png").write_text("no picture")
    status, out, err = run(
        capsys, "classify", "--support", folder, "--query", query, tmp_path / "bad.png",
        "--checkpoint", weights, "--json", "--csv", tmp_path / "out.csv",
    )  # fmt: skip
    assert status == 0
    (prediction,) = json.loads(out)["predictions"]
    assert set(prediction) == {"query", "label", "probability", "unknown", "scores", "similarities"}
    assert prediction["label"] == "green"
    assert set(prediction["scores"]) == set(COMMAND_COLOURS)
    assert len(prediction["similarities"]) == 16
    assert set(prediction["similarities"][0]) == {"class", "support", "similarity"}
    assert "bad.png" in err
    rows = list(csv.reader((tmp_path / "out.csv").open()))
    assert len(rows) == 2
    assert "'=blue" in rows[0]  # no formula for a spreadsheet to run


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

    monkeypatch.setattr("fsl.cli.classify.embed_support", look)
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


def test_evaluate_json(
    folder: Path, weights: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    classes = tmp_path / "splits.json"
    classes.write_text(json.dumps({"test": ["red", "green", "grey"]}))
    status, out, _ = run(
        capsys, "evaluate", "--data", folder, "--classes", f"{classes}:test", "--checkpoint", weights,
        "--way", 3, "--shot", 2, "--query", 2, "--episodes", 30, "--seed", 5, "--json",
    )  # fmt: skip
    assert status == 0
    result = json.loads(out)
    expected = "accuracy ci95 way shot episodes seconds checkpoint per_class confusion"
    assert set(result) == {
        *expected.split(), "calibration_error", "classes_seen", "episode_accuracy", "unknown_auroc",
    }  # fmt: skip
    assert np.mean(result["episode_accuracy"]) == pytest.approx(result["accuracy"])
    assert result["unknown_auroc"] is None  # all three classes are in every support set
    assert set(result["per_class"]) == {"red", "green", "grey"}
    assert np.sum(result["confusion"]["counts"]) == 30 * 3 * 2
    assert result["accuracy"] > 0.8
    assert result["classes_seen"] == []


@pytest.mark.parametrize("command", ["evaluate", "verify"])
def test_who_was_trained_on_the_classes_asked_about_is_told(
    command: str, folder: Path, weights: str, capsys: pytest.CaptureFixture[str]
) -> None:
    loaded = checkpoints.load(Path(weights))
    trained = {"start_classes": ["red"], "classes": ["data/grey", "other/green", "violet"]}
    checkpoints.save(Path(weights), loaded.twin, replace(loaded.info, training=trained))
    settings = ("--way", 3, "--episodes", 2) if command == "evaluate" else ("--bootstrap", 2)
    status, out, err = run(
        capsys, command, "--data", folder, "--checkpoint", weights, "--json", "--device", "cpu", *settings
    )
    assert status == 0
    assert json.loads(out)["classes_seen"] == ["grey", "red"]
    assert f"tiny was trained on 2 of these {len(COMMAND_COLOURS)} classes" in err


def test_train_writes_events_and_resumes(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = (
        "train", "--data", folder, "--run-dir", tmp_path / "run", "--steps", 4, "--evaluate-every", 2,
        "--batch-classes", 2, "--batch-images", 2, "--hold-out", 0.5, "--image-size", 16, "--device", "cpu",
    )  # fmt: skip
    status, out, _ = run(capsys, *settings)
    assert status == 0
    kinds = [json.loads(line)["event"] for line in out.splitlines()]
    assert kinds[0] == "started"
    assert kinds[-2:] == ["finished", "saved"]
    assert kinds.count("evaluation") == 2
    status, _, err = run(capsys, *settings)
    assert (status, err.count("\n")) == (1, 1)
    assert "already holds a run" in err
    status, out, _ = run(capsys, *settings, "--resume")
    assert status == 0
    assert json.loads(out.splitlines()[0])["step"] == 4
    status, _, _ = run(
        capsys, "classify", "--support", folder, "--query", folder / "red" / "0.png",
        "--checkpoint", tmp_path / "run" / "checkpoint.safetensors",
    )  # fmt: skip
    assert status == 0


def test_fine_tuning_says_so_when_it_is_tested_on_classes_that_were_learned(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = (
        "train", "--data", "digits", "--steps", 1, "--batch-classes", 2, "--batch-images", 2,
        "--device", "cpu", "--hold-out", 0.3,
    )  # fmt: skip
    status, _, err = run(capsys, *settings, "--run-dir", tmp_path / "first", "--image-size", 16)
    assert (status, "was trained on" in err) == (0, False)
    start = tmp_path / "first" / "checkpoint.safetensors"
    for seed, told in ((0, False), (1, True)):  # another seed holds out other classes
        folder = tmp_path / str(seed)
        status, _, err = run(capsys, *settings, "--seed", seed, "--run-dir", folder, "--start", start)
        assert status == 0
        assert ("of the 3 classes that are held out" in err) == told
        pairs = checkpoints.read_info(folder / "checkpoint.safetensors").pairs
        assert pairs is not None
        assert pairs.familiar == told


def test_a_run_goes_on_with_the_classes_it_was_begun_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else classes that were learned from would be tested on; and the header tells how to get there."""

    def train(*options: object) -> tuple[int, str, str]:
        given = (
            "train", "--data", "digits", "--run-dir", tmp_path / "run", "--batch-classes", 2,
            "--batch-images", 2, "--image-size", 16, "--device", "cpu", "--schedule", "constant", *options,
        )  # fmt: skip
        monkeypatch.setattr("sys.argv", ["fsl", *map(str, given)])
        return run(capsys, *given)

    assert train("--hold-out", 0.2, "--steps", 2)[0] == 0
    status, _, err = train("--hold-out", 0.5, "--steps", 4, "--resume")
    assert (status, err.count("\n")) == (1, 1)
    assert "hold_out 0.2, now 0.5" in err
    assert train("--hold-out", 0.2, "--steps", 4, "--resume")[0] == 0
    about = checkpoints.read_info(tmp_path / "run" / "checkpoint.safetensors").training
    assert about["steps_done"] == 4
    first, second = about["command"].split("; ")
    assert ("--steps 2" in first, "--resume" in first) == (True, False)
    assert ("--steps 4" in second, "--resume" in second) == (True, True)


SMALL = (
    *("--batch-classes", 2, "--batch-images", 2, "--image-size", 16, "--device", "cpu"),
    *("--precision", "fp32", "--evaluate-every", 0),
)


def test_train_and_evaluate_mean_the_same_data_by_a_name(
    folder: Path,
    weights: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The set of that name, though a folder of the same name lies where they are called."""
    (tmp_path / "sets").mkdir()
    with zipfile.ZipFile(tmp_path / "sets" / "orl-faces.zip", "w") as archive:
        for path in sorted(folder.rglob("*.png")):
            archive.write(path, f"person {path.parent.name}/{path.name}")
    monkeypatch.setenv("FSL_DATA_DIR", str(tmp_path / "sets"))
    monkeypatch.chdir(tmp_path)
    folder.rename(tmp_path / "orl")
    people = {f"person {name}" for name in COMMAND_COLOURS}
    status, out, _ = run(
        capsys, "evaluate", "--data", "orl", "--checkpoint", weights, "--way", 2, "--episodes", 5, "--json"
    )
    assert status == 0
    assert set(json.loads(out)["per_class"]) == people
    for data, stored in (("orl", "orl"), ("./orl", str(tmp_path / "orl"))):
        place = tmp_path / f"run{len(data)}"
        status, _, _ = run(
            capsys, "train", "--data", data, "--run-dir", place, "--steps", 1, "--hold-out", 0, *SMALL
        )
        assert status == 0
        settings = json.loads((place / "config.json").read_bytes())
        assert settings["data"]["data"] == stored
        assert set(settings["about"]["classes"]) == (people if data == "orl" else set(COMMAND_COLOURS))


def test_a_run_knows_its_class_lists_from_another_folder(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "lists.json").write_text(json.dumps({"all": list(COMMAND_COLOURS), "test": ["red", "grey"]}))
    monkeypatch.chdir(tmp_path)
    status, _, _ = run(
        capsys, "train", "--data", folder.name, "--classes", "lists.json:all",
        "--validation", "lists.json:test", "--run-dir", "run", "--steps", 1, *SMALL,
    )  # fmt: skip
    assert status == 0
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    settings = json.loads((tmp_path / "run" / "config.json").read_bytes())
    source = DataSpec.from_json(settings["data"])
    data = load_training_data(source, ModelConfig(image_size=16), 0, lambda problems: None)
    assert data.validation is not None
    assert set(data.validation.class_names) == {"red", "grey"}
    assert settings["about"]["validation"] == data.validation_words == "data lists.json:test"


def test_header_tells_no_folder_of_this_machine(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(capsys, "train", "--data", folder, "--run-dir", tmp_path / "r", "--steps", 1, "--batch-classes", 2,
        "--batch-images", 2, "--image-size", 16)  # fmt: skip
    first = tmp_path / "r" / "checkpoint.safetensors"
    assert str(tmp_path) not in json.dumps(checkpoints.read_info(first).to_json())
    loaded = checkpoints.load(first)
    parent = replace(loaded.info, licence="Not for sale.", subject="person", training={"classes": ["plum"]})
    start = tmp_path / "parent.safetensors"
    checkpoints.save(start, loaded.twin, parent)
    run(capsys, "train", f"--data={folder}", "--run-dir", tmp_path / "s", "--steps", 1, "--batch-classes", 2,
        "--batch-images", 2, "--start", start)  # fmt: skip
    info = checkpoints.read_info(tmp_path / "s" / "checkpoint.safetensors")
    assert str(tmp_path) not in json.dumps(info.to_json())
    assert (info.licence, info.subject) == ("Not for sale.", "person")
    assert info.training["start"] == "parent.safetensors"
    assert set(info.classes_seen) > {"plum"}
    assert info.trained_on(["plum", "pear"], "fruit") == ["plum"]


def test_checkpoints_lists_and_names_damaged_ones(
    weights: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    place = Path(weights).parent
    monkeypatch.setenv("FSL_CHECKPOINT_DIR", str(place))
    (place / "broken.safetensors").write_bytes(b"\x00" * 40)
    status, out, err = run(capsys, "checkpoints", "--json")
    assert status == 0
    (entry,) = json.loads(out)
    assert entry["name"] == "tiny"
    assert entry["label_convention"] == "0 = same class, 1 = different class"
    assert "broken.safetensors" in err


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["classify", "--support", "absent", "--query", "x.png"], "absent: there is no such file or folder"),
        (["evaluate", "--data", "absent", "--checkpoint", "CHECKPOINT"], "absent"),
        (["evaluate", "--data", "DATA", "--checkpoint", "nowhere"], "nowhere"),
        (["evaluate", "--data", "DATA", "--checkpoint", "CHECKPOINT", "--way", "99"], "99"),
        (["evaluate", "--data", "DATA", "--checkpoint", "CHECKPOINT", "--way", "1"], "n_way is 1"),
        (
            ["evaluate", "--data", "DATA", "--checkpoint", "CHECKPOINT", "--per-class", "-1"],
            "--per-class is -1",
        ),
        (
            ["train", "--data", "DATA", "--run-dir", "RUN", "--recipe", "fruits", "--hold-out", "0.1"],
            "leave out --hold-out",
        ),
        (["train", "--data", "DATA", "--run-dir", "RUN", "--lr", "-1"], "learning rate"),
        (["lr-range", "--data", "DATA", "--points", "0"], "The number of points is 0; it must be 2 or more."),
        (["lr-range", "--data", "DATA", "--lowest", "2"], "lowest rate of the range is 2 and the highest 1"),
        (["classify", "--support", "DATA/red", "--query", "DATA/red"], "At least 2 folders"),
        (["train", "--data", "DATA", "--run-dir", "RUN", "--batch-pairs", "0"], "batch_pairs"),
        (["classify", "--support", "DATA", "--query", "DATA/red/0.png", "--threshold", "2"], "threshold"),
    ],
)
def test_failures_are_one_line(
    arguments: list[str],
    told: str,
    folder: Path,
    weights: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    places = {"DATA": str(folder), "CHECKPOINT": weights, "RUN": str(tmp_path / "run")}
    filled = [
        a.replace("DATA", places["DATA"]) if a.startswith("DATA") else places.get(a, a) for a in arguments
    ]
    if filled[0] == "classify" and "--checkpoint" not in filled:
        filled += ["--checkpoint", weights]
    status, out, err = run(capsys, *filled)
    assert status == 1
    assert out == ""
    assert err.count("\n") == 1
    assert told in err


def test_usage_errors_exit_with_2() -> None:
    with pytest.raises(SystemExit) as exit_:
        main(["classify"])
    assert exit_.value.code == 2


def test_evaluate_a_baseline_with_a_class_left_out(
    folder: Path, weights: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("pixels", f"untrained:{weights}", f"cosine:{weights}"):
        status, out, _ = run(
            capsys, "evaluate", "--data", folder, "--checkpoint", name, "--way", 3, "--shot", 1,
            "--episodes", 20, "--per-class", 3, "--json",
        )  # fmt: skip
        assert status == 0
        result = json.loads(out)
        assert result["accuracy"] > 0.6  # these colours are told apart without any training
        assert 0.5 < result["unknown_auroc"] <= 1
    status, _, err = run(capsys, "evaluate", "--data", folder, "--checkpoint", "cosine:none", "--way", 3)
    assert status == 1
    assert "none" in err
