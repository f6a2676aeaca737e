"""Run folders: what a training run leaves on disk, and how a run goes on after a stop or a crash.

``config.json`` (written once), ``events.jsonl`` (append-only, one JSON object a line),
``checkpoint.safetensors`` (the network, loadable at any time) and ``state.safetensors`` (all that resuming
needs), ``owner.lock`` and ``phase`` (held and written by the process that writes the run, see
``fsl.training.run_lock``), ``snapshots/`` where asked for, ``error.txt`` where it failed, ``stop``
where another process asks it to stop, ``left-out.txt`` where files of its data could not be used, ``visitor``
where it was started from a page (an anonymous name of who started it), and ``data.npz`` where its images came
from a page.
But for these three, a run started from a page or from a shell looks the same.
"""

from __future__ import annotations

import errno
import json
import os
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Self

import numpy as np
import safetensors
import safetensors.torch
import torch
from torch import Tensor

import fsl
from fsl.base.errors import CheckpointError, DataError, SettingsError, WriteError
from fsl.base.files import write_atomically
from fsl.base.text import listed
from fsl.base.types import IntArray, PixelArray
from fsl.config import FEW_SHOTS, RULES, EpisodeConfig, ModelConfig, TrainConfig
from fsl.data.imageset import ImageSet
from fsl.fewshot.calibrate import calibrate
from fsl.fewshot.pair_calibration import measure_pair_rates
from fsl.training.engine import (
    Pause,
    TrainState,
    embed_in_turns,
    index_to_train_on,
    new_state,
    train_in_turns,
)
from fsl.training.events import (
    Comparison,
    Evaluation,
    Finished,
    Saved,
    Started,
    TrainEvent,
    from_json,
    to_json,
)
from fsl.training.run_lock import GOES_ON_LATER, Owner, take
from fsl.training.snapshots import Recorder, drop_frames_after
from fsl.twin import checkpoint as checkpoints
from fsl.twin.distributed import ALONE, Team
from fsl.twin.header import Calibration, CheckpointInfo
from fsl.twin.network import TwinNetwork
from fsl.twin.pair_rates import PairRates
from fsl.twin.test_time_augmentation import embed_as_support

CONFIG = "config.json"
EVENTS = "events.jsonl"
CHECKPOINT = "checkpoint.safetensors"
STATE = "state.safetensors"
ERROR = "error.txt"
VISITOR = "visitor"
LEFT_OUT = "left-out.txt"
STOP = "stop"
_TURN_SECONDS = 0.005
SAVE_EVERY = 50  # batches, where none of the tests comes with a save


def run_training(
    folder: Path,
    data: ImageSet,
    config: TrainConfig,
    start: ModelConfig | TwinNetwork,
    *,
    about: dict[str, Any],
    validation: ImageSet | None = None,
    resume: bool = False,
    should_stop: Callable[[], bool] = lambda: False,
    owner: Owner | None = None,
    source: Mapping[str, Any] = MappingProxyType({}),
    team: Team = ALONE,
) -> Iterator[TrainEvent]:
    """Train, keeping the run folder up to date.

    The state is saved before the first batch, at every evaluation (or, without, as often) and at the end, so
    that a killed run goes on from there with the same numbers as one that was never interrupted. What is
    saved can always be loaded: weights that are no longer numbers never replace earlier ones. At the end the
    checkpoint is saved at once, and again when it has been calibrated.

    Args:
        folder: the run folder; made if need be.
        data: images to train on.
        config: all settings.
        start: an architecture, or a network to go on from.
        about: what the checkpoint's header says under "training": data, split, command, seed; of a run that
            is resumed the command that began it stays.
        source: where the data can be had again, for who resumes the run; stays in the run folder.
        validation: images of other classes, for evaluation and calibration.
        resume: go on from the folder's state, with the same settings; only the device may be another one, and
            at a constant learning rate there may be more batches.
        should_stop: asked after every batch and within tests.
        owner: of the folder, where the caller took it before; let go of at the end either way.
        team: the processes that train together, of which this is the first.

    Yields:
        the events of ``train`` and a ``Saved`` after each save.

    Raises:
        DataError: the folder already holds a run and ``resume`` is off, there is nothing to resume, or
            another process is writing it.
        WriteError: the folder cannot be written.
        CheckpointError: its state is damaged.
        SettingsError: the run was begun with other settings or on other classes.
    """
    turns = run_in_turns(
        folder,
        data,
        config,
        start,
        about=about,
        validation=validation,
        resume=resume,
        should_stop=should_stop,
        owner=owner,
        source=source,
        team=team,
    )
    for event in turns:
        if not isinstance(event, Pause):
            yield event


