import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from fsl.__main__ import main
from fsl.base.errors import FslError, SettingsError
from fsl.config import RULES, Fit, Head, ModelConfig, Rule
from fsl.fewshot.classify import classify
from fsl.fewshot.support import SupportSet
from fsl.twin import checkpoint as checkpoints
from fsl.twin import checkpoint_files, export
from fsl.twin.header import Calibration, CheckpointInfo
from fsl.twin.network import TwinNetwork
from fsl.twin.preprocess import normalise

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "examples" / "classify_onnx.py"
COLOURS = {"red": (220, 30, 30), "green": (30, 200, 40), "blue": (30, 60, 230)}


def make(
    head: Head = "absolute",
    centred: bool = False,
    fit: Fit = "crop",
    rule: Rule = "prototype",
    views: int = 1,
) -> checkpoints.Checkpoint:
    model = ModelConfig(
        widths=(4, 4, 4, 4),
        image_size=32,
        head=head,
        centre_on_support=centred,
        damp_on_support=centred,
        fit=fit,
        support_views=views,
    )
    torch.manual_seed(0)
    # Each rule has its own temperature and threshold, so that using those of another rule shows.
    of_rules = tuple(Calibration(r, 0.1 * (i + 1), 0.9 - 0.1 * i) for i, r in enumerate(RULES))
    info = CheckpointInfo("tiny", model, rule=rule, licence="mine", calibrations=of_rules)
    return checkpoints.from_twin(TwinNetwork(model), info)


def runtime() -> object:
    pytest.importorskip("onnx", reason="in the extra [export]")
    return pytest.importorskip("onnxruntime", reason="in the extra [export]")


def largest_difference(made: checkpoints.Checkpoint, session: Any, batch: int) -> float:
    """Return the largest difference between onnxruntime's and torch's embeddings of noise."""
    side = made.info.model.image_size
    images = torch.rand(batch, 3, side, side, generator=torch.Generator().manual_seed(batch))
    (found,) = session.run(None, {"images": images.numpy()})
    with torch.inference_mode():
        expected = made.twin.embed(normalise(images, made.info.model))
    assert found.shape == expected.shape
    return float(np.abs(found - expected.numpy()).max())


@pytest.mark.parametrize("batch", [1, 5])
def test_onnxruntime_and_torch_agree(batch: int) -> None:
    onnxruntime = runtime()
    made = make()
    file = export.export_onnx(made)
    assert file.difference < 1e-4
    session = onnxruntime.InferenceSession(file.data, providers=["CPUExecutionProvider"])  # type: ignore[attr-defined]
    assert largest_difference(made, session, batch) < 1e-4
    about = json.loads(session.get_modelmeta().custom_metadata_map["few_shot_lab"])
    assert about["image_size"] == 32
    assert about["licence"] == "mine"


@pytest.mark.parametrize("name", ["faces", "fruits", "glyphs", "photos"])
def test_every_shipped_checkpoint_is_exported(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The networks differ in what ONNX must express: quarter turns, and several backbones side by side."""
    onnxruntime = runtime()
    out = tmp_path / "network.onnx"
    assert main(["export", "--checkpoint", name, "--out", str(out), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["file"], told["bytes"]) == (str(out), out.stat().st_size)
    made = checkpoints.load(checkpoint_files.find(name))
    session = onnxruntime.InferenceSession(out, providers=["CPUExecutionProvider"])  # type: ignore[attr-defined]
    for batch in (1, 2, 3):
        assert largest_difference(made, session, batch) < export.TOLERANCE


def test_a_network_that_onnx_cannot_express_gives_one_line_on_stderr(tmp_path: Path) -> None:
    """In a process of its own, because torch prints from outside Python."""
    runtime()
    script = (
        "import sys; from fsl.twin import network;"
        "network.flips_and_rotations = lambda images, n: [images.rot90(1, (2, 3)) for _ in range(n)];"
        "from fsl.__main__ import main; sys.exit(main(sys.argv[1:]))"
    )
    arguments = ["export", "--checkpoint", "fruits", "--out", str(tmp_path / "network.onnx"), "--json"]
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments], cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert "cannot be written as ONNX" in done.stderr
    assert "rot90" in done.stderr
    assert not list(tmp_path.iterdir())


def test_a_wrong_export_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    runtime()
    monkeypatch.setattr(export, "difference_from_torch", lambda *_: float("nan"))
    with pytest.raises(FslError, match="differ"):
        export.export_onnx(make())


def test_without_onnxruntime_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(SettingsError, match=r"pip install onnx onnxruntime"):
        export.export_onnx(make())


def write_pictures(folder: Path, size: tuple[int, int], colour_left: float = 1.0) -> list[Path]:
    """Write two pictures per class, and one query of each; return the queries.

    Stripes and noise make the answers depend on how pictures are resized.

    Args:
        folder: gets the folders "classes" and "queries".
        size: width and height in pixels.
        colour_left: saturation of the class's colour, 0 to 1.
    """
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


def check_example(folder: Path, made: checkpoints.Checkpoint, queries: list[Path]) -> None:
    """Check that the example's answers are those of ``classify``; folders without pictures are no classes."""
    for name in ("empty", ".ipynb_checkpoints"):
        (folder / "classes" / name).mkdir()
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
        ("cosine", True, "stretch", "prototype", 3),
        ("cosine", True, "crop", "max", 3),
        ("cosine", False, "crop", "mean", 1),
    ],
)
def test_the_example_gives_the_project_s_answers(
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
    check_example(tmp_path, made, write_pictures(tmp_path, (330, 250)))


def test_the_example_gives_the_answers_of_photos(tmp_path: Path) -> None:
    """The default network, on pictures much larger than its input."""
    runtime()
    made = checkpoints.load(checkpoint_files.CHECKPOINT_DIR / "photos.safetensors")
    (tmp_path / "network.onnx").write_bytes(export.export_onnx(made).data)
    check_example(tmp_path, made, write_pictures(tmp_path, (1000, 801), colour_left=0.02))
