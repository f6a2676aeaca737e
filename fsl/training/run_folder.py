"""The files of a run folder.

- ``config.json``: settings, written once.
- ``events.jsonl``: one event a line, append-only.
- ``checkpoint.safetensors``: the network, loadable at any time.
- ``state.safetensors``: everything that resuming needs.
- ``owner.lock`` and ``phase``: held and written by the process that trains, see ``fsl.training.run_lock``.
- ``snapshots/``: recorded embeddings, if requested.
- ``error.txt``: why the run failed.
- ``stop``: another process has asked the run to stop.
- ``left-out.txt``: files of the data that could not be used.
- ``visitor``: anonymous name of the person who started the run from a page.
- ``data.npz``: the images, if they came from a page.

Only the last two distinguish a run started from a page from one started in a shell.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from fsl.base.errors import DataError

CONFIG = "config.json"
EVENTS = "events.jsonl"
CHECKPOINT = "checkpoint.safetensors"
STATE = "state.safetensors"
ERROR = "error.txt"
VISITOR = "visitor"
LEFT_OUT = "left-out.txt"
STOP = "stop"


def read_settings(folder: Path) -> dict[str, Any]:
    """Return the contents of a run's ``config.json``.

    Raises:
        DataError: the file is missing or damaged.
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
