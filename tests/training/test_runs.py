"""Run folders: what is on disk, and going on after a stop or a crash."""

import errno
import os
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from fsl.base.errors import CheckpointError, DataError, SettingsError, WriteError
from fsl.base.locks import try_lock
from fsl.data.imageset import ImageSet
from fsl.data.query import DataSpec
from fsl.training import interrupt
from fsl.training.calibration import fit_calibrations
from fsl.training.events import Evaluation, Finished, Saved, Started, Step, TrainEvent
from fsl.training.run_folder import CHECKPOINT, EVENTS, STATE
from fsl.training.run_lock import LOCK, acquire, phase_of
from fsl.training.run_log import read_events
from fsl.training.status import read_run
from fsl.twin import checkpoint as checkpoints
from fsl.twin.network import TwinNetwork
from tests.helpers.training import CONFIG, MODEL, run_in

Maker = Callable[..., ImageSet]
RUN = replace(CONFIG, augment=replace(CONFIG.augment, rotate=30.0), report_every=1)


def run(folder: Path, make: Maker, **options: object) -> list[TrainEvent]:
    return list(
        run_in(folder, make(), RUN, MODEL, about={"data": "colours"}, validation=make(5, seed=1), **options)
    )


def numbers(events: list[TrainEvent]) -> list[tuple[int, float]]:
    """Return everything that must be equal between runs: all but the times."""
    out = {(e.step, e.loss) for e in events if isinstance(e, Step)}
    return sorted(out | {(e.step, e.accuracy) for e in events if isinstance(e, Evaluation)})


def test_a_run_leaves_a_folder_that_can_be_used(tmp_path: Path, coloured_set: Maker) -> None:
    events = run(tmp_path / "one", coloured_set)
    assert read_events(tmp_path / "one" / EVENTS) == events
    loaded = checkpoints.load(tmp_path / "one" / CHECKPOINT)
    assert {c.rule for c in loaded.info.calibrations} == {"mean", "max", "prototype"}
    assert loaded.info.training["steps_done"] == RUN.steps
    assert loaded.info.metrics["validation"]["step"] == RUN.steps


@pytest.mark.parametrize(("per_class", "calibrated"), [(5, True), (4, True), (2, True), (1, False)])
def test_a_run_with_few_images_to_test_on_still_ends_well(
    tmp_path: Path, coloured_set: Maker, per_class: int, calibrated: bool
) -> None:
    few = coloured_set(4, per_class=per_class, seed=1)
    short = replace(RUN, steps=2, evaluate_every=0, evaluation=replace(RUN.evaluation, n_episodes=2))
    validation = few if per_class > 1 else None
    events = list(run_in(tmp_path / "few", coloured_set(), short, MODEL, validation=validation))
    assert any(isinstance(event, Finished) for event in events)
    loaded = checkpoints.load(tmp_path / "few" / CHECKPOINT)
    assert bool(loaded.info.calibrations) == calibrated


@pytest.mark.parametrize(
    ("held_out", "limits", "familiar"), [(2, False, False), (3, True, False), (0, True, True)]
)
def test_what_was_measured_says_on_which_classes(
    tmp_path: Path, coloured_set: Maker, held_out: int, limits: bool, familiar: bool
) -> None:
    """Two classes are enough for pairs; "unknown" takes a third."""
    everything = coloured_set(6, per_class=4)
    names = everything.class_names
    train = everything.select_classes(names[: 6 - held_out])
    validation = everything.select_classes(names[-held_out:])
    short = replace(RUN, steps=1, evaluate_every=0)
    list(run_in(tmp_path / "run", train, short, MODEL, validation=validation))
    info = checkpoints.load(tmp_path / "run" / CHECKPOINT).info
    assert bool(info.calibrations) == limits
    assert all(one.familiar == familiar for one in info.calibrations)
    assert info.pairs is not None
    assert info.pairs.familiar == familiar


