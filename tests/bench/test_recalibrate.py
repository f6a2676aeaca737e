"""Another scale and bias for the head."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from bench.recalibrate import main
from fsl.config import ModelConfig
from fsl.twin import checkpoint as checkpoints
from fsl.twin.inference import pair_logits
from fsl.twin.losses import bce_loss
from fsl.twin.network import TwinNetwork
from fsl.twin.pairs import all_pairs
from tests.helpers.networks import save_small_checkpoint
from tools.head_fit import fit_scale_and_bias


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
        fit_scale_and_bias(twin, [(embeddings, labels)])
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


def test_the_subject_is_written_and_everything_else_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_small_checkpoint(tmp_path)
    path = tmp_path / "small.safetensors"
    before = checkpoints.load(path)
    assert before.info.notice == ""
    monkeypatch.setattr(sys, "argv", ["recalibrate", str(path), "--subject", "person"])
    main()
    after = checkpoints.load(path)
    assert "decide nothing about anyone" in after.info.notice
    assert after.info.to_json() == {
        **before.info.to_json(),
        "subject": "person",
        "notice": after.info.notice,
    }
    weights = after.twin.state_dict()
    assert all(torch.equal(weights[key], tensor) for key, tensor in before.twin.state_dict().items())
