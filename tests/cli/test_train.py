"""The command ``train``: events, resuming, what a run and a header record."""

import json
import zipfile
from argparse import Namespace
from dataclasses import replace
from pathlib import Path

import pytest

from fsl.cli.train_settings import overridden
from fsl.config import ModelConfig
from fsl.data.query import DataSpec
from fsl.training.recipes import RECIPES
from fsl.training.run_data import load_training_data
from fsl.twin import checkpoint as checkpoints
from fsl.twin import checkpoint_files
from tests.helpers.commands import run
from tests.helpers.pictures import COMMAND_COLOURS

SMALL = (
    *("--batch-classes", 2, "--batch-images", 2, "--image-size", 16, "--device", "cpu"),
    *("--precision", "fp32", "--evaluate-every", 0),
)


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


@pytest.mark.parametrize("option", ["--data", "--classes", "--validation", "--start"])
def test_an_empty_value_is_refused(
    option: str, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["train", "--data", folder, "--run-dir", tmp_path / "run", *SMALL[:4], "--steps", 1]
    status, _, err = run(capsys, *command, option, "")
    assert (status, err.count("\n")) == (1, 1)
    assert not (tmp_path / "run").exists()


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
        pairs = checkpoint_files.read_info(folder / "checkpoint.safetensors").pairs
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
    about = checkpoint_files.read_info(tmp_path / "run" / "checkpoint.safetensors").training
    assert about["steps_done"] == 4
    first, second = about["command"].split("; ")
    assert ("--steps 2" in first, "--resume" in first) == (True, False)
    assert ("--steps 4" in second, "--resume" in second) == (True, True)


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
    assert str(tmp_path) not in json.dumps(checkpoint_files.read_info(first).to_json())
    loaded = checkpoints.load(first)
    parent = replace(loaded.info, licence="Not for sale.", subject="person", training={"classes": ["plum"]})
    start = tmp_path / "parent.safetensors"
    checkpoints.save(start, loaded.twin, parent)
    run(capsys, "train", f"--data={folder}", "--run-dir", tmp_path / "s", "--steps", 1, "--batch-classes", 2,
        "--batch-images", 2, "--start", start)  # fmt: skip
    info = checkpoint_files.read_info(tmp_path / "s" / "checkpoint.safetensors")
    assert str(tmp_path) not in json.dumps(info.to_json())
    assert (info.licence, info.subject) == ("Not for sale.", "person")
    assert info.training["start"] == "parent.safetensors"
    assert set(info.classes_seen) > {"plum"}
    assert info.trained_on(["plum", "pear"], "fruit") == ["plum"]


def test_random_pairs_replace_a_recipe_s_focus_on_few_classes() -> None:
    recipe = RECIPES["glyphs"].config
    assert recipe.focus
    assert overridden(recipe, Namespace(batch_classes=8)).focus == recipe.focus
    changed = overridden(recipe, Namespace(pairing="random", loss="bce"))
    assert changed == replace(recipe, pairing="random", loss="bce", focus=0.0)
