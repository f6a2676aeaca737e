"""The layers that are trained, by backbone; the others do not change."""

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch

from fsl.base.errors import SettingsError
from fsl.config import ModelConfig
from fsl.data.imageset import ImageSet
from fsl.training.engine import train
from fsl.training.state import new_state
from fsl.twin.network import TwinNetwork
from fsl.twin.trainable import choose_trainable
from tests.helpers.training import CONFIG, MODEL

Maker = Callable[..., ImageSet]
# The last block, and the projection where there is one.
LAST = {
    "conv4": ({"3"}, "5"),
    "plain4": ({"3"}, "5"),
    "residual": ({"4"}, "7"),
    "resnet18": ({"layer4"}, "fc"),
    "efficientnet_lite0": ({"1.15", "2"}, "5"),
}


@pytest.mark.parametrize("backbone", sorted(LAST))
@pytest.mark.parametrize("embedding_dim", [0, 8])
def test_the_last_block_of_each_backbone(backbone: str, embedding_dim: int) -> None:
    twin = TwinNetwork(ModelConfig(backbone=backbone, image_size=32, embedding_dim=embedding_dim))
    choose_trainable(twin, "last")
    block, projection = LAST[backbone]
    expected = block | ({projection} if embedding_dim else set()) | {"head"}
    trained = {name.removeprefix("backbone.") for name, p in twin.named_parameters() if p.requires_grad}
    assert {part for part in expected if any(name.startswith(f"{part}.") for name in trained)} == expected
    assert all(name.startswith(tuple(f"{part}." for part in expected)) for name in trained)


# The layers of the last block, and their number of weight matrices.
LAST_OF_TIMM = {
    "vit_tiny_patch16_224": (("blocks.11.", "norm."), 4),
    "efficientnet_b0": (("blocks.6.0.", "conv_head.", "bn2."), 6),
    "convnext_atto": (("stages.3.", "head."), 7),
    "resnet18": (("layer4.",), 5),
}


@pytest.mark.parametrize("name", sorted(LAST_OF_TIMM))
def test_the_last_block_of_a_network_of_timm_is_more_than_a_norm(name: str) -> None:
    pytest.importorskip("timm")
    twin = TwinNetwork(ModelConfig(backbone=f"timm:{name}", image_size=224))
    choose_trainable(twin, "last")
    parts, n_matrices = LAST_OF_TIMM[name]
    trained = {n: p for n, p in twin.backbone.named_parameters() if p.requires_grad}
    assert set(trained) == {n for n, _ in twin.backbone.named_parameters() if n.startswith(parts)}
    assert sum(n.endswith(".weight") and p.ndim > 1 for n, p in trained.items()) == n_matrices


def test_a_backbone_without_layers_has_no_last_block() -> None:
    with pytest.raises(SettingsError, match="has no weights"):
        choose_trainable(TwinNetwork(ModelConfig(backbone="pixels", image_size=32)), "last")
    twin = TwinNetwork(ModelConfig(backbone="conv4+pixels", image_size=32))
    choose_trainable(twin, "last")
    trained = {name for name, p in twin.backbone.named_parameters() if p.requires_grad}
    assert {name.rpartition(".")[0] for name in trained} == {"members.0.3.0", "members.0.3.1"}


@pytest.mark.parametrize(("which", "changes"), [("all", "0."), ("last", "3."), ("head", "head.")])
def test_frozen_layers_keep_weights_and_statistics(which: str, changes: str, coloured_set: Maker) -> None:
    given = new_state(CONFIG, MODEL).twin.eval()
    before = {k: v.clone() for k, v in given.state_dict().items()}
    config = replace(CONFIG, trainable=which)
    state = new_state(config, given)
    list(train(coloured_set(), config, state, validation=coloured_set(5, seed=1)))
    changed = {k for k, v in state.twin.state_dict().items() if not torch.equal(v, before[k])}
    assert any(k.removeprefix("backbone.").startswith(changes) for k in changed)
    if which == "last":
        assert all(k.startswith(("backbone.3.", "head.")) for k in changed)
    if which == "head":
        assert all(k.startswith("head.") for k in changed)