def run_in_turns(
    folder: Path,
    data: ImageSet,
    config: TrainConfig,
    start: ModelConfig | TwinNetwork,
    *,
    about: dict[str, Any],
    validation: ImageSet | None = None,
    resume: bool = False,
    should_stop: Callable[[], bool] = lambda: False,
    owner: Owner | None = None,
    source: Mapping[str, Any] = MappingProxyType({}),
    team: Team = ALONE,
) -> Iterator[TrainEvent | Pause]:
    """As ``run_training``, but also yields a Pause where several runs can take turns.

    Whoever took the folder before also clears away an earlier request to stop.
    """

    def to_stop() -> bool:
        return should_stop() or (folder / STOP).exists()

    if resume and owner is None:
        _require_state(folder / STATE)  # before the folder is made
    with owner or take(folder) as held:
        if owner is None:
            (folder / STOP).unlink(missing_ok=True)
        state = new_state(config, start, team)
        earlier: list[TrainEvent] = []
        if resume:
            _hold_to_beginning(folder, config, state.twin.config, about, source)
            about, earlier = _take_up(folder, config, state, about)
        else:
            index_to_train_on(data, state.twin)  # what it refuses leaves no run that could not be begun again
            _begin(folder, config, state, about, source)
        held.note("running")
        (folder / ERROR).unlink(missing_ok=True)
        recorder = Recorder(folder, validation, config, state.twin.config.views)
        recorder.record_between(state.step, state.twin)
        with EventLog(folder / EVENTS) as log:
            keeping = _Keeping(folder, config, state, about, recorder, log, earlier)
            for event in train_in_turns(data, config, state, validation, to_stop, earlier):
                if isinstance(event, Finished):
                    yield from _closed(keeping, held, event, data, validation)
                else:
                    yield from keeping.kept(event)


class _Keeping:
    """Keeps a run folder up to date while its run goes on.

    Args:
        folder: the run folder.
        config: of the run.
        state: of the run, as training changes it.
        about: as ``run_training``.
        recorder: of its frames.
        log: of its events.
        earlier: what the log holds already.
    """

    def __init__(
        self,
        folder: Path,
        config: TrainConfig,
        state: TrainState,
        about: dict[str, Any],
        recorder: Recorder,
        log: EventLog,
        earlier: Sequence[TrainEvent],
    ) -> None:
        self._folder, self._state, self.about = folder, state, about
        self._recorder, self._log = recorder, log
        self._save_every = config.evaluate_every or SAVE_EVERY
        self._has_started = any(isinstance(event, Started) for event in earlier)
        self._evaluation = next((e for e in reversed(earlier) if isinstance(e, Evaluation)), None)
        self._saved_at, self._is_due = state.step, False

    @property
    def twin(self) -> TwinNetwork:
        """The network that is trained."""
        return self._state.twin

    def kept(self, event: TrainEvent | Pause) -> Iterator[TrainEvent | Pause]:
        """An event, once it is logged, and at the end of a batch before it what is due then."""
        if event is Pause.BATCH:
            # After all events of this batch, so that none is missing from a resumed run.
            if self._is_due or self._state.step - self._saved_at >= self._save_every:
                self._saved_at, self._is_due = self._state.step, False
                yield from map(self.logged, self.save())
            self._recorder.record_between(self._state.step, self.twin)
        elif isinstance(event, Evaluation):
            self._evaluation, self._is_due = event, True
            self._recorder.record(event.step, self._state.evaluated)
        if not isinstance(event, Pause) and not (isinstance(event, Started) and self._has_started):
            self.logged(event)
        yield event

    def logged(self, event: TrainEvent) -> TrainEvent:
        """The event, now in the log."""
        self._log.write(event)
        return event

    def save(self, measured: _Measured | None = None) -> list[TrainEvent]:
        """As ``_save``."""
        return _save(self._folder, self._state, self.about, self._evaluation, measured)


