"""The command ``evaluate``: its JSON keys, baselines, and classes that the network was trained on."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from torch import Tensor

from fsl.base.progress import Progress
from fsl.base.types import PixelArray
from fsl.cli import evaluate
from fsl.twin import checkpoint as checkpoints
from fsl.twin.inference import embed_images
from fsl.twin.network import TwinNetwork
from tests.helpers.commands import run
from tests.helpers.pictures import COMMAND_COLOURS


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
        *expected.split(), "calibration_error", "ci95_episodes", "classes_seen", "episode_accuracy",
        "unknown_auroc",
    }  # fmt: skip
    assert np.mean(result["episode_accuracy"]) == pytest.approx(result["accuracy"])
    assert result["unknown_auroc"] is None  # all three classes are in every support set
    assert set(result["per_class"]) == {"red", "green", "grey"}
    assert np.sum(result["confusion"]["counts"]) == 30 * 3 * 2
    assert result["accuracy"] > 0.8
    assert result["classes_seen"] == []


def test_only_pictures_that_an_episode_asks_for_are_embedded(
    folder: Path, weights: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two episodes of two classes, and a picture of a third for the open-set query."""
    embedded: list[int] = []

    def counted(twin: TwinNetwork, images: PixelArray, progress: Progress | None = None) -> Tensor:
        embedded.append(len(images))
        return embed_images(twin, images, progress)

    arguments = (
        "evaluate", "--data", folder, "--checkpoint", weights, "--way", 2, "--shot", 1, "--query", 1,
        "--seed", 3, "--json", "--episodes",
    )  # fmt: skip
    monkeypatch.setattr(evaluate, "embed_images", counted)
    accuracies = [json.loads(run(capsys, *arguments, n)[1])["accuracy"] for n in (2, 300)]
    assert embedded[0] <= 2 * 3 * 2 < embedded[1]
    assert min(accuracies) > 0.7  # rows of zeros would be told apart by chance


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


def test_a_margin_that_tells_nothing_is_said_in_words(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for path in folder.glob("*/*.png"):
        if path.parent.name not in ("red", "green") or path.stem not in "01":
            path.unlink()
    settings = ("--data", folder, "--checkpoint", "pixels", "--way", 2, "--query", 1, "--episodes", 20)
    _, out, _ = run(capsys, "evaluate", *settings)
    assert "(too few pictures for a margin of error) (20 episodes" in out
    assert "±" not in out
    assert json.loads(run(capsys, "evaluate", *settings, "--json")[1])["ci95"] >= 0.5


def test_what_flatters_or_is_never_asked_is_told(
    folder: Path, weights: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A class with one picture, a picture twice in a class, and the same one in another class."""
    for name in ("1.png", "2.png", "3.png"):
        (folder / "grey" / name).unlink()
    for copy in (folder / "red" / "9.png", folder / "green" / "9.png"):
        copy.write_bytes((folder / copy.parent.name / "0.png").read_bytes())
    (folder / "green" / "8.png").write_bytes((folder / "red" / "1.png").read_bytes())
    settings = ("--data", folder, "--checkpoint", "pixels", "--way", 3, "--episodes", 1)
    status, out, err = run(capsys, "evaluate", *settings)
    assert status == 0
    assert "3 of 4 classes" in out
    assert "±" not in out
    as_json = run(capsys, "evaluate", *settings, "--json")
    assert as_json[2] == err
    assert len(err.splitlines()) == 2
    assert "left out 1 of 4 classes with fewer than 2 pictures (1 to show, 1 to ask about): grey (1)" in err
    assert "flatters every test (green/0.png = green/9.png, red/0.png = red/9.png)" in err
    assert "one label is wrong (green/8.png = red/1.png)" in err
    result = json.loads(as_json[1])
    assert result["ci95"] is None
    assert result["per_class"]["grey"] is None
    _, _, classified = run(
        capsys, "classify", "--support", folder, "--query", folder / "grey", "--checkpoint", weights
    )
    assert "one label is wrong (green/8.png = red/1.png)" in classified
