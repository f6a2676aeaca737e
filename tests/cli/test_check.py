"""The command ``check``: its JSON keys, its text, and names as the data has them."""

import json
import zipfile
from pathlib import Path

import pytest

from tests.helpers.commands import run
from tests.helpers.pictures import noisy_png

KEYS = (
    "duplicates near_duplicates suspects outliers blank tiny thin_classes unreadable images classes seconds "
    "checkpoint"
)


@pytest.fixture
def faulty(folder: Path) -> Path:
    """Colours with a copy in another class, a wrong label, a broken file, and one outside of the classes."""
    (folder / "grey" / "again.png").write_bytes((folder / "=blue" / "0.png").read_bytes())
    (folder / "green" / "wrong.png").write_bytes(noisy_png((220, 30, 30), 77))
    (folder / "grey" / "broken.png").write_bytes(noisy_png((120, 120, 120))[:60])
    (folder / "loose.png").write_bytes(noisy_png((1, 2, 3)))
    return folder


@pytest.mark.parametrize("zipped", [False, True])
def test_check_json(
    zipped: bool, faulty: Path, weights: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = faulty
    if zipped:
        data = tmp_path / "data.zip"
        with zipfile.ZipFile(data, "w") as archive:
            for file in sorted(faulty.rglob("*.png")):
                archive.write(file, file.relative_to(faulty))
    status, out, _ = run(capsys, "check", "--data", data, "--checkpoint", weights, "--json")
    assert status == 0
    found = json.loads(out)
    assert set(found) == set(KEYS.split())
    assert [sorted(group) for group in found["duplicates"]] == [["=blue/0.png", "grey/again.png"]]
    first = found["suspects"][0]
    assert set(first) == {"image", "label", "looks_like", "similarity", "doubt"}
    assert (first["image"], first["label"], first["looks_like"]) == ("green/wrong.png", "green", "red")
    assert {one["file"] for one in found["unreadable"]} == {"grey/broken.png", "loose.png"}
    assert all(one["reason"] for one in found["unreadable"])
    assert (found["images"], found["classes"]) == (18, 4)
    thin = [("=blue", 4, 4), ("grey", 5, 4), ("red", 4, 4)]  # one of grey is a copy
    assert [(one["class"], one["images"], one["different"]) for one in found["thin_classes"]] == thin


def test_check_text(faulty: Path, weights: str, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = run(capsys, "check", "--data", faulty, "--checkpoint", weights)
    assert status == 0
    assert "=blue/0.png = grey/again.png  (in different classes)" in out
    assert "green/wrong.png  looks like red" in out
    assert "grey/broken.png:" in out


def test_copies_do_not_make_a_class_look_large(
    faulty: Path, weights: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(6):
        (faulty / "mug").mkdir(exist_ok=True)
        (faulty / "mug" / f"{number}.png").write_bytes(noisy_png((200, 200, 40)))
    _, out, _ = run(capsys, "check", "--data", faulty, "--checkpoint", weights)
    few = out[out.index("Classes with few pictures: 4") :].splitlines()[1:5]
    assert few == [
        "  =blue (4)",
        "  grey (4 different pictures of 5)",
        "  mug (1 different picture of 6)",
        "  red (4)",
    ]


def test_no_picture_at_all(tmp_path: Path, weights: str, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "none" / "a").mkdir(parents=True)
    (tmp_path / "none" / "a" / "x.png").write_bytes(noisy_png((1, 2, 3))[:50])
    status, out, err = run(capsys, "check", "--data", tmp_path / "none", "--checkpoint", weights)
    assert (status, out) == (1, "")
    assert "None of the 1 images can be read" in err