def _closed(
    keeping: _Keeping, held: Owner, event: Finished, data: ImageSet, validation: ImageSet | None
) -> Iterator[TrainEvent | Pause]:
    """The end of a run: saved at once, and again when it has been measured."""
    saved = keeping.save()
    keeping.logged(event)  # first: one that is closing is listed by how it ended
    held.note("closing")
    yield event
    if saved and validation is not None:
        what = str(keeping.about.get("validation", ""))
        familiar = not _learned(data, keeping.about).isdisjoint(validation.class_names)
        saved = keeping.save((yield from _calibrated(keeping.twin, validation, what, familiar)))
    yield from map(keeping.logged, saved)


def follow_training(
    folder: Path,
    data: ImageSet,
    config: TrainConfig,
    start: ModelConfig | TwinNetwork,
    team: Team,
    *,
    about: dict[str, Any],
    resume: bool = False,
    should_stop: Callable[[], bool] = lambda: False,
    source: Mapping[str, Any] = MappingProxyType({}),
) -> None:
    """What the processes of a team but the first do: their share of every batch, and no file.

    Args:
        folder: the run folder, where the state to resume from is read.
        data, config, start, team, about, resume, should_stop, source: as the first process gives
            ``run_training``.

    Raises:
        DataError, CheckpointError: there is no state to resume from, or it is damaged.
        SettingsError: the run was begun with other settings or on other classes.
    """
    state = new_state(config, start, team)
    if resume:
        _hold_to_beginning(folder, config, state.twin.config, about, source)
        load_state(folder / STATE, state)
    for _ in train_in_turns(data, config, state, should_stop=should_stop):
        pass


def prepare_run(
    folder: Path,
    config: TrainConfig,
    start: ModelConfig | TwinNetwork,
    about: dict[str, Any],
    source: Mapping[str, Any],
) -> None:
    """Write everything of a run but its training, for which it is then resumed from batch 0.

    Args:
        folder: the run folder, held by the caller.
        config, start, about: as ``run_training``.
        source: where the data is, as ``fsl.training.run_data`` reads it.

    Raises:
        DataError: the folder already holds a run.
        WriteError: it cannot be written.
    """
    _begin(folder, config, new_state(config, start), about, source)


def read_settings(folder: Path) -> dict[str, Any]:
    """A run's ``config.json``.

    Raises:
        DataError: it is missing or damaged.
    """
    try:
        values = json.loads((folder / CONFIG).read_bytes())
    except FileNotFoundError as error:
        raise DataError(f"The run {folder.name} has no {CONFIG}, so its settings are not known.") from error
    except (OSError, ValueError, RecursionError) as error:
        raise DataError(f"{CONFIG} of the run {folder.name} cannot be read ({error}).") from error
    if not isinstance(values, dict):
        raise DataError(f"{CONFIG} of the run {folder.name} holds no settings.")
    return values


_OF_THE_SOURCE = ("recipe", "part", "hold_out", "hold_out_of")


def _hold_to_beginning(
    folder: Path,
    config: TrainConfig,
    model: ModelConfig,
    about: Mapping[str, Any],
    source: Mapping[str, Any],
) -> None:
    """Refuse to go on otherwise than a run was begun.

    ``config.json`` would tell of another run, and classes learned from might be among those then tested on.
    """
    if not (folder / STATE).exists():
        return  # there is nothing to go on with, as will be said
    settings = read_settings(folder)
    try:
        begun = TrainConfig.from_json(settings["train"])
        network = ModelConfig.from_json(settings["model"])
        data, told = dict(settings.get("data", {})), dict(settings.get("about", {}))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise DataError(f"The settings of the run {folder.name} are damaged ({error}).") from error
    differing = [
        *_differing(begun.to_json(), _as_begun(config, begun).to_json()),
        *_differing(network.to_json(), model.to_json()),
        *_differing(_where(data), _where(source)),
        *_differing(told, about, ("start",)),
    ]
    classes = told.get("classes") or _classes_in_header(folder)
    if not differing and classes and "classes" in about:
        differing = _other_classes(set(classes), set(about["classes"]))
    if differing:
        raise SettingsError(
            f"The run {folder.name} was begun with other settings: {'; '.join(differing)}. Repeat its "
            "command with --resume, or begin a new run in another folder (--run-dir)."
        )


def _classes_in_header(folder: Path) -> Sequence[str]:
    """The classes in the network's header: a run of a page knows them once it has read its images."""
    try:
        return tuple(checkpoints.read_info(folder / CHECKPOINT).training.get("classes", ()))
    except CheckpointError:
        return ()


