"""Keep the network of a run under a name."""

from __future__ import annotations

import re
import time
from dataclasses import replace
from pathlib import Path

from fsl.base.errors import CheckpointError, DataError, SettingsError
from fsl.config import PIXELS, SCRATCH
from fsl.fewshot.sort import safe_name
from fsl.training.run_lock import phase_of
from fsl.training.status import RunInfo, find_run
from fsl.twin import checkpoint as checkpoints
from fsl.twin import checkpoint_files

_NAME = re.compile(r"[\w][\w .()+-]{0,59}")
_RESERVED = {PIXELS, SCRATCH}
"""What pages and commands offer beside the networks, in the same lists."""
_CLOSING_SECONDS = 60.0
_POLL_SECONDS = 0.2


def save_as(run_id: str, name: str, root: Path | None = None) -> Path:
    """Save a run's network under a name, so that every page and command finds it.

    It is the network at its best test, or the latest one if the run made no test. If the run has only just
    ended, wait until it is calibrated. Everyone on a server can use the network, so if it learned from a
    visitor's own pictures, the file names neither their classes nor files.

    Args:
        name: 1 to 60 letters, digits, spaces, ``. ( ) + -`` and ``_``.
        root: the folder of runs; by default ``runs_root()``.

    Returns:
        the new file.

    Raises:
        SettingsError: the name cannot be used, or is taken.
        CheckpointError: the run has no checkpoint.
        WriteError: the file cannot be written.
        DataError: there is no such run, or its calibration takes longer than a minute.
    """
    name = name.strip()
    if not _NAME.fullmatch(name) or name.endswith("."):
        raise SettingsError(
            "A checkpoint's name has 1 to 60 letters, digits, spaces or . _ - + ( ), beginning with a letter "
            "or digit."
        )
    if name.casefold() in _RESERVED or safe_name(name) == f"_{name}":  # as a device of Windows, "con"
        raise SettingsError(f"The name {name!r} means something else here. Choose another name.")
    if name.casefold() in {taken.casefold() for taken in checkpoint_files.available()}:
        raise SettingsError(f"There is a checkpoint {name!r} already. Choose another name.")
    info = find_run(run_id, root)
    if not info.has_checkpoint:
        raise CheckpointError(f"The run {info.name} has no checkpoint yet.")
    _wait_while_closing(info)
    loaded = checkpoints.load(info.best_file)
    path = checkpoint_files.user_folder() / f"{name}{checkpoint_files.SUFFIX}"
    told = loaded.info.without_names() if info.visitor and info.has_own_pictures else loaded.info
    checkpoints.save(path, loaded.twin, replace(told, name=name, title=told.title or name))
    return path


def _wait_while_closing(info: RunInfo) -> None:
    deadline = time.monotonic() + _CLOSING_SECONDS
    while phase_of(info.folder) == "closing":
        if time.monotonic() > deadline:
            raise DataError(f"The network of {info.name} is still being calibrated. Try again in a minute.")
        time.sleep(_POLL_SECONDS)
