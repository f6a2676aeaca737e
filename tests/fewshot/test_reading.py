"""Many pictures from files: in order, what is wrong named, a bounded number at a time."""

from __future__ import annotations

import io
import threading
import time

import numpy as np
import pytest
from PIL import Image

from fsl.config import ModelConfig
from fsl.data.listing import Problem
from fsl.errors import SettingsError
from fsl.fewshot.reading import AT_ONCE, Reader, read_pictures, sort_out

MODEL = ModelConfig(image_size=16)
N = 2 * AT_ONCE + 5


def png(grey: int) -> bytes:
    out = io.BytesIO()
    Image.new("L", (10, 10), grey).save(out, "PNG")
    return out.getvalue()


class Files:
    """Pictures of rising grey, one of them no picture, and which of them were read."""

    def __init__(self) -> None:
        self.read: set[int] = set()
        self.readers: list[Reader] = [(str(i), lambda i=i: self._bytes(i)) for i in range(N)]

    def _bytes(self, i: int) -> bytes:
        self.read.add(i)
        return b"none" if i == 3 else png(i)


@pytest.mark.parametrize("ahead", [False, True])
def test_all_come_in_order_and_what_is_wrong_is_named(ahead: bool) -> None:
    found = list(read_pictures(Files().readers, MODEL, ahead=ahead))
    assert len(found) == N
    assert isinstance(found[3], Problem)
    images, problems = sort_out(found)
    assert [problem.name for problem in problems] == ["3"]
    assert [image.name for image in images] == [str(i) for i in range(N) if i != 3]
    assert all(np.unique(image.image) == [int(image.name)] for image in images)
    assert {image.image.size for image in images} == {(16, 16)}


@pytest.mark.parametrize("ahead", [False, True])
def test_few_are_held_and_beside_a_network_on_the_processor_none_is_decoded(ahead: bool) -> None:
    files = Files()
    pictures = read_pictures(files.readers, MODEL, ahead=ahead)
    for _ in range(AT_ONCE):
        next(pictures)
    expected = AT_ONCE * (2 if ahead else 1)
    deadline = time.monotonic() + 20
    while len(files.read) < expected and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(0.1)
    assert files.read == set(range(expected))
    pictures.close()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("decode")]


def test_none_at_all() -> None:
    assert list(read_pictures([], MODEL)) == []


def test_a_share_that_leaves_nothing_is_refused() -> None:
    with pytest.raises(SettingsError, match="centre"):
        list(read_pictures(Files().readers, MODEL, centre=0.0))
