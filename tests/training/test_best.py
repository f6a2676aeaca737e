"""The network of a run's best test is kept and used, and one that is no better is not offered."""

from collections.abc import Callable, Generator
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from fsl.data.imageset import ImageSet
from fsl.training import engine, run_writer, validation
from fsl.training.best import best_test, little_to_gain, why_not_to_use
from fsl.training.events import Evaluation, Pause, Saved, Verdict
from fsl.training.run_folder import BEST, CHECKPOINT
from fsl.training.save_as import save_as
from fsl.training.state import TrainState, dump_state
from fsl.training.status import read_run
from fsl.twin import checkpoint as checkpoints
from tests.helpers.training import CONFIG, MODEL, run_in

Maker = Callable[..., ImageSet]
BOTH = replace(CONFIG, evaluate_first=True)


def made_test(step: int, accuracy: float) -> Evaluation:
    return Evaluation(step, accuracy, 0.01, 5, 1, 100)


def run_with_tests(
    folder: Path, accuracies: list[float], make: Maker, monkeypatch: pytest.MonkeyPatch, **options: object
) -> Generator[tuple[int, dict[str, torch.Tensor]]]:
    """Run with made-up results of its tests, yielding the weights at each save; the last ones come twice.

    Args:
        options: ``config``, and arguments of ``run_in``.
    """
    really, given = validation.run_test, iter(accuracies)

    def told(*arguments: object) -> Generator[Pause, None, validation.TestResult | None]:
        result = yield from really(*arguments)  # type: ignore[arg-type]
        assert result is not None
        return replace(result, event=replace(result.event, accuracy=next(given)))

    monkeypatch.setattr(engine, "run_test", told)
    config = options.pop("config", BOTH)
    events = run_in(folder, make(), config, MODEL, validation=make(5, seed=1), **options)  # type: ignore[arg-type]
    for event in events:
        if isinstance(event, Saved):
            yield event.step, weights(folder / CHECKPOINT)
    assert next(given, None) is None


def weights(path: Path) -> dict[str, torch.Tensor]:
    """Return the weights in a checkpoint."""
    return checkpoints.load(path).twin.state_dict()


def equal(some: dict[str, torch.Tensor], others: dict[str, torch.Tensor]) -> bool:
    """Return whether the weights of two networks are the same."""
    return all(torch.equal(values, others[name]) for name, values in some.items())


def test_the_best_network_is_kept_and_used(
    tmp_path: Path, coloured_set: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FSL_CHECKPOINT_DIR", str(tmp_path / "mine"))
    runs = tmp_path / "runs"
    accuracies = [0.3, 0.9, 0.6, 0.5]  # before, and after 5, 10 and 12 batches
    saved = dict(run_with_tests(runs / "r", accuracies, coloured_set, monkeypatch))
    run = read_run(runs / "r")
    assert (run.best_steps, run.why_not_to_use) == (5, "")
    best = checkpoints.load(runs / "r" / BEST)
    assert best.info.training["steps_done"] == 5
    assert best.info.calibrations
    for path in (runs / "r" / BEST, save_as("r", "mine", runs)):
        assert equal(weights(path), saved[5])
    assert not equal(weights(runs / "r" / CHECKPOINT), saved[5])


def test_the_last_network_needs_no_second_file(
    tmp_path: Path, coloured_set: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    list(run_with_tests(tmp_path / "r", [0.3, 0.5, 0.6, 0.9], coloured_set, monkeypatch))
    assert not (tmp_path / "r" / BEST).exists()
    assert read_run(tmp_path / "r").best_steps == 12


def test_more_batches_do_not_lose_the_best_network(
    tmp_path: Path, coloured_set: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was the last one before, so no other file held it."""
    first = dict(run_with_tests(tmp_path / "r", [0.3, 0.5, 0.6, 0.9], coloured_set, monkeypatch))
    more = {"config": replace(BOTH, steps=16), "resume": True}
    list(run_with_tests(tmp_path / "r", [0.8, 0.7], coloured_set, monkeypatch, **more))
    assert read_run(tmp_path / "r").best_steps == 12
    best = checkpoints.load(tmp_path / "r" / BEST)
    assert equal(best.twin.state_dict(), first[12])
    assert best.info.training["steps_done"] == 12
    assert best.info.calibrations


def test_a_kill_after_a_save_leaves_the_best_network(
    tmp_path: Path, coloured_set: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    saves = run_with_tests(tmp_path / "r", [0.3, 0.5, 0.9], coloured_set, monkeypatch)
    found = next(values for step, values in saves if step == 10)
    saves.close()
    assert equal(weights(tmp_path / "r" / BEST), found)
    list(run_with_tests(tmp_path / "r", [0.6], coloured_set, monkeypatch, resume=True))
    assert read_run(tmp_path / "r").best_steps == 10
    assert equal(weights(tmp_path / "r" / BEST), found)


@pytest.mark.parametrize(("repeated", "best"), [(0.9, 9), (0.4, 12)])
def test_a_kill_during_a_save_leaves_no_network_under_a_wrong_label(
    repeated: float, best: int, tmp_path: Path, coloured_set: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The test is repeated, and on another number of threads its result may differ."""

    def killed_at_9(state: TrainState) -> bytes:
        if state.step == 9:
            raise InterruptedError
        return dump_state(state)

    config = replace(BOTH, evaluate_every=3)
    with monkeypatch.context() as context, pytest.raises(InterruptedError):
        context.setattr(run_writer, "dump_state", killed_at_9)
        list(run_with_tests(tmp_path / "r", [0.3, 0.8, 0.5, 0.9], coloured_set, context, config=config))
    again = {"config": config, "resume": True}
    saved = dict(run_with_tests(tmp_path / "r", [repeated, 0.2], coloured_set, monkeypatch, **again))
    run = read_run(tmp_path / "r")
    assert run.best_steps == best
    assert equal(weights(run.best_file), saved[best])


def test_the_earliest_of_equally_good_tests_is_the_best() -> None:
    assert best_test([made_test(0, 0.9), made_test(5, 0.7), made_test(10, 0.7)]) == made_test(5, 0.7)
    assert best_test([made_test(0, 0.9)]) is None


def test_it_is_said_when_there_is_little_to_gain() -> None:
    assert "photos gives 99.0%" in little_to_gain(made_test(0, 0.99), "photos")
    assert little_to_gain(made_test(0, 0.9), "photos") == ""
    assert little_to_gain(made_test(5, 0.99), "photos") == ""  # that was training
    assert little_to_gain(made_test(0, 0.99), "") == ""


@pytest.mark.parametrize(
    ("kind", "before", "after", "words"),
    [
        ("stalled", 0.2, 0.3, "learned nothing"),
        ("diverged", None, None, "learned nothing"),
        ("learning", 0.8, 0.8, "Keep photos."),
        ("overfitting", 0.8, 0.7, "Keep photos."),
        ("overfitting", 0.8, 0.9, ""),
        ("learning", None, None, ""),
    ],
)
def test_what_is_not_worth_using(kind: str, before: float | None, after: float | None, words: str) -> None:
    tests = [None if accuracy is None else made_test(5, accuracy) for accuracy in (before, after)]
    reason = why_not_to_use(Verdict(5, kind, "."), *tests, "photos")  # type: ignore[arg-type]
    assert words in reason
    assert bool(reason) == bool(words)
