"""The engine as an iterator: repeatable, stoppable, and it learns."""

import itertools
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch

from fsl.base.errors import SettingsError
from fsl.config import TrainConfig
from fsl.data.imageset import ImageSet
from fsl.training import engine, interrupt
from fsl.training.batch import draw_batch, learning_rate_at, pair_loss
from fsl.training.events import (
    Evaluation,
    Finished,
    Started,
    Step,
    TrainEvent,
    Verdict,
    from_json,
    to_json,
)
from fsl.training.state import new_state
from fsl.twin.losses import bce_loss
from fsl.twin.pairs import ClassIndex
from tests.helpers.training import CONFIG, MODEL, train_events

Maker = Callable[..., ImageSet]
N_LAYERS = 12  # of each of Conv-4's four blocks a convolution, a batch norm and a ReLU


def weights(config: TrainConfig, data: ImageSet) -> dict[str, torch.Tensor]:
    state = new_state(config, MODEL)
    for _ in train_events(data, config, state):
        pass
    return state.twin.state_dict()


def test_events_come_in_order(coloured_set: Maker) -> None:
    events = list(train_events(coloured_set(), CONFIG, MODEL, validation=coloured_set(5, seed=1)))
    assert isinstance(events[0], Started)
    assert isinstance(events[-1], Finished)
    assert not events[-1].stopped
    assert [e.step for e in events if isinstance(e, Step)] == [1, 4, 8, 12]
    assert [e.step for e in events if isinstance(e, Evaluation)] == [5, 10, 12]
    assert "5-way tests instead of 20-way" in events[0].note
    assert [from_json(to_json(e)) for e in events] == events


@pytest.mark.parametrize("pairing", ["random", "all"])
def test_same_seed_same_weights(pairing: str, coloured_set: Maker) -> None:
    config = replace(CONFIG, pairing=pairing, augment=TrainConfig().augment)
    one, two = weights(config, coloured_set()), weights(config, coloured_set())
    assert all(torch.equal(one[k], two[k]) for k in one)
    other = weights(replace(config, seed=1), coloured_set())
    assert not all(torch.equal(one[k], other[k]) for k in one)


def test_evaluation_does_not_disturb_training(coloured_set: Maker) -> None:
    data = coloured_set()
    state = new_state(CONFIG, MODEL)
    for _ in train_events(data, CONFIG, state, validation=coloured_set(5, seed=1)):
        pass
    alone = weights(CONFIG, data)
    assert all(torch.equal(v, alone[k]) for k, v in state.twin.state_dict().items())


@pytest.mark.parametrize("pairing", ["random", "all"])
@pytest.mark.parametrize("loss", ["bce", "bce+rank"])
def test_it_learns_what_can_be_learned(pairing: str, loss: str, coloured_set: Maker) -> None:
    if (pairing, loss) == ("random", "bce+rank"):
        with pytest.raises(SettingsError, match="pairing='all'"):
            replace(CONFIG, pairing=pairing, loss=loss)
        return
    config = replace(CONFIG, steps=80, pairing=pairing, loss=loss, batch_pairs=32)
    data = coloured_set(12, 8)
    losses = [e.loss for e in train_events(data, config, MODEL) if isinstance(e, Step)]
    assert losses[-1] < 0.6 * losses[0]


def test_stop_ends_after_the_batch_and_the_network_is_usable(coloured_set: Maker) -> None:
    state = new_state(CONFIG, MODEL)
    events = list(train_events(coloured_set(), CONFIG, state, should_stop=lambda: state.step >= 3))
    assert isinstance(events[-1], Finished)
    assert events[-1].stopped
    assert events[-1].step == 3


def test_the_starting_network_is_not_changed(coloured_set: Maker) -> None:
    given = new_state(CONFIG, MODEL).twin.eval()
    before = {k: v.clone() for k, v in given.state_dict().items()}
    list(train_events(coloured_set(), CONFIG, given))
    assert all(torch.equal(v, before[k]) for k, v in given.state_dict().items())
    assert not given.training


def test_all_pairs_loss_equals_forwarding_every_pair(coloured_set: Maker) -> None:
    """One pass per image and then all pairs is the same loss as two images per pair through the twin."""
    data = coloured_set()
    twin = new_state(CONFIG, MODEL).twin.eval()
    index = ClassIndex(data.labels, data.class_names)
    batch = draw_batch(index, CONFIG, np.random.default_rng(0))
    rows, first, second, difference = batch.rows, batch.first, batch.second, batch.difference
    images = torch.from_numpy(data.images[rows]).permute(0, 3, 1, 2).float() / 255
    pairwise = bce_loss(twin(images[first], images[second]), difference)
    shared = pair_loss(twin, twin.embed(images), batch, CONFIG).loss
    assert shared.item() == pytest.approx(pairwise.item(), rel=1e-4)


