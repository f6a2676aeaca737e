"""Find the most similar images, by the twin's similarity."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from fsl.base.errors import SettingsError
from fsl.twin.inference import pair_logits
from fsl.twin.network import TwinNetwork, similarity


@dataclass(frozen=True)
class Neighbour:
    """One neighbour of an image.

    Attributes:
        row: its position among the embeddings.
        similarity: to the image, in [0, 1].
    """

    row: int
    similarity: float


def nearest(
    twin: TwinNetwork, embeddings: Tensor, row: int, k: int, among: Sequence[int] | None = None
) -> tuple[Neighbour, ...]:
    """Return the k images most similar to one image, most similar first; ties by position.

    Args:
        twin: the network whose head compares.
        embeddings: float32 ``(n, D)``.
        row: of the image; it is never its own neighbour.
        k: number of neighbours; fewer if there are not enough images.
        among: rows that may be neighbours; by default all.

    Raises:
        SettingsError: there is no such row.
    """
    if not 0 <= row < len(embeddings):
        raise SettingsError(f"There is no image {row}; there are {len(embeddings)}.")
    rows = range(len(embeddings)) if among is None else among
    compared = embeddings if among is None else embeddings[list(among)]
    # By logits, because similarities near 1 are equal in single precision.
    logits = pair_logits(twin, embeddings[row : row + 1], compared)[0]
    values = similarity(logits)
    order = [i for i in torch.argsort(logits, stable=True)[: k + 1].tolist() if rows[i] != row][:k]
    return tuple(Neighbour(rows[i], float(values[i])) for i in order)
