"""Fixtures for all tests: the app on its pages, a folder of pictures and a small checkpoint for commands."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.helpers.pictures import COMMAND_COLOURS, noisy_png

if TYPE_CHECKING:
    from fsl.data.imageset import ImageSet
    from fsl.training.manager import RunManager
    from fsl.training.run_data import TrainingData

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def checkpoint_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two small checkpoints, "small" and "small-two"."""
    from tests.helpers.networks import save_small_checkpoint

    folder = tmp_path_factory.mktemp("checkpoints")
    save_small_checkpoint(folder)
    save_small_checkpoint(folder, "small-two")
    return folder


@pytest.fixture
def app(checkpoint_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[object]:
    """The app with the small checkpoints, before its first run."""
    import streamlit as st
    from streamlit.testing.v1 import AppTest

    from tests.helpers.pages import open_menus

    monkeypatch.setenv("FSL_CHECKPOINT_DIR", str(checkpoint_folder))
    # AppTest has no timer that looks at a page's work again, so each run waits for it.
    monkeypatch.setattr("fsl.ui.shared.work.PATIENCE_SECONDS", 60.0)
    yield open_menus(AppTest.from_file(str(ROOT / "app.py"), default_timeout=60))
    st.cache_resource.clear()


@pytest.fixture
def page(app: object) -> object:
    """The app on its Classify page, drawn once."""
    app.switch_page("pages/classify.py").run()  # type: ignore[attr-defined]
    return app


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder per colour with four pictures each."""
    for name, colour in COMMAND_COLOURS.items():
        (tmp_path / "data" / name).mkdir(parents=True)
        for i in range(4):
            (tmp_path / "data" / name / f"{i}.png").write_bytes(noisy_png(colour, i))
    return tmp_path / "data"


@pytest.fixture
def weights(tmp_path: Path) -> str:
    """The path of a checkpoint of an untrained network."""
    import torch

    from fsl.config import ModelConfig
    from fsl.twin import checkpoint as checkpoints
    from fsl.twin.header import CheckpointInfo
    from fsl.twin.network import TwinNetwork

    model = ModelConfig(widths=(4, 4, 4, 4), image_size=16)
    torch.manual_seed(0)
    path = tmp_path / "tiny.safetensors"
    checkpoints.save(path, TwinNetwork(model), CheckpointInfo("tiny", model, title="Tiny"))
    return str(path)


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[RunManager]:
    """A manager of runs in a folder of its own; what still runs in the end is stopped."""
    from fsl.training.manager import RunManager

    manager = RunManager(tmp_path / "runs")
    yield manager
    manager.close(10)


@pytest.fixture
def colours(coloured_set: Callable[..., ImageSet]) -> TrainingData:
    """Images to train on and to test on that differ in colour only."""
    from fsl.training.run_data import TrainingData

    return TrainingData(coloured_set(), coloured_set(5, seed=1), "colours", "other colours")