def _as_begun(config: TrainConfig, begun: TrainConfig) -> TrainConfig:
    """The settings but for those that may differ from the ones a run was begun with.

    More batches are no other settings, unless the learning rate depends on their number; and what "auto"
    measured when the run was begun is in its state, whichever precision is named now.
    """
    is_longer = config.schedule == "constant" and config.steps > begun.steps
    return replace(
        config,
        device=begun.device,
        steps=begun.steps if is_longer else config.steps,
        precision="auto" if begun.precision == "auto" else config.precision,
    )


def _where(source: Mapping[str, Any]) -> dict[str, Any]:
    """What tells one source of data from another; a folder that was moved is the same one."""
    name = Path(str(source.get("data", ""))).name
    return {**({"data": name} if name else {}), **{k: source[k] for k in _OF_THE_SOURCE if k in source}}


def _differing(
    begun: Mapping[str, Any], now: Mapping[str, Any], names: Sequence[str] | None = None
) -> list[str]:
    """What differs of all that both name, or of some names, in words."""
    return [
        f"{name} {begun[name]}, now {now[name]}"
        for name in (names or begun)
        if name in begun and name in now and begun[name] != now[name]
    ]


def _other_classes(begun: set[str], now: set[str]) -> list[str]:
    """How the classes to learn from differ, in words."""
    changes = [
        f"{how} {listed(sorted(names))}"
        for how, names in (("without", begun - now), ("with", now - begun))
        if names
    ]
    return [f"{len(begun)} classes to learn from, now {len(now)}, {' and '.join(changes)}"] if changes else []


def _take_up(
    folder: Path, config: TrainConfig, state: TrainState, about: dict[str, Any]
) -> tuple[dict[str, Any], list[TrainEvent]]:
    """Bring a fresh state to where the run was saved, and its folder, which may be ahead of that, as well.

    Returns:
        what the header says of the run: with the command that began it, and behind that the one by which it
        goes on for longer, if it does (``config.json`` then says so, too); and its events until then.
    """
    load_state(folder / STATE, state)
    drop_frames_after(folder, state.step)
    settings = read_settings(folder)
    begun: dict[str, Any] = settings.get("about") or {}
    command = begun.get("command")
    if settings["train"].get("steps") != config.steps:
        settings["train"]["steps"] = config.steps
        if command and about.get("command"):
            command = f"{command}; {about['command']}"
            settings["about"] = {**begun, "command": command}
        write_atomically(folder / CONFIG, json.dumps(settings, indent=1).encode())
    told = {key: value for key, value in {**begun, **about}.items() if key != "command"}
    return told | ({"command": command} if command else {}), keep_events_until(folder / EVENTS, state)


def _begin(
    folder: Path, config: TrainConfig, state: TrainState, about: dict[str, Any], source: Mapping[str, Any]
) -> None:
    if (folder / EVENTS).exists():
        raise DataError(
            f"{folder} already holds a run. Go on with it (--resume), or name another folder (--run-dir)."
        )
    settings = {
        "train": config.to_json(),
        "model": state.twin.config.to_json(),
        "about": about,
        "data": dict(source),
        "version": fsl.__version__,
        "begun": time.time(),
    }
    write_atomically(folder / CONFIG, json.dumps(settings, indent=1).encode())
    _save(folder, state, about, None)


@dataclass(frozen=True)
class _Measured:
    """What is measured of a network that is trained: its calibrations, and its error rates on pairs."""

    calibrations: tuple[Calibration, ...]
    pairs: PairRates | None


def _learned(data: ImageSet, about: Mapping[str, Any]) -> set[str]:
    """Names of the classes learned from, and those that the network had learned from before."""
    before = about.get("start_classes", ())
    without_set = {name.partition("/")[2] for name in before}  # "orl/s3" where several were learned together
    return {*data.class_names, *before, *without_set}


def _calibrated(
    twin: TwinNetwork, validation: ImageSet, data: str, familiar: bool
) -> Generator[Pause, None, _Measured]:
    """Measure on held-out images, in turns: runs beside this one are not to stand still for seconds."""
    embeddings = yield from embed_in_turns(twin, validation.images)
    twin.eval()

    def measure() -> _Measured:
        labels = validation.labels
        return _Measured(
            fit_calibrations(twin, embeddings, labels, data, validation.images, familiar),
            measure_pair_rates(twin, [(embeddings, labels)], data, familiar),
        )

    threads = torch.get_num_threads()  # that many for the new thread, too
    with ThreadPoolExecutor(1, "measure", torch.set_num_threads, (threads,)) as pool:
        measured = pool.submit(measure)
        while not measured.done():
            wait([measured], _TURN_SECONDS)
            yield Pause.WITHIN
        return measured.result()


