"""Runs in the background: side by side, queued, stopped within a second, resumed, kept and deleted."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from fsl.base.errors import DataError, SettingsError
from fsl.data.images.decode import decode_image
from fsl.data.imageset import ImageSet
from fsl.data.query import DataSpec
from fsl.training.events import Step
from fsl.training.manager import RunManager
from fsl.training.run_data import TrainingData, load_training_data
from fsl.training.run_folder import CHECKPOINT, CONFIG, EVENTS
from fsl.training.run_lock import acquire
from fsl.training.run_plan import RunPlan, plan_like
from fsl.training.run_spec import RunSpec
from fsl.training.save_as import save_as
from fsl.training.status import RunInfo, find_run, list_runs, run_events
from fsl.twin import checkpoint as checkpoints
from fsl.twin import checkpoint_files
from fsl.twin.network import TwinNetwork
from tests.helpers.training import CONFIG as SMALL
from tests.helpers.training import MODEL, run_in
from tests.helpers.waiting import until

Maker = Callable[..., ImageSet]
ENDLESS = replace(SMALL, steps=100_000, report_every=1, evaluate_every=0)


def losses(run: RunInfo) -> list[tuple[int, float]]:
    return [(e.step, e.loss) for e in run_events(run.folder) if isinstance(e, Step)]


def test_a_run_from_start_to_finish(manager: RunManager, colours: TrainingData) -> None:
    run_id = manager.start(RunPlan(RunSpec(SMALL, name="first"), MODEL, colours))
    assert manager.wait(run_id, 30)
    (run,) = manager.runs()
    assert (run.id, run.status, run.name, run.steps_done) == (run_id, "finished", "first", 12)
    assert run.config == SMALL
    assert run.problems == ()
    info = checkpoints.load(run.folder / CHECKPOINT).info
    assert info.training["data"] == "colours"
    assert len(info.calibrations) == 3
    with pytest.raises(DataError, match="has trained all batches"):
        manager.resume(run_id)


def test_same_numbers_as_in_the_foreground(
    manager: RunManager, colours: TrainingData, tmp_path: Path
) -> None:
    run_id = manager.start(RunPlan(RunSpec(SMALL), MODEL, colours))
    manager.wait(run_id, 30)
    list(run_in(tmp_path / "f", colours.train, SMALL, MODEL, validation=colours.validation))
    one, two = find_run(run_id, manager.root), find_run("f", tmp_path)
    assert losses(one) == losses(two)


def test_stop_takes_a_moment_and_resume_goes_on(manager: RunManager, colours: TrainingData) -> None:
    run_id = manager.start(RunPlan(RunSpec(ENDLESS), MODEL, colours))
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


def test_compared_runs_take_turns(manager: RunManager, colours: TrainingData) -> None:
    plans = [
        RunPlan(RunSpec(replace(ENDLESS, learning_rate=lr)), MODEL, colours) for lr in (1e-4, 1e-3, 1e-2)
    ]
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


def test_a_finished_run_does_not_hold_up_the_runs_it_is_compared_with(
    manager: RunManager, colours: TrainingData, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the network of the first is calibrated, the second trains, and stops when it is told to."""
    go_on, measuring = threading.Event(), threading.Event()

    def measure(*_: object) -> None:
        measuring.set()
        assert go_on.wait(20)

    monkeypatch.setattr("fsl.training.calibration.measure_pair_rates", measure)
    first, second = manager.start_together(
        [RunPlan(RunSpec(SMALL), MODEL, colours), RunPlan(RunSpec(ENDLESS), MODEL, colours)]
    )
    assert measuring.wait(20)
    n = find_run(second, manager.root).steps_done
    until(lambda: find_run(second, manager.root).steps_done > n + 5)
    began = time.monotonic()
    manager.stop(second)
    until(lambda: find_run(second, manager.root).status == "stopped")
    assert time.monotonic() - began < 1
    assert not manager.wait(first, 0)
    go_on.set()
    assert manager.wait(first, 20)
    assert len(checkpoints.load(manager.root / first / CHECKPOINT).info.calibrations) == 3


