"""The files of a run folder.

- ``config.json``: settings, written once.
- ``events.jsonl``: one event a line, append-only.
- ``checkpoint.safetensors``: the network, loadable at any time.
- ``best.safetensors``: the network at its best test, if it became worse afterwards.
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

import hashlib
import json
import re
from pathlib import Path
from typing import Any

from fsl.base.errors import DataError

CONFIG = "config.json"
EVENTS = "events.jsonl"
CHECKPOINT = "checkpoint.safetensors"
BEST = "best.safetensors"
STATE = "state.safetensors"
ERROR = "error.txt"
VISITOR = "visitor"
LEFT_OUT = "left-out.txt"
STOP = "stop"
IMAGES = "data.npz"

_WITH_SECRET = re.compile(r"(\d{8}-\d{6})-([0-9a-f]{8}|[0-9a-f]{32})(-\d+)?")
_MARK_DIGITS = 8


def public_name(run_id: str) -> str:
    """Return a name for a run that does not give away its id, for everything that others may see.

    Whoever knows the id of a visitor's run can open it. The id ends in a secret, and a digest takes the
    secret's place: "20260131-142501-c0ffee12". The id of a run from a shell has no secret and stays.
    """
    found = _WITH_SECRET.fullmatch(run_id)
    if found is None:
        return run_id
    if len(found[2]) == _MARK_DIGITS:  # of an earlier version: so short that a digest would give it away
        return found[1] + (found[3] or "")
    return f"{found[1]}-{hashlib.sha256(run_id.encode()).hexdigest()[:_MARK_DIGITS]}"


def read_settings(folder: Path) -> dict[str, Any]:
    """Return the contents of a run's ``config.json``.

    Raises:
        DataError: the file is missing or damaged.
    """
    try:
        values = json.loads((folder / CONFIG).read_bytes())
    except FileNotFoundError as error:
        raise DataError(
            f"The run {public_name(folder.name)} has no {CONFIG}, so its settings are not known."
        ) from error
    except (OSError, ValueError, RecursionError) as error:
        raise DataError(
            f"{CONFIG} of the run {public_name(folder.name)} cannot be read ({error})."
        ) from error
    if not isinstance(values, dict):
        raise DataError(f"{CONFIG} of the run {public_name(folder.name)} holds no settings.")
    return values
