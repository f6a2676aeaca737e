"""Fine-tuning: the same episodes before and after, with the interval of the paired difference."""

from collections.abc import Callable, Generator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from torch import Tensor

from fsl.base.errors import DataError
from fsl.config import EpisodeConfig, ModelConfig
from fsl.data.imageset import ImageSet
from fsl.data.query import DataSpec
from fsl.fewshot.evaluate import evaluate
from fsl.fewshot.metrics import ci95
from fsl.training.events import Comparison, Evaluation, Finished, Pause, Saved, Started
from fsl.training.hold_out import hold_out_images
from fsl.training.run_data import TrainingData, load_training_data, read_stored_images, store_images
from fsl.training.run_folder import EVENTS
from fsl.training.run_log import read_events
from fsl.training.state import new_state
from fsl.training.validation import embed_with_pauses
from fsl.twin.inference import embed_images
from tests.helpers.training import CONFIG, MODEL, run_in, train_events

Maker = Callable[..., ImageSet]
BOTH = replace(CONFIG, evaluate_first=True, evaluation=EpisodeConfig(n_way=5, n_episodes=40, seed=3))


def test_same_episodes_before_and_after(coloured_set: Maker) -> None:
    validation = coloured_set(5, seed=1)
    given = new_state(CONFIG, MODEL).twin.eval()
    state = new_state(BOTH, given)
    events = list(train_events(coloured_set(), BOTH, state, validation))
    (comparison,) = [e for e in events if isinstance(e, Comparison)]
    state.twin.eval()
    before, after = (
        evaluate(twin, embed_images(twin, validation.images), validation.labels, BOTH.evaluation)
        for twin in (given, state.twin)
    )
    gain = after.episode_accuracy - before.episode_accuracy
    assert comparison.before == pytest.approx(before.accuracy)
    assert comparison.after == pytest.approx(after.accuracy)
    assert comparison.difference == pytest.approx(gain.mean())
    assert comparison.difference_ci95 == pytest.approx(ci95(gain))
    assert next(e.step for e in events if isinstance(e, Evaluation)) == 0


def test_a_fine_tune_that_harms_says_so(coloured_set: Maker) -> None:
    config = replace(BOTH, steps=40, learning_rate=1.0, optimiser="sgd", evaluate_every=0)
    good = new_state(replace(CONFIG, steps=80), MODEL)
    list(train_events(coloured_set(12, 8), replace(CONFIG, steps=80), good))
    mixed_up = coloured_set(3)
    mixed_up = replace(mixed_up, labels=np.random.default_rng(0).permutation(mixed_up.labels))
    events = list(train_events(mixed_up, config, good.twin, coloured_set(8, seed=1)))
    (comparison,) = [e for e in events if isinstance(e, Comparison)]
    assert comparison.difference + comparison.difference_ci95 < 0


def test_it_survives_an_interruption(tmp_path: Path, coloured_set: Maker) -> None:
    arguments = (coloured_set(), BOTH, MODEL)
    validation = coloured_set(5, seed=1)
    whole = list(run_in(tmp_path / "w", *arguments, validation=validation))
    turns = run_in(tmp_path / "k", *arguments, validation=validation)
    for event in turns:
        if event.step == 8:
            break
    turns.close()
    rest = list(run_in(tmp_path / "k", *arguments, validation=validation, resume=True))
    assert [e for e in rest if isinstance(e, Comparison)] == [e for e in whole if isinstance(e, Comparison)]


def test_a_stopped_fine_tune_is_compared_at_its_latest_test(tmp_path: Path, coloured_set: Maker) -> None:
    """When it is resumed, the comparison is made again, even by a process that made no test itself."""
    arguments = (coloured_set(), BOTH, MODEL)
    kwargs = {"validation": coloured_set(5, seed=1)}

    def stopped(resume: bool, after: int) -> list[Comparison]:
        turns = iter(range(100))
        events = run_in(
            tmp_path / "s", *arguments, resume=resume, should_stop=lambda: next(turns) >= after, **kwargs
        )  # type: ignore[arg-type]
        return [e for e in events if isinstance(e, Comparison)]

    whole = list(run_in(tmp_path / "w", *arguments, **kwargs))  # type: ignore[arg-type]
    at_five = next(e for e in whole if isinstance(e, Evaluation) and e.step == 5)
    (first,) = stopped(False, 9)
    assert (first.step, first.after) == (5, pytest.approx(at_five.accuracy))
    assert stopped(True, 0) == [first]
    rest = list(run_in(tmp_path / "s", *arguments, resume=True, **kwargs))  # type: ignore[arg-type]
    logged = read_events(tmp_path / "s" / EVENTS)
    for events in (rest, logged):
        assert [e for e in events if isinstance(e, Comparison)] == [
            e for e in whole if isinstance(e, Comparison)
        ]


