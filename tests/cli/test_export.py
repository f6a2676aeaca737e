"""``fsl export --format web``: what it writes, and where it refuses to write."""

import json
from pathlib import Path

import pytest

from fsl.__main__ import main
from fsl.twin import checkpoint_files

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
