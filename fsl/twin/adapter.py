"""Adapter: a small linear change of whitened embeddings, learned from a handful of images.

A few dozen images say nothing about most of the thousands of dimensions of an embedding. So the change sees
only the directions in which these images lie, and says for each of them where to move. At first it is zero,
and the network answers as before.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812 - the name everybody knows
from torch import Tensor, nn

# Lets the usual learning rates of fine-tuning move an embedding by about its own length in a hundred batches.
_SCALE = 10.0


class Adapter(nn.Module):
    """Add a linear function of an embedding to it, and scale the sum to unit length.

    Args:
        dim: D, length of an embedding.
        n_directions: number of directions that it sees.

    Attributes:
        basis: float ``(D, n_directions)``, orthonormal columns, fitted; zero columns are not used.
        change: float ``(n_directions, D)``, trained.
    """

    basis: Tensor

    def __init__(self, dim: int, n_directions: int) -> None:
        super().__init__()
        self.register_buffer("basis", torch.zeros(dim, n_directions))
        self.change = nn.Parameter(torch.zeros(n_directions, dim))

    @property
    def is_fitted(self) -> bool:
        """Whether ``fit`` was called, here or before the weights were saved."""
        return bool(self.basis.any())

    def forward(self, embeddings: Tensor) -> Tensor:
        """Change embeddings of unit length, float ``(B, D)``."""
        return F.normalize(embeddings + _SCALE * (embeddings @ self.basis) @ self.change, dim=1)

    @torch.no_grad()
    def fit(self, embeddings: Tensor) -> None:
        """Choose the directions in which most of the length of some embeddings ``(n, D)`` lies."""
        directions = torch.linalg.svd(embeddings.double(), full_matrices=False).Vh
        n = min(len(directions), self.basis.shape[1])
        self.basis.zero_()
        self.basis[:, :n] = directions[:n].T.to(self.basis)

    @torch.no_grad()
    def add_scores(self, weights: Tensor, strength: float) -> None:
        """Forget what was learned, and add class scores to embeddings in directions of their own.

        Args:
            weights: float ``(D, C)``; the scores of embeddings are ``embeddings @ weights``. C is at most D
                and the number of directions.
            strength: factor of the scores.
        """
        directions, triangle = torch.linalg.qr(weights)
        n = weights.shape[1]
        self.basis.zero_()
        self.change.zero_()
        self.basis[:, :n] = directions
        self.change[:n] = strength / _SCALE * triangle @ _own_directions(len(weights), n).T.to(weights)


def _own_directions(dim: int, n: int) -> Tensor:
    """Return the same n orthonormal columns every time; in a high dimension few embeddings lie along them."""
    drawn = torch.randn(dim, n, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    columns: Tensor = torch.linalg.qr(drawn).Q
    return columns
