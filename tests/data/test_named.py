"""Data sets that go by a name."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fsl.base.errors import DataError
from fsl.data.catalogue import FileSource, absolute_key, open_source
from fsl.data.named import named_sources


@pytest.fixture
def data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "orl-faces.zip").write_bytes(b"")
    (tmp_path / "omniglot-background.zip").write_bytes(b"")
    (tmp_path / "splits").mkdir()
    (tmp_path / "splits" / "faces.json").write_text(
        json.dumps({"orl": {"train": ["s1"]}, "lfw": {"train": ["x"]}})
    )
    monkeypatch.setenv("FSL_DATA_DIR", str(tmp_path))
    return tmp_path


def path_of(text: str) -> Path | None:
    """The folder or zip that a text opens."""
    source = open_source(text)
    assert isinstance(source, FileSource)
    return source.path


def test_what_is_here(data_folder: Path) -> None:
    sets = named_sources()
    assert sorted(sets) == ["omniglot", "orl"]
    assert sets["orl"].path == data_folder / "orl-faces.zip"
    assert sets["orl"].class_list("train") == ("s1",)
    assert sets["omniglot"].splits is None
    assert all(one.key == one.known_as == name for name, one in sets.items())
    assert all(one.title and one.about and one.credit for one in sets.values())
    assert sets["orl"].class_lists() == ("train",)
    assert sets["omniglot"].class_lists() == ()
    with pytest.raises(DataError, match="no file of class lists"):
        sets["omniglot"].class_list("train")


def test_a_name_or_a_path(data_folder: Path) -> None:
    assert path_of("orl") == data_folder / "orl-faces.zip"
    assert path_of(str(data_folder)) == data_folder


def test_a_name_goes_before_a_folder_in_every_working_folder(
    data_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = tmp_path / "work"
    for name in ("orl", "digits", "mine"):
        (work / name / "a").mkdir(parents=True)
    monkeypatch.chdir(work)
    assert path_of("orl") == data_folder / "orl-faces.zip"
    assert path_of("./orl") == Path("orl")
    assert open_source("digits").class_names()[0] == "digit 0"
    stored = [absolute_key(data) for data in ("orl", "./orl", "digits", "mine", "nowhere")]
    assert stored == ["orl", str(work / "orl"), "digits", str(work / "mine"), "nowhere"]


def test_what_is_not_here(data_folder: Path) -> None:
    with pytest.raises(DataError, match=r"here by name: omniglot, orl"):
        open_source("apples")
    with pytest.raises(DataError, match=r"there is no lfw-subset\.zip in"):
        open_source("lfw")


def test_without_the_variable(monkeypatch: pytest.MonkeyPatch, data_folder: Path) -> None:
    monkeypatch.delenv("FSL_DATA_DIR")
    assert named_sources() == {}
    assert set(named_sources(data_folder)) == {"omniglot", "orl"}
    with pytest.raises(DataError, match=r"FSL_DATA_DIR: set it to the folder that holds lfw-subset\.zip"):
        open_source("lfw")
    with pytest.raises(DataError, match="no such folder, zip or data set"):
        open_source("apples")
