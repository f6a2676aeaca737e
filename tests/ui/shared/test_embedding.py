"""Pictures are embedded a batch at a time, and reported when they are done."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
import torch

from fsl.fewshot.embed import CACHE
from fsl.twin.inference import batch_size
from fsl.ui.shared import embedding as module
from fsl.ui.shared.embedding import embed_new, embed_set
from fsl.ui.shared.pictures import StoredPicture
from tests.helpers.networks import checkpoint
from tests.helpers.pictures import picture


def test_what_is_reported_as_done_is_done_and_nothing_is_done_twice() -> None:
    CACHE.clear()
    made = checkpoint()
    step = batch_size(made.twin)
    n = step + 5
    pictures = [StoredPicture.from_bytes(picture((i, 3 * i % 256, 7), 8), f"{i}.png") for i in range(n)]
    told: list[int] = []

    def progress(done: Sequence[StoredPicture], total: int) -> None:
        assert total == n
        assert all(CACHE.get((made.digest, p.digest)) is not None for p in done)
        told.append(len(done))

    embed_new(made, pictures, progress)
    assert told == [0, step, n]
    embed_new(made, pictures, progress)
    assert told == [0, step, n]


def test_each_picture_has_its_own_embedding_whatever_the_size_of_a_chunk(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    twin = checkpoint()
    side = twin.info.model.image_size
    images = np.random.default_rng(0).integers(0, 256, (18, side, side, 3), dtype=np.uint8)
    at_once = embed_set(twin, images, lambda done, total: None)
    monkeypatch.setattr(module, "_CHUNK", 4)
    told = list[tuple[int, int]]()
    in_chunks = embed_set(twin, images, lambda done, total: told.append((done, total)))
    assert at_once.shape[1] == 18
    assert torch.allclose(in_chunks, at_once, atol=1e-5)
    assert told == [(4, 18), (8, 18), (12, 18), (16, 18), (18, 18)]
