"""Many pictures embedded in chunks, by two runs of a page that overlap, too."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from fsl.ui.shared import embed_set as module
from fsl.ui.shared.embed_set import embed_set
from tests.helpers.networks import checkpoint


def test_two_runs_that_fill_the_same_parts_give_each_picture_its_own_embedding(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Until the run that a click broke off notices it, a second one works on the same parts."""
    monkeypatch.setattr(module, "CHUNK", 4)
    twin = checkpoint()
    side = twin.info.model.image_size
    images = np.random.default_rng(0).integers(0, 256, (18, side, side, 3), dtype=np.uint8)
    alone = embed_set(twin, images, lambda done, total: None)
    parts: dict[int, torch.Tensor] = {}
    second: list[torch.Tensor] = []

    def begin_another(done: int, total: int) -> None:
        if not second:
            second.append(torch.empty(0))
            second.append(embed_set(twin, images, lambda done, total: None, parts))

    first = embed_set(twin, images, begin_another, parts)
    assert torch.equal(first, alone)
    assert torch.equal(second[1], alone)
    assert alone.shape[1] == 18