@pytest.mark.parametrize("last", [Evaluation, Saved])
def test_the_test_before_is_made_and_logged_once(tmp_path: Path, coloured_set: Maker, last: type) -> None:
    """Even if the process was killed after the test was logged and before it was saved."""
    arguments = (coloured_set(), BOTH, MODEL)
    turns = run_in(tmp_path / "r", *arguments, validation=coloured_set(5, seed=1))
    for event in turns:
        if isinstance(event, last):
            break
    turns.close()
    list(run_in(tmp_path / "r", *arguments, validation=coloured_set(5, seed=1), resume=True))
    logged = read_events(tmp_path / "r" / EVENTS)
    assert [e.step for e in logged if isinstance(e, Evaluation)] == [0, 5, 10, 12]
    assert sum(isinstance(e, Started) for e in logged) == 1


def test_a_test_cut_short_by_a_stop_is_made_after_the_resume(
    tmp_path: Path, coloured_set: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = (coloured_set(), BOTH, MODEL)
    kwargs = {"validation": coloured_set(5, seed=1)}
    whole = list(run_in(tmp_path / "w", *arguments, **kwargs))  # type: ignore[arg-type]
    tests = []

    def noted(*given: object) -> Generator[Pause, None, Tensor]:
        tests.append(given)
        return embed_with_pauses(*given)  # type: ignore[arg-type]

    monkeypatch.setattr("fsl.training.validation.embed_with_pauses", noted)
    second = {"should_stop": lambda: len(tests) == 2}
    list(run_in(tmp_path / "s", *arguments, **second, **kwargs))  # type: ignore[arg-type]
    stopped = read_events(tmp_path / "s" / EVENTS)
    assert [e.step for e in stopped if isinstance(e, Evaluation)] == [0]
    assert [e.step for e in stopped if isinstance(e, Finished)] == [5]
    list(run_in(tmp_path / "s", *arguments, resume=True, **kwargs))  # type: ignore[arg-type]
    logged = read_events(tmp_path / "s" / EVENTS)
    for kind in (Evaluation, Comparison):
        assert [e for e in logged if isinstance(e, kind)] == [e for e in whole if isinstance(e, kind)]


def test_holding_out_images_keeps_every_class(coloured_set: Maker) -> None:
    data = coloured_set(3, 10)
    train_set, held_out = hold_out_images(data, 0.3, 0)
    assert held_out is not None
    assert np.bincount(train_set.labels).tolist() == [7, 7, 7]
    assert np.bincount(held_out.labels).tolist() == [3, 3, 3]
    assert not set(train_set.names) & set(held_out.names)
    assert hold_out_images(coloured_set(3, 3), 0.3, 0)[1] is None  # too few images to part with
    with pytest.raises(DataError, match="0 to below 1"):
        hold_out_images(data, 1.0, 0)


def test_built_in_sources_and_stored_images(tmp_path: Path) -> None:
    model = ModelConfig(image_size=16)
    source = DataSpec("digits", hold_out=0.3)
    data = load_training_data(source, model, 0, lambda problems: None)
    assert data.validation is not None
    assert not set(data.train.class_names) & set(data.validation.class_names)
    assert "digits" in data.words
    store_images(tmp_path, data)
    back = read_stored_images(tmp_path / "data.npz")
    assert back.train.digest() == data.train.digest()
    assert back.validation is not None
    assert back.validation.digest() == data.validation.digest()
    store_images(tmp_path, TrainingData(data.train))
    assert read_stored_images(tmp_path / "data.npz").validation is None
    (tmp_path / "data.npz").write_bytes(b"PK\x03\x04 cut off")
    with pytest.raises(DataError, match="have expired, or are damaged"):
        read_stored_images(tmp_path / "data.npz")
