import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from fsl.__main__ import main
from fsl.config import RULES, Fit, Head, ModelConfig, Rule
from fsl.errors import FslError, SettingsError
from fsl.fewshot.classify import classify
from fsl.fewshot.support import SupportSet
from fsl.twin import checkpoint as checkpoints
from fsl.twin import export
from fsl.twin.network import TwinNetwork
from fsl.twin.preprocess import normalise

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "classify_onnx.py"
COLOURS = {"red": (220, 30, 30), "green": (30, 200, 40), "blue": (30, 60, 230)}


def make(
    head: Head = "absolute",
    centred: bool = False,
    fit: Fit = "crop",
    rule: Rule = "prototype",
    views: int = 1,
) -> checkpoints.Checkpoint:
    model = ModelConfig(
        widths=(4, 4, 4, 4), image_size=32, head=head, centre_on_support=centred, fit=fit, support_views=views
    )
    torch.manual_seed(0)
    # Each rule has a temperature and a limit of its own, so that taking another one's shows.
    of_rules = tuple(checkpoints.Calibration(r, 0.1 * (i + 1), 0.9 - 0.1 * i) for i, r in enumerate(RULES))
    info = checkpoints.CheckpointInfo("tiny", model, rule=rule, licence="mine", calibrations=of_rules)
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


def write_pictures(folder: Path, size: tuple[int, int], colour_left: float = 1.0) -> list[Path]:
    """Two pictures a class and one of each to classify: colours, or what is left of them beside grey, under
    stripes and noise, which do not survive just any way to resize."""
    rng = np.random.default_rng(0)
    width, height = size
    for slot, (name, colour) in enumerate(COLOURS.items()):
        for number in range(3):
            stripes = 60 * np.sign(np.sin(np.arange(width) * (0.5 + 0.1 * slot)))[None, :, None]
            noise = rng.normal(0, 40, (height, width, 3))
            tint = 128 + colour_left * (np.array(colour) - 128)
            pixels = np.clip(tint + stripes + noise, 0, 255).astype(np.uint8)
            place = folder / ("queries" if number == 2 else f"classes/{name}")
            place.mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).save(place / f"{name}{number}.png")
    return sorted((folder / "queries").iterdir())


def the_example_answers_as_classify(folder: Path, made: checkpoints.Checkpoint, queries: list[Path]) -> None:
    done = subprocess.run(
        [sys.executable, EXAMPLE, folder / "network.onnx", folder / "classes", *queries],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    lines = [line.split("\t") for line in done.stdout.splitlines()]
    own = classify(made, SupportSet.from_folder(folder / "classes"), queries)
    for (query, answer, probability), prediction in zip(lines, own, strict=True):
        assert query == prediction.query
        assert answer == ("unknown, nearest " if prediction.unknown else "") + prediction.label
        assert float(probability) == pytest.approx(prediction.probability, abs=2e-3)


@pytest.mark.parametrize(
    ("head", "centred", "fit", "rule", "views"),
    [
        ("absolute", False, "crop", "max", 1),
        ("absolute", False, "pad", "mean", 1),
        ("cosine", True, "stretch", "prototype", 5),
        ("cosine", True, "crop", "max", 2),
        ("cosine", False, "crop", "mean", 1),
    ],
)
def test_the_example_answers_as_the_project_does(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    head: Head,
    centred: bool,
    fit: Fit,
    rule: Rule,
    views: int,
) -> None:
    runtime()
    made = make(head, centred, fit, rule, views)
    checkpoints.save(tmp_path / "tiny.safetensors", made.twin, made.info)
    arguments = ["export", "--checkpoint", str(tmp_path / "tiny.safetensors"), "--out"]
    assert main([*arguments, str(tmp_path / "network.onnx"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["largest_difference"] < 1e-3
    the_example_answers_as_classify(tmp_path, made, write_pictures(tmp_path, (330, 250)))


def test_the_example_answers_as_photos_does(tmp_path: Path) -> None:
    """The default network, on pictures much larger than its input."""
    runtime()
    made = checkpoints.load(checkpoints.CHECKPOINT_DIR / "photos.safetensors")
    assert export.export_onnx(made, tmp_path / "network.onnx") < export.TOLERANCE
    the_example_answers_as_classify(tmp_path, made, write_pictures(tmp_path, (1000, 801), colour_left=0.02))
