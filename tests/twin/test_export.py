import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from fsl.__main__ import main
from fsl.config import Head, ModelConfig
from fsl.errors import FslError, SettingsError
from fsl.fewshot.classify import classify
from fsl.fewshot.support import SupportSet
from fsl.twin import checkpoint as checkpoints
from fsl.twin import export
from fsl.twin.network import TwinNetwork
from fsl.twin.preprocess import normalise

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "classify_onnx.py"
COLOURS = {"red": (220, 30, 30), "green": (30, 200, 40), "blue": (30, 60, 230)}


def make(head: Head = "absolute", centred: bool = False) -> checkpoints.Checkpoint:
    model = ModelConfig(widths=(4, 4, 4, 4), image_size=32, head=head, centre_on_support=centred)
    torch.manual_seed(0)
    info = checkpoints.CheckpointInfo("tiny", model, rule="prototype", licence="mine")
    return checkpoints.from_twin(TwinNetwork(model), info)


def runtime() -> object:
    pytest.importorskip("onnx", reason="an extra: requirements-export.txt")
    return pytest.importorskip("onnxruntime", reason="an extra: requirements-export.txt")


@pytest.mark.parametrize("batch", [1, 5])
def test_onnxruntime_and_torch_agree(tmp_path: Path, batch: int) -> None:
    onnxruntime = runtime()
    made = make()
    assert export.export_onnx(made, tmp_path / "tiny.onnx") < 1e-4
    session = onnxruntime.InferenceSession(tmp_path / "tiny.onnx", providers=["CPUExecutionProvider"])  # type: ignore[attr-defined]
    images = torch.rand(batch, 3, 32, 32)
    (found,) = session.run(None, {"images": images.numpy()})
    with torch.inference_mode():
        expected = made.twin.embed(normalise(images, made.info.model))
    assert np.allclose(found, expected.numpy(), atol=1e-4)
    about = json.loads(session.get_modelmeta().custom_metadata_map["few_shot_lab"])
    assert about["image_size"] == 32
    assert about["licence"] == "mine"


def test_a_wrong_export_is_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runtime()
    monkeypatch.setattr(export, "difference_from_torch", lambda *_: float("nan"))
    with pytest.raises(FslError, match="differ"):
        export.export_onnx(make(), tmp_path / "tiny.onnx")
    assert not list(tmp_path.iterdir())


def test_without_onnxruntime_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(SettingsError, match=r"requirements-export\.txt"):
        export.export_onnx(make(), tmp_path / "tiny.onnx")


@pytest.mark.parametrize(("head", "centred"), [("absolute", False), ("cosine", True)])
def test_the_example_answers_as_the_project_does(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], head: Head, centred: bool
) -> None:
    runtime()
    made = make(head, centred)
    checkpoints.save(tmp_path / "tiny.safetensors", made.twin, made.info)
    arguments = ["export", "--checkpoint", str(tmp_path / "tiny.safetensors"), "--out"]
    assert main([*arguments, str(tmp_path / "tiny.onnx"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["largest_difference"] < 1e-3
    rng = np.random.default_rng(0)
    for name, colour in COLOURS.items():
        for number in range(3):
            pixels = np.clip(np.array(colour) + rng.normal(0, 8, (32, 32, 3)), 0, 255).astype(np.uint8)
            folder = tmp_path / ("queries" if number == 2 else f"classes/{name}")
            folder.mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).save(folder / f"{name}{number}.png")
    queries = sorted((tmp_path / "queries").iterdir())
    done = subprocess.run(
        [sys.executable, EXAMPLE, tmp_path / "tiny.onnx", tmp_path / "classes", *queries],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    lines = [line.split("\t") for line in done.stdout.splitlines()]
    own = classify(made, SupportSet.from_folder(tmp_path / "classes"), queries)
    for (query, answer, probability), prediction in zip(lines, own, strict=True):
        assert query == prediction.query
        assert answer == prediction.label
        assert float(probability) == pytest.approx(prediction.probability, abs=2e-3)
