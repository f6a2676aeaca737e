"""One catalogue: the same pictures from a folder, a zip, a named set and memory; each part of a query.

The oracle decodes the files with Pillow alone and chooses them by their paths.
"""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fsl.base.errors import DataError, SettingsError
from fsl.data.catalogue import Source, catalogue, listing_source, open_source
from fsl.data.imageset import ImageSet
from fsl.data.intake.listing import list_files
from fsl.data.query import ImageQuery

SIDE = 8
Files = dict[str, bytes]


@pytest.fixture
def files() -> Files:
    """Five pictures in each of four classes, of which one file is broken."""
    rng = np.random.default_rng(0)
    found = {}
    for name in ("Greek/alpha", "Greek/beta", "Latin/a", "Latin/b"):
        for number in range(5):
            buffer = io.BytesIO()
            Image.fromarray(rng.integers(0, 256, (SIDE, SIDE, 3), np.uint8)).save(buffer, "PNG")
            found[f"{name}/{number}.png"] = buffer.getvalue()
    found["Latin/a/3.png"] = b"no picture"
    return found


@pytest.fixture(params=["folder", "zip", "named", "memory"])
def source(
    request: pytest.FixtureRequest, files: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Source:
    """The same files as a source of each kind."""
    kind = request.param
    if kind == "memory":
        return listing_source("mine", "Mine", list_files(list(files.items())))
    if kind == "folder":
        for name, content in files.items():
            (tmp_path / "some" / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / "some" / name).write_bytes(content)
        return open_source(str(tmp_path / "some"))
    with zipfile.ZipFile(tmp_path / "omniglot-background.zip", "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    monkeypatch.setenv("FSL_DATA_DIR", str(tmp_path) if kind == "named" else "")
    return open_source("omniglot" if kind == "named" else str(tmp_path / "omniglot-background.zip"))


def expected(files: Files, classes: list[str], numbers: range = range(5)) -> list[tuple[str, bytes, str]]:
    """Path, pixels and class of the readable files, by path alone."""
    paths = [f"{name}/{number}.png" for name in sorted(classes) for number in numbers]
    readable = [path for path in paths if files[path].startswith(b"\x89PNG")]
    pixels = [Image.open(io.BytesIO(files[path])).convert("RGB").tobytes() for path in readable]
    return [(path, row, path.rpartition("/")[0]) for path, row in zip(readable, pixels, strict=True)]


def found(images: ImageSet) -> list[tuple[str, bytes, str]]:
    """Path, pixels and class of the images loaded."""
    labels = [images.class_names[label] for label in images.labels]
    return [
        (name, pixels.tobytes(), label)
        for name, pixels, label in zip(images.names, images.images, labels, strict=True)
    ]


ALL = ["Greek/alpha", "Greek/beta", "Latin/a", "Latin/b"]


@pytest.mark.parametrize(
    ("query", "classes"),
    [
        (ImageQuery(SIDE), ALL),
        (ImageQuery(SIDE, classes=("Latin",)), ["Latin/a", "Latin/b"]),
        (ImageQuery(SIDE, classes=("Latin/b", "Greek/alpha")), ["Latin/b", "Greek/alpha"]),
        (ImageQuery(SIDE, without=("alpha", "b")), ["Latin/a"]),
        (ImageQuery(SIDE, classes=("Greek",), without=("beta",)), ["Greek/alpha"]),
    ],
)
def test_every_kind_of_source_gives_the_same_pictures(
    source: Source, files: Files, query: ImageQuery, classes: list[str]
) -> None:
    images, problems = source.load(query)
    assert found(images) == expected(files, classes)
    assert images.class_names == tuple(classes)
    broken = ["Latin/a/3.png"] if "Latin/a" in classes else []
    assert [problem.name for problem in problems] == broken


def test_a_few_of_each_class_are_spread_over_its_files(source: Source, files: Files) -> None:
    images, _ = source.load(ImageQuery(SIDE, per_class=2))
    assert [name.rpartition("/")[2] for name in images.names] == ["0.png", "2.png"] * 4


@pytest.mark.parametrize("n_shares", [1, 3, 50])
def test_shares_make_up_the_whole(source: Source, files: Files, n_shares: int) -> None:
    parts = [source.load(ImageQuery(SIDE, share=(i, n_shares)))[0] for i in range(n_shares)]
    assert all(part.class_names == tuple(ALL) for part in parts)
    assert [row for part in parts for row in found(part)] == expected(files, ALL)


def test_files_and_classes_are_known_before_any_is_decoded(source: Source, files: Files) -> None:
    assert source.class_names() == tuple(ALL)
    listing = source.listing()
    assert {entry.name: entry.read() for entry in listing.entries} == files


def test_memory_is_bounded(source: Source) -> None:
    with pytest.raises(DataError, match="20 images of 8x8 pixels need"):
        source.load(ImageQuery(SIDE, most_bytes=20 * SIDE * SIDE * 3 - 1))
    assert len(source.load(ImageQuery(SIDE, most_bytes=20 * SIDE * SIDE * 3))[0]) == 19


def test_a_source_changes_its_version_with_its_files(files: Files, tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "0.png").write_bytes(files["Latin/a/0.png"])
    source = open_source(str(tmp_path))
    before = source.version()
    assert source.version() == before
    (tmp_path / "a" / "1.png").write_bytes(files["Latin/a/1.png"])
    assert source.version() != before


def test_parts_are_taken_where_there_are_some(files: Files, tmp_path: Path) -> None:
    for part in ("Training", "Test"):
        for name in "ab":
            (tmp_path / part / name).mkdir(parents=True)
            (tmp_path / part / name / "0.png").write_bytes(files["Latin/b/0.png"])
    source = open_source(str(tmp_path))
    assert source.load(ImageQuery(SIDE, part="Test"))[0].names == ("Test/a/0.png", "Test/b/0.png")
    assert len(source.load(ImageQuery(SIDE))[0]) == 4
    with pytest.raises(DataError, match="no part 'Val'"):
        source.load(ImageQuery(SIDE, part="Val"))


def test_named_lists(files: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with zipfile.ZipFile(tmp_path / "orl-faces.zip", "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    (tmp_path / "splits").mkdir()
    lists = {"orl": {"val": ["Latin/b"], "train": ["Greek/beta"]}, "lfw": {"val": ["x"]}}
    (tmp_path / "splits" / "faces.json").write_text(json.dumps(lists))
    monkeypatch.setenv("FSL_DATA_DIR", str(tmp_path))
    source = open_source("orl")
    assert source.class_lists() == ("val", "train")
    images, _ = source.load(ImageQuery(SIDE, classes=source.class_list("val")))
    assert found(images) == expected(files, ["Latin/b"])


def test_the_catalogue_opens_what_it_lists() -> None:
    for key, source in catalogue().items():
        assert source.key == key
        assert open_source(key).title == source.title
        assert source.title
        assert source.about
    assert {"rendered", "digits", "olivetti", "fruits360-sample", "omniglot-background"} <= set(catalogue())


def test_files_of_a_set_that_has_none_show_its_images() -> None:
    source = open_source("digits")
    listing = source.listing()
    images, _ = source.load(ImageQuery(96))
    assert len(listing.entries) == source.n_images == len(images)
    entry = listing.entries[700]
    assert (entry.name, entry.class_name) == (images.names[700], images.class_names[images.labels[700]])
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(entry.read()))), images.images[700])


@pytest.mark.parametrize(
    "wrong",
    [{"size": 0}, {"fit": "cover"}, {"centre": 0.0}, {"per_class": -1}, {"share": (2, 2)}],
)
def test_impossible_queries_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(SettingsError):
        ImageQuery(**{"size": SIDE, **wrong})  # type: ignore[arg-type]


def test_the_name_of_data_may_not_be_empty() -> None:
    """As a path it would mean the current folder."""
    with pytest.raises(DataError, match="The name of the data is empty"):
        open_source("")
