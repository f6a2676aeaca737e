"""Another scale and bias for the head."""

from __future__ import annotations

import numpy as np
import torch

from bench.recalibrate import refit_head
from fsl.config import ModelConfig
from fsl.twin.inference import pair_logits
from fsl.twin.losses import bce_loss
from fsl.twin.network import TwinNetwork
from fsl.twin.pairs import all_pairs


def test_similarities_keep_their_order_and_fit_better() -> None:
    torch.manual_seed(0)
    for kind in ("absolute", "cosine"):
        twin = TwinNetwork(
            ModelConfig(backbone="conv4", widths=(2, 2, 2, 2), image_size=16, head=kind)
        ).eval()
        twin.head = type(twin.head)(8)
        with torch.no_grad():
            twin.head.weight.mul_(30)  # much too sure of itself
        labels = np.repeat(np.arange(6), 5)
        embeddings = torch.randn(6, 8)[labels] + 0.8 * torch.randn(30, 8)
        first, second, difference = all_pairs(torch.from_numpy(labels))
        before = pair_logits(twin, embeddings, embeddings)[first, second]
        refit_head(twin, [(embeddings, labels)])
        after = pair_logits(twin, embeddings, embeddings)[first, second]
        scale = after.std() / before.std()
        torch.testing.assert_close(
            after - after.mean(), scale * (before - before.mean()), rtol=1e-3, atol=1e-3
        )
        best = bce_loss(after, difference)
        assert best < bce_loss(before, difference)
        for change in (0.9, 1.1):
            assert best <= bce_loss(change * after, difference) + 1e-6
            assert best <= bce_loss(after + change - 1, difference) + 1e-6