def test_each_random_pair_has_classes_of_its_own(coloured_set: Maker) -> None:
    data = coloured_set()
    index = ClassIndex(data.labels, data.class_names)
    config = replace(CONFIG, pairing="random")
    batch = draw_batch(index, config, np.random.default_rng(0))
    rows, slots, difference = batch.rows, batch.slots, batch.difference
    first, second = batch.first, batch.second
    assert ((slots[first] != slots[second]).float() == difference).all()
    assert ((data.labels[rows][first] != data.labels[rows][second]) == difference.numpy().astype(bool)).all()


def test_a_long_run_is_judged_less_often(coloured_set: Maker, monkeypatch: pytest.MonkeyPatch) -> None:
    """A verdict reads all reports, so judging at every report would take quadratic time."""
    really, judged = engine.judge, []

    def judge(events: list[TrainEvent]) -> Verdict:
        judged.append(sum(isinstance(e, Step) for e in events))
        return really(events)

    monkeypatch.setattr(engine, "judge", judge)
    config = replace(CONFIG, report_every=1, evaluate_every=0)
    for n_earlier, expected in ((0, list(range(1, 13))), (1000, [1010, 1012])):
        judged.clear()
        earlier = [Step(i + 1, 0.7, 1e-3, 1.0, 1.0) for i in range(n_earlier)]
        list(train_events(coloured_set(), config, new_state(config, MODEL), earlier=earlier))
        assert judged == expected


def test_one_cycle_rises_then_falls() -> None:
    config = replace(CONFIG, steps=100, schedule="one-cycle", learning_rate=1.0)
    rates = [learning_rate_at(config, step) for step in range(100)]
    assert max(rates) == pytest.approx(1.0)
    assert rates[0] < rates[5] < rates[9]
    assert all(a >= b for a, b in itertools.pairwise(rates[10:]))
    assert rates[-1] < 0.02


def test_unusable_data_is_refused_with_a_plain_message(coloured_set: Maker) -> None:
    with pytest.raises(SettingsError, match="32 pixels wide and the network takes 16"):
        list(train_events(coloured_set(size=32), CONFIG, MODEL))
    with pytest.raises(SettingsError, match="validation images are 32 pixels wide"):
        list(train_events(coloured_set(), CONFIG, MODEL, coloured_set(size=32)))
    with pytest.raises(SettingsError, match="2 classes"):
        list(train_events(coloured_set(4, per_class=1), CONFIG, MODEL))


def test_a_test_asks_for_no_more_than_the_images_it_takes(coloured_set: Maker) -> None:
    """Only the first few images of each class are tested on, however many there are."""
    config = replace(CONFIG, steps=1, evaluation=replace(CONFIG.evaluation, n_shot=20, n_query=2))
    events = list(
        train_events(coloured_set(3), config, MODEL, validation=coloured_set(3, per_class=24, seed=1))
    )
    assert isinstance(events[0], Started)
    assert "no N-way K-shot test" in events[0].note or any(isinstance(e, Evaluation) for e in events)


def test_changed_settings_are_explained_in_sentences(coloured_set: Maker) -> None:
    """No validation set, and fewer classes than a batch asks for."""
    config = replace(CONFIG, pairing="all", batch_classes=16, steps=1)
    started = next(iter(train_events(coloured_set(3), config, MODEL)))
    assert isinstance(started, Started)
    assert started.note == (
        "nothing is held out, so no N-way K-shot test, and no limit for “unknown”. "
        "Each batch has 3 classes, because the data has only 3."
    )
    tested = next(iter(train_events(coloured_set(3), config, MODEL, validation=coloured_set(2, seed=1))))
    assert isinstance(tested, Started)
    assert "No limit for “unknown”: it takes 3 classes to test on." in tested.note
    enough = next(iter(train_events(coloured_set(3), config, MODEL, validation=coloured_set(3, seed=1))))
    assert isinstance(enough, Started)
    assert "No limit" not in enough.note


def test_a_long_batch_is_broken_off_and_repeated_when_the_run_goes_on(
    coloured_set: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wherever it stops, nothing of the batch is left, not even in batch norm's statistics."""
    monkeypatch.setattr(interrupt, "_SECONDS", 0.0)  # ask after every layer, as a slow network does
    config = replace(CONFIG, steps=3, evaluate_every=0, augment=TrainConfig().augment)
    data, asked = coloured_set(), itertools.count()
    whole = new_state(config, MODEL)
    list(train_events(data, config, whole, should_stop=lambda: next(asked) < 0))
    n_in_a_batch = next(asked) // config.steps
    assert n_in_a_batch > 2 * N_LAYERS
    state = new_state(config, MODEL)
    for n in range(n_in_a_batch - 1):
        calls = itertools.count()
        *_, last = train_events(data, config, state, should_stop=lambda calls=calls, n=n: next(calls) >= n)  # type: ignore[misc]
        assert isinstance(last, Finished)
        assert (last.step, last.stopped) == (0, True)
    list(train_events(data, config, state))
    assert all(torch.equal(v, whole.twin.state_dict()[k]) for k, v in state.twin.state_dict().items())
