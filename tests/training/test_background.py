"""Runs in the background: side by side, queued, stopped within a second, resumed, kept and deleted."""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from fsl.config import DataSource
from fsl.data.imageset import ImageSet
from fsl.errors import DataError, SettingsError
from fsl.training.background import RunManager, RunPlan, plan_like, save_as
from fsl.training.datasource import TrainingData
from fsl.training.events import Step
from fsl.training.owner import take
from fsl.training.runs import CHECKPOINT, CONFIG, EVENTS, run_training
from fsl.training.status import RunInfo, find_run, list_runs, run_events
from fsl.twin import checkpoint as checkpoints
from fsl.twin.network import TwinNetwork
from tests.training.test_engine import CONFIG as SMALL
from tests.training.test_engine import MODEL

Maker = Callable[..., ImageSet]
ENDLESS = replace(SMALL, steps=100_000, report_every=1, evaluate_every=0)


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[RunManager]:
    manager = RunManager(tmp_path / "runs")
    yield manager
    manager.close(10)


@pytest.fixture
def data(coloured_set: Maker) -> TrainingData:
    return TrainingData(coloured_set(), coloured_set(5, seed=1), "colours", "other colours")


def until(true: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)


def losses(run: RunInfo) -> list[tuple[int, float]]:
    return [(e.step, e.loss) for e in run_events(run.folder) if isinstance(e, Step)]


def test_a_run_from_start_to_finish(manager: RunManager, data: TrainingData) -> None:
    run_id = manager.start(RunPlan(SMALL, MODEL, data, name="first"))
    assert manager.wait(run_id, 30)
    (run,) = manager.runs()
    assert (run.id, run.status, run.name, run.steps_done) == (run_id, "finished", "first", 12)
    assert run.config == SMALL
    assert run.problems == ()
    info = checkpoints.load(run.folder / CHECKPOINT).info
    assert info.training["data"] == "colours"
    assert len(info.calibrations) == 3
    with pytest.raises(DataError, match="has done all its batches"):
        manager.resume(run_id)


def test_same_numbers_as_in_the_foreground(manager: RunManager, data: TrainingData, tmp_path: Path) -> None:
    run_id = manager.start(RunPlan(SMALL, MODEL, data))
    manager.wait(run_id, 30)
    list(run_training(tmp_path / "f", data.train, SMALL, MODEL, about={}, validation=data.validation))
    one, two = find_run(run_id, manager.root), find_run("f", tmp_path)
    assert losses(one) == losses(two)


def test_stop_takes_a_moment_and_resume_goes_on(manager: RunManager, data: TrainingData) -> None:
    run_id = manager.start(RunPlan(ENDLESS, MODEL, data))
    until(lambda: find_run(run_id, manager.root).steps_done > 3)
    began = time.monotonic()
    manager.stop(run_id)
    until(lambda: find_run(run_id, manager.root).status == "stopped")
    assert time.monotonic() - began < 1
    assert manager.wait(run_id, 10)
    stopped = find_run(run_id, manager.root)
    checkpoints.load(stopped.folder / CHECKPOINT)
    manager.resume(run_id)
    assert find_run(run_id, manager.root).status in ("queued", "running")
    until(lambda: find_run(run_id, manager.root).steps_done > stopped.steps_done + 3)
    steps = [step for step, _ in losses(find_run(run_id, manager.root))]
    assert steps == list(range(1, len(steps) + 1))


def test_compared_runs_take_turns(manager: RunManager, data: TrainingData) -> None:
    plans = [RunPlan(replace(ENDLESS, learning_rate=lr), MODEL, data) for lr in (1e-4, 1e-3, 1e-2)]
    ids = manager.start_together(plans)
    runs = [lambda i=i: find_run(i, manager.root) for i in ids]
    until(lambda: all(run().steps_done >= 20 for run in runs))
    manager.stop(ids[1])
    until(lambda: runs[1]().status == "stopped")
    n = runs[0]().steps_done
    until(lambda: all(runs[i]().steps_done > n + 5 for i in (0, 2)))
    manager.close(10)
    first, _, third = (run() for run in runs)
    assert abs(first.steps_done - third.steps_done) <= 1
    assert first.group == third.group != ""
    assert losses(first)[0] == losses(third)[0]  # same seed, same batch
    assert losses(first)[5] != losses(third)[5]


