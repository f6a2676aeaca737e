"""Image sets loaded once for several users: compared runs, previews, and callers that wait for another."""

from __future__ import annotations

import os
import threading
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fsl.base.errors import DataError
from fsl.base.progress import Progress
from fsl.data import cached
from fsl.data.cached import load_cached
from fsl.data.catalogue import ArraySource, open_source
from fsl.data.imageset import ImageSet
from fsl.data.intake.listing import Problem
from fsl.data.query import ImageQuery


class Loader:
    """Counts, and reads when it is let."""

    def __init__(self) -> None:
        self.calls = 0
        self.may_go_on = threading.Event()
        self.may_go_on.set()
        self.failures = 0  # of the next readings

    def __call__(self, query: ImageQuery, progress: Progress | None) -> ImageSet:
        self.calls += 1
        assert progress is not None
        progress(1, 2)
        assert self.may_go_on.wait(20)
        if self.failures:
            self.failures -= 1
            raise DataError("no such set")
        images = np.zeros((2, query.size, query.size, 3), np.uint8)
        return ImageSet(images, np.array([0, 1]), ("a", "b"), ("0", "1"))


@pytest.fixture
def loader(monkeypatch: pytest.MonkeyPatch) -> Iterator[Loader]:
    made = Loader()
    monkeypatch.setattr(cached, "_SLOTS", type(cached._SLOTS)())
    yield made
    made.may_go_on.set()


def load(loader: Loader, key: str = "some", size: int = 16, progress: Progress | None = None) -> ImageSet:
    """The images of a source that the loader makes."""
    source = ArraySource(key=key, title="", classes=("a", "b"), make=loader)
    return load_cached(source, ImageQuery(size), progress)[0]


def test_read_once_for_each_size(loader: Loader) -> None:
    first = load(loader)
    assert load(loader) is first
    assert load(loader, size=32) is not first
    assert loader.calls == 2


def test_who_waits_sees_the_progress_and_may_leave(loader: Loader) -> None:
    loader.may_go_on.clear()
    found: list[ImageSet] = []
    threads = [threading.Thread(target=lambda: found.append(load(loader))) for _ in range(3)]
    for thread in threads:
        thread.start()
    while not loader.calls:  # one of them reads; this thread is to be one of those who wait
        time.sleep(0.01)

    class LeftError(Exception):
        pass

    def leave(done: int, total: int) -> None:
        if total:
            raise LeftError

    with pytest.raises(LeftError):
        load(loader, progress=leave)
    loader.may_go_on.set()
    for thread in threads:
        thread.join(20)
    assert loader.calls == 1
    assert len(found) == 3
    assert all(images is found[0] for images in found)


def test_a_failure_is_not_kept(loader: Loader) -> None:
    loader.failures = 1
    with pytest.raises(DataError):
        load(loader)
    assert not cached._SLOTS
    assert len(load(loader)) == 2


def test_who_waited_for_a_reading_that_failed_reads_for_all(loader: Loader) -> None:
    loader.may_go_on.clear()
    loader.failures = 1
    found: list[ImageSet | DataError] = []

    def read() -> None:
        try:
            found.append(load(loader))
        except DataError as error:
            found.append(error)

    threads = [threading.Thread(target=read) for _ in range(3)]
    for thread in threads:
        thread.start()
    while not any(slot.users == 3 for slot in cached._SLOTS.values()):
        time.sleep(0.01)
    loader.may_go_on.set()
    for thread in threads:
        thread.join(20)
    (read_once,) = {id(one) for one in found if isinstance(one, ImageSet)}
    assert sum(isinstance(one, DataError) for one in found) == 1
    assert id(load(loader)) == read_once
    assert loader.calls == 2


def test_the_longest_unused_make_room(loader: Loader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cached, "MOST_SETS", 2)
    for name in ("a", "b", "a", "c", "a"):
        load(loader, name)
    assert loader.calls == 3
    load(loader, "b")
    assert loader.calls == 4
    monkeypatch.setattr(cached, "MOST_BYTES", 1)
    load(loader, "d")  # larger than all the room: used, and alone
    assert len(cached._SLOTS) == 1


def test_a_changed_zip_is_read_again_with_its_problems(tmp_path: Path) -> None:
    path = tmp_path / "two.zip"

    def write(n: int) -> None:
        with zipfile.ZipFile(path, "w") as archive:
            for name in ("a", "b"):
                for i in range(n):
                    Image.new("RGB", (8, 8), (i, 0, 0)).save(tmp_path / "x.png")
                    archive.write(tmp_path / "x.png", f"{name}/{i}.png")
            archive.writestr("a/broken.png", b"none")

    def read() -> tuple[ImageSet, tuple[Problem, ...]]:
        return load_cached(open_source(str(path)), ImageQuery(16))

    write(2)
    first, problems = read()
    assert len(first) == 4
    assert [problem.name for problem in problems] == ["a/broken.png"]
    assert read()[0] is first
    assert read()[1] == problems
    write(3)
    assert len(read()[0]) == 6


def test_a_folder_is_read_again_when_a_file_in_it_has_changed(tmp_path: Path) -> None:
    def write(name: str, grey: int) -> None:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Image.new("L", (8, 8), grey).save(tmp_path / f"{name}.png")

    def read() -> ImageSet:
        return load_cached(open_source(str(tmp_path)), ImageQuery(8))[0]

    for name in ("a/0", "a/1", "b/0", "b/1"):
        write(name, 10)
    (tmp_path / "a" / "nowhere.png").symlink_to(tmp_path / "gone.png")
    first = read()
    assert read() is first

    write("b/1", 20)
    os.utime(tmp_path / "b" / "1.png", ns=(1, 1))  # of the same size
    assert read().images.max() == 20
    (tmp_path / "a" / "0.png").rename(tmp_path / "b" / "2.png")
    assert read().class_names[read().labels[0]] == "a"
    assert read().labels.tolist() == [0, 1, 1, 1]


def test_each_choice_of_classes_is_read_once() -> None:
    def read(*classes: str) -> ImageSet:
        return load_cached(open_source("digits"), ImageQuery(8, classes=classes))[0]

    every, few = read(), read("digit 0", "digit 3")
    assert few.class_names == ("digit 0", "digit 3")
    assert read("digit 0", "digit 3") is few
    assert read() is every
    assert read("digit 1", "digit 2").class_names == ("digit 1", "digit 2")
