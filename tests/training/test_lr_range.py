"""The range test: its shape, its end, its suggestion, and the network it starts from."""

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch

from fsl.base.errors import SettingsError
from fsl.config import ModelConfig
from fsl.data.imageset import ImageSet
from fsl.training import frozen_features
from fsl.training.events import Step
from fsl.training.lr_range import DEAD_BATCHES, RangePoint, lr_range, suggest_rate
from fsl.training.state import new_state
from fsl.twin.network import seeded_network
from tests.helpers.training import CONFIG, MODEL, dead_network, train_events

Maker = Callable[..., ImageSet]
PLAIN = ModelConfig(backbone="plain4", widths=(8, 8, 8, 8), image_size=16)


def points(losses: list[float]) -> list[RangePoint]:
    rates = np.geomspace(1e-6, 1, len(losses)).tolist()
    return [RangePoint(lr, loss, loss) for lr, loss in zip(rates, losses, strict=True)]


def test_rates_rise_evenly_and_the_given_network_is_not_changed(coloured_set: Maker) -> None:
    given = new_state(CONFIG, MODEL).twin.eval()
    before = {k: v.clone() for k, v in given.state_dict().items()}
    found = list(lr_range(coloured_set(), CONFIG, given, n_points=30))
    rates = np.array([p.lr for p in found])
    assert rates[0] == pytest.approx(1e-6)
    assert np.allclose(np.diff(np.log(rates)), np.log(1e6) / 29)
    assert all(torch.equal(v, before[k]) for k, v in given.state_dict().items())


@pytest.mark.parametrize("most_bytes", [2**30, 0])
def test_its_batches_are_those_of_a_run(
    most_bytes: int, coloured_set: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also of an adapter, which must be fitted first, and where its features would not fit in memory."""
    monkeypatch.setattr(frozen_features, "_MOST_BYTES", most_bytes)
    augment = replace(CONFIG.augment, mirror=True, rotate=30.0)
    config = replace(CONFIG, trainable="last", cached_views=3, augment=augment, report_every=1)
    given = seeded_network(replace(MODEL, damped=4, head="cosine"), 3)
    run = [e.loss for e in train_events(coloured_set(), config, given) if isinstance(e, Step)]
    assert len(run) == config.steps
    rate = config.learning_rate
    above = math.nextafter(rate, 1)
    found = lr_range(coloured_set(), config, given, lowest=rate, highest=above, n_points=config.steps)
    assert [point.loss for point in found] == pytest.approx(run, rel=1e-3)


def test_it_finds_a_rate_that_learns(coloured_set: Maker) -> None:
    config = replace(CONFIG, batch_classes=6, batch_images=4)
    found = list(lr_range(coloured_set(12, 8), config, MODEL, highest=10.0))
    suggestion = suggest_rate(found)
    assert suggestion is not None
    assert 1e-4 < suggestion < 0.3


@pytest.mark.parametrize("optimiser", ["adam", "sgd"])
def test_it_ends_where_it_diverges(optimiser: str, coloured_set: Maker) -> None:
    """Without batch norm, with which a network survives any rate."""
    for seed in range(3):
        config = replace(CONFIG, optimiser=optimiser, seed=seed)
        found = list(lr_range(coloured_set(), config, PLAIN, highest=100.0))
        assert len(found) < 120
        assert not math.isfinite(found[-1].loss) or found[-1].smoothed > 4 * min(p.smoothed for p in found)


def test_a_dead_network_ends_the_range_test(coloured_set: Maker) -> None:
    found = list(lr_range(coloured_set(), CONFIG, dead_network(PLAIN)))
    assert len(found) == DEAD_BATCHES
    assert suggest_rate(found) is None


def test_it_stops_when_asked(coloured_set: Maker) -> None:
    assert len(list(lr_range(coloured_set(), CONFIG, MODEL, should_stop=lambda: True))) == 1


def test_the_suggestion_is_where_the_loss_falls_most_steeply() -> None:
    x = np.linspace(-6, 0, 120)
    fall = 0.7 / (1 + np.exp((x + 3) * 6)) + np.where(x > -1, (x + 1) * 4, 0)  # steepest at 1e-3
    assert suggest_rate(points(fall.tolist())) == pytest.approx(1e-3, rel=0.2)


@pytest.mark.parametrize("steepest", [-4.5, -3.0, -2.0])
@pytest.mark.parametrize("noise", [0.0, 0.03, 0.06])
def test_the_noise_of_the_flat_part_does_not_draw_the_suggestion(steepest: float, noise: float) -> None:
    """The loss of a batch of 32 pairs differs by 0.03 to 0.06 from the next one."""
    x = np.linspace(-6, 0, 120)
    fall = 0.69 - 0.3 / (1 + np.exp(-(x - steepest) * 4)) + np.where(x > -0.7, (x + 0.7) * 5, 0)
    for seed in range(40):
        losses = fall + np.random.default_rng(seed).normal(0, noise, len(x))
        suggestion = suggest_rate(points(losses.tolist()))
        assert suggestion is not None
        assert abs(math.log10(suggestion) - steepest) < 0.75, (seed, suggestion)


def test_noise_alone_is_no_suggestion() -> None:
    found = [
        suggest_rate(points((0.69 + np.random.default_rng(seed).normal(0, 0.05, 120)).tolist()))
        for seed in range(40)
    ]
    assert sum(rate is not None for rate in found) <= 4


def test_a_fall_to_the_loss_of_a_dead_network_is_no_suggestion() -> None:
    x = np.linspace(-6, 0, 120)
    fall = 0.72 - 0.15 / (1 + np.exp((-x - 3) * 6))  # steepest at 1e-3
    leap = np.where(x > -1, 3 * np.exp(-((x + 1) * 4)), 0)
    assert suggest_rate(points((fall + leap - np.where(x > -0.6, 0.2, 0)).tolist())) == pytest.approx(
        1e-3, rel=0.2
    )


def test_no_suggestion_without_a_fall() -> None:
    assert suggest_rate(points([0.7] * 5)) is None
    assert suggest_rate(points(np.linspace(0.7, 2, 60).tolist())) is None


def test_an_impossible_range_is_refused(coloured_set: Maker) -> None:
    with pytest.raises(SettingsError, match=r"range is 1 and the highest 0\.1;"):
        list(lr_range(coloured_set(), CONFIG, MODEL, lowest=1.0, highest=0.1))
    with pytest.raises(SettingsError, match="learning rate is 200"):
        next(lr_range(coloured_set(), CONFIG, MODEL, highest=200.0))
