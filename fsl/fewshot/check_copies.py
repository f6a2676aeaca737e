"""Find copies among pictures: of the same content, and resized, re-compressed or slightly cropped ones.

A near copy must survive a comparison in detail. The two pictures of a candidate pair are laid on top of each
other (a scale and a shift along each side, found by Gauss-Newton steps; Lucas and Kanade, 1981). Then only
what is finer than a few pixels is compared: two photos of one shelf agree in their coarse shapes alone.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from itertools import product

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - the name everybody knows
from PIL import Image
from torch import Tensor

from fsl.base.lru import LruCache
from fsl.base.types import Float32Array, PixelArray
from fsl.fewshot.pictures import Picture
from fsl.twin.nearest import NearestRows, nearest_rows

SIDE = 64
"""Side of the grey miniature by which pictures are compared."""
_COARSE, _MIDDLE = 16, 32
_CANDIDATES = 6  # most similar pictures that are looked at closely, by their shapes and by the network
_AT_ONCE = 256  # pairs; about 50 MB
# Limits of the agreement in detail; `python -m bench check` measures what they let through.
_COARSE_LIMIT = 0.8
# A small picture has lost the finest detail, so it is compared at a smaller size: below this shorter side in
# pixels, the size of the comparison and the least agreement of a copy.
_DETAIL = ((24, 16, 0.82), (32, 16, 0.9), (64, 32, 0.82), (math.inf, SIDE, 0.85))
# A copy of the same size was compressed again, but kept its detail.
_DETAIL_AT_SAME_SIZE = ((96, 32, 0.94), (math.inf, SIDE, 0.94))
_BEST_WITHIN = 1.5
# How far the edge of a cropped copy may lie outside of the original, as a share of the side: nothing but the
# error of the alignment. In another photo of the same thing something new comes in at an edge.
_OUTSIDE = 0.02
_LARGEST_CROP = 0.25  # of a side
_LISTED_OF_GROUPS = 100  # near copies of pictures that exist several times: all pairs up to this number
_BLANK_LEVELS = 16
ALWAYS = nullcontext()
"""The turn of a caller that need not wait for others."""
_GREY_LEVELS = 2.0  # of the tint; a picture with less has no colours
_TINT_LEVELS = 6.0
_CACHE_BYTES = 64 * 2**20


@dataclass(frozen=True, eq=False)
class Look:
    """What the check remembers of a picture.

    Attributes:
        width: in pixels, as decoded.
        height: in pixels.
        content: sha256 of the pixels.
        grey: uint8 ``(64, 64)``, the whole picture in miniature, stretched to a square.
        tint: float32 ``(8, 8, 3)``, how far the colours are from grey, in levels from -255 to 255.
        is_blank: whether it shows one colour only.
    """

    width: int
    height: int
    content: str
    grey: PixelArray
    tint: Float32Array
    is_blank: bool

    @property
    def shorter_side(self) -> int:
        """The shorter side in pixels."""
        return min(self.width, self.height)


def look_at(image: Image.Image) -> Look:
    """Return what the check needs to know of an RGB picture."""
    digest = hashlib.sha256(f"{image.size}".encode())
    digest.update(image.tobytes())
    small = image.resize((SIDE, SIDE), Image.Resampling.BILINEAR)
    # Halved, so that noise does not count, but a thin line does.
    halved = np.asarray(small.reduce(2), np.int16).reshape(-1, 3)
    colours = np.asarray(small.reduce(SIDE // 8), np.float32)
    return Look(
        image.width,
        image.height,
        digest.hexdigest(),
        np.asarray(small.convert("L")),
        colours - colours.mean(2, keepdims=True),
        bool((halved.max(0) - halved.min(0)).max() < _BLANK_LEVELS),
    )


LOOKS: LruCache[str, Look] = LruCache(
    most_bytes=_CACHE_BYTES, size=lambda look: look.grey.nbytes + look.tint.nbytes + 512
)
"""Looks by the digests of pictures, so that pictures on a page are decoded once."""


def look_of(picture: Picture) -> Look:
    """Return the look of a picture, from the cache where possible.

    Raises:
        ImageReadError: it cannot be decoded.
    """
    found = LOOKS.get(picture.digest)
    if found is None:
        found = look_at(picture.image)
        LOOKS.put(picture.digest, found)
    return found


def near_copies(
    looks: Sequence[Look],
    embeddings: Tensor,
    turn: AbstractContextManager[object] = ALWAYS,
    nearest: NearestRows = nearest_rows,
) -> list[tuple[int, int]]:
    """Return the pairs of rows that show the same picture in another size, quality or crop.

    Args:
        looks: of n pictures.
        embeddings: float32 ``(n, D)``; they propose candidates that the miniatures alone would miss.
        turn: entered for each part of the work, which takes a second or less, such as a lock.
        nearest: finds candidates; it may miss some.

    Returns:
        pairs ``(i, j)`` with i < j of different content, in order. Blank pictures are no copies.
    """
    first_of: dict[str, list[int]] = {}
    for row, look in enumerate(looks):
        if not look.is_blank:
            first_of.setdefault(look.content, []).append(row)
    groups = list(first_of.values())
    rows = [members[0] for members in groups]
    if len(rows) < 2:
        return []
    grey = torch.from_numpy(np.stack([looks[row].grey for row in rows])).float()
    tints = torch.from_numpy(np.stack([looks[row].tint for row in rows])).flatten(1)
    with turn:
        pairs = _candidates(grey, embeddings[rows], nearest)
        pairs = pairs[_same_tint(tints, pairs)]
    if not len(pairs):
        return []
    shorter = torch.tensor([looks[row].shorter_side for row in rows])
    sizes = torch.tensor([[looks[row].width, looks[row].height] for row in rows])
    parts = []
    for some in torch.split(pairs, _AT_ONCE):
        with turn:
            parts.append(_compared(grey, shorter, sizes, some))
    agreement, limit = (torch.cat(values) for values in zip(*parts, strict=True))
    is_copy = (agreement > limit) & _is_best_of_one(pairs, agreement, len(rows))
    found: list[tuple[int, int]] = []
    for a, b in pairs[is_copy].tolist():
        both = list(product(groups[a], groups[b]))
        found += both if len(both) <= _LISTED_OF_GROUPS else both[:1]
    return sorted((min(pair), max(pair)) for pair in found)


def _candidates(grey: Tensor, embeddings: Tensor, nearest: NearestRows) -> Tensor:
    """Return int64 ``(p, 2)``, pairs of pictures that are among the most similar of one of the two."""
    shapes = _standard(_shrunk(grey, _COARSE)).flatten(1)
    n = len(grey)
    k = min(_CANDIDATES, n - 1)
    own = torch.arange(n).repeat_interleave(k)
    pairs = [
        torch.stack([own, nearest(F.normalize(vectors, dim=1), k).flatten()], dim=1)
        for vectors in (shapes, embeddings)
    ]
    unique: Tensor = torch.unique(torch.cat(pairs).sort(dim=1).values, dim=0)
    return unique[unique[:, 0] < unique[:, 1]]


def _same_tint(tints: Tensor, pairs: Tensor) -> Tensor:
    """Return bool ``(p,)``: whether two pictures have the same colours, or one has none.

    Drawings of one shape in red and in green are two things; a grey copy of a photo is a copy.
    """
    strength = tints.abs().mean(1)
    first, second = strength[pairs[:, 0]], strength[pairs[:, 1]]
    apart = (tints[pairs[:, 0]] - tints[pairs[:, 1]]).abs().mean(1)
    return (apart < _TINT_LEVELS + (first + second) / 4) | (torch.minimum(first, second) < _GREY_LEVELS)


def _compared(grey: Tensor, shorter: Tensor, sizes: Tensor, pairs: Tensor) -> tuple[Tensor, Tensor]:
    """Compare pairs in detail.

    Args:
        grey: float ``(n, 64, 64)``.
        shorter: int64 ``(n,)``, shorter sides of the pictures.
        sizes: int64 ``(n, 2)``.
        pairs: int64 ``(p, 2)``, rows.

    Returns:
        float ``(p,)``, their agreement, -1 if one cannot be a crop of the other; and the limit ``(p,)`` from
        which on they show the same picture.
    """
    agreement = torch.full((len(pairs),), -1.0)
    least = shorter[pairs].amin(1)
    is_same_size = (sizes[pairs[:, 0]] == sizes[pairs[:, 1]]).all(1)
    side, limit = torch.zeros_like(least), torch.ones(len(pairs))
    for tiers, applies in ((_DETAIL, ~is_same_size), (_DETAIL_AT_SAME_SIZE, is_same_size)):
        for below, compared_at, wanted in reversed(tiers):
            chosen = applies & (least < below)
            side[chosen], limit[chosen] = compared_at, wanted
    a, b = grey[pairs[:, 0]], grey[pairs[:, 1]]
    place = _aligned(a, b, _COARSE, steps=8)
    left = torch.nonzero(_agreement(a, b, place, _COARSE) > _COARSE_LIMIT).flatten()
    if len(left):
        a, b, place = a[left], b[left], place[left]
        place = _aligned(a, b, _MIDDLE, steps=5, start=place)
        place = _aligned(a, b, SIDE, steps=2, start=place)
        found = torch.full((len(left),), -1.0)
        for size in sorted(set(side[left].tolist())):
            some = (side[left] == size) & _is_crop(place)
            found[some] = _agreement(a[some], b[some], place[some], size, fine=True)
        agreement[left] = found
    return agreement, limit


def _is_best_of_one(pairs: Tensor, agreement: Tensor, n: int) -> Tensor:
    """Return bool ``(p,)``: whether no other pair of one of the two pictures agrees clearly better.

    A copy agrees best with its original. The frames of a film agree with many.
    """
    rest = 1 - agreement
    least = torch.full((n,), 2.0)
    for side in (0, 1):
        least = least.scatter_reduce(0, pairs[:, side], rest, reduce="amin")
    return rest <= _BEST_WITHIN * least[pairs].amax(1) + 1e-3


def _is_crop(place: Tensor) -> Tensor:
    """Return bool ``(p,)``: whether one picture lies inside the other."""
    scale, shift = 1 + place[:, :2], place[:, 2:].abs()
    # In coordinates from -1 to 1, b covers shift - scale to shift + scale of a.
    inside = (scale + shift <= 1 + 2 * _OUTSIDE).all(1)
    around = (scale - shift >= 1 - 2 * _OUTSIDE).all(1)
    return inside | around


def _shrunk(images: Tensor, side: int) -> Tensor:
    if images.shape[-1] == side:
        return images
    return F.interpolate(images[:, None], (side, side), mode="area")[:, 0]


def _standard(images: Tensor) -> Tensor:
    centred = images - images.mean((1, 2), keepdim=True)
    return centred / (centred.square().mean((1, 2), keepdim=True).sqrt() + 1e-3)


def _grid(side: int) -> tuple[Tensor, Tensor]:
    """Return x ``(1, 1, side)`` and y ``(1, side, 1)`` of the pixels' middles, -1 to 1."""
    along = (torch.arange(side) + 0.5) / side * 2 - 1
    return along.view(1, 1, -1), along.view(1, -1, 1)


