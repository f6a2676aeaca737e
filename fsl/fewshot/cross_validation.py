"""Which images of a support set are hidden together, to test how well the others recognise them."""

from __future__ import annotations

import torch
from torch import Tensor

# Beyond this many images, a fifth at a time: the figures are steady enough, and one test per image is slow.
_ONE_BY_ONE_UP_TO = 60
N_PARTS = 5


def parts_to_hide(slots: Tensor) -> list[Tensor]:
    """Return the rows of each part; the only image of a class is in none, so every class can be answered.

    Args:
        slots: int64 ``(n,)``, the class of each image, from 0.

    Returns:
        each image alone if there are at most 60; of more, up to five parts with a fifth of each class.
    """
    can_hide = torch.bincount(slots)[slots] > 1
    if len(slots) <= _ONE_BY_ONE_UP_TO:
        return list(torch.nonzero(can_hide))
    place = place_in_class(slots)
    parts = [torch.nonzero((place % N_PARTS == part) & can_hide).flatten() for part in range(N_PARTS)]
    return [part for part in parts if len(part)]


def place_in_class(slots: Tensor) -> Tensor:
    """Return how many images of its class come before each image, int64 ``(n,)``; any classes, int64."""
    in_classes, order = torch.sort(slots, stable=True)
    place = torch.empty_like(slots)
    place[order] = torch.arange(len(slots)) - torch.searchsorted(in_classes, in_classes)
    return place
