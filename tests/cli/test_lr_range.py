"""``lr-range``: the contract's keys, on data that comes with the program."""

import json
from pathlib import Path

import pytest
from PIL import Image

from fsl.__main__ import main
from fsl.config import ModelConfig
from fsl.data.imageset import ImageSet
from fsl.training.lr_range import RangePoint
from fsl.training.recipes import RECIPES, Recipe, RecipeData


def test_lr_range_json(capsys: pytest.CaptureFixture[str]) -> None:
    status = main(
        ["lr-range", "--data", "digits", "--image-size", "16", "--batch-classes", "4", "--batch-images", "2",
         "--points", "15", "--device", "cpu", "--json"]
    )  # fmt: skip
    out = capsys.readouterr().out
    assert status == 0
    result = json.loads(out)
    assert set(result) == {"points", "suggestion"}
    assert len(result["points"]) == 15
    assert set(result["points"][0]) == {"lr", "loss"}


def test_a_failure_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lr-range", "--data", "nowhere"]) == 1
    error = capsys.readouterr().err
    assert error.startswith("fsl: nowhere: there is no such folder, zip or data set")
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (["--start", ""], "A value of --start is empty"),
        (["--backbone="], "A value of --backbone is empty"),
        (["--image-size", "0"], "image_size is 0"),
        (["--start", "fruits", "--image-size", "0"], "fruits brings its own architecture"),
        (["--classes", ":"], "The name of the file with class names is empty"),
        (["--seed", "20000000000000000000"], "seed is 20000000000000000000; it must be 0 to 1e+18"),
    ],
)
def test_empty_and_impossible_values_are_refused(
    given: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """An empty value, as of a variable that a script did not set, does not mean that there is none."""
    assert main(["lr-range", "--data", "digits", *given]) == 1
    assert told in capsys.readouterr().err


def test_with_a_recipe_it_learns_from_the_recipe_s_classes_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Those that it keeps for testing are not for choosing a rate either, whatever else --data holds."""
    for name in ("s1", "s2", "s3"):
        (tmp_path / "copy" / name).mkdir(parents=True)
        for shade in (10, 200):
            Image.new("RGB", (16, 16), (shade, 0, 0)).save(tmp_path / "copy" / name / f"{shade}.png")
    (tmp_path / "splits").mkdir()
    (tmp_path / "splits" / "faces.json").write_text('{"orl": {"train": ["s1", "s2"], "val": ["s3"]}}')
    (tmp_path / "orl-faces.zip").write_bytes(b"")
    monkeypatch.setenv("FSL_DATA_DIR", str(tmp_path))
    small = Recipe(
        "small",
        "",
        (RecipeData("orl", "train"),),
        RecipeData("orl", "val"),
        ModelConfig(widths=(4, 4), image_size=16),
    )
    monkeypatch.setitem(RECIPES, "small", small)
    learned: list[tuple[str, ...]] = []

    def test_of(data: ImageSet, *_: object, **__: object) -> list[RangePoint]:
        learned.append(data.class_names)
        return []

    monkeypatch.setattr("fsl.cli.lr_range.lr_range", test_of)
    command = ["lr-range", "--recipe", "small", "--data", str(tmp_path / "copy")]
    assert main(command) == 0
    assert learned == [("s1", "s2")]
    assert main([*command, "--part", "Test"]) == 1
    assert "leave out --part" in capsys.readouterr().err
