"""Worker processes that decode pictures: the same pictures, refusals in words, replaced when they die."""

from __future__ import annotations

import io
import os
import signal
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext

import numpy as np
import pytest
from PIL import Image

from fsl.base.errors import ImageReadError
from fsl.data.images import workers
from fsl.data.images.bounds import DEFAULT_LIMITS, PictureRefused
from fsl.data.images.decode import decode_here, decode_image
from tests.hostile.costly import bitmap

pytestmark = pytest.mark.skipif(not workers.ARE_AVAILABLE, reason="this system has no limits for a process")


def stored(image_format: str, seed: int = 0, **options: object) -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 256, (60, 50, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, image_format, **options)
    return buffer.getvalue()


@pytest.mark.parametrize("image_format", ["JPEG", "PNG", "GIF", "BMP", "WEBP", "TIFF", "PPM", "AVIF", "HEIF"])
def test_a_worker_gives_what_this_process_gives(image_format: str) -> None:
    data = stored(image_format)
    there = workers.decode_in_worker(data, DEFAULT_LIMITS, nullcontext)
    here = decode_here(data, DEFAULT_LIMITS, nullcontext)
    assert (there.mode, there.size) == ("RGB", (50, 60))
    assert there.tobytes() == here.tobytes()


def test_a_refusal_comes_in_the_same_words_and_the_worker_stays() -> None:
    data = stored("TIFF")[:-2000]
    with pytest.raises(PictureRefused) as here:
        decode_here(data, DEFAULT_LIMITS, nullcontext)
    with pytest.raises(PictureRefused) as there:
        workers.decode_in_worker(data, DEFAULT_LIMITS, nullcontext)
    assert str(here.value) == str(there.value)
    assert workers.decode_in_worker(stored("GIF"), DEFAULT_LIMITS, nullcontext).size == (50, 60)


def test_a_picture_that_takes_too_long_is_refused_and_the_others_are_read() -> None:
    """Nine million commands for nine million pixels: any structure check lets it through."""
    slow = bitmap(3_000, b"\1\5" * 9_000_000)
    with ThreadPoolExecutor(4) as pool:
        good = [pool.submit(decode_image, stored("TIFF", seed), f"{seed}.tif") for seed in range(12)]
        bad = pool.submit(decode_image, slow, "slow.bmp")
        assert [future.result().size for future in good] == [(50, 60)] * 12
        with pytest.raises(ImageReadError, match=r"slow\.bmp: it takes too long to decode"):
            bad.result()
    assert decode_image(stored("TIFF"), "x").size == (50, 60)


def test_a_worker_that_somebody_kills_is_replaced() -> None:
    decode_image(stored("TIFF"), "x")
    idle = workers._workers._idle
    assert idle
    for worker in tuple(idle):
        os.kill(worker._process.pid, signal.SIGKILL)
        worker._process.wait()
    assert decode_image(stored("TIFF"), "x").size == (50, 60)


def test_a_large_picture_waits_for_its_turn() -> None:
    buffer = io.BytesIO()
    Image.new("L", (9_000, 6_000)).save(buffer, "TIFF", compression="tiff_lzw")
    turns = []

    def turn() -> nullcontext[None]:
        turns.append(1)
        return nullcontext()

    assert workers.decode_in_worker(buffer.getvalue(), DEFAULT_LIMITS, turn).size == (1024, 683)
    assert workers.decode_in_worker(stored("TIFF"), DEFAULT_LIMITS, turn).size == (50, 60)
    assert turns == [1]


def test_a_forked_process_has_workers_of_its_own() -> None:
    decode_image(stored("TIFF"), "x")
    child = os.fork()
    if child == 0:
        status = 1
        try:
            status = 0 if not workers._workers._idle and decode_image(stored("TIFF"), "x").size else 1
        finally:
            workers._workers.close()
            os._exit(status)
    assert os.waitpid(child, 0)[1] == 0
    assert decode_image(stored("TIFF"), "x").size == (50, 60)