def _save(
    folder: Path,
    state: TrainState,
    about: dict[str, Any],
    evaluation: Evaluation | None,
    measured: _Measured | None = None,
) -> list[TrainEvent]:
    """Save the checkpoint (with what was ``measured`` of it, if anything) and the state.

    Returns:
        one ``Saved``, or nothing where the weights are no longer numbers and so were not saved.
    """
    if not all(bool(torch.isfinite(values).all()) for values in state.twin.state_dict().values()):
        return []
    info = CheckpointInfo(
        name=folder.name,
        model=state.twin.config,
        title=str(about.get("title", "")),
        training={**about, "steps_done": state.step, "seconds": round(state.seconds, 1)},
        metrics={"validation": to_json(evaluation)} if evaluation else {},
        licence=str(about.get("licence", "")),
        subject="person" if about.get("subject") == "person" else "thing",
        version=fsl.__version__,
    )
    if measured is not None:
        info = replace(info, calibrations=measured.calibrations, pairs=measured.pairs)
        if measured.calibrations:
            best = max(measured.calibrations, key=lambda calibration: calibration.accuracy or 0.0)
            info = replace(info, rule=best.rule)
    checkpoints.save(folder / CHECKPOINT, state.twin, info)
    write_atomically(folder / STATE, dump_state(state))
    return [Saved(state.step, CHECKPOINT)]


INHERITED = ("start", "subject", "licence", "start_classes")


def inherited(start: str, info: CheckpointInfo) -> dict[str, Any]:
    """What the header of a network must say of the one that it was trained on from.

    Args:
        start: the latter's name.
        info: its header.

    Returns:
        a part of ``about``: whom it tells apart, its terms, and the classes that it had seen.
    """
    return {
        "start": start,
        "subject": info.subject,
        "licence": info.licence,
        "start_classes": list(info.classes_seen),
    }


def fit_calibrations(
    twin: TwinNetwork,
    embeddings: Tensor,
    labels: IntArray,
    data: str,
    images: PixelArray | None = None,
    familiar: bool = False,
) -> tuple[Calibration, ...]:
    """Calibrate every rule on one set of held-out images.

    Args:
        twin: the trained network.
        embeddings: float32 ``(N, D)`` of images not trained on.
        labels: int64 ``(N,)``.
        data: their name.
        images: uint8 ``(N, S, S, 3)``, for networks that see support images of few in several ways; none:
            they are taken as they are.
        familiar: whether the network learned from these classes, if only from other images of them.

    Returns:
        one per rule; none where fewer than three classes have two images.
    """
    # Two classes to choose from and one for "unknown" must have enough images.
    counts = np.sort(np.bincount(labels))[::-1]
    n_images = int(counts[2]) if len(counts) > 2 else 0
    if n_images < 2:
        return ()
    n_query = 2 if n_images >= 4 else 1
    n_shot = min(3, n_images - n_query)
    config = EpisodeConfig(n_way=5, n_shot=n_shot, n_query=n_query, n_episodes=400, seed=1)
    as_support = None
    if images is not None and n_shot <= FEW_SHOTS:
        as_support = embed_as_support(twin, images, embeddings)
    fitted = [calibrate(twin, embeddings, labels, rule, config, data, as_support) for rule in RULES]
    return tuple(replace(one, familiar=familiar) for one in fitted)


def dump_state(state: TrainState) -> bytes:
    """Everything in ``state`` as the bytes of a safetensors file: no pickle here either."""
    tensors: dict[str, Tensor] = {f"twin.{k}": v for k, v in state.twin.state_dict().items()}
    for number, values in state.optimiser.state_dict()["state"].items():
        for key, value in values.items():
            tensors[f"optimiser.{number}.{key}"] = torch.as_tensor(value)
    tensors["generator"] = state.generator.get_state()
    tensors["before"], tensors["latest"] = state.before, state.latest
    if state.window:
        tensors["window"] = torch.stack(state.window)
    header = {
        "step": state.step,
        "seconds": state.seconds,
        "tested_at": state.tested_at,
        "bf16": state.bf16,
        "sampler": state.sampler.bit_generator.state,
    }
    tensors = {k: v.detach().cpu().contiguous() for k, v in tensors.items()}
    return safetensors.torch.save(tensors, {"state": json.dumps(header)})