def _seen_through(images: Tensor, place: Tensor, side: int) -> tuple[Tensor, Tensor]:
    """Return images ``(p, C, S, S)`` scaled and shifted to ``(p, C, side, side)``, and what lies inside."""
    x, y = _grid(side)
    u = (x * (1 + place[:, 0, None, None]) + place[:, 2, None, None]).expand(-1, side, -1)
    v = (y * (1 + place[:, 1, None, None]) + place[:, 3, None, None]).expand(-1, -1, side)
    seen = F.grid_sample(images, torch.stack([u, v], -1), padding_mode="border", align_corners=False)
    return seen, ((u.abs() <= 1) & (v.abs() <= 1)).float()


def _aligned(a: Tensor, b: Tensor, side: int, steps: int, start: Tensor | None = None) -> Tensor:
    """Find where in ``a`` each ``b`` lies, by Gauss-Newton steps on their grey values.

    Args:
        a: float ``(p, 64, 64)``.
        b: float ``(p, 64, 64)``.
        side: compare at this size.
        start: the places to start from; by default b covers all of a.

    Returns:
        float ``(p, 4)``: x and y scale minus 1, x and y shift; pixel (x, y) of b is pixel
        (scale x + shift, ...) of a, both from -1 to 1. Brightness and contrast may differ.
    """
    first, second = (_smooth(_shrunk(image, side), 0.7) for image in (a, b))
    slope_x = F.pad((first[:, :, 2:] - first[:, :, :-2]) * (side / 4), (1, 1))
    slope_y = F.pad((first[:, 2:] - first[:, :-2]) * (side / 4), (0, 0, 1, 1))
    layers = torch.stack([first, slope_x, slope_y], 1)
    x, y = _grid(side)
    place = torch.zeros(len(a), 4) if start is None else start
    for _ in range(steps):
        seen, inside = _seen_through(layers, place, side)
        value, along_x, along_y = seen.unbind(1)
        columns = [along_x * x, along_y * y, along_x, along_y, value, torch.ones_like(value)]
        system = (torch.stack(columns, -1) * inside[..., None]).flatten(1, 2)
        normal = system.mT @ system
        ridge = 1e-4 * normal.diagonal(dim1=1, dim2=2).mean(1)[:, None, None] * torch.eye(6)
        wanted = system.mT @ (second * inside).flatten(1)[..., None]
        solution = torch.linalg.solve(normal + ridge + 1e-6 * torch.eye(6), wanted)[..., 0]
        step = solution[:, :4] / solution[:, 4:5].clamp(min=0.2)  # the fifth is the contrast
        place = (place + step.clamp(-0.1, 0.1)).clamp(-_LARGEST_CROP, _LARGEST_CROP)
    return place


