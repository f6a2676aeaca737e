"""``fsl export`` as a web page and as TFLite: what it writes, and where it refuses to write."""

import json
import sys
from pathlib import Path
from types import ModuleType

import pytest

from fsl.__main__ import main
from fsl.twin import checkpoint_files, export_tflite

WEB = ["export", "--format", "web", "--checkpoint"]


@pytest.fixture
def small(checkpoint_folder: Path) -> str:
    pytest.importorskip("onnxruntime", reason="in the extra [export]")
    return str(checkpoint_folder / "small.safetensors")


def test_the_folder_is_complete_and_can_be_written_again(
    small: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "web"
    for _ in range(2):
        assert main([*WEB, small, "--out", str(out), "--json"]) == 0
        told = json.loads(capsys.readouterr().out)
    written = {str(file.relative_to(out)): file.stat().st_size for file in out.rglob("*") if file.is_file()}
    assert sorted(written) == told["files"]
    assert sum(written.values()) == told["bytes"]
    about = json.loads((out / "network.json").read_text(encoding="utf-8"))
    assert all(f"example/{path}" in written for path in about["example"])
    header = checkpoint_files.read_info(Path(small))
    assert about["unknown_threshold"] == header.calibration(header.rule).unknown_threshold
    page = (out / "index.html").read_text(encoding="utf-8")
    assert "http" not in page.replace("python -m http.server", "").replace("http-equiv", "")


def test_a_folder_with_other_files_is_left_alone(
    small: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mine.txt").write_text("mine", encoding="utf-8")
    assert main([*WEB, small, "--out", str(tmp_path)]) == 1
    assert "holds other files" in capsys.readouterr().err
    assert main([*WEB, small, "--out", str(tmp_path / "mine.txt")]) == 1
    assert [file.name for file in tmp_path.iterdir()] == ["mine.txt"]


def test_a_network_for_faces_is_refused_in_words(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*WEB, "faces", "--out", str(tmp_path / "web")]) == 1
    assert "finds the faces in a photo first" in capsys.readouterr().err
    assert not (tmp_path / "web").exists()


def test_tflite_agrees_with_torch_and_says_how_to_use_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("litert_torch", reason="in the extra [tflite]")
    out = tmp_path / "photos.tflite"
    assert main(["export", "--format", "tflite", "--checkpoint", "photos", "--out", str(out), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["files"] == ["photos.tflite", "photos.json"]
    assert (told["bytes"], told["largest_difference"] < 1e-3) == (out.stat().st_size, True)
    about = json.loads((tmp_path / "photos.json").read_text(encoding="utf-8"))
    assert (about["name"], about["image_size"]) == ("photos", 260)


def test_tflite_without_its_converter_or_with_a_wrong_result_writes_nothing(
    small: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = ["export", "--format", "tflite", "--checkpoint", small, "--out", str(tmp_path / "a.tflite")]
    monkeypatch.setitem(sys.modules, "litert_torch", None)
    assert main(arguments) == 1
    assert "pip install litert-torch" in capsys.readouterr().err
    monkeypatch.setitem(sys.modules, "litert_torch", ModuleType("litert_torch"))
    monkeypatch.setattr(export_tflite, "_converted", lambda *_: b"wrong")
    monkeypatch.setattr(export_tflite, "difference_from_torch", lambda *_: 0.5)
    assert main(arguments) == 1
    assert "differ from torch's by 0.5" in capsys.readouterr().err
    assert main([*arguments[:-1], str(tmp_path / "a.json")]) == 1
    assert "Name a file that ends in .tflite" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
