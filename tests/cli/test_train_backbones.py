"""``train --backbone``: by name, several side by side, or a network of timm with its pretrained weights."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

import fsl
from fsl.__main__ import main
from tests.helpers.timm import pretend_pretrained, take_offline

TRAIN = ("train", "--data", "digits", "--batch-classes", "3", "--batch-images", "2", "--device", "cpu")


def train(folder: Path, *more: str) -> int:
    return main([*TRAIN, "--hold-out", "0.4", "--steps", "1", "--run-dir", str(folder / "run"), *more])


def test_an_unknown_backbone_is_one_line_before_any_picture_is_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fsl.cli.train.load_training_data", pytest.fail)
    assert train(tmp_path, "--backbone", "conv5") == 1
    assert "no backbone 'conv5'; choose one of conv4," in capsys.readouterr().err


def test_several_stand_side_by_side(tmp_path: Path) -> None:
    assert train(tmp_path, "--backbone", "plain4+conv4", "--image-size", "16") == 0
    made = fsl.load(str(tmp_path / "run" / "checkpoint.safetensors"), "cpu")
    assert made.twin.embedding_dim == 2 * 64


def test_a_network_of_timm_begins_with_its_pretrained_weights(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    trained = pretend_pretrained(monkeypatch)
    assert train(tmp_path, "--backbone", "timm:test_resnet", "--trainable", "head") == 0
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [e["step"] for e in events if e["event"] == "evaluation"] == [0, 1]  # before and after
    monkeypatch.undo()
    made = fsl.load(str(tmp_path / "run" / "checkpoint.safetensors"), "cpu")
    assert made.info.training["start"] == "timm:test_resnet"
    images = torch.randn(2, 3, 160, 160)
    with torch.inference_mode():
        assert torch.allclose(made.twin.embed(images), trained(images), atol=1e-4)


def test_offline_it_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    take_offline(monkeypatch)
    assert train(tmp_path, "--backbone", "timm:test_resnet") == 1
    assert "connect to the internet" in capsys.readouterr().err


def test_pretrained_weights_have_their_own_image_size(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert train(tmp_path, "--backbone", "timm:test_resnet", "--image-size", "32") == 1
    assert "timm:test_resnet brings its own architecture" in capsys.readouterr().err
