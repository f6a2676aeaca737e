"""Project zips: round trip, and every way in which one can be wrong."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from dataclasses import replace
from typing import Any

import pytest

from fsl.base.errors import DataError
from fsl.fewshot.project import MANIFEST, Project, ProjectImage, is_project, project_bytes, read_project
from tests.helpers.pictures import picture

RED, BLUE = ProjectImage("red.png", picture("red")), ProjectImage("blue <b>.png", picture("blue"))
PROJECT = Project(
    classes=(("a/b <i>", (RED, BLUE)), ("empty", ())),
    queries=(ProjectImage("no suffix", picture("green")), RED),
    rule="max",
    threshold=0.25,
    checkpoint="fruits",
    checkpoint_digest="ab" * 32,
    corrections={hashlib.sha256(RED.data).hexdigest(): 0, "cd" * 32: None},
    together=True,
)


def changed(data: bytes, change: dict[str, Any] | None = None, drop: str = "", swap: str = "") -> bytes:
    """Change fields of the manifest, drop files, or swap their content; by the start of their names."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            if name == MANIFEST and change is not None:
                content = json.dumps({**json.loads(content), **change}).encode()
            if drop and name.startswith(drop):
                continue
            new.writestr(name, picture("black") if swap and name.startswith(swap) else content)
    return out.getvalue()


def test_round_trip() -> None:
    project, problems = read_project(project_bytes(PROJECT))
    assert project == PROJECT
    assert problems == ()


def test_equal_projects_give_equal_files_with_each_content_once() -> None:
    data = project_bytes(PROJECT)
    assert data == project_bytes(PROJECT)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert len(archive.namelist()) == 1 + 3


def test_a_project_of_an_earlier_version_opens() -> None:
    data = changed(project_bytes(PROJECT), {"corrections": {}})
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            if name == MANIFEST:
                manifest = json.loads(content)
                del manifest["corrections"], manifest["together"]
                content = json.dumps(manifest).encode()
            new.writestr(name, content)
    assert read_project(out.getvalue())[0] == replace(PROJECT, corrections={}, together=False)


def test_an_endless_name_is_cut() -> None:
    """A page shows it each time it is drawn."""
    endless = {"classes": [{"name": "*" * 7_000_000, "images": []}]}
    ((name, _),) = read_project(changed(project_bytes(PROJECT), endless))[0].classes
    assert name == "*" * 4_096


def test_is_project() -> None:
    assert is_project(project_bytes(PROJECT))
    assert not is_project(changed(project_bytes(PROJECT), drop=MANIFEST))
    assert not is_project(b"no zip")


def test_missing_pictures_are_named_and_the_rest_is_kept() -> None:
    project, problems = read_project(changed(project_bytes(PROJECT), drop="images/"))
    assert [name for name, _ in project.classes] == ["a/b <i>", "empty"]
    assert {problem.name for problem in problems} == {"red.png", "blue <b>.png", "no suffix"}


def test_a_swapped_picture_is_refused() -> None:
    project, problems = read_project(changed(project_bytes(PROJECT), swap="images/"))
    assert list(project.images()) == []
    assert all("checksum" in problem.reason for problem in problems)


def test_a_zip_without_manifest_is_explained() -> None:
    with pytest.raises(DataError, match="not a project saved here"):
        read_project(changed(project_bytes(PROJECT), drop=MANIFEST), "work.zip")


@pytest.mark.parametrize(
    "change",
    [
        {"format": 2},
        {"classes": None},
        {"classes": [1]},
        {"classes": [{"name": 3, "images": []}]},
        {"classes": [{"name": "a"}]},
        {"queries": {"name": "a"}},
        {"queries": [{"name": "a"}]},
        {"rule": "median"},
        {"rule": ["mean"]},
        {"threshold": 2},
        {"threshold": "high"},
        {"corrections": [0]},
        {"corrections": {"ab": 2}},
        {"corrections": {"ab": True}},
        {"corrections": {"ab": "a"}},
        {"threshold": True},
        {"together": 1},
        {"checkpoint": 5},
    ],
)
def test_contradictory_manifests_are_refused_with_the_file_named(change: dict[str, Any]) -> None:
    with pytest.raises(DataError, match=r"^work\.zip: "):
        read_project(changed(project_bytes(PROJECT), change), "work.zip")


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b"\xff\xfe", b"[" * 100_000])
def test_damaged_manifests_are_refused(text: bytes) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(MANIFEST, text)
    with pytest.raises(DataError, match="work"):
        read_project(out.getvalue(), "work")


def test_paths_of_the_manifest_cannot_lead_out_of_the_zip() -> None:
    entry = {"name": "x.png", "file": "../../etc/passwd", "sha256": "0"}
    _, problems = read_project(changed(project_bytes(PROJECT), {"queries": [entry]}))
    assert [problem.name for problem in problems] == ["x.png"]
