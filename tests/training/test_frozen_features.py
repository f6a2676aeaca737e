"""Training on kept features of the frozen layers: the same numbers, each image embedded once, stoppable."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from fsl.config import ModelConfig, TrainConfig
from fsl.data.imageset import ImageSet
from fsl.training.engine import train
from fsl.training.events import Comparison, Finished, Pause, Step
from fsl.training.state import TrainState, dump_state, load_state, new_state
from fsl.twin.network import TwinNetwork, seeded_network
from fsl.twin.split import SplitNetwork, split_at_trainable
from fsl.twin.trainable import choose_trainable
from tests.helpers.training import CONFIG, MODEL, run_in, train_events

Maker = Callable[..., ImageSet]
KEPT = replace(CONFIG, trainable="last", cached_views=1)
VARIED = replace(KEPT, cached_views=3, augment=TrainConfig().augment, evaluate_first=True)
WHITENED = replace(MODEL, damped=4, head="cosine")


def steps(events: object) -> list[Step]:
    return [replace(e, seconds=0, images_per_second=0) for e in events if isinstance(e, Step)]  # type: ignore[attr-defined]


@pytest.mark.parametrize("model", [MODEL, WHITENED, replace(MODEL, backbone="residual", widths=(8, 8, 8, 8))])
@pytest.mark.parametrize("trainable", ["last", "head"])
def test_the_numbers_are_those_of_running_all_layers(
    model: ModelConfig, trainable: str, coloured_set: Maker
) -> None:
    """Without random changes, a batch of kept features is the batch of images."""
    given, validation = seeded_network(model, 3), coloured_set(5, seed=1)
    runs = []
    for views in (0, 1):
        config = replace(KEPT, trainable=trainable, cached_views=views)
        state = new_state(config, given)
        assert (state.features is None) == (views == 0)
        runs.append((list(train_events(coloured_set(), config, state, validation)), state))
    (whole, one), (kept, two) = runs
    for a, b in zip(steps(whole), steps(kept), strict=True):
        assert a.loss == pytest.approx(b.loss, rel=1e-4)
    for name, values in one.twin.state_dict().items():
        assert torch.allclose(values, two.twin.state_dict()[name], atol=1e-5), name


def test_each_view_of_each_image_passes_the_frozen_layers_once(
    coloured_set: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    passed = []
    really = SplitNetwork.features

    def counted(self: SplitNetwork, images: torch.Tensor) -> torch.Tensor:
        passed.append(len(torch.unique(images, dim=0)))  # the others fill the pass up
        return really(self, images)

    monkeypatch.setattr(SplitNetwork, "features", counted)
    data, validation = coloured_set(4, 4), coloured_set(5, seed=1)
    config = replace(VARIED, steps=60)
    state = new_state(config, MODEL)
    list(train_events(data, config, state, validation))
    assert state.features is not None
    assert state.features.share_done(len(data)) == 1.0
    assert sum(passed) == 3 * len(data) + len(validation) + 1  # one to see how large they are


def test_features_do_not_depend_on_how_many_images_are_embedded_together(
    coloured_set: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last digits would, on some processors, and a resumed run embeds its images in other batches."""
    really = SplitNetwork.features
    monkeypatch.setattr(SplitNetwork, "features", lambda self, images: really(self, images) * len(images))
    data, rows = coloured_set(4, 4), np.arange(9)
    states = [new_state(VARIED, seeded_network(MODEL, 3)) for _ in range(2)]
    together, alone = (state.features for state in states)
    assert together is not None
    assert alone is not None
    for state in states:
        state.twin.eval()
    list(together.compute(data, rows, rows % 3))
    tested = together.embed_tested(data.images)
    for row in rows:
        list(alone.compute(data, rows[row : row + 1], rows[row : row + 1] % 3))
        assert torch.allclose(alone.embed_tested(data.images[row : row + 1]), tested[row], atol=1e-4)
    assert torch.allclose(alone.embed(rows, rows % 3), together.embed(rows, rows % 3), atol=1e-4)


def test_a_resumed_run_keeps_the_precision_of_its_features(tmp_path: Path, coloured_set: Maker) -> None:
    """It was measured when the run began; another measurement would change the numbers."""
    data, rows = coloured_set(4, 4), np.arange(8)
    path, found = tmp_path / "state", []
    for precision in ("bf16", "fp32"):
        state = new_state(replace(VARIED, precision=precision), seeded_network(MODEL, 3))
        if path.exists():
            load_state(path, state)
        path.write_bytes(dump_state(state))
        assert state.features is not None
        list(state.features.compute(data, rows, rows % 3))
        found.append(state.features.embed(rows, rows % 3))
    assert torch.equal(*found)