def test_two_compute_and_the_third_waits(manager: RunManager, data: TrainingData) -> None:
    ids = [manager.start(RunPlan(ENDLESS, MODEL, data)) for _ in range(4)]
    status = lambda i: find_run(ids[i], manager.root).status  # noqa: E731
    until(lambda: status(0) == status(1) == "running")
    assert status(2) == status(3) == "queued"
    manager.stop(ids[2])  # stopped before its first batch
    assert status(2) == "stopped"
    checkpoints.load(find_run(ids[2], manager.root).folder / CHECKPOINT)
    manager.stop(ids[0])
    until(lambda: status(3) == "running")
    manager.resume(ids[2])
    assert status(2) == "queued"
    manager.delete(ids[2])
    assert len(manager.runs()) == 3


def test_what_others_use_is_left_alone(manager: RunManager, data: TrainingData) -> None:
    torch.manual_seed(0)
    shared = TwinNetwork(MODEL).eval().requires_grad_(False)
    before = {k: v.clone() for k, v in shared.state_dict().items()}
    threads = torch.get_num_threads()
    manager.wait(manager.start(RunPlan(SMALL, shared, data)), 30)
    assert all(torch.equal(v, before[k]) for k, v in shared.state_dict().items())
    assert not any(p.requires_grad for p in shared.parameters())
    assert torch.get_num_threads() == threads


def test_a_failure_is_kept_in_words(manager: RunManager) -> None:
    run_id = manager.start(RunPlan(SMALL, MODEL, DataSource("/no/such/folder")))
    manager.wait(run_id, 30)
    run = find_run(run_id, manager.root)
    assert run.status == "failed"
    assert "there is no such folder" in run.error
    assert "Traceback" not in run.error


def test_a_failed_run_lets_the_others_go_on(manager: RunManager, data: TrainingData) -> None:
    bad = RunPlan(SMALL, MODEL, DataSource("/no/such/folder"))
    ids = manager.start_together([bad, RunPlan(SMALL, MODEL, data)])
    manager.wait(ids[1], 30)
    assert [find_run(i, manager.root).status for i in ids] == ["failed", "finished"]


def test_delete_stops_and_removes(manager: RunManager, data: TrainingData) -> None:
    run_id = manager.start(RunPlan(ENDLESS, MODEL, data))
    until(lambda: find_run(run_id, manager.root).steps_done > 1)
    manager.delete(run_id)
    assert manager.runs() == []
    for bad in ("", "..", "../runs", "a/b", "/"):
        with pytest.raises(DataError, match="There is no run"):
            manager.delete(bad)


def test_a_run_of_somebody_else_is_seen_and_stopped(manager: RunManager, data: TrainingData) -> None:
    """As the shell's: the same code without the manager."""

    def train() -> None:
        for _ in run_training(manager.root / "shell", data.train, ENDLESS, MODEL, about={}):
            pass

    thread = threading.Thread(target=train, daemon=True)
    thread.start()
    until(lambda: any(run.status == "running" and run.steps_done for run in manager.runs()))
    with pytest.raises(DataError, match="being trained right now"):
        manager.resume("shell")
    manager.stop("shell")
    thread.join(5)
    assert find_run("shell", manager.root).status == "stopped"