def test_a_long_test_does_not_hold_up_other_runs(
    manager: RunManager, coloured_set: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between images of a long test the other runs take their turns, and the test goes on."""
    many = coloured_set(10, 10, seed=1)
    monkeypatch.setattr("fsl.training.validation._IMAGES_PER_PAUSE", 1)
    config = replace(SMALL, steps=1, evaluation=replace(SMALL.evaluation, n_way=5))
    tested = RunPlan(RunSpec(config), MODEL, TrainingData(coloured_set(), many))
    first, second = manager.start_together(
        [tested, RunPlan(RunSpec(ENDLESS), MODEL, TrainingData(coloured_set()))]
    )
    assert manager.wait(first, 60)
    assert find_run(first, manager.root).evaluation is not None
    assert find_run(second, manager.root).steps_done >= 2 * len(many) - 10  # its test, and its calibration


def test_two_compute_and_the_third_waits(manager: RunManager, colours: TrainingData) -> None:
    ids = [manager.start(RunPlan(RunSpec(ENDLESS), MODEL, colours)) for _ in range(4)]
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


def test_a_shared_network_is_not_changed(manager: RunManager, colours: TrainingData) -> None:
    torch.manual_seed(0)
    shared = TwinNetwork(MODEL).eval().requires_grad_(False)
    before = {k: v.clone() for k, v in shared.state_dict().items()}
    threads = torch.get_num_threads()
    manager.wait(manager.start(RunPlan(RunSpec(SMALL), shared, colours)), 30)
    assert all(torch.equal(v, before[k]) for k, v in shared.state_dict().items())
    assert not any(p.requires_grad for p in shared.parameters())
    assert torch.get_num_threads() == threads


def test_a_failure_is_stored_as_a_message(manager: RunManager) -> None:
    run_id = manager.start(RunPlan(RunSpec(SMALL), MODEL, DataSpec("/no/such/folder")))
    manager.wait(run_id, 30)
    run = find_run(run_id, manager.root)
    assert run.status == "failed"
    assert "there is no such folder" in run.error
    assert "Traceback" not in run.error


def test_a_failed_run_lets_the_others_go_on(manager: RunManager, colours: TrainingData) -> None:
    bad = RunPlan(RunSpec(SMALL), MODEL, DataSpec("/no/such/folder"))
    ids = manager.start_together([bad, RunPlan(RunSpec(SMALL), MODEL, colours)])
    manager.wait(ids[1], 30)
    assert [find_run(i, manager.root).status for i in ids] == ["failed", "finished"]


def test_delete_stops_and_removes(manager: RunManager, colours: TrainingData) -> None:
    run_id = manager.start(RunPlan(RunSpec(ENDLESS), MODEL, colours))
    until(lambda: find_run(run_id, manager.root).steps_done > 1)
    manager.delete(run_id)
    assert manager.runs() == []
    for bad in ("", "..", "../runs", "a/b", "/"):
        with pytest.raises(DataError, match="There is no run"):
            manager.delete(bad)


def test_a_run_of_somebody_else_is_seen_and_stopped(manager: RunManager, colours: TrainingData) -> None:
    """Another process trains in the shell: the same code without the manager."""

    def train() -> None:
        for _ in run_in(manager.root / "shell", colours.train, ENDLESS, MODEL):
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
    manager: RunManager, colours: TrainingData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FSL_CHECKPOINT_DIR", str(tmp_path / "saved"))
    run_id = manager.start(RunPlan(RunSpec(SMALL), MODEL, colours))
    manager.wait(run_id, 30)
    save_as(run_id, "my colours", manager.root)
    assert checkpoint_files.read_info(checkpoint_files.find("my colours")).name == "my colours"
    with pytest.raises(SettingsError, match="already"):
        save_as(run_id, "My Colours", manager.root)
    for bad in ("", " ", "../up", "a/b", ".hidden", "x" * 61, "a\nb", "dot."):
        with pytest.raises(SettingsError, match="name has 1 to 60"):
            save_as(run_id, bad, manager.root)
    for taken in ("pixels", "From scratch", "con", "NUL.x"):
        with pytest.raises(SettingsError, match="means something else"):
            save_as(run_id, taken, manager.root)


def test_save_as_waits_for_the_calibration(
    manager: RunManager, colours: TrainingData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run is called finished a little before its network can say "unknown"."""
    monkeypatch.setenv("FSL_CHECKPOINT_DIR", str(tmp_path / "saved"))
    measuring = threading.Event()

    def measure(*_: object) -> None:
        measuring.set()
        time.sleep(0.5)

    monkeypatch.setattr("fsl.training.calibration.measure_pair_rates", measure)
    run_id = manager.start(RunPlan(RunSpec(SMALL), MODEL, colours))
    assert measuring.wait(20)
    assert find_run(run_id, manager.root).status == "finished"
    save_as(run_id, "colours", manager.root)
    assert len(checkpoint_files.read_info(checkpoint_files.find("colours")).calibrations) == 3


def test_damaged_folders_are_listed_with_what_is_wrong(manager: RunManager, colours: TrainingData) -> None:
    ids = [manager.start(RunPlan(RunSpec(SMALL), MODEL, colours)) for _ in range(4)]
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
    assert f"config.json of the run {ids[0]} cannot be read" in told[0]
    assert "damaged settings under 'train'" in told[1]
    assert "4 lines of events.jsonl are damaged" in told[2]
    assert "checkpoint.safetensors is missing" in told[3]
    with pytest.raises(DataError):
        manager.resume(ids[0])
    assert list_runs(manager.root / "nowhere") == []
    for begun in ("1" + 400 * "0", "NaN", "-1", '"today"', "true"):
        (folders[1] / CONFIG).write_text(f'{{"begun": {begun}}}')
        assert len(list_runs(manager.root)) == len(ids)


def test_interrupted_without_an_owner(manager: RunManager, colours: TrainingData) -> None:
    turns = run_in(manager.root / "r", colours.train, ENDLESS, MODEL)
    for event in turns:
        if event.step == 4:
            break
    assert find_run("r", manager.root).status == "running"
    turns.close()
    assert find_run("r", manager.root).status == "interrupted"
    with acquire(manager.root / "r"), pytest.raises(DataError, match="being trained right now"):
        acquire(manager.root / "r")


def test_a_run_resumed_beside_its_siblings_can_be_stopped_again(
    manager: RunManager, colours: TrainingData
) -> None:
    """The runs it was started with still train, in a job that lists it as over."""
    first, second = manager.start_together([RunPlan(RunSpec(ENDLESS), MODEL, colours) for _ in range(2)])
    until(lambda: find_run(second, manager.root).steps_done > 3)
    manager.stop(second)
    assert manager.wait(second, 10)
    manager.resume(second)
    before = find_run(second, manager.root).steps_done
    until(lambda: find_run(second, manager.root).steps_done > before + 3)
    assert manager.taking_turns(second) == 1
    assert not manager.wait(second, 0)
    manager.stop(second)
    assert manager.wait(second, 10)
    assert find_run(second, manager.root).status == "stopped"
    assert find_run(first, manager.root).is_live


def test_the_id_of_somebodys_run_cannot_be_guessed(manager: RunManager, colours: TrainingData) -> None:
    plan = RunPlan(RunSpec(SMALL), MODEL, colours, visitor="somebody")
    one, other = manager.start(plan), manager.start(plan)
    secrets = [run_id.split("-")[2] for run_id in (one, other)]
    assert all(len(bytes.fromhex(secret)) * 8 >= 128 for secret in secrets)
    assert len(set(secrets)) == 2


def test_no_name_gives_away_the_id_of_a_visitor_s_run(
    manager: RunManager, colours: TrainingData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FSL_CHECKPOINT_DIR", str(tmp_path / "saved"))
    run_id = manager.start(RunPlan(RunSpec(SMALL), MODEL, colours, visitor="somebody"))
    assert manager.wait(run_id, 30)
    secret = run_id.split("-")[2]
    run = find_run(run_id, manager.root)
    assert secret not in run.name
    assert secret.encode() not in (run.folder / CHECKPOINT).read_bytes()
    with pytest.raises(DataError) as told, acquire(run.folder):
        acquire(run.folder)
    assert secret not in str(told.value)
    # The network is for everyone; the names of the owner's classes and files are not.
    kept = save_as(run_id, "for all", manager.root)
    info = checkpoint_files.read_info(kept)
    assert info.trained_on(colours.train.class_names, "") == list(colours.train.class_names)
    assert not any(name.encode() in kept.read_bytes() for name in (*colours.train.class_names, colours.words))


def test_a_network_s_header_names_classes_that_the_run_s_settings_do_not(
    manager: RunManager, tmp_path: Path
) -> None:
    source = DataSpec("digits", hold_out=0.4)
    short = replace(SMALL, steps=1, evaluate_every=0)
    run_id = manager.start(RunPlan(RunSpec(short, title="Digits"), MODEL, source))
    assert manager.wait(run_id, 30)
    header = checkpoint_files.read_info(manager.root / run_id / CHECKPOINT).training
    expected = load_training_data(source, MODEL, short.seed, lambda problems: None)
    assert header["classes"] == list(expected.train.class_names)
    assert (header["data"], header["validation"]) == (expected.words, expected.validation_words)
    assert header["title"] == "Digits"


def test_a_page_s_run_is_not_resumed_on_other_classes(manager: RunManager, tmp_path: Path) -> None:
    for name in "abcde":
        (tmp_path / "data" / name).mkdir(parents=True)
        for shade in (10, 90, 200):
            Image.new("RGB", (16, 16), (shade, ord(name), 0)).save(tmp_path / "data" / name / f"{shade}.png")
    source = DataSpec(str(tmp_path / "data"), hold_out=0.0)
    run_id = manager.start(RunPlan(RunSpec(ENDLESS), MODEL, source))
    until(lambda: find_run(run_id, manager.root).steps_done > 0)
    manager.stop(run_id)
    assert manager.wait(run_id, 10)
    (tmp_path / "data" / "e").rename(tmp_path / "data" / "f")
    manager.resume(run_id)
    assert manager.wait(run_id, 10)
    assert "5 classes to learn from, now 5, without e and with f" in find_run(run_id, manager.root).error


def test_comparisons_started_in_the_same_second_are_kept_apart(
    manager: RunManager, colours: TrainingData, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fsl.training.run_plan.time.strftime", lambda _: "20260131-142501")
    manager.most_at_once = 0  # all of them wait
    plan = RunPlan(RunSpec(SMALL), MODEL, colours, visitor="somebody")
    pairs = [manager.start_together([plan, plan]) for _ in range(2)]
    groups = [{find_run(run_id, manager.root).group for run_id in ids} for ids in pairs]
    assert [len(group) for group in groups] == [1, 1]
    assert groups[0] != groups[1]


def test_a_run_killed_during_calibration_is_resumed_for_that_alone(
    manager: RunManager, colours: TrainingData
) -> None:
    run_id = manager.start(RunPlan(RunSpec(SMALL), MODEL, colours))
    assert manager.wait(run_id, 30)
    log = manager.root / run_id / EVENTS
    before = losses(find_run(run_id, manager.root))
    lines = log.read_text(encoding="utf-8").splitlines(keepends=True)
    while '"saved"' in lines[-1]:
        lines.pop()
    log.write_text("".join(lines), encoding="utf-8")
    assert find_run(run_id, manager.root).status == "interrupted"
    manager.resume(run_id)
    assert manager.wait(run_id, 30)
    run = find_run(run_id, manager.root)
    assert (run.status, run.steps_done, run.steps_saved) == ("finished", SMALL.steps, SMALL.steps)
    assert losses(run) == before


def test_a_network_that_has_learned_nothing_counts_as_none(
    manager: RunManager, colours: TrainingData
) -> None:
    manager.most_at_once = 0  # it stays in the queue
    run_id = manager.start(RunPlan(RunSpec(SMALL), MODEL, colours))
    manager.stop(run_id)
    run = find_run(run_id, manager.root)
    assert (run.status, run.has_checkpoint, run.steps_saved) == ("stopped", True, 0)


def test_a_run_that_reads_its_images_says_so_and_can_be_stopped(
    manager: RunManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read_for_ever(source: object, query: object, progress: Callable[[int, int], None]) -> None:
        while True:
            progress(250, 1000)
            time.sleep(0.01)

    monkeypatch.setattr("fsl.data.source.ArraySource.load", read_for_ever)
    monkeypatch.setattr("fsl.data.cached._SLOTS", OrderedDict())  # or the digits were there already
    run_id = manager.start(RunPlan(RunSpec(SMALL), MODEL, DataSpec("digits")))
    until(lambda: "reading pictures, 25%" in find_run(run_id, manager.root).doing)
    assert find_run(run_id, manager.root).status == "running"
    manager.stop(run_id)
    assert manager.wait(run_id, 10)
    run = find_run(run_id, manager.root)
    assert (run.status, run.doing, run.error) == ("stopped", "", "")


def test_a_run_stops_while_it_decodes_files_and_reads_them_when_it_is_resumed(
    manager: RunManager, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Held in its first pictures, it notices the request, and decodes none but those in hand."""
    folder, cores = tmp_path / "data", 2
    for number in range(64):
        path = folder / f"class {number % 4}" / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (16, 16), (number * 3, 0, 0)).save(path)
    begun: list[str] = []
    noticed = threading.Event()

    def decode(data: bytes, name: str) -> Image.Image:
        begun.append(name)
        assert noticed.wait(20)  # as a large picture would
        return decode_image(data, name)

    @contextmanager
    def pool() -> Iterator[ThreadPoolExecutor]:
        with ThreadPoolExecutor(cores) as threads:
            try:
                yield threads
            finally:
                noticed.set()  # before it waits for its threads

    monkeypatch.setattr("fsl.data.loading.decode_image", decode)
    monkeypatch.setattr("fsl.data.loading.decode_pool", pool)
    run_id = manager.start(RunPlan(RunSpec(SMALL), MODEL, DataSpec(str(folder))))
    until(lambda: len(begun) == cores)
    manager.stop(run_id)
    assert manager.wait(run_id, 20)
    run = find_run(run_id, manager.root)
    assert (run.status, run.steps_done, run.error) == ("stopped", 0, "")
    assert len(begun) == cores
    manager.resume(run_id)
    assert manager.wait(run_id, 30)
    assert find_run(run_id, manager.root).status == "finished"
    assert len(set(begun)) == 64


def test_a_request_to_stop_from_another_process_waits_with_the_run(
    manager: RunManager, colours: TrainingData
) -> None:
    manager.most_at_once = 1
    first, second = (manager.start(RunPlan(RunSpec(ENDLESS), MODEL, colours)) for _ in range(2))
    RunManager(manager.root).stop(second)  # another process knows the folder alone
    assert find_run(second, manager.root).status == "queued"
    manager.stop(first)
    assert manager.wait(second, 20)
    run = find_run(second, manager.root)
    assert (run.status, run.steps_done) == ("stopped", 0)
    manager.resume(second)  # the request was heeded, and is not heeded again
    until(lambda: find_run(second, manager.root).steps_done > 5)


def test_compared_runs_are_resumed_together(manager: RunManager, colours: TrainingData) -> None:
    plans = [
        RunPlan(RunSpec(replace(ENDLESS, learning_rate=rate)), MODEL, colours) for rate in (1e-4, 1e-3, 1e-2)
    ]
    ids = manager.start_together(plans)
    runs = [lambda i=i: find_run(i, manager.root) for i in ids]
    until(lambda: all(run().steps_done > 3 for run in runs))
    assert manager.taking_turns(ids[0]) == 3
    manager.stop(ids[2])
    until(lambda: manager.taking_turns(ids[0]) == 2)
    assert manager.taking_turns("another process's") == 1
    manager.close(10)
    manager.resume_together(ids)
    assert manager.queue() == (1, ())  # one job, in which nobody waits
    until(lambda: all(run().status == "running" for run in runs))
    n = [run().steps_done for run in runs]
    until(lambda: all(run().steps_done > before + 5 for run, before in zip(runs, n, strict=True)))
    with pytest.raises(DataError, match="being trained right now"):
        manager.resume_together(ids)


def test_other_training_gets_its_share_of_the_cores(manager: RunManager, colours: TrainingData) -> None:
    manager.cores = 4
    threads = torch.get_num_threads()
    try:
        with manager.beside() as adjust:
            assert manager.share_of_cores() == 4
            run_id = manager.start(RunPlan(RunSpec(ENDLESS), MODEL, colours))
            assert manager.share_of_cores() == 2
            adjust()
            assert torch.get_num_threads() == 2
        manager.stop(run_id)
        assert manager.wait(run_id, 20)
        assert manager.share_of_cores() == 4
    finally:
        torch.set_num_threads(threads)


def test_files_left_out_are_listed(manager: RunManager, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for name in ("blue", "red"):
        (tmp_path / "data" / name).mkdir(parents=True)
        for i in range(3):
            pixels = rng.integers(0, 255, (20, 20, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / "data" / name / f"{i}.png")
    for i in range(7):
        (tmp_path / "data" / "red" / f"broken {i}.png").write_bytes(b"no picture")
    run_id = manager.start(RunPlan(RunSpec(SMALL), MODEL, DataSpec(str(tmp_path / "data"))))
    assert manager.wait(run_id, 30)
    told = find_run(run_id, manager.root).left_out.splitlines()
    assert len(told) == 6
    assert "broken 0.png: " in told[0]
    assert told[-1] == "and 2 more"


def test_a_waiting_run_knows_its_place_in_the_queue(manager: RunManager, colours: TrainingData) -> None:
    ids = [manager.start(RunPlan(RunSpec(ENDLESS), MODEL, colours)) for _ in range(4)]
    assert manager.queue() == (2, (ids[2], ids[3]))
    manager.stop(ids[2])
    assert manager.queue() == (2, (ids[3],))


def test_the_same_run_at_another_rate(manager: RunManager, colours: TrainingData) -> None:
    run_id = manager.start(RunPlan(RunSpec(SMALL, name="first", title="colours"), MODEL, colours))
    assert manager.wait(run_id, 30)
    run = find_run(run_id, manager.root)
    plan = plan_like(run, 1e-3, MODEL, "second", visitor="somebody")
    other_id = manager.start(plan)
    assert manager.wait(other_id, 30)
    other = find_run(other_id, manager.root)
    assert other.config == replace(SMALL, learning_rate=1e-3)
    assert other.about["title"] == "colours"
    assert (other.name, other.visitor) == ("second", "somebody")
    assert losses(other)[0] == losses(run)[0]  # same weights, same batch, same images
    (run.folder / CONFIG).write_text("{")
    with pytest.raises(DataError, match="cannot be read"):
        plan_like(find_run(run_id, manager.root), 1e-3, MODEL, "third")


def test_visitors_take_turns_and_nobody_has_more_than_a_share(
    manager: RunManager, colours: TrainingData
) -> None:
    manager.most_at_once, manager.most_of_a_visitor = 0, 3

    def start(visitor: str) -> str:
        return manager.start(RunPlan(RunSpec(SMALL), MODEL, colours, visitor=visitor))

    busy = [start("busy") for _ in range(3)]
    with pytest.raises(SettingsError, match="You have 3 experiments"):
        start("busy")
    other = [start("other"), start("other")]
    assert list(manager.queue()[1]) == [busy[0], other[0], busy[1], other[1], busy[2]]
    shell = [start("") for _ in range(4)]  # has no share of its own
    assert set(shell) < set(manager.queue()[1])
    manager.stop(busy[0])
    assert start("busy") in manager.queue()[1]
