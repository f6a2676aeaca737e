"""Many pictures embedded in chunks."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from fsl.ui.shared import embed_set as module
from fsl.ui.shared.embed_set import embed_set
from tests.helpers.networks import checkpoint


def test_each_picture_has_its_own_embedding_whatever_the_size_of_a_chunk(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    twin = checkpoint()
    side = twin.info.model.image_size
    images = np.random.default_rng(0).integers(0, 256, (18, side, side, 3), dtype=np.uint8)
    at_once = embed_set(twin, images, lambda done, total: None)
    monkeypatch.setattr(module, "CHUNK", 4)
    told = list[tuple[int, int]]()
    in_chunks = embed_set(twin, images, lambda done, total: told.append((done, total)))
    assert at_once.shape[1] == 18
    assert torch.allclose(in_chunks, at_once, atol=1e-5)
    assert told == [(4, 18), (8, 18), (12, 18), (16, 18), (18, 18)]
