"""The images of a run: from a recipe, from a description, and from a run folder of an earlier version."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fsl.base.errors import DataError
from fsl.config import ModelConfig
from fsl.data.intake.listing import Problem
from fsl.data.query import DataSpec
from fsl.training import run_data
from fsl.training.recipes import RECIPES, Recipe, RecipeData
from fsl.training.run_data import TrainingData, images_of, load_training_data, store_images
from fsl.training.run_folder import CONFIG

MODEL = ModelConfig(widths=(4, 4), image_size=16)


def folder_of_classes(folder: Path, classes: str, per_class: int) -> str:
    rng = np.random.default_rng(0)
    for name in classes:
        (folder / name).mkdir(parents=True)
        for number in range(per_class):
            pixels = rng.integers(0, 256, (8, 8, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / name / f"{number}.png")
    return str(folder)


@pytest.fixture
def recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A recipe of two sources of unequal size and one to test on; its name."""
    train = (
        RecipeData(folder_of_classes(tmp_path / "a", "xy", 20)),
        RecipeData(folder_of_classes(tmp_path / "b", "xz", 2)),
    )
    validation = RecipeData(folder_of_classes(tmp_path / "c", "vw", 3))
    monkeypatch.setitem(run_data.RECIPES, "small", Recipe("small", "", train, validation))
    return "small"


@pytest.mark.parametrize("name", sorted(RECIPES))
def test_a_recipe_says_at_which_precision(name: str) -> None:
    """Otherwise a machine that is busy while it measures would train another network."""
    assert RECIPES[name].config.precision != "auto"


def test_a_recipe_s_images_are_read_with_progress_from_nothing_to_all(recipe: str) -> None:
    shares: list[float] = []
    problems: list[Problem] = []
    data = load_training_data(
        DataSpec(recipe=recipe), MODEL, 0, problems.extend, lambda done, total: shares.append(done / total)
    )
    assert problems == []
    assert (len(data.train), data.train.n_classes) == (44, 4)
    assert data.validation is not None
    assert data.validation.class_names == ("v", "w")
    assert shares == sorted(shares)
    assert shares[-1] == 1
    assert set(shares) >= {0.33, 0.67}  # after the first source, and the second


@pytest.mark.parametrize(("one", "other"), [("train", "val"), ("TRAINING", "Test")])
def test_no_class_of_a_split_data_set_is_both_learned_and_held_out(
    tmp_path: Path, one: str, other: str
) -> None:
    for part in (one, other):
        folder_of_classes(tmp_path / part, "vwxyz", 2)
    data = load_training_data(DataSpec(data=str(tmp_path), hold_out=0.4), MODEL, 0, lambda problems: None)
    assert data.validation is not None
    assert sorted(data.train.class_names + data.validation.class_names) == list("vwxyz")
    assert len(data.train) + len(data.validation) == 20


def test_a_progress_callback_can_end_the_reading_of_a_recipe(recipe: str) -> None:
    def stop(done: int, total: int) -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        load_training_data(DataSpec(recipe=recipe), MODEL, 0, lambda problems: None, stop)


def test_each_file_left_out_is_reported_once(tmp_path: Path) -> None:
    """Although the folder is read twice, to learn from and to test on."""
    data = folder_of_classes(tmp_path / "data", "vwxy", 3)
    for name in "vx":
        (tmp_path / "data" / name / "broken.png").write_bytes(b"no picture")
    (tmp_path / "test.json").write_text('["v", "w"]')
    told: list[Problem] = []
    source = DataSpec(data, validation=str(tmp_path / "test.json"))
    for keep in (True, False):
        told.clear()
        found = load_training_data(source, MODEL, 0, told.extend, keep=keep)
        assert found.train.class_names == ("x", "y")
        assert sorted(problem.name for problem in told) == ["v/broken.png", "x/broken.png"]


def test_the_data_of_a_stored_run_can_be_loaded_again(tmp_path: Path) -> None:
    """The description is copied from a run folder that an earlier version wrote."""
    stored = {
        "data": "digits",
        "part": "",
        "classes": "",
        "validation": "",
        "hold_out": 0.4,
        "hold_out_of": "classes",
        "held_out": [],
        "recipe": "",
    }
    (tmp_path / CONFIG).write_text(json.dumps({"data": stored}))
    source = images_of(tmp_path)
    assert isinstance(source, DataSpec)
    data = load_training_data(source, MODEL, 0, lambda problems: None)
    assert data.validation is not None
    assert (data.train.n_classes, data.validation.n_classes) == (6, 4)
    assert data.words == "digits, 0.4 of the classes held out, seed 0"
    (tmp_path / CONFIG).write_text('{"data": {"file": "data.npz"}}')
    with pytest.raises(DataError, match="have expired, or are damaged"):
        images_of(tmp_path)
    store_images(tmp_path, data)
    stored_images = images_of(tmp_path)
    assert isinstance(stored_images, TrainingData)
    assert stored_images.words == data.words
    (tmp_path / CONFIG).write_text('{"data": {"nothing": "known"}}')
    with pytest.raises(DataError, match="does not say where its images are"):
        images_of(tmp_path)
