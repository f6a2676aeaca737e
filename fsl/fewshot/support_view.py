"""How embeddings look from a support set: without what its images share, with less of what varies in a class.

Only support images define this, so the answer for a query does not depend on other queries, nor on the order
of the images.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F  # noqa: N812 - the name everybody knows
from torch import Tensor

from fsl.config import CENTRE_PRIOR, MOST_DEVIATIONS, WITHIN_PRIOR, WITHIN_WEIGHT
from fsl.twin.network import TwinNetwork


@dataclass(frozen=True, eq=False)
class Damping:
    """The directions in which images of one class differ, and how much of each is taken away.

    Attributes:
        directions: float ``(..., r, D)``, orthogonal rows.
        shares: float ``(..., r)``, for rows of the given lengths.
    """

    directions: Tensor
    shares: Tensor

    def __call__(self, embeddings: Tensor) -> Tensor:
        """Return embeddings ``(..., n, D)`` with less of these directions, of unit length."""
        along = embeddings @ self.directions.mT
        return F.normalize(embeddings - (along * self.shares[..., None, :]) @ self.directions, dim=-1)


@dataclass(frozen=True, eq=False)
class SupportView:
    """Turns embeddings into what a support set sees of them.

    Attributes:
        centre: float ``(..., 1, D)`` that is subtracted; None if the network does not centre.
        damping: found from the support set itself; None if the network does not ask for it, or no class has
            two images.
    """

    centre: Tensor | None = None
    damping: Damping | None = None

    def __call__(self, embeddings: Tensor) -> Tensor:
        """Return embeddings ``(..., n, D)``, of unit length if anything was changed."""
        seen = embeddings if self.centre is None else F.normalize(embeddings - self.centre, dim=-1)
        return seen if self.damping is None else self.damping(seen)


def seen_from_support(
    twin: TwinNetwork, support: Tensor, query: Tensor, slots: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """Return embeddings of support images and queries, float ``(..., n, D)``, in the view of the first."""
    view = view_of(twin, support, slots)
    return view(support), view(query)


def view_of(
    twin: TwinNetwork, support: Tensor, slots: Tensor | None, centred_on: Tensor | None = None
) -> SupportView:
    """Return the view of a support set.

    What all support images have in common (all are fruit, all lie on the same table) does not distinguish
    classes, and centring removes it (Wang et al., "SimpleShot", 2019). What differs between images of one
    class (light, pose, background) does not either, and is damped.

    Args:
        twin: its settings say what is done.
        support: float ``(..., n_support, D)``.
        slots: int64 ``(n_support,)``, the class of each image; all of 0 to N - 1 occur. None for no damping.
        centred_on: embeddings whose mean is subtracted instead of the support set's.
    """
    centre = None
    if twin.config.centre_on_support:
        shown = support if centred_on is None else centred_on
        centre = shown.sum(-2, keepdim=True) / (shown.shape[-2] + CENTRE_PRIOR)
    view = SupportView(centre)
    if slots is None or not twin.config.damp_on_support:
        return view
    return SupportView(centre, damping_within(view(support), slots))


def damping_within(support: Tensor, slots: Tensor) -> Damping | None:
    """Return the damping of the directions in which images of one class differ.

    It multiplies by the inverse square root of the covariance within the classes, shrunk towards the identity
    (Fisher's discriminant): the more images, the less. ``python -m bench photos_left_out`` measures it.

    Args:
        support: float ``(..., n_support, D)``, of unit length.
        slots: int64 ``(n_support,)``, the class of each image; all of 0 to N - 1 occur.

    Returns:
        None if no class has two images, or a value is not finite, which comparing refuses in words.
    """
    counts = torch.bincount(slots)
    freedom = len(slots) - len(counts)
    if freedom == 0 or not support.isfinite().all():
        return None
    slots, counts = slots.to(support.device), counts.to(support)
    none = support.new_zeros(*support.shape[:-2], len(counts), support.shape[-1])
    means = none.index_add(-2, slots, support) / counts[:, None]
    deviations = support - means.index_select(-2, slots)
    if len(slots) > MOST_DEVIATIONS:
        deviations = _some(deviations)
        freedom = round(freedom * MOST_DEVIATIONS / len(slots))
    weight = WITHIN_WEIGHT / (freedom + WITHIN_PRIOR)
    # The right singular vectors, from the smaller matrix of inner products.
    squares, vectors = torch.linalg.eigh(deviations @ deviations.mT)
    squares = squares.clamp(min=1e-9)
    return Damping(vectors.mT @ deviations, -torch.expm1(-0.5 * torch.log1p(weight * squares)) / squares)


def _some(deviations: Tensor) -> Tensor:
    """Return ``MOST_DEVIATIONS`` rows of ``(..., n, D)``, evenly spaced by length: order must not matter."""
    chosen = torch.linspace(0, deviations.shape[-2] - 1, MOST_DEVIATIONS).round().long()
    order = deviations.norm(dim=-1).argsort(-1)[..., chosen]
    return deviations.take_along_dim(order[..., None], -2)
