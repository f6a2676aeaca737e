"""Remove the runs of visitors, and the copies of their pictures, after a time. Runs of the shell stay."""

from __future__ import annotations

import logging
import shutil
import time
from pathlib import Path

from fsl.base.environment import whole_number
from fsl.base.errors import FslError
from fsl.training.run_folder import EVENTS, IMAGES, STATE, public_name
from fsl.training.run_lock import acquire
from fsl.training.snapshots import FOLDER as SNAPSHOTS
from fsl.training.status import RunInfo, forget_runs, list_runs, runs_root

RUN_DAYS = "FSL_RUN_DAYS"
"""Environment variable: days after its last batch that a visitor's run is kept; unset or 0: forever."""
PICTURE_DAYS = "FSL_PICTURE_DAYS"
"""Environment variable: the same for the copies of a visitor's own pictures."""
_DAY_SECONDS = 86_400.0
_LOG = logging.getLogger(__name__)


def expire(root: Path | None = None, now: float | None = None) -> int:
    """Remove what has expired, as the environment variables say; by default nothing expires.

    Args:
        root: the folder of runs; by default ``runs_root()``.
        now: the time in seconds since 1970; by default the clock's.

    Returns:
        the number of runs and of copies removed.
    """
    run_days, picture_days = whole_number(RUN_DAYS, 0), whole_number(PICTURE_DAYS, 0)
    if not (run_days or picture_days):
        return 0
    now, removed = time.time() if now is None else now, 0
    for run in list_runs(root or runs_root()):
        if not run.visitor or run.is_live:
            continue
        age = (now - _last_change(run)) / _DAY_SECONDS
        if run_days and age > run_days:
            removed += _remove(run, [run.folder])
        elif picture_days and age > picture_days and run.has_own_pictures:
            removed += _remove(run, [run.folder / IMAGES, run.folder / SNAPSHOTS])
    if removed:
        forget_runs()
    return removed


def _last_change(run: RunInfo) -> float:
    found = [run.created]
    for name in (EVENTS, STATE):
        try:
            found.append((run.folder / name).stat().st_mtime)
        except OSError:
            continue
    return max(found)


def _remove(run: RunInfo, paths: list[Path]) -> bool:
    """Remove files and folders of a run; return whether any was there."""
    there = [path for path in paths if path.exists()]
    try:
        with acquire(run.folder):  # nobody resumes it meanwhile
            for path in there:
                shutil.rmtree(path) if path.is_dir() else path.unlink()
    except (OSError, FslError) as error:
        _LOG.warning("The run %s cannot be removed now: %s", public_name(run.id), error)
        return False
    return bool(there)
