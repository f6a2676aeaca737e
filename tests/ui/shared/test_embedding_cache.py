"""Pictures are looked at a batch at a time, and reported when they are done."""

from __future__ import annotations

from collections.abc import Sequence

from fsl.fewshot.embed import CACHE
from fsl.twin.inference import batch_size
from fsl.ui.shared.embedding_cache import embed_new
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
