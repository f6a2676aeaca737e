"""Where classified pictures go, and the folders and zips they are put into."""

from __future__ import annotations

import io
import os
import time
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fsl.base.errors import DataError, WriteError
from fsl.data.intake.folders import FileReader
from fsl.fewshot import sort_files
from fsl.fewshot.sort import UNKNOWN, plan_sort, safe_name, stream_sorted_zip, summary_text
from fsl.fewshot.sort_files import check_destination, sort_into

TEXT = st.text(max_size=300)
CLASSES = st.lists(TEXT, unique=True, max_size=12)
ODD = (
    "..",
    "a/b",
    "a\\b",
    "unknown",
    "Unknown",
    "summary.txt",
    "CON",
    "",
    " ",
    ".",
    "apple",
    "Apple",
    "x" * 300,
)


@given(CLASSES, st.lists(TEXT, max_size=12), st.randoms(use_true_random=False))
def test_any_names_give_places_that_are_safe_and_distinct(
    classes: list[str], names: list[str], random: object
) -> None:
    labels = [random.choice([None, *classes]) for _ in names]  # type: ignore[attr-defined]
    plan = plan_sort(names, labels, classes)
    assert len({folder.casefold() for folder in (*plan.folders, UNKNOWN)}) == len(classes) + 1
    assert len({(folder, file.casefold()) for folder, file in plan.places}) == len(names)
    for part in (*plan.folders, *(file for _, file in plan.places)):
        assert part == Path(part).name != ""
        assert not part.startswith(".")
        assert part == part.strip() and not part.endswith(".")
        assert len(part.encode()) < 250
        assert not set(part) & set('<>:"/\\|?*\0\n')
    for label, (folder, _) in zip(labels, plan.places, strict=True):
        assert folder == (UNKNOWN if label is None else plan.folders[classes.index(label)])


@pytest.mark.parametrize("name", ["apple", "IMG 0001 (2).jpg", "Größe.png", "猫.jpeg", "a.b.c"])
def test_ordinary_names_stay(name: str) -> None:
    assert safe_name(name) == name


def test_equal_names_get_the_first_free_number() -> None:
    names = ["a (3).jpg", "a.jpg", "A.jpg", "a.JPG", "a (2).jpg", "a (3).jpg", "a.jpg", "a.png"]
    taken: set[str] = set()
    expected = []
    for name in names:
        stem, suffix = name.split(".")
        number, free = 2, name
        while free.lower() in taken:
            free, number = f"{stem} ({number}).{suffix}", number + 1
        taken.add(free.lower())
        expected.append(("c", free))
    assert list(plan_sort(names, ["c"] * len(names), ["c"]).places) == expected


def test_many_equal_names_take_little_more_time_than_others() -> None:
    n, seconds = 8000, []
    for names in ([f"{i}.jpg" for i in range(n)], ["image.jpg"] * n):
        began = time.process_time()
        plan = plan_sort(names, ["c"] * n, ["c"])
        seconds.append(time.process_time() - began)
    assert plan.places[-1] == ("c", f"image ({n}).jpg")
    assert seconds[1] < 8 * seconds[0]  # counting from 2 each time takes 30 times as long


def test_the_zip_has_a_folder_per_class_and_the_bytes_of_the_files() -> None:
    names = ["in/1.jpg", "other/1.jpg", "2.jpg", "1.JPG"]
    plan = plan_sort(names, ["a/b", "a/b", None, "a/b"], ["a/b", "unknown", ".."])
    parts = list(stream_sorted_zip(plan, map(str.encode, names)))
    assert [name.encode() in part for name, part in zip(names, parts[:-1], strict=True)] == [True] * 4
    with zipfile.ZipFile(io.BytesIO(b"".join(parts))) as archive:
        assert archive.testzip() is None
        # Some programs cannot unpack files whose size stands behind them.
        assert not any(info.flag_bits & 0x08 for info in archive.infolist())
        held = {name: archive.read(name) for name in archive.namelist()}
    summary = held.pop("summary.txt").decode()
    folders = {"a_b/", "unknown (class)/", "_/", "unknown/"}
    assert {name for name in held if name.endswith("/")} == folders
    assert {name: data for name, data in held.items() if name not in folders} == {
        "a_b/1.jpg": b"in/1.jpg",
        "a_b/1 (2).jpg": b"other/1.jpg",
        "a_b/1 (3).JPG": b"1.JPG",
        "unknown/2.jpg": b"2.jpg",
    }
    assert summary == summary_text(plan)
    assert "4 pictures in 1 class, 1 unknown." in summary
    assert "3  a_b  (class a/b)" in summary


def sources(folder: Path) -> list[FileReader]:
    folder.mkdir()
    for name in ("1.jpg", "2.jpg"):
        (folder / name).write_bytes(name.encode())
    return [FileReader(str(path), path.name) for path in sorted(folder.iterdir())]


def test_files_become_hard_links_and_elsewhere_copies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    originals = sources(tmp_path / "photos")
    plan = plan_sort(["1.jpg", "2.jpg"], ["red", None], ["red", "blue"])
    placed = sort_into(tmp_path / "linked", plan, originals)
    assert (placed.linked, placed.copied) == (2, 0)
    assert (tmp_path / "linked/red/1.jpg").samefile(originals[0].path)
    assert list((tmp_path / "linked/blue").iterdir()) == []

    monkeypatch.setattr(os, "link", refuse)
    placed = sort_into(tmp_path / "copied", plan, originals)
    assert (placed.linked, placed.copied) == (0, 2)
    assert (tmp_path / "copied/unknown/2.jpg").read_bytes() == b"2.jpg"
    assert not (tmp_path / "copied/unknown/2.jpg").samefile(originals[1].path)
    assert (tmp_path / "copied/unknown/2.jpg").stat().st_mtime == Path(originals[1].path).stat().st_mtime


def test_nothing_is_overwritten_and_a_failure_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    originals = sources(tmp_path / "photos")
    plan = plan_sort(["1.jpg", "2.jpg"], ["red", None], ["red"])
    with pytest.raises(DataError, match="not empty"):
        check_destination(tmp_path)
    with pytest.raises(DataError, match="is no folder"):
        check_destination(Path(originals[0].path))
    with pytest.raises(DataError, match="no folder"):
        check_destination(tmp_path / "none" / "new")

    monkeypatch.setattr(os, "link", refuse)
    Path(originals[1].path).unlink()
    with pytest.raises(DataError, match=r"2\.jpg: .* Nothing was sorted"):
        sort_into(tmp_path / "new", plan, originals)
    assert not (tmp_path / "new").exists()
    monkeypatch.setattr(sort_files, "_write", refuse)
    (tmp_path / "empty").mkdir()
    with pytest.raises(WriteError, match="No space left"):
        sort_into(tmp_path / "empty", plan, originals)
    assert list((tmp_path / "empty").iterdir()) == []
    assert Path(originals[0].path).read_bytes() == b"1.jpg"


def refuse(*_: object) -> None:
    raise OSError(28, "No space left on device")


@pytest.mark.parametrize("name", ODD)
def test_odd_class_names_can_be_made_and_listed(name: str, tmp_path: Path) -> None:
    plan = plan_sort(["1.jpg"], [name], [name, "other"])
    sort_into(tmp_path / "out", plan, [b"x".__bytes__])
    assert (tmp_path / "out").joinpath(*plan.places[0]).read_bytes() == b"x"
    assert {path.name for path in (tmp_path / "out").iterdir()} == {*plan.folders, UNKNOWN, "summary.txt"}
