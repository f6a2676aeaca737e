"""Resume a run: check that it continues with its own settings, and restore its state and log."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from fsl.base.errors import CheckpointError, DataError, SettingsError
from fsl.base.files import write_atomically
from fsl.base.text import listed
from fsl.config import ModelConfig, TrainConfig
from fsl.training.events import TrainEvent
from fsl.training.run_folder import CHECKPOINT, CONFIG, EVENTS, STATE, public_name, read_settings
from fsl.training.run_log import drop_events_after
from fsl.training.run_spec import RunSpec
from fsl.training.snapshots import drop_frames_after
from fsl.training.state import TrainState, load_state
from fsl.twin import checkpoint_files

_SOURCE_KEYS = ("recipe", "part", "hold_out", "hold_out_of")


def check_resumable(folder: Path, spec: RunSpec, model: ModelConfig) -> None:
    """Refuse to resume a run with other settings, data or classes than it was begun with.

    Otherwise ``config.json`` would describe another run, and the network could be tested on classes that it
    has learned. The device may differ; at a constant learning rate there may be more batches.

    Raises:
        SettingsError: something differs.
        DataError: the settings of the run are missing or damaged.
    """
    if not (folder / STATE).exists():
        return  # reported when the state is loaded
    settings = read_settings(folder)
    try:
        begun = TrainConfig.from_json(settings["train"])
        network = ModelConfig.from_json(settings["model"])
        data, about = dict(settings.get("data", {})), dict(settings.get("about", {}))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise DataError(
            f"The settings of the run {public_name(folder.name)} are damaged ({error})."
        ) from error
    source = spec.source.to_json() if spec.source else {}
    differing = [
        *_differing(begun.to_json(), _comparable(spec.config, begun).to_json()),
        *_differing(network.to_json(), model.to_json()),
        *_differing(_identity(data), _identity(source)),
        *_differing(about, spec.about, ("start",)),
    ]
    classes = about.get("classes") or _classes_in_header(folder)
    if not differing and classes and spec.classes is not None:
        differing = _other_classes(set(classes), set(spec.classes))
    if differing:
        raise SettingsError(
            f"The run {public_name(folder.name)} was begun with other settings: {'; '.join(differing)}. "
            "Repeat its command with --resume, or begin a new run in another folder (--run-dir)."
        )


def restore(folder: Path, spec: RunSpec, state: TrainState) -> tuple[dict[str, Any], list[TrainEvent]]:
    """Load the saved state into a new one, and bring the run folder back to that moment.

    If the run now has more batches, ``config.json`` is updated and the command that extends the run is
    appended to the one that began it.

    Returns:
        what the checkpoint's header says about the run, and the events up to the saved state.

    Raises:
        CheckpointError: the state is damaged.
        DataError: the settings or the log are damaged.
    """
    load_state(folder / STATE, state)
    drop_frames_after(folder, state.step)
    settings = read_settings(folder)
    begun: dict[str, Any] = settings.get("about") or {}
    command = begun.get("command")
    if settings["train"].get("steps") != spec.config.steps:
        settings["train"]["steps"] = spec.config.steps
        if command and spec.command:
            command = f"{command}; {spec.command}"
            settings["about"] = {**begun, "command": command}
        write_atomically(folder / CONFIG, json.dumps(settings, indent=1).encode())
    about = {key: value for key, value in {**begun, **spec.about}.items() if key != "command"}
    if command:
        about["command"] = command
    return about, drop_events_after(folder / EVENTS, state)


def _classes_in_header(folder: Path) -> Sequence[str]:
    """Return the classes in the checkpoint's header: runs of a page learn them after reading the images."""
    try:
        return tuple(checkpoint_files.read_info(folder / CHECKPOINT).training.get("classes", ()))
    except CheckpointError:
        return ()


def _comparable(config: TrainConfig, begun: TrainConfig) -> TrainConfig:
    """Return the settings with the values that may differ replaced by those that the run was begun with.

    More batches are allowed unless the learning rate depends on their number. Precision "auto" was resolved
    when the run was begun and is part of its state.
    """
    is_longer = config.schedule == "constant" and config.steps > begun.steps
    return replace(
        config,
        device=begun.device,
        steps=begun.steps if is_longer else config.steps,
        precision="auto" if begun.precision == "auto" else config.precision,
    )


def _identity(source: Mapping[str, Any]) -> dict[str, Any]:
    """Return what distinguishes one data source from another; a folder that was moved stays the same."""
    name = Path(str(source.get("data", ""))).name
    return {**({"data": name} if name else {}), **{k: source[k] for k in _SOURCE_KEYS if k in source}}


def _differing(
    begun: Mapping[str, Any], now: Mapping[str, Any], names: Sequence[str] | None = None
) -> list[str]:
    """Describe the values that differ, of ``names`` or of all names that both have."""
    return [
        f"{name} {begun[name]}, now {now[name]}"
        for name in (names or begun)
        if name in begun and name in now and begun[name] != now[name]
    ]


def _other_classes(begun: set[str], now: set[str]) -> list[str]:
    """Describe how the classes to learn differ."""
    changes = [
        f"{how} {listed(sorted(names))}"
        for how, names in (("without", begun - now), ("with", now - begun))
        if names
    ]
    return [f"{len(begun)} classes to learn from, now {len(now)}, {' and '.join(changes)}"] if changes else []
