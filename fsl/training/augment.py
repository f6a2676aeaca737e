"""Change a batch of images at random: vectorised, and repeatable for a seed on any device.

All random numbers, a few per image, are drawn on the CPU from one generator. Only the images are on the
training device.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F  # noqa: N812 - the name everybody knows
from torch import Generator, Tensor

from fsl.config import AugmentConfig

ALL = slice(None)
CHANNEL_ORDERS = torch.tensor([[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]])


@dataclass(frozen=True, eq=False)
class _Draws:
    """Random numbers for a share of a batch; drawn for the whole batch, so that shares stay independent.

    Attributes:
        generator: draws the numbers; on the CPU.
        n: number of images of the batch.
        share: the images to return numbers for.
    """

    generator: Generator
    n: int
    share: slice | Tensor

    def uniform(self, low: float, high: float, *shape: int) -> Tensor:
        """Return numbers between ``low`` and ``high``, float32 ``(n of the share, *shape)``."""
        return (torch.rand(self.n, *shape, generator=self.generator) * (high - low) + low)[self.share]

    def factors(self, largest: float) -> Tensor:
        """Return factors in [1 / largest, largest], as often above 1 as below."""
        return torch.exp(self.uniform(-1, 1) * math.log(largest))


def as_new_classes(
    images: Tensor, slots: Tensor, config: AugmentConfig, generator: Generator, share: slice = ALL
) -> Tensor:
    """Permute the colours or turn by right angles, in the same way for all images of a class.

    A red apple with red and blue exchanged counts as another fruit, and a letter on its side as another
    letter, so the network sees more classes than the data set has. Two images are of the same class exactly
    if they have the same slot, because a batch holds each class once.

    Args:
        images: float ``(n, 3, S, S)``.
        slots: int ``(B,)``, the class of each image within the batch, 0 or more.
        config: ``recolour`` and ``turn`` are used.
        generator: draws the changes; on the CPU.
        share: which of the batch's images these are; by default all.

    Returns:
        float ``(n, 3, S, S)``.
    """
    n_slots = int(slots.max()) + 1
    slots = slots[share]
    if config.recolour:
        order = torch.randint(6, (n_slots,), generator=generator)
        order[torch.rand(n_slots, generator=generator) >= config.recolour] = 0
        channels = CHANNEL_ORDERS[order][slots].to(images.device)
        images = images.gather(1, channels[:, :, None, None].expand_as(images))
    if config.turn:
        quarter_turns = torch.randint(1, 4, (n_slots,), generator=generator)
        quarter_turns[torch.rand(n_slots, generator=generator) >= config.turn] = 0
        images = images.clone()
        for turns in (1, 2, 3):
            turned = quarter_turns[slots] == turns
            images[turned] = images[turned].rot90(turns, dims=(2, 3))
    return images


def augment(
    images: Tensor, config: AugmentConfig, generator: Generator, n: int = 0, share: slice | Tensor = ALL
) -> Tensor:
    """Rotate, zoom, shift, stretch and mirror images, change light and colours, and cover a square.

    Args:
        images: float ``(B, 3, S, S)`` in [0, 1].
        config: strength of each change.
        generator: draws the changes; on the CPU.
        n: number of images of the whole batch; 0 if these are all of them.
        share: which of the batch's images these are; by default all.

    Returns:
        float ``(B, 3, S, S)`` in [0, 1]; areas from outside the image have the value ``config.background``.
    """
    draws = _Draws(generator, n or len(images), share)
    images = _move(images, config, draws)
    images = _colour(images, config, draws)
    return _erase(images, config, draws) if config.erase else images


def _move(images: Tensor, config: AugmentConfig, draws: _Draws) -> Tensor:
    angle = draws.uniform(-1, 1) * math.radians(config.rotate)
    zoom = draws.factors(config.zoom)
    stretch = draws.factors(config.stretch)
    flip = torch.where(draws.uniform(0, 1) < 0.5 * config.mirror, -1.0, 1.0)
    shift_x, shift_y = (draws.uniform(-2, 2) * config.shift for _ in range(2))
    if config.rotate == config.shift == 0 and config.zoom == config.stretch == 1 and not config.mirror:
        return images
    cos, sin = torch.cos(angle), torch.sin(angle)
    matrix = torch.stack(
        [
            torch.stack([cos * zoom * stretch * flip, -sin * zoom / stretch, shift_x], dim=1),
            torch.stack([sin * zoom * stretch * flip, cos * zoom / stretch, shift_y], dim=1),
        ],
        dim=1,
    ).to(images.device)  # (B, 2, 3)
    grid = F.affine_grid(matrix, list(images.shape), align_corners=False)
    # grid_sample pads with 0, so sample the difference from the background.
    moved = F.grid_sample(images - config.background, grid, align_corners=False)
    return moved + config.background


def _colour(images: Tensor, config: AugmentConfig, draws: _Draws) -> Tensor:
    light = 1 + draws.uniform(-1, 1) * config.brightness
    contrast = 1 + draws.uniform(-1, 1) * config.contrast
    tint = 1 + draws.uniform(-1, 1, 3) * config.tint
    if config.brightness == config.contrast == config.tint == 0:
        return images
    gain = (light[:, None] * tint)[:, :, None, None].to(images.device)
    images = images * gain
    mean = images.mean(dim=(1, 2, 3), keepdim=True)
    return ((images - mean) * contrast.view(-1, 1, 1, 1).to(images.device) + mean).clamp(0, 1)


def _erase(images: Tensor, config: AugmentConfig, draws: _Draws) -> Tensor:
    side = images.shape[-1]
    half = draws.uniform(0, config.erase / 2) * side
    centre_x, centre_y = (draws.uniform(0, side) for _ in range(2))
    position = torch.arange(side) + 0.5
    in_x = (position[None] - centre_x[:, None]).abs() < half[:, None]  # (B, S)
    in_y = (position[None] - centre_y[:, None]).abs() < half[:, None]
    square = (in_y[:, None, :, None] & in_x[:, None, None, :]).to(images.device)
    return torch.where(square, config.background, images)
