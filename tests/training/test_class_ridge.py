"""The closed-form end of fine-tuning an adapter: scikit-learn's ridge, used only where it helps."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.linear_model import Ridge

from fsl.config import ModelConfig, TrainConfig
from fsl.data.imageset import ImageSet
from fsl.training import class_ridge
from fsl.training.class_ridge import fit_class_scores
from fsl.training.events import Comparison, Finished, Pause, Saved
from fsl.training.run_folder import CHECKPOINT, EVENTS
from fsl.training.run_log import read_events
from fsl.training.state import TrainState, new_state
from fsl.twin.adapter import Adapter, _own_directions
from tests.helpers.training import CONFIG, run_in, train_events

Maker = Callable[..., ImageSet]

N_CLASSES, EACH, DIM = 5, 6, 32
MODEL = ModelConfig(widths=(4, 4, 4, DIM), image_size=16, damped=2, head="cosine")
WHITENED = replace(MODEL, damped=4)
TUNED = replace(CONFIG, trainable="last", cached_views=2, evaluate_first=True, learning_rate=1e-8)


@pytest.fixture
def state() -> TrainState:
    return new_state(TrainConfig(trainable="last", cached_views=2, precision="fp32", device="cpu"), MODEL)


def fill(state: TrainState, signal: float, monkeypatch: pytest.MonkeyPatch) -> ImageSet:
    """Give each image an embedding whose class shows in one faint direction, under much noise."""
    assert state.features is not None
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(N_CLASSES), EACH)
    noise = (
        rng.normal(size=(N_CLASSES * EACH, DIM)) * np.r_[np.full(DIM - N_CLASSES, 4.0), np.ones(N_CLASSES)]
    )
    noise[:, DIM - N_CLASSES :] += signal * np.eye(N_CLASSES)[labels]
    rows = torch.nn.functional.normalize(torch.from_numpy(noise).float(), dim=1)
    monkeypatch.setattr(state.features, "compute", lambda *_: iter(()))
    monkeypatch.setattr(state.features, "whiten", lambda rows_, _: rows[rows_])
    names = tuple(map(str, range(N_CLASSES)))
    pixels = np.zeros((len(labels), 16, 16, 3), np.uint8)
    return ImageSet(pixels, labels, names, ("",) * len(labels))


def fit(state: TrainState, data: ImageSet) -> Adapter:
    list(fit_class_scores(state, data))
    assert isinstance(state.twin.adapter, Adapter)
    return state.twin.adapter


def test_scores_that_help_are_put_in_place(state: TrainState, monkeypatch: pytest.MonkeyPatch) -> None:
    adapter = fit(state, fill(state, 6.0, monkeypatch))
    assert adapter.change.any()


def test_scores_that_harm_are_not(state: TrainState, monkeypatch: pytest.MonkeyPatch) -> None:
    data = fill(state, 60.0, monkeypatch)  # recognised as it is
    by_chance = torch.randn(DIM, N_CLASSES, generator=torch.Generator().manual_seed(0))
    monkeypatch.setattr(class_ridge, "_fit", lambda *_: 10 * by_chance)
    adapter = fit(state, data)
    assert not adapter.change.any()


def test_the_weights_are_those_of_ridge_regression() -> None:
    rng = np.random.default_rng(0)
    views, slots = rng.normal(size=(2, 12, 40)).astype(np.float32), np.arange(12) % 3
    seen = torch.from_numpy(views)
    weights = class_ridge._fit(seen, torch.from_numpy(slots), 0.5, class_ridge._products(seen))
    targets = np.tile(np.eye(3)[slots], (2, 1))
    oracle = Ridge(alpha=1.0, fit_intercept=False).fit(views.reshape(24, 40), targets - targets.mean(0))
    assert np.allclose(weights.numpy().T, oracle.coef_, atol=1e-5)


def test_the_penalty_is_the_one_that_images_left_out_prefer(state: TrainState) -> None:
    slots, chosen = np.tile(np.arange(N_CLASSES), EACH), set()
    for signal in (0.5, 3.0, 5.0):
        seen = np.random.default_rng(1).normal(size=(2, len(slots), DIM)) + signal * np.eye(DIM)[slots]
        views = (seen / np.linalg.norm(seen, axis=2, keepdims=True)).astype(np.float32)
        likelihood = {p: likelihood_left_out(state, views, slots, p) for p in (None, *class_ridge._PENALTIES)}
        chooser = class_ridge._choose_penalty(state.twin, torch.from_numpy(views), slots)
        best = end_of(chooser)
        assert best == max(likelihood, key=lambda penalty: likelihood[penalty])
        chosen.add(best)
    assert len(chosen) == 3  # or anything would do


def end_of(work: Generator[Pause, None, float | None]) -> float | None:
    """Do work that pauses, and return its result."""
    while True:
        try:
            next(work)
        except StopIteration as end:
            result: float | None = end.value
            return result


def likelihood_left_out(
    state: TrainState, views: np.ndarray, slots: np.ndarray, penalty: float | None
) -> float:
    """Return the log likelihood of images left out, one of each class in turn, by scikit-learn and numpy."""
    total, own = 0.0, _own_directions(DIM, N_CLASSES).numpy()
    for left_out in np.arange(len(slots)).reshape(EACH, N_CLASSES):
        kept = np.setdiff1d(np.arange(len(slots)), left_out)
        changed = views[0].astype(np.float64)
        if penalty is not None:
            targets = np.tile(np.eye(N_CLASSES)[slots[kept]], (2, 1))
            ridge = Ridge(alpha=2 * penalty, fit_intercept=False)
            ridge.fit(views[:, kept].reshape(-1, DIM), targets - targets.mean(0))
            changed = changed + class_ridge._STRENGTH * changed @ ridge.coef_.T @ own.T
        units = changed / np.linalg.norm(changed, axis=1, keepdims=True)
        means = np.stack([units[kept][slots[kept] == c].mean(0) for c in range(N_CLASSES)])
        means /= np.linalg.norm(means, axis=1, keepdims=True)
        scores = (
            2
            * float(state.twin.head.weight[0].detach())
            * units[left_out]
            @ means.T
            / class_ridge._TEMPERATURE
        )
        total += (scores[np.arange(N_CLASSES), slots[left_out]] - np.log(np.exp(scores).sum(1))).sum()
    return float(total)


def halves(data: ImageSet) -> tuple[ImageSet, ImageSet]:
    """Divide the images of each class among two sets."""
    rows = np.arange(len(data))
    return data.rows(rows[::2]), data.rows(rows[1::2])


def test_a_run_says_how_the_linear_probe_does_on_the_tested_images(coloured_set: Maker) -> None:
    learned, held_out = halves(coloured_set(4, 8))
    events = list(train_events(learned, TUNED, new_state(TUNED, WHITENED), held_out))
    (found,) = [event for event in events if isinstance(event, Comparison)]
    assert found.in_use is not None
    assert found.probe is not None
    assert min(found.in_use, found.probe) > 0.6  # one colour a class
    assert found.probe_is_better == (found.probe > found.in_use)
    others = replace(held_out, class_names=tuple("wxyz"))
    events = list(train_events(learned, TUNED, new_state(TUNED, WHITENED), others))
    assert [event.probe for event in events if isinstance(event, Comparison)] == [None]


@pytest.mark.parametrize("last", [Saved(TUNED.steps, CHECKPOINT), Finished])
def test_a_run_killed_at_its_end_says_the_same_when_resumed(
    last: object, tmp_path: Path, coloured_set: Maker
) -> None:
    """It is killed before its comparison, which embeds images anew then, or while it is calibrated."""
    learned, held_out = halves(coloured_set(4, 8))
    events = train_events(learned, TUNED, new_state(TUNED, WHITENED), held_out)
    (said,) = [event for event in events if isinstance(event, Comparison)]
    assert said.probe is not None
    turns = run_in(tmp_path / "r", learned, TUNED, WHITENED, validation=held_out)
    assert any(last in (event, type(event)) for event in turns)
    turns.close()
    list(run_in(tmp_path / "r", learned, TUNED, WHITENED, validation=held_out, resume=True))
    logged = read_events(tmp_path / "r" / EVENTS)
    assert [event for event in logged if isinstance(event, Comparison)] == [said]
    more = replace(TUNED, steps=TUNED.steps + 2)
    list(run_in(tmp_path / "r", learned, more, WHITENED, validation=held_out, resume=True))
    logged = read_events(tmp_path / "r" / EVENTS)
    assert [event.step for event in logged if isinstance(event, Comparison)] == [more.steps]
