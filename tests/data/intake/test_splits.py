"""Class lists in files, and what they match."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fsl.base.errors import DataError
from fsl.data.intake.folders import list_folder
from fsl.data.intake.splits import expand_prefixes, read_class_list


def written(folder: Path, content: object, name: str = "split.json") -> str:
    (folder / name).write_text(json.dumps(content), encoding="utf-8")
    return str(folder / name)


SPLIT = {"dataset": "x", "train": ["a", "b"], "val": ["c"], "more": {"novel": ["d", "d", "é"]}}


@pytest.mark.parametrize(
    ("key", "expected"), [("train", ("a", "b")), ("val", ("c",)), ("more.novel", ("d", "é"))]
)
def test_a_list_of_a_split_file(tmp_path: Path, key: str, expected: tuple[str, ...]) -> None:
    assert read_class_list(f"{written(tmp_path, SPLIT)}:{key}") == expected


def test_accents_match_however_they_are_stored(tmp_path: Path) -> None:
    names = read_class_list(written(tmp_path, ["cafe\u0301", "caf\u00e9", "th\u00e9"]))
    assert names == ("caf\u00e9", "th\u00e9")
    (tmp_path / "data" / "cafe\u0301").mkdir(parents=True)
    (tmp_path / "data" / "cafe\u0301" / "1.png").write_bytes(b"")
    assert expand_prefixes(list_folder(tmp_path / "data").class_names, names[:1]) == ("caf\u00e9",)


def test_a_plain_list(tmp_path: Path) -> None:
    assert read_class_list(written(tmp_path, ["b", "a"])) == ("b", "a")


def test_a_colon_in_the_path(tmp_path: Path) -> None:
    assert read_class_list(written(tmp_path, ["b"], "a:b.json")) == ("b",)
    (tmp_path / "C:").mkdir()
    assert read_class_list(f"{written(tmp_path / 'C:', SPLIT)}:val") == ("c",)


def test_a_byte_order_mark(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_bytes(b'\xef\xbb\xbf["a"]')
    assert read_class_list(str(tmp_path / "x.json")) == ("a",)


@pytest.mark.parametrize(
    ("content", "key", "message"),
    [
        (SPLIT, ":test", r"holds no list named 'test'; it holds train, val, more\.novel\."),
        (SPLIT, ":dataset", "holds no list named 'dataset'"),
        (SPLIT, ":more", "holds no list named 'more'"),
        (SPLIT, "", r"several lists \(train, val, more\.novel\): say which, as in .*split\.json:train"),
        (["a"], ":train", "one list without a name"),
        ({}, ":train", "no list of class names"),
        ([], "", "no list of class names"),
        ([1, 2], "", "no list of class names"),
        (5, "", "no list of class names"),
    ],
)
def test_what_is_missing_is_said(tmp_path: Path, content: object, key: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read_class_list(written(tmp_path, content) + key)


@pytest.mark.parametrize("content", [b"{", b"\xff\xfe\x00", b"", b"[" * 100_000])
def test_files_that_are_no_json(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.json").write_bytes(content)
    with pytest.raises(DataError, match=r"x\.json: this is not a JSON file"):
        read_class_list(f"{tmp_path / 'x.json'}:train")


def test_no_such_file(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"none\.json: there is no such file"):
        read_class_list(f"{tmp_path / 'none.json'}:train")
    with pytest.raises(DataError, match="cannot be opened"):
        read_class_list(str(tmp_path))


CLASSES = ("Greek/c1", "Greek/c2", "Greek_Old/c1", "Latin/c1", "Latin", "a/b/c")


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (["Greek"], ("Greek/c1", "Greek/c2")),
        (["Greek/"], ("Greek/c1", "Greek/c2")),
        (["Greek/c2", "Greek"], ("Greek/c2", "Greek/c1")),
        (["Latin"], ("Latin",)),
        (["a"], ("a/b/c",)),
        (["a/b"], ("a/b/c",)),
        (["Latin/c1", "Greek_Old"], ("Latin/c1", "Greek_Old/c1")),
        ([], ()),
    ],
)
def test_names_and_folders_of_classes(wanted: list[str], expected: tuple[str, ...]) -> None:
    assert expand_prefixes(CLASSES, wanted) == expected


def test_names_that_match_nothing() -> None:
    with pytest.raises(DataError, match="named Gree, x, 0, 1, 2 and 7 more"):
        expand_prefixes(CLASSES, ["Greek", "Gree", "x", *map(str, range(10))])


@pytest.mark.parametrize("spec", ["", ":", ":val"])
def test_the_name_of_a_file_may_not_be_empty(spec: str) -> None:
    with pytest.raises(DataError, match="The name of the file with class names is empty"):
        read_class_list(spec)