def test_too_few_images_calibrate_nothing() -> None:
    twin = TwinNetwork(MODEL).eval()
    labels = np.array([0, 0, 0, 1, 1, 1, 2])
    assert fit_calibrations(twin, torch.randn(7, twin.embedding_dim), labels, "few") == ()


def test_interrupted_and_resumed_equals_uninterrupted(tmp_path: Path, coloured_set: Maker) -> None:
    whole = run(tmp_path / "whole", coloured_set)
    killed = run_in(tmp_path / "killed", coloured_set(), RUN, MODEL, validation=coloured_set(5, seed=1))
    for event in killed:
        if event.step == 7:  # after the save at 5: what came since is lost and must come again
            break
    killed.close()
    run(tmp_path / "killed", coloured_set, resume=True)
    resumed = read_events(tmp_path / "killed" / EVENTS)
    assert numbers(resumed) == numbers(whole)
    assert sum(isinstance(e, Finished) for e in resumed) == 1
    one, two = (checkpoints.load(tmp_path / name / CHECKPOINT).twin for name in ("whole", "killed"))
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), two.parameters(), strict=True))


def test_a_stopped_run_can_be_resumed(
    tmp_path: Path, coloured_set: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(interrupt, "_SECONDS", 1e9)  # a busy machine would ask within a batch, too
    steps = iter(range(100))
    first = run(tmp_path / "r", coloured_set, should_stop=lambda: next(steps) == 2)
    assert isinstance(first[-2], Finished)
    assert first[-2].stopped
    checkpoints.load(tmp_path / "r" / CHECKPOINT)
    second = run(tmp_path / "r", coloured_set, resume=True)
    assert second[0].step == 3
    assert numbers(read_events(tmp_path / "r" / EVENTS)) == numbers(run(tmp_path / "whole", coloured_set))


def test_a_run_stopped_during_its_last_test_makes_it_when_resumed(
    tmp_path: Path, coloured_set: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    from fsl.training import validation

    asked = []

    def at_the_last_test() -> bool:
        asked.append(True)
        return False

    monkeypatch.setattr(validation, "_IMAGES_PER_PAUSE", 4)
    whole = run(tmp_path / "whole", coloured_set, should_stop=at_the_last_test)
    times = iter(range(len(asked)))
    # The last times that it asks are within the last test, which is in several turns.
    stopped = run(tmp_path / "r", coloured_set, should_stop=lambda: next(times) == len(asked) - 2)
    assert isinstance(stopped[-2] if isinstance(stopped[-1], Saved) else stopped[-1], Finished)
    assert next(e for e in stopped if isinstance(e, Finished)).stopped
    resumed = run(tmp_path / "r", coloured_set, resume=True)
    last = [e for e in whole if isinstance(e, Evaluation)][-1]
    assert [e for e in resumed if isinstance(e, Evaluation)] == [last]
    assert not next(e for e in resumed if isinstance(e, Finished)).stopped


def test_a_test_made_after_a_resume_is_logged_once(
    tmp_path: Path, coloured_set: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even if the run was killed before it was saved."""
    monkeypatch.setattr("fsl.training.validation._IMAGES_PER_PAUSE", 4)
    whole = run(tmp_path / "whole", coloured_set)
    times = iter(range(100))
    run(tmp_path / "r", coloured_set, should_stop=lambda: next(times) == 6)  # within the test after batch 5
    assert [e for e in read_events(tmp_path / "r" / EVENTS) if isinstance(e, Evaluation)] == []
    turns = run_in(
        tmp_path / "r", coloured_set(), RUN, MODEL, validation=coloured_set(5, seed=1), resume=True
    )
    for event in turns:
        if isinstance(event, Evaluation):
            break
    turns.close()
    run(tmp_path / "r", coloured_set, resume=True)
    logged = read_events(tmp_path / "r" / EVENTS)
    assert [e for e in logged if isinstance(e, Evaluation)] == [e for e in whole if isinstance(e, Evaluation)]


def test_a_run_trains_even_if_it_cannot_be_tested(tmp_path: Path, coloured_set: Maker) -> None:
    singles = coloured_set(5, 1, seed=1)
    events = list(run_in(tmp_path / "r", coloured_set(), CONFIG, MODEL, validation=singles))
    (started,) = [e for e in events if isinstance(e, Started)]
    assert "no N-way K-shot test" in started.note
    assert not [e for e in events if isinstance(e, Evaluation)]
    assert any(isinstance(e, Finished) and not e.stopped for e in events)


def test_a_run_without_tests_is_saved_as_often(tmp_path: Path, coloured_set: Maker) -> None:
    """Otherwise a killed run without validation classes would begin again at 0."""
    arguments = (coloured_set(), replace(RUN, evaluate_every=4), MODEL)
    turns = run_in(tmp_path / "r", *arguments)
    for event in turns:
        if event.step == 11:
            break
    turns.close()
    rest = list(run_in(tmp_path / "r", *arguments, resume=True))
    assert rest[0].step == 8
    whole = list(run_in(tmp_path / "w", *arguments))
    assert numbers(read_events(tmp_path / "r" / EVENTS)) == numbers(whole)


@pytest.mark.parametrize("changes", [{"learning_rate": 9e-3, "loss": "bce+rank"}, {"steps": 8}, {"seed": 3}])
def test_a_run_is_resumed_with_its_own_settings_only(
    changes: dict[str, object], tmp_path: Path, coloured_set: Maker
) -> None:
    steps = iter(range(100))
    run(tmp_path / "r", coloured_set, should_stop=lambda: next(steps) == 2)
    before = (tmp_path / "r" / EVENTS).read_bytes()
    other = replace(RUN, **changes)  # type: ignore[arg-type]
    name, value = next(iter(changes.items()))
    with pytest.raises(SettingsError, match=rf"begun with other settings: {name} .*, now {value}"):
        list(run_in(tmp_path / "r", coloured_set(), other, MODEL, resume=True))
    assert (tmp_path / "r" / EVENTS).read_bytes() == before


def test_a_run_can_be_resumed_with_more_batches(tmp_path: Path, coloured_set: Maker) -> None:
    run(tmp_path / "r", coloured_set)
    begun = read_run(tmp_path / "r").created
    more = replace(RUN, steps=RUN.steps + 4)
    arguments = {"validation": coloured_set(5, seed=1)}
    list(run_in(tmp_path / "r", coloured_set(), more, MODEL, resume=True, **arguments))  # type: ignore[arg-type]
    found = read_run(tmp_path / "r")
    assert (found.config, found.steps_done, found.status) == (more, 16, "finished")
    assert found.created == begun  # although its settings were written anew
    longer = replace(RUN, schedule="one-cycle")  # there the rate depends on how many there are
    list(run_in(tmp_path / "c", coloured_set(), longer, MODEL, **arguments))  # type: ignore[arg-type]
    with pytest.raises(SettingsError, match="steps 12, now 16"):
        list(run_in(tmp_path / "c", coloured_set(), replace(longer, steps=16), MODEL, resume=True))


def test_a_run_is_not_resumed_on_other_classes(tmp_path: Path, coloured_set: Maker) -> None:
    everything = coloured_set(6)
    names = everything.class_names
    for number, chosen in enumerate((names[:4], names[:4], names[2:])):
        data = everything.select_classes(chosen)
        turns = run_in(tmp_path / "r", data, RUN, MODEL, about={"classes": list(chosen)}, resume=number > 0)
        if chosen == names[:4]:
            list(turns)
            continue
        with pytest.raises(
            SettingsError, match="4 classes to learn from, now 4, without colour 0, colour 1 and with"
        ):
            list(turns)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"start": replace(MODEL, views=2)}, "views 1, now 2"),
        ({"about": {"start": "glyphs"}}, "start fruits, now glyphs"),
        ({"source": DataSpec("/sets/pears", hold_out=0.2)}, "data apples, now pears"),
        ({"source": DataSpec("/moved/apples", hold_out=0.5)}, "hold_out 0.2, now 0.5"),
    ],
)
def test_a_run_is_resumed_with_its_own_network_and_data_only(
    changes: dict[str, object], told: str, tmp_path: Path, coloured_set: Maker
) -> None:
    begun: dict[str, Any] = {
        "start": MODEL,
        "about": {"start": "fruits"},
        "source": DataSpec("/sets/apples", hold_out=0.2),
    }
    short = replace(RUN, steps=1, evaluate_every=0)
    list(run_in(tmp_path / "r", coloured_set(), short, **begun))
    with pytest.raises(SettingsError, match=told):
        list(run_in(tmp_path / "r", coloured_set(), short, resume=True, **begun | changes))


def test_a_resumed_run_keeps_its_measured_precision(tmp_path: Path, coloured_set: Maker) -> None:
    """Runs of a recipe that names a precision now, and named none when the run was begun."""
    begun = replace(RUN, steps=2, evaluate_every=0, precision="auto")
    first, *_ = run_in(tmp_path / "r", coloured_set(), begun, MODEL)
    assert isinstance(first, Started)
    for precision in ("bf16", "fp32"):
        now = replace(begun, precision=precision)
        again, *_ = run_in(tmp_path / "r", coloured_set(), now, MODEL, resume=True)
        assert isinstance(again, Started)
        assert (again.step, again.bf16) == (2, first.bf16)


def test_a_folder_in_use_is_not_overwritten(tmp_path: Path, coloured_set: Maker) -> None:
    run(tmp_path / "r", coloured_set)
    with pytest.raises(DataError, match="already holds a run"):
        run(tmp_path / "r", coloured_set)
    with pytest.raises(DataError, match="no saved state"):
        run(tmp_path / "other", coloured_set, resume=True)


def test_a_refused_run_leaves_no_folder(tmp_path: Path, coloured_set: Maker) -> None:
    with pytest.raises(SettingsError, match="2 classes"):
        list(run_in(tmp_path / "r", coloured_set(4, per_class=1), RUN, MODEL))
    assert not (tmp_path / "r" / EVENTS).exists()
    run(tmp_path / "r", coloured_set)  # the same command, the pictures mended
    with pytest.raises(DataError, match="no saved state"):
        run(tmp_path / "never", coloured_set, resume=True)
    assert not (tmp_path / "never").exists()


def test_a_damaged_file_gives_a_plain_message(tmp_path: Path, coloured_set: Maker) -> None:
    run(tmp_path / "r", coloured_set)
    state = tmp_path / "r" / STATE
    state.write_bytes(state.read_bytes()[:1000])
    with pytest.raises(CheckpointError, match=r"state\.safetensors is damaged"):
        run(tmp_path / "r", coloured_set, resume=True)


@pytest.mark.skipif(sys.platform == "win32", reason="there a reader is alone, too")
def test_two_processes_that_ask_at_once_do_not_take_each_other_for_the_owner(tmp_path: Path) -> None:
    with acquire(tmp_path) as lock:
        lock.set_phase("closing")
        assert phase_of(tmp_path) == "closing"
    with (tmp_path / LOCK).open() as other_reader:
        assert try_lock(other_reader, shared=True)
        assert phase_of(tmp_path) is None


@pytest.mark.skipif(sys.platform == "win32", reason="it locks in another way")
def test_a_file_system_without_locks_gives_a_plain_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def flock(*_: object) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr("fcntl.flock", flock)
    with pytest.raises(WriteError, match="No locks available"):
        acquire(tmp_path)
    assert phase_of(tmp_path) is None


def test_half_written_last_line_is_left_out(tmp_path: Path, coloured_set: Maker) -> None:
    events = run(tmp_path / "r", coloured_set)
    with (tmp_path / "r" / EVENTS).open("a") as log:
        log.write('{"event": "step", "st')
    assert read_events(tmp_path / "r" / EVENTS) == events