def _require_state(path: Path) -> None:
    if not path.is_file():
        raise DataError(f"{path.parent} holds no saved state to resume from. Start the run anew.")


def load_state(path: Path, state: TrainState) -> None:
    """Bring a fresh state to where a saved one was, in place.

    Args:
        path: a file of ``dump_state``.
        state: made by ``new_state`` with the same settings.

    Raises:
        DataError: there is no such file.
        CheckpointError: it is damaged or belongs to other settings.
    """
    _require_state(path)
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            header = json.loads((file.metadata() or {})["state"])
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 - no mapping
        twin = {k.removeprefix("twin."): v for k, v in tensors.items() if k.startswith("twin.")}
        state.twin.load_state_dict(twin)
        _load_optimiser(state.optimiser, tensors)
        state.generator.set_state(tensors["generator"])
        state.before = tensors.get("before", state.before)
        state.latest = tensors.get("latest", state.latest)
        state.tested_at = int(header.get("tested_at", header["step"]))
        window = tensors.get("window")
        state.window = [] if window is None else list(window.to(state.device))
        state.sampler.bit_generator.state = header["sampler"]
        state.step, state.seconds = int(header["step"]), float(header["seconds"])
        state.bf16 = bool(header.get("bf16", state.bf16))  # another measurement must not change the numbers
    except (safetensors.SafetensorError, OSError, KeyError, ValueError, TypeError, RuntimeError) as error:
        raise CheckpointError(
            f"{path} is damaged or belongs to a run with other settings ({error}). Start the run anew."
        ) from error


def _load_optimiser(optimiser: torch.optim.Optimizer, tensors: dict[str, Tensor]) -> None:
    values: dict[int, dict[str, Any]] = {}
    for name, tensor in tensors.items():
        if name.startswith("optimiser."):
            _, number, key = name.split(".", 2)
            values.setdefault(int(number), {})[key] = tensor
    settings = optimiser.state_dict()
    optimiser.load_state_dict({**settings, "state": values})


class EventLog:
    """The growing ``events.jsonl`` of a run; a context manager.

    Args:
        path: the file, which is made if need be.

    Raises:
        WriteError: it cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            # Unbuffered: after a full disk there must be nothing left that closing would try to write again.
            self._file = path.open("ab", buffering=0)
        except OSError as error:
            raise self._failure(error) from error

    def write(self, event: TrainEvent) -> None:
        """Add an event.

        Raises:
            WriteError: the disk is full, or the folder is gone.
        """
        line = json.dumps(to_json(event)).encode() + b"\n"
        try:
            written = self._file.write(line)
        except OSError as error:
            raise self._failure(error) from error
        if written != len(line):
            raise self._failure(OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))

    def _failure(self, error: OSError) -> WriteError:
        return WriteError(self._path, error, GOES_ON_LATER)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()


def read_events(path: Path) -> list[TrainEvent]:
    """The events of a run so far; a last line that is still being written is left out.

    Raises:
        DataError: there is no such file, or a line before the last is damaged.
    """
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}.") from error
    events = []
    for number, line in enumerate(lines, start=1):
        try:
            events.append(from_json(json.loads(line)))
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            if number == len(lines):
                break
            raise DataError(f"{path}, line {number} is damaged ({error}).") from error
    return events


def keep_events_until(path: Path, state: TrainState) -> list[TrainEvent]:
    """Drop what was logged after the saved state, and the end of a stopped run: it will happen again.

    So will its comparison of before and after, which comes at the end, and a test of the very network that
    was saved, where the state has nothing of it.

    Returns:
        the events that stay.
    """
    if not path.exists():  # killed between its first save and its first event
        return []
    has_test = state.tested_at == state.step if state.step else len(state.before) > 0
    kept: list[TrainEvent] = []
    for event in read_events(path):
        if isinstance(event, Evaluation) and event.step == state.step and not has_test:
            break
        if event.step <= state.step and not isinstance(event, Finished | Comparison):
            kept.append(event)
    lines = "".join(json.dumps(to_json(event)) + "\n" for event in kept)
    write_atomically(path, lines.encode())
    return kept