def test_save_as(
    manager: RunManager, data: TrainingData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FSL_CHECKPOINT_DIR", str(tmp_path / "saved"))
    run_id = manager.start(RunPlan(SMALL, MODEL, data))
    manager.wait(run_id, 30)
    save_as(run_id, "my colours", manager.root)
    assert checkpoints.read_info(checkpoints.find("my colours")).name == "my colours"
    with pytest.raises(SettingsError, match="already"):
        save_as(run_id, "My Colours", manager.root)
    for bad in ("", " ", "../up", "a/b", ".hidden", "x" * 61, "a\nb", "dot."):
        with pytest.raises(SettingsError, match="name has 1 to 60"):
            save_as(run_id, bad, manager.root)


def test_damaged_folders_are_listed_with_what_is_wrong(manager: RunManager, data: TrainingData) -> None:
    ids = [manager.start(RunPlan(SMALL, MODEL, data)) for _ in range(4)]
    for run_id in ids:
        manager.wait(run_id, 30)
    folders = [manager.root / run_id for run_id in ids]
    (folders[0] / CONFIG).write_text('{"train": {"steps": "many"')
    (folders[1] / CONFIG).write_text('{"train": {"steps": -3}, "model": 7, "about": []}')
    with (folders[2] / EVENTS).open("a") as log:
        log.write('{"event": "step", "step": "one"}\n[]\nnot json\n\x00\n{"event": "st')
    (folders[3] / CHECKPOINT).unlink()
    (manager.root / "empty").mkdir()
    runs = {run.id: run for run in list_runs(manager.root)}
    assert set(runs) == set(ids)
    told = [" ".join(runs[run_id].problems) for run_id in ids]
    assert "config.json cannot be read" in told[0]
    assert "damaged settings under 'train'" in told[1]
    assert "4 lines of events.jsonl are damaged" in told[2]
    assert "checkpoint.safetensors is missing" in told[3]
    with pytest.raises(DataError):
        manager.resume(ids[0])
    assert list_runs(manager.root / "nowhere") == []


def test_interrupted_without_an_owner(manager: RunManager, data: TrainingData) -> None:
    turns = run_training(manager.root / "r", data.train, ENDLESS, MODEL, about={})
    for event in turns:
        if event.step == 4:
            break
    assert find_run("r", manager.root).status == "running"
    turns.close()
    assert find_run("r", manager.root).status == "interrupted"
    with take(manager.root / "r"), pytest.raises(DataError, match="being trained right now"):
        take(manager.root / "r")


def test_a_run_that_reads_its_images_says_so_and_can_be_stopped(
    manager: RunManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read_for_ever(*_: object, progress: Callable[[int, int], None], **__: object) -> ImageSet:
        while True:
            progress(250, 1000)
            time.sleep(0.01)

    monkeypatch.setattr("fsl.training.datasource.shared_images", read_for_ever)
    run_id = manager.start(RunPlan(SMALL, MODEL, DataSource("digits")))
    until(lambda: "reading pictures, 25%" in find_run(run_id, manager.root).doing)
    assert find_run(run_id, manager.root).status == "running"
    manager.stop(run_id)
    assert manager.wait(run_id, 10)
    run = find_run(run_id, manager.root)
    assert (run.status, run.doing, run.error) == ("stopped", "", "")


def test_who_waits_knows_the_place_in_the_queue(manager: RunManager, data: TrainingData) -> None:
    ids = [manager.start(RunPlan(ENDLESS, MODEL, data)) for _ in range(4)]
    assert manager.queue() == (2, (ids[2], ids[3]))
    manager.stop(ids[2])
    assert manager.queue() == (2, (ids[3],))


def test_the_same_run_at_another_rate(manager: RunManager, data: TrainingData) -> None:
    run_id = manager.start(RunPlan(SMALL, MODEL, data, "first", {"title": "colours"}))
    assert manager.wait(run_id, 30)
    run = find_run(run_id, manager.root)
    plan = plan_like(run, 1e-3, MODEL, "second")
    other_id = manager.start(plan)
    assert manager.wait(other_id, 30)
    other = find_run(other_id, manager.root)
    assert other.config == replace(SMALL, learning_rate=1e-3)
    assert other.about["title"] == "colours"
    assert other.name == "second"
    assert losses(other)[0] == losses(run)[0]  # same weights, same batch, same images
    (run.folder / CONFIG).write_text("{")
    with pytest.raises(DataError, match="cannot be read"):
        plan_like(find_run(run_id, manager.root), 1e-3, MODEL, "third")
