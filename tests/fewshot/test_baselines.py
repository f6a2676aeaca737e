"""Baselines, against arithmetic on the pictures themselves."""

import numpy as np
import pytest
import torch

from fsl.base.errors import CheckpointError
from fsl.config import TrainConfig
from fsl.fewshot.baselines import baseline, pixel_neighbours, plain_cosine, untrained
from fsl.training.state import new_state
from fsl.twin.inference import embed_images, pair_logits
from fsl.twin.preprocess import normalise, to_unit
from tests.helpers.networks import checkpoint


def images(n: int, side: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (n, side, side, 3), dtype=np.uint8)


def test_pixels_rank_pairs_by_their_absolute_difference() -> None:
    twin, pictures = pixel_neighbours().twin, images(6, 32)
    embeddings = embed_images(twin, pictures)
    logits = pair_logits(twin, embeddings, embeddings).numpy()
    values = pictures.reshape(6, 16, 2, 16, 2, 3).mean((2, 4)).reshape(6, -1)  # at half the side
    apart = np.abs(values[:, None] - values[None]).mean(-1)
    off = ~np.eye(6, dtype=bool)
    assert np.corrcoef(logits[off], apart[off])[0, 1] == pytest.approx(1, abs=1e-5)


def test_cosine_ranks_pairs_by_the_cosine_of_the_backbone() -> None:
    trained = checkpoint()
    twin, pictures = plain_cosine(trained).twin, images(6, 16)
    features = embed_images(trained.twin, pictures)
    assert torch.allclose(embed_images(twin, pictures), features)
    logits = pair_logits(twin, features, features).numpy()
    unit = (features / features.norm(dim=1, keepdim=True)).numpy()
    assert np.allclose(logits, -2 + 2 * 2 * (1 - unit @ unit.T), atol=1e-4)


def test_untrained_is_the_same_architecture_with_weights_of_a_fixed_seed() -> None:
    trained = checkpoint()
    for parameter in trained.twin.parameters():
        parameter.add_(1)
    first = untrained(trained)
    torch.manual_seed(1)
    second = untrained(trained)
    assert first.info.model == trained.info.model
    assert first.digest == second.digest
    pairs = zip(first.twin.parameters(), trained.twin.parameters(), strict=True)
    assert not any(torch.equal(*pair) for pair in pairs)


def test_a_baseline_does_not_disturb_the_caller_s_random_numbers() -> None:
    trained = checkpoint()
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    plain_cosine(untrained(trained))
    assert torch.equal(torch.rand(3), expected)


def test_nothing_is_seeded_on_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its generators would not be restored; ``torch.manual_seed`` would seed them, too."""
    seeded: list[int] = []
    trained = checkpoint()
    monkeypatch.setattr(torch.cuda, "manual_seed_all", seeded.append)
    plain_cosine(untrained(trained))
    new_state(TrainConfig(seed=3, device="cpu", precision="fp32"), trained.info.model)
    assert seeded == []


def test_an_unknown_baseline_gets_a_list_of_the_known_ones() -> None:
    with pytest.raises(CheckpointError, match="untrained:CHECKPOINT"):
        baseline("chance")
    with pytest.raises(CheckpointError, match="no-such"):
        baseline("cosine:no-such")


def test_the_backbone_of_a_fine_tuned_network_stands_without_its_adapter() -> None:
    tuned = checkpoint(head="cosine", damped=4, adapter=2)
    bare = plain_cosine(tuned)
    assert (bare.info.model.damped, bare.info.model.adapter) == (0, 0)
    pictures = images(3, 16)
    features = tuned.twin.backbone(normalise(to_unit(pictures), tuned.info.model))
    assert torch.allclose(embed_images(bare.twin, pictures), features, atol=1e-4)
