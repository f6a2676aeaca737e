"""The adapter: nothing at first, a linear change afterwards, and part of the checkpoint."""

from pathlib import Path

import pytest
import torch
import torch.nn.functional as F  # noqa: N812 - the name everybody knows

from fsl.base.errors import SettingsError
from fsl.config import ModelConfig
from fsl.twin import checkpoint as checkpoints
from fsl.twin.adapter import Adapter
from fsl.twin.header import CheckpointInfo
from fsl.twin.network import TwinNetwork
from fsl.twin.trainable import choose_trainable

MODEL = ModelConfig(widths=(4, 4, 4, 4), image_size=16, damped=2, head="cosine")


def unit(n: int, dim: int = 6) -> torch.Tensor:
    return F.normalize(torch.randn(n, dim, generator=torch.Generator().manual_seed(n)), dim=1)


def test_it_changes_nothing_before_it_has_learned() -> None:
    adapter, embeddings = Adapter(6, 4), unit(10)
    assert torch.allclose(adapter(embeddings), embeddings, atol=1e-6)
    adapter.fit(unit(3))
    assert torch.allclose(adapter(embeddings), embeddings, atol=1e-6)
    assert adapter.is_fitted


def test_it_moves_what_lies_in_its_directions_and_nothing_else() -> None:
    adapter, seen = Adapter(6, 4), unit(3)
    adapter.fit(seen)
    with torch.no_grad():
        adapter.change.normal_(generator=torch.Generator().manual_seed(0))
    across = unit(1) - unit(1) @ adapter.basis @ adapter.basis.T  # at right angles to all three
    assert torch.allclose(adapter(F.normalize(across, dim=1)), F.normalize(across, dim=1), atol=1e-5)
    assert not torch.allclose(adapter(seen), seen, atol=0.1)


def test_a_checkpoint_holds_it(tmp_path: Path) -> None:
    twin = TwinNetwork(MODEL).eval()
    choose_trainable(twin, "last")
    assert isinstance(twin.adapter, Adapter)
    twin.adapter.fit(unit(5, twin.embedding_dim))
    with torch.no_grad():
        twin.adapter.change.normal_()
    checkpoints.save(tmp_path / "tuned.safetensors", twin, CheckpointInfo("tuned", twin.config))
    loaded = checkpoints.load(tmp_path / "tuned.safetensors").twin
    images = torch.randn(2, 3, 16, 16)
    with torch.no_grad():
        assert torch.equal(loaded.embed(images), twin.embed(images))


def test_it_needs_embeddings_of_unit_length() -> None:
    with pytest.raises(SettingsError, match="with whitening"):
        ModelConfig(adapter=4)


def test_class_scores_are_added_to_the_cosine() -> None:
    """With directions of their own, a product of two embeddings gains the product of their scores."""
    dim, strength = 2000, 4.0
    adapter, embeddings = Adapter(dim, 8), unit(10, dim)
    weights = torch.randn(dim, 3, generator=torch.Generator().manual_seed(1)) / 10
    adapter.add_scores(weights, strength)
    joined = torch.cat([embeddings, strength * embeddings @ weights], 1)
    expected = F.normalize(joined, dim=1) @ F.normalize(joined, dim=1).T
    found = adapter(embeddings) @ adapter(embeddings).T
    assert torch.allclose(found, expected, atol=0.05)
