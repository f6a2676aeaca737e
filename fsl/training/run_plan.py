"""Plan a run and prepare its folder, before it is queued."""

from __future__ import annotations

import secrets
import shutil
import time
from dataclasses import dataclass, replace
from pathlib import Path

from fsl.base.errors import DataError
from fsl.base.files import write_atomically
from fsl.config import ModelConfig
from fsl.data.query import DataSpec
from fsl.training.run import prepare_run
from fsl.training.run_data import TrainingData, images_of, store_images
from fsl.training.run_folder import VISITOR
from fsl.training.run_lock import RunLock, acquire
from fsl.training.run_spec import RunSpec
from fsl.training.state import new_state
from fsl.training.status import RunInfo
from fsl.twin.network import TwinNetwork


@dataclass(frozen=True, eq=False)
class RunPlan:
    """A run to start.

    Attributes:
        spec: settings and description; what it says about the data is filled in.
        start: an architecture, or a network to fine-tune, which is copied.
        data: where the images are, or the images themselves, which are then stored in the run folder.
        visitor: anonymous name of the person who starts it from a page, the only one to see it in lists;
            "" to show it to everybody.
    """

    spec: RunSpec
    start: ModelConfig | TwinNetwork
    data: DataSpec | TrainingData
    visitor: str = ""


def plan_like(
    run: RunInfo, learning_rate: float, start: ModelConfig | TwinNetwork, name: str, visitor: str = ""
) -> RunPlan:
    """Return the plan of a run that differs from another one in its learning rate only.

    Args:
        learning_rate: learning rate of the new run.
        start: what the other run began with.
        name: name of the new run.
        visitor: see ``RunPlan``.

    Raises:
        DataError: the settings or the images of the other run cannot be read.
    """
    if run.config is None:
        raise DataError(f"The settings of the run {run.name} cannot be read. {' '.join(run.problems)}")
    other = RunSpec.of(run.config, run.about)
    spec = RunSpec(
        replace(run.config, learning_rate=learning_rate),
        start=other.start,
        subject=other.subject,
        licence=other.licence,
        start_classes=other.start_classes,
        title=other.title,
        name=name,
    )
    return RunPlan(spec, start, images_of(run.folder), visitor)


def prepare_folder(root: Path, plan: RunPlan, group: str) -> RunLock:
    """Create the folder of a run that is to be queued, and lock it.

    Args:
        group: name shared by runs that are compared; "" for a single run.

    Raises:
        DataError, WriteError, SettingsError: the folder cannot be written, or the settings are impossible
            on this machine. No folder is left.
    """
    folder = root / new_id(root, has_secret=bool(plan.visitor))
    lock = acquire(folder)
    try:
        spec = replace(plan.spec, name=plan.spec.name or "", group=group)
        if isinstance(plan.data, DataSpec):
            spec = replace(spec, source=plan.data, data=plan.data.data or plan.data.recipe)
        else:
            spec = replace(spec, has_stored_images=True, data=plan.data.words)
            store_images(folder, plan.data)
        if plan.visitor:
            write_atomically(folder / VISITOR, plan.visitor.encode())
        lock.set_phase("queued")
        prepare_run(folder, spec, new_state(spec.config, plan.start))
    except BaseException:
        lock.release()
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return lock


def new_id(root: Path, has_secret: bool) -> str:
    """Return a new run id that sorts by time, such as "20260131-142501", or "20260131-142501-2" if taken.

    Whoever knows the id of a visitor's run can open it, so it ends in 128 random bits.
    """
    stamp = time.strftime("%Y%m%d-%H%M%S") + (f"-{secrets.token_hex(16)}" if has_secret else "")
    number, run_id = 1, stamp
    while (root / run_id).exists():
        number += 1
        run_id = f"{stamp}-{number}"
    return run_id
