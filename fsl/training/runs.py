"""Run folders: what a training run leaves on disk, and how a run goes on after a stop or a crash.

``config.json`` (written once), ``events.jsonl`` (append-only, one JSON object a line),
``checkpoint.safetensors`` (the network, loadable at any time) and ``state.safetensors`` (all that resuming
needs). A run started from a page or from a shell looks the same.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
import torch
from torch import Tensor

import fsl
from fsl.config import RULES, EpisodeConfig, ModelConfig, TrainConfig
from fsl.data.imageset import ImageSet
from fsl.errors import CheckpointError, DataError
from fsl.fewshot.calibrate import calibrate
from fsl.training.engine import TrainState, new_state, train
from fsl.training.events import Evaluation, Finished, Saved, Started, TrainEvent, from_json, to_json
from fsl.twin import checkpoint as checkpoints
from fsl.twin.inference import embed_images
from fsl.twin.network import TwinNetwork

CONFIG = "config.json"
EVENTS = "events.jsonl"
CHECKPOINT = "checkpoint.safetensors"
STATE = "state.safetensors"


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
) -> Iterator[TrainEvent]:
    """Train, keeping the run folder up to date.

    The state is saved at every evaluation and at the end (then with a calibration), so that a killed run goes
    on from there with the same numbers as one that was never interrupted.

    Args:
        folder: the run folder; made if need be.
        data: images to train on.
        config: all settings.
        start: an architecture, or a network to go on from.
        about: what the checkpoint's header says under "training": data, split, command, seed.
        validation: images of other classes, for evaluation and calibration.
        resume: go on from the folder's state.
        should_stop: asked after every batch.

    Yields:
        the events of ``train`` and a ``Saved`` after each save.

    Raises:
        DataError: the folder already holds a run and ``resume`` is off, or there is nothing to resume.
        CheckpointError: the folder cannot be written, or its state is damaged.
    """
    state = new_state(config, start)
    if resume:
        load_state(folder / STATE, state)
        _keep_events_until(folder / EVENTS, state.step)
    else:
        _begin(folder, config, state.twin.config, about)
    calibration_data = validation if validation is not None and validation.n_classes > 2 else None
    with (folder / EVENTS).open("a", encoding="utf-8") as log:

        def written(event: TrainEvent) -> TrainEvent:
            log.write(json.dumps(to_json(event)) + "\n")
            log.flush()
            return event

        last_evaluation: Evaluation | None = None
        for event in train(data, config, state, validation, should_stop):
            if isinstance(event, Started) and resume:
                yield event  # the log has one from the first start
                continue
            if isinstance(event, Evaluation):
                last_evaluation = event
            if isinstance(event, Evaluation | Finished):
                fitted_on = calibration_data if isinstance(event, Finished) else None
                _save(folder, state, about, last_evaluation, fitted_on)
                yield written(event)
                yield written(Saved(state.step, CHECKPOINT))
                continue
            yield written(event)


def _begin(folder: Path, config: TrainConfig, model: ModelConfig, about: dict[str, Any]) -> None:
    if (folder / EVENTS).exists():
        raise DataError(
            f"{folder} already holds a run. Go on with it (--resume), or name another folder (--run-dir)."
        )
    settings = {
        "train": config.to_json(),
        "model": model.to_json(),
        "about": about,
        "version": fsl.__version__,
    }
    checkpoints.write_atomically(folder / CONFIG, json.dumps(settings, indent=1).encode())


def _save(
    folder: Path,
    state: TrainState,
    about: dict[str, Any],
    evaluation: Evaluation | None,
    validation: ImageSet | None,
) -> None:
    info = checkpoints.CheckpointInfo(
        name=folder.name,
        model=state.twin.config,
        title=str(about.get("title", "")),
        training={**about, "steps_done": state.step, "seconds": round(state.seconds, 1)},
        metrics={"validation": to_json(evaluation)} if evaluation else {},
        licence=str(about.get("licence", "")),
        version=fsl.__version__,
    )
    state.twin.eval()
    try:
        if validation is not None:
            fitted = fit_calibrations(state.twin, validation, str(about.get("validation", "")))
            best = max(fitted, key=lambda calibration: calibration.accuracy or 0.0)
            info = replace(info, calibrations=fitted, rule=best.rule)
        checkpoints.save(folder / CHECKPOINT, state.twin, info)
    finally:
        state.twin.train()
    checkpoints.write_atomically(folder / STATE, dump_state(state))


def fit_calibrations(
    twin: TwinNetwork, validation: ImageSet, data: str
) -> tuple[checkpoints.Calibration, ...]:
    """Calibrate every rule on one set of held-out classes, which are embedded once.

    Args:
        twin: in ``eval`` mode.
        validation: images of at least three classes not trained on.
        data: their name.
    """
    embeddings = embed_images(twin, validation.images)
    config = EpisodeConfig(n_way=5, n_shot=3, n_query=2, n_episodes=400, seed=1)
    return tuple(calibrate(twin, embeddings, validation.labels, rule, config, data) for rule in RULES)


def dump_state(state: TrainState) -> bytes:
    """Everything in ``state`` as the bytes of a safetensors file: no pickle here either."""
    tensors: dict[str, Tensor] = {f"twin.{k}": v for k, v in state.twin.state_dict().items()}
    for number, values in state.optimiser.state_dict()["state"].items():
        for key, value in values.items():
            tensors[f"optimiser.{number}.{key}"] = torch.as_tensor(value)
    tensors["generator"] = state.generator.get_state()
    header = {
        "step": state.step,
        "seconds": state.seconds,
        "sampler": state.sampler.bit_generator.state,
    }
    tensors = {k: v.detach().cpu().contiguous() for k, v in tensors.items()}
    return safetensors.torch.save(tensors, {"state": json.dumps(header)})


def load_state(path: Path, state: TrainState) -> None:
    """Bring a fresh state to where a saved one was, in place.

    Args:
        path: a file of ``dump_state``.
        state: made by ``new_state`` with the same settings.

    Raises:
        DataError: there is no such file.
        CheckpointError: it is damaged or belongs to other settings.
    """
    if not path.is_file():
        raise DataError(f"{path.parent} holds no saved state to resume from. Start the run anew.")
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            header = json.loads((file.metadata() or {})["state"])
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 - no mapping
        twin = {k.removeprefix("twin."): v for k, v in tensors.items() if k.startswith("twin.")}
        state.twin.load_state_dict(twin)
        _load_optimiser(state.optimiser, tensors)
        state.generator.set_state(tensors["generator"])
        state.sampler.bit_generator.state = header["sampler"]
        state.step, state.seconds = int(header["step"]), float(header["seconds"])
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
        except (ValueError, KeyError, TypeError) as error:
            if number == len(lines):
                break
            raise DataError(f"{path}, line {number} is damaged ({error}).") from error
    return events


def _keep_events_until(path: Path, step: int) -> None:
    """Drop what was logged after the saved state, and the end of a stopped run: it will happen again."""
    kept = [e for e in read_events(path) if e.step <= step and not isinstance(e, Finished)]
    lines = "".join(json.dumps(to_json(event)) + "\n" for event in kept)
    checkpoints.write_atomically(path, lines.encode())
