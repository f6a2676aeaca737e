"""The page says what happened in plain words, and keeps working."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch
from streamlit.testing.v1 import AppTest

from fsl.twin.network import TwinNetwork
from fsl.ui.shared import budget
from tests.helpers.pages import drop, fill, shown, state
from tests.helpers.pictures import picture


def test_a_checkpoint_deleted_while_in_use(
    page: AppTest,
    checkpoint_folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shutil.copytree(checkpoint_folder, tmp_path / "networks")
    monkeypatch.setenv("FSL_CHECKPOINT_DIR", str(tmp_path / "networks"))
    fill(page)
    page.selectbox(key="checkpoint").set_value("small-two").run()
    (tmp_path / "networks" / "small-two.safetensors").unlink()
    page.run()
    assert "The network small-two is not installed here. small answers instead." in shown(page)
    assert "Most like Class 1" in shown(page)
    assert page.selectbox(key="checkpoint").value == "small"
    page.button(key="dismiss").click().run()
    assert "is not installed here" not in shown(page)


def test_a_gpu_without_room(page: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FSL_ENGINE", "torch")  # as on a GPU; ONNX Runtime may be warmed up already

    def embed(*_: object) -> torch.Tensor:
        raise torch.OutOfMemoryError("CUDA out of memory.")

    with monkeypatch.context() as patch:
        patch.setattr(TwinNetwork, "embed", embed)
        drop(page, "class_0", ("a.png", picture((201, 7, 3))))
        drop(page, "class_1", ("b.png", picture((3, 7, 201))))
        drop(page, "queries", ("c.png", picture((190, 9, 9))))
        assert "The GPU has not enough free memory for even one picture." in shown(page)
    assert state(page).workspace.n_pictures == 3
    page.run()
    assert "Most like Class 1" in shown(page)


def test_more_pictures_than_a_session_may_hold(
    page: AppTest,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(budget, "MAX_PICTURES", 3)
    drop(page, "class_0", ("a.png", picture("red")), ("b.png", picture("blue")))
    drop(page, "class_1", ("c.png", picture("green")), ("d.png", picture("white")))
    assert "Your pages hold at most 3 pictures together; nothing was added." in shown(page)
    assert state(page).workspace.n_pictures == 2
