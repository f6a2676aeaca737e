"""Reading many pictures from files: in order, with problems named, a bounded number at a time."""

from __future__ import annotations

import io
import threading
import time

import numpy as np
import pytest
import torch
from PIL import Image

from fsl.base.errors import SettingsError
from fsl.config import ModelConfig
from fsl.data.intake.listing import Problem, list_files
from fsl.fewshot.embed import CACHE, embed_support
from fsl.fewshot.read_pictures import AT_ONCE, Reader, read_pictures, read_support, sort_out
from fsl.fewshot.support import SupportSet
from tests.helpers.networks import checkpoint

MODEL = ModelConfig(image_size=16)
N = 2 * AT_ONCE + 5


def png(grey: int) -> bytes:
    out = io.BytesIO()
    Image.new("L", (10, 10), grey).save(out, "PNG")
    return out.getvalue()


class Files:
    """Files of rising grey, one of which is not a picture; keeps track of the files that were read."""

    def __init__(self) -> None:
        self.read: set[int] = set()
        self.readers: list[Reader] = [(str(i), lambda i=i: self._bytes(i)) for i in range(N)]

    def _bytes(self, i: int) -> bytes:
        self.read.add(i)
        return b"none" if i == 3 else png(i)


@pytest.mark.parametrize("ahead", [False, True])
def test_pictures_come_in_order_and_problems_are_named(ahead: bool) -> None:
    found = list(read_pictures(Files().readers, MODEL, ahead=ahead))
    assert len(found) == N
    assert isinstance(found[3], Problem)
    images, problems = sort_out(found)
    assert [problem.name for problem in problems] == ["3"]
    assert [image.name for image in images] == [str(i) for i in range(N) if i != 3]
    assert all(np.unique(image.image) == [int(image.name)] for image in images)
    assert {image.image.size for image in images} == {(16, 16)}


@pytest.mark.parametrize("ahead", [False, True])
def test_few_pictures_are_held_and_decoded_ahead_only_if_requested(ahead: bool) -> None:
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


def test_no_files_give_no_pictures() -> None:
    assert list(read_pictures([], MODEL)) == []


def test_a_crop_that_leaves_nothing_is_refused() -> None:
    with pytest.raises(SettingsError, match="centre"):
        list(read_pictures(Files().readers, MODEL, centre=0.0))


def test_a_support_set_at_the_network_s_size_has_exactly_the_same_embeddings() -> None:
    """Tried with large and small pictures, in small and large classes; the problems are the same, too."""
    rng = np.random.default_rng(0)
    files = [("outside.png", png(3)), ("red/broken.png", b"none"), ("lost/1.png", b"")]
    for name, shots in (("red", 1), ("green", 5)):
        for i in range(shots):
            out = io.BytesIO()
            pixels = rng.integers(0, 256, (900 // (i + 1), 1300 // (i + 1), 3), np.uint8)
            Image.fromarray(pixels).save(out, "PNG")
            files.append((f"{name}/{i}.png", out.getvalue()))
    listing = list_files(files)
    made = checkpoint(image_size=32, head="cosine", support_views=3)
    large, problems = SupportSet.from_listing(listing)
    small, same_problems = read_support(listing, made.info.model)
    assert problems == same_problems
    names = sorted(problem.name for problem in problems)
    assert names == ["lost", "lost/1.png", "outside.png", "red/broken.png"]
    assert (large.class_names, large.slots) == (small.class_names, small.slots)
    assert [(i.name, i.digest) for i in large.images] == [(i.name, i.digest) for i in small.images]
    assert {image.image.size for image in small.images} == {(32, 32)}
    assert max(image.image.size for image in large.images) == (1024, 709)
    CACHE.clear()
    of_large = embed_support(made, large)
    CACHE.clear()
    assert torch.equal(of_large, embed_support(made, small))