def _agreement(a: Tensor, b: Tensor, place: Tensor, side: int, fine: bool = False) -> Tensor:
    """Return the correlation ``(p,)`` of each ``b`` with its place in ``a``, -1 to 1.

    Args:
        a, b: float ``(p, 64, 64)``.
        place: from ``_aligned``.
        side: compare at this size.
        fine: compare only what is finer than about two pixels of that size.
    """
    seen, inside = _seen_through(_shrunk(a, side)[:, None], place, side)
    first, second = seen[:, 0], _shrunk(b, side)
    if fine:
        first, second = first - _smooth(first, 2.0), second - _smooth(second, 2.0)
    n = inside.sum((1, 2)).clamp(min=1)
    parts = [image - ((image * inside).sum((1, 2)) / n)[:, None, None] for image in (first, second)]
    first, second = (part * inside for part in parts)
    norm = (first.square().sum((1, 2)) * second.square().sum((1, 2))).sqrt()
    return (first * second).sum((1, 2)) / (norm + 1e-3)


def _smooth(images: Tensor, sigma: float) -> Tensor:
    """Blur ``(p, S, S)`` by a Gaussian of that many pixels."""
    reach = int(3 * sigma + 0.5)
    kernel = torch.exp(-(torch.arange(-reach, reach + 1).float() ** 2) / (2 * sigma**2))
    kernel /= kernel.sum()
    padded = F.pad(images[:, None], (reach, reach, reach, reach), mode="reflect")
    return F.conv2d(F.conv2d(padded, kernel.view(1, 1, 1, -1)), kernel.view(1, 1, -1, 1))[:, 0]
