"""Explain a similarity: which regions of both images it depends on.

Maps show contributions to the similarity's logit: positive if a region makes the pair more similar, negative
if it makes the pair less similar.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - the name everybody knows
from PIL import Image
from torch import Tensor

from fsl.base.types import Float32Array, PixelArray
from fsl.twin.inference import batch_size, device_of
from fsl.twin.network import TwinNetwork
from fsl.twin.preprocess import normalise, to_uint8, to_unit

ExplanationMethod = Literal["each", "both", "gradient"]

_PATCH = 0.22
_GRADIENT_STEPS = 8


@dataclass(frozen=True, eq=False)
class Explanation:
    """Maps of a pair of images.

    Attributes:
        left: float32 ``(S, S)``, contributions of the left image's regions to the similarity's logit.
        right: float32 ``(S, S)``, of the right one's.
        left_pixels: uint8 ``(S, S, 3)``, the network's input.
        right_pixels: uint8 ``(S, S, 3)``.
    """

    left: Float32Array
    right: Float32Array
    left_pixels: PixelArray
    right_pixels: PixelArray


def explain(
    twin: TwinNetwork,
    left: Image.Image,
    right: Image.Image,
    method: ExplanationMethod = "each",
    n_places: int = 10,
) -> Explanation:
    """Explain the similarity of two images.

    Args:
        twin: in ``eval`` mode.
        left: RGB, any size.
        right: RGB, any size.
        method: "each" hides a place in one image at a time; "both" hides the same place in both, for aligned
            pictures; "gradient" needs a few passes instead of hundreds, and is rougher.
        n_places: number of places to hide along a side.
    """
    pixels = to_uint8([left, right], twin.config)
    unit = to_unit(pixels, device_of(twin))
    if method == "gradient":
        maps = gradient_maps(twin, unit)
    else:
        maps = occlusion_maps(twin, unit, n_places, together=method == "both")
    found = maps.cpu().numpy().astype(np.float32)
    return Explanation(found[0], found[1], pixels[0], pixels[1])


@torch.inference_mode()
def occlusion_maps(twin: TwinNetwork, pair: Tensor, n_places: int, together: bool) -> Tensor:
    """Measure how the similarity changes when a place is hidden by the blurred image.

    A grey patch would itself be something new to see. Source: Zeiler and Fergus, "Visualizing and
    Understanding Convolutional Networks", 2014.

    Args:
        twin: the network.
        pair: float ``(2, 3, S, S)`` in [0, 1].
        n_places: places along a side.
        together: hide the same place in both images; both maps are then the same.

    Returns:
        float ``(2, S, S)``: at each pixel, the mean loss of similarity (as a logit) over the places that hide
        it.
    """
    masks = hiding_masks(pair.shape[-1], n_places).to(pair.device)
    blurred = blur(pair)
    whole = twin.embed(normalise(pair, twin.config))
    hidden = [
        torch.cat(
            [
                twin.embed(normalise(image + mask[:, None] * (smooth - image), twin.config))
                for mask in torch.split(masks, batch_size(twin))
            ]
        )
        for image, smooth in zip(pair, blurred, strict=True)
    ]
    logit = twin.head(whole[0], whole[1])
    if together:
        change = twin.head(hidden[0], hidden[1]) - logit
        changes = torch.stack([change, change])
    else:
        changes = torch.stack(
            [twin.head(hidden[0], whole[1]) - logit, twin.head(whole[0], hidden[1]) - logit]
        )
    return torch.einsum("ip,pyx->iyx", changes, masks) / masks.sum(0)


def gradient_maps(twin: TwinNetwork, pair: Tensor) -> Tensor:
    """Return integrated gradients of the similarity's logit from the blurred pair to the pair.

    Source: Sundararajan, Taly and Yan, "Axiomatic Attribution for Deep Networks", 2017. The result is
    smoothed, because single pixels say little.

    Args:
        twin: the network.
        pair: float ``(2, 3, S, S)`` in [0, 1].

    Returns:
        float ``(2, S, S)``.
    """
    blurred = blur(pair)
    total = torch.zeros_like(pair)
    for step in range(_GRADIENT_STEPS):
        along = blurred + (step + 0.5) / _GRADIENT_STEPS * (pair - blurred)
        with torch.enable_grad():
            along = along.detach().requires_grad_(True)
            embedded = twin.embed(normalise(along, twin.config))
            similarity = -twin.head(embedded[0], embedded[1])
            total += torch.autograd.grad(similarity, along)[0]
    contributions = (total / _GRADIENT_STEPS * (pair - blurred)).sum(1)
    return _mean_filter(contributions[:, None], _patch_side(pair.shape[-1]))[:, 0]


def hiding_masks(side: int, n_places: int) -> Tensor:
    """Return masks that cover every pixel: 1 inside a square patch, else 0.

    Args:
        side: S.
        n_places: places along a side, 2 or more, evenly from edge to edge.

    Returns:
        float ``(n_places ** 2, side, side)``.
    """
    centres = torch.linspace(0, side - 1, n_places)
    reach = max(_patch_side(side), (side - 1) / max(1, n_places - 1)) / 2
    along = ((torch.arange(side)[None] - centres[:, None]).abs() <= reach).float()
    return (along[:, None, :, None] * along[None, :, None, :]).flatten(0, 1)


def blur(images: Tensor) -> Tensor:
    """Blur ``(B, C, S, S)`` by means over squares about half as wide as the image."""
    return _mean_filter(images, images.shape[-1] // 2)


def _patch_side(side: int) -> int:
    return max(2, round(_PATCH * side))


def _mean_filter(images: Tensor, width: int) -> Tensor:
    reach = max(1, width // 2)
    return F.avg_pool2d(images, 2 * reach + 1, stride=1, padding=reach, count_include_pad=False)


def peak(contributions: Float32Array) -> tuple[float, float]:
    """Return where a map is strongest, for or against.

    Args:
        contributions: float ``(S, S)``.

    Returns:
        x and y of the centre of that place, in [0, 1].
    """
    strength = np.abs(contributions)
    rows, columns = np.nonzero(strength >= 0.999 * strength.max())
    side = len(contributions)
    return float((columns.mean() + 0.5) / side), float((rows.mean() + 0.5) / side)
