"""Explain a similarity: which regions of both images it depends on.

Maps show contributions to the similarity's logit: positive if a region makes the pair more similar, negative
if it makes the pair less similar.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - the name everybody knows
from PIL import Image
from torch import Tensor, nn

from fsl.base.types import Float32Array, PixelArray
from fsl.twin.inference import batch_size, device_of
from fsl.twin.network import TwinNetwork
from fsl.twin.preprocess import normalise, to_uint8, to_unit

ExplanationMethod = Literal["each", "both", "gradient"]

_PATCH = 0.22
_COARSE_PLACES = 3
_COARSE_WEIGHT = 0.1
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


@dataclass(frozen=True, eq=False)
class ExplanationStep:
    """An explanation that is not finished yet, or the last one.

    Attributes:
        explanation: the maps so far.
        share: the share of the work that is done, in (0, 1]; 1 for the last step.
    """

    explanation: Explanation
    share: float


def explain_in_steps(
    twin: TwinNetwork,
    left: Image.Image,
    right: Image.Image,
    method: ExplanationMethod = "each",
    n_places: int = 10,
) -> Iterator[ExplanationStep]:
    """Explain the similarity of two images, roughly at once and then better and better.

    The first step reads the map from the network's last features in a single pass, where the network allows
    it. Next, a few large places are hidden, then more and smaller ones.

    Args:
        twin: in ``eval`` mode.
        left: RGB, any size.
        right: RGB, any size.
        method: "each" hides a place in one image at a time; "both" hides the same place in both, for aligned
            pictures; "gradient" needs a few passes instead of hundreds, and is rougher.
        n_places: number of places to hide along a side.

    Yields:
        the maps so far; the last are those of all places, or of ``gradient_maps``.
    """
    pixels = to_uint8([left, right], twin.config)
    unit = to_unit(pixels, device_of(twin))

    def step(maps: Tensor, share: float) -> ExplanationStep:
        found = maps.detach().cpu().numpy().astype(np.float32)
        return ExplanationStep(Explanation(found[0], found[1], pixels[0], pixels[1]), share)

    if method == "gradient":
        yield step(gradient_maps(twin, unit), 1.0)
        return
    at_once = feature_maps(twin, unit) if method == "each" else None
    if at_once is not None:
        yield step(at_once, 0.01)
    for maps, share in occlusion_steps(twin, unit, n_places, together=method == "both"):
        yield step(maps, share)


def occlusion_steps(
    twin: TwinNetwork, pair: Tensor, n_places: int, together: bool
) -> Iterator[tuple[Tensor, float]]:
    """Measure how the similarity changes when a place is hidden: few large places first, then smaller ones.

    The blurred image hides a place, because a grey patch would itself be something new to see. Source: Zeiler
    and Fergus, "Visualizing and Understanding Convolutional Networks", 2014.

    Args:
        pair: float ``(2, 3, S, S)`` in [0, 1].
        n_places: places along a side.
        together: hide the same place in both images; both maps are then the same.

    Yields:
        float ``(2, S, S)``: at each pixel, the mean loss of similarity (as a logit) over the places that hide
        it; and the share of the work that is done.
    """
    side = pair.shape[-1]
    masks = hiding_masks(side, n_places)
    parts = [masks[rows] for rows in _interleaved(n_places)]
    coarse = hiding_masks(side, _COARSE_PLACES) if n_places > _COARSE_PLACES else masks[:0]
    total = len(coarse) + len(masks)
    hider = _Hider(twin, pair, together)
    first, covered = hider.summed(coarse)
    if len(coarse):
        yield first / covered, len(coarse) / total
    sums, counts = torch.zeros_like(first), torch.zeros_like(covered)
    done = len(coarse)
    for part in parts:
        more, count = hider.summed(part)
        sums, counts, done = sums + more, counts + count, done + len(part)
        if done == total:
            yield sums / counts, 1.0
        else:  # the large places fill what no small one has covered yet, and count for little elsewhere
            filled = counts + _COARSE_WEIGHT * covered
            yield (sums + _COARSE_WEIGHT * first) / filled, done / total


class _Hider:
    """Hides places of a pair of images and compares what is left.

    Args:
        pair: float ``(2, 3, S, S)`` in [0, 1].
        together: hide the same place in both images.
    """

    def __init__(self, twin: TwinNetwork, pair: Tensor, together: bool) -> None:
        self.twin, self.pair, self.together = twin, pair, together
        self.blurred = blur(pair)
        self.whole = self._embedded(pair)

    @torch.inference_mode()
    def summed(self, masks: Tensor) -> tuple[Tensor, Tensor]:
        """Return the sum of the changes over some places ``(2, S, S)``, and how many hide each pixel.

        Args:
            masks: float ``(n, S, S)``.
        """
        masks = masks.to(self.pair.device)
        if not len(masks):
            return torch.zeros_like(self.pair[:, 0]), torch.zeros_like(self.pair[0, 0])
        first, second = (
            self._embedded(image + masks[:, None] * (smooth - image))
            for image, smooth in zip(self.pair, self.blurred, strict=True)
        )
        head, whole = self.twin.head, self.whole
        logit = head(whole[0], whole[1])
        if self.together:
            changes = (head(first, second) - logit).expand(2, -1)
        else:
            changes = torch.stack([head(first, whole[1]) - logit, head(whole[0], second) - logit])
        return torch.einsum("ip,pyx->iyx", changes, masks), masks.sum(0)

    @torch.inference_mode()
    def _embedded(self, images: Tensor) -> Tensor:
        parts = torch.split(images, batch_size(self.twin))
        return torch.cat([self.twin.embed(normalise(part, self.twin.config)) for part in parts])


def _interleaved(n_places: int) -> list[list[int]]:
    """Return the rows of ``hiding_masks`` in four parts, each spread over the whole picture."""
    parts = [
        [y * n_places + x for y in range(top, n_places, 2) for x in range(left, n_places, 2)]
        for top, left in ((0, 0), (1, 1), (0, 1), (1, 0))
    ]
    return [part for part in parts if part]


def feature_maps(twin: TwinNetwork, pair: Tensor) -> Tensor | None:
    """Return what each place of the last features contributes to the similarity, by one pass.

    A network that averages its features over the image before it compares them has a feature vector for each
    place. The change of the logit without that vector, to first order, is its product with the logit's
    gradient (Selvaraju et al., "Grad-CAM", 2017).

    Args:
        pair: float ``(2, 3, S, S)`` in [0, 1].

    Returns:
        float ``(2, S, S)``; None for a network that averages nothing, or sees flipped copies.
    """
    if twin.config.views > 1 or not _pools(twin):
        return None
    own = twin.copy()  # hooks would also be called by other threads that use the network
    features: list[Tensor] = []

    def keep(module: nn.Module, inputs: tuple[Tensor, ...]) -> tuple[Tensor]:
        features.append(inputs[0].detach().requires_grad_(True))
        return (features[-1],)

    for pool in _pools(own):
        pool.register_forward_pre_hook(keep)
    with torch.enable_grad():
        embedded = own.embed(normalise(pair, own.config))
        similarity = -own.head(embedded[0], embedded[1])
        gradients = torch.autograd.grad(similarity, features)
    total = torch.zeros_like(pair[:, 0])
    for feature, gradient in zip(features, gradients, strict=True):
        share = (feature.detach() * gradient).sum(1, keepdim=True)
        total += F.interpolate(share, pair.shape[-2:], mode="bilinear", align_corners=False)[:, 0]
    return total


def _pools(twin: TwinNetwork) -> list[nn.Module]:
    return [module for module in twin.backbone.modules() if isinstance(module, nn.AdaptiveAvgPool2d)]


def gradient_maps(twin: TwinNetwork, pair: Tensor) -> Tensor:
    """Return integrated gradients of the similarity's logit from the blurred pair to the pair.

    Source: Sundararajan, Taly and Yan, "Axiomatic Attribution for Deep Networks", 2017. The result is
    smoothed, because single pixels say little.

    Args:
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
    side = 2 * reach + 1
    # Along one side and then the other: the same means, at a cost that does not grow with the square.
    down = F.avg_pool2d(images, (side, 1), stride=1, padding=(reach, 0), count_include_pad=False)
    return F.avg_pool2d(down, (1, side), stride=1, padding=(0, reach), count_include_pad=False)


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