def test_the_adapter_learns_and_the_layers_before_it_do_not(coloured_set: Maker) -> None:
    given = seeded_network(WHITENED, 0).eval()
    state = new_state(KEPT, given)
    images = torch.randn(3, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        assert torch.allclose(state.twin.eval().embed(images), given.embed(images), atol=1e-6)
    before = {name: values.clone() for name, values in state.twin.state_dict().items()}
    list(train_events(coloured_set(), KEPT, state))
    after = state.twin.state_dict()
    changed = {name for name, values in after.items() if not torch.equal(values, before[name])}
    assert changed == {"adapter.basis", "adapter.change", "head.weight", "head.bias"}
    basis = after["adapter.basis"]
    used = basis[:, basis.any(0)]
    assert torch.allclose(used.T @ used, torch.eye(used.shape[1]), atol=1e-5)


@pytest.mark.parametrize("mirror", [True, False])
def test_the_second_view_is_the_mirror_image(mirror: bool, coloured_set: Maker) -> None:
    """Not for data whose mirror images are other classes, such as letters."""
    data = coloured_set(4, 4)
    config = replace(VARIED, augment=replace(VARIED.augment, mirror=mirror))
    state = new_state(config, seeded_network(WHITENED, 0))
    rows = np.arange(3)
    assert state.features is not None
    list(state.features.compute(data, rows, np.ones_like(rows)))
    mirrored = np.ascontiguousarray(data.images[:3, :, ::-1])
    same = torch.allclose(
        state.features.whiten(rows, np.ones_like(rows)), state.features.whiten_tested(mirrored), atol=1e-5
    )
    assert same == mirror


def test_a_resumed_run_has_the_same_numbers(tmp_path: Path, coloured_set: Maker) -> None:
    """Even if it was stopped while a batch was being embedded."""
    arguments = (coloured_set(), VARIED, MODEL)
    kwargs = {"validation": coloured_set(5, seed=1)}
    whole = list(run_in(tmp_path / "w", *arguments, **kwargs))  # type: ignore[arg-type]
    asked = iter(range(1000))
    first = list(run_in(tmp_path / "s", *arguments, should_stop=lambda: next(asked) == 7, **kwargs))  # type: ignore[arg-type]
    assert (isinstance(first[-2], Finished) and first[-2].stopped) or first[-1]
    rest = list(run_in(tmp_path / "s", *arguments, resume=True, **kwargs))  # type: ignore[arg-type]
    n = len(steps(rest))
    assert [s.loss for s in steps(rest)] == [s.loss for s in steps(whole)][-n:]
    for kind in (Comparison,):
        assert [e for e in rest if isinstance(e, kind)] == [e for e in whole if isinstance(e, kind)]


def test_it_stops_between_the_images_of_one_batch(coloured_set: Maker) -> None:
    """The batch is drawn again when the run goes on."""
    config = replace(VARIED, batch_classes=6, batch_images=6)
    state = new_state(config, MODEL)
    drawn = state.sampler.bit_generator.state
    events = list(train(coloured_set(12, 8), config, state, should_stop=lambda: True))
    assert events.count(Pause.EMBEDDING) == 1
    assert isinstance(events[-1], Finished)
    assert (events[-1].step, events[-1].stopped) == (0, True)
    assert state.sampler.bit_generator.state == drawn


def test_what_cannot_be_split_runs_all_layers(coloured_set: Maker) -> None:
    turned = replace(VARIED, augment=replace(VARIED.augment, turn=0.5))
    states: list[TrainState] = [
        new_state(turned, MODEL),
        new_state(replace(VARIED, trainable="all"), MODEL),
        new_state(VARIED, replace(MODEL, views=2)),
        new_state(VARIED, ModelConfig(backbone="resnet18", image_size=32)),
    ]
    assert all(state.features is None for state in states)
    list(train_events(coloured_set(), replace(turned, steps=2), states[0]))


def test_a_split_network_is_the_network() -> None:
    for backbone in ("conv4", "residual", "efficientnet_lite0"):
        twin = TwinNetwork(ModelConfig(backbone=backbone, image_size=32)).eval()
        choose_trainable(twin, "block")
        split = split_at_trainable(twin)
        assert split is not None
        images = torch.randn(3, 3, 32, 32, generator=torch.Generator().manual_seed(0))
        with torch.no_grad():
            assert torch.equal(split.embed(split.features(images)), twin.embed(images))
