"""The most similar images, by the twin's own judgement."""

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
    """Another image.

    Attributes:
        row: its position among the embeddings.
        similarity: to the image asked about, in [0, 1].
    """

    row: int
    similarity: float


def nearest(
    twin: TwinNetwork, embeddings: Tensor, row: int, k: int, among: Sequence[int] | None = None
) -> tuple[Neighbour, ...]:
    """The k images most similar to one of them, the most similar first; ties by position.

    Args:
        twin: whose head judges.
        embeddings: float32 ``(n, D)``.
        row: the image asked about; it is never its own neighbour.
        k: neighbours; all where there are fewer.
        among: rows that may be neighbours; by default all.

    Raises:
        SettingsError: there is no such row.
    """
    if not 0 <= row < len(embeddings):
        raise SettingsError(f"There is no image {row}; there are {len(embeddings)}.")
    rows = [other for other in (range(len(embeddings)) if among is None else among) if other != row]
    # By the logits: similarities of single precision are all 1 near 1.
    logits = pair_logits(twin, embeddings[row : row + 1], embeddings[rows])[0]
    values = similarity(logits)
    order = torch.argsort(logits, stable=True)[:k].tolist()
    return tuple(Neighbour(rows[i], float(values[i])) for i in order)
