"""What several threads ask of a network at once: one pass at a time, shared, and everybody gets their own."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from torch import Tensor

from fsl.base.types import PixelArray
from fsl.twin import shared_passes
from fsl.twin.inference import batch_size, embed_images
from fsl.twin.network import TwinNetwork
from fsl.twin.shared_passes import SharedPasses
from tests.helpers.networks import checkpoint
from tests.helpers.waiting import until

Embed = Callable[[TwinNetwork, PixelArray], Tensor]


def pictures(n: int, twin: TwinNetwork, seed: int) -> PixelArray:
    size = twin.config.image_size
    return np.random.default_rng(seed).integers(0, 256, (n, size, size, 3), dtype=np.uint8)


def test_everybody_gets_their_own_embeddings_and_waits_for_few_passes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Twenty threads with one picture each, and one with more than a pass takes."""
    twin, lock = checkpoint().twin, threading.Lock()
    passes, sizes, at_once = SharedPasses(lock), list[int](), list[bool]()

    def counted(twin: TwinNetwork, images: PixelArray) -> Tensor:
        at_once.append(lock.acquire(blocking=False))  # a second pass, if the lock was not held
        sizes.append(len(images))
        return embed_images(twin, images)

    monkeypatch.setattr(shared_passes, "embed_images", counted)
    asked = [pictures(1, twin, seed) for seed in range(20)]
    asked.append(pictures(2 * batch_size(twin) + 3, twin, 99))
    with ThreadPoolExecutor(len(asked)) as pool:
        with lock:  # something else computes, meanwhile all of them come
            found = [pool.submit(passes.embed, twin, images) for images in asked]
            until(lambda: len(passes._waiting) == len(asked))
        for images, future in zip(asked, found, strict=True):
            torch.testing.assert_close(future.result(30), embed_images(twin, images), atol=1e-5, rtol=1e-4)
    assert not any(at_once)
    assert max(sizes) <= batch_size(twin)
    assert sum(sizes) == sum(map(len, asked))
    assert len(sizes) <= 6  # instead of 23
    assert passes.sizes == Counter(sizes)
    assert not passes._waiting


def test_an_error_reaches_everybody_who_asked_and_the_next_are_served(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    twin, lock = checkpoint().twin, threading.Lock()
    passes = SharedPasses(lock)
    with monkeypatch.context() as patch, ThreadPoolExecutor(3) as pool:

        def fails(twin: TwinNetwork, images: PixelArray) -> Tensor:
            raise MemoryError("no room")

        patch.setattr(shared_passes, "embed_images", fails)
        with lock:
            found = [pool.submit(passes.embed, twin, pictures(1, twin, seed)) for seed in range(3)]
            until(lambda: len(passes._waiting) == 3)
        for future in found:
            with pytest.raises(MemoryError, match="no room"):
                future.result(30)
    assert passes.embed(twin, pictures(2, twin, 0)).shape == (2, twin.embedding_dim)
    assert passes.embed(twin, pictures(0, twin, 0)).shape == (0, twin.embedding_dim)


def test_several_networks_do_not_share_a_pass() -> None:
    twins = [checkpoint().twin for _ in range(2)]
    lock = threading.Lock()
    passes = SharedPasses(lock)
    asked = [(twins[i % 2], pictures(1 + i % 3, twins[0], i)) for i in range(12)]
    with ThreadPoolExecutor(12) as pool:
        with lock:
            found = [pool.submit(passes.embed, *one) for one in asked]
            until(lambda: len(passes._waiting) == 12)
        for (twin, images), future in zip(asked, found, strict=True):
            torch.testing.assert_close(future.result(30), embed_images(twin, images), atol=1e-5, rtol=1e-4)
