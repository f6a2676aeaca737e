"""What is promised of a GPU: a resumed run's numbers are the same, and its memory is given back."""

import gc
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from fsl.data.imageset import ImageSet
from fsl.training.events import Step
from fsl.training.manager import RunManager
from fsl.training.run_data import TrainingData
from fsl.training.run_folder import CHECKPOINT, EVENTS
from fsl.training.run_log import read_events
from fsl.training.run_plan import RunPlan
from fsl.training.run_spec import RunSpec
from fsl.training.status import find_run
from fsl.twin import checkpoint as checkpoints
from tests.helpers.training import CONFIG, MODEL, run_in
from tests.helpers.waiting import until

Maker = Callable[..., ImageSet]
pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")
ON_GPU = replace(
    CONFIG,
    device="cuda",
    steps=40,
    report_every=1,
    evaluate_every=10,
    augment=replace(CONFIG.augment, rotate=30),
)
WIDE = replace(MODEL, widths=(64, 64, 64, 64))


def losses(folder: Path) -> list[tuple[int, float]]:
    return [(e.step, e.loss) for e in read_events(folder / EVENTS) if isinstance(e, Step)]


@pytest.mark.parametrize("loss", ["bce", "bce+rank", "triplet"])
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_interrupted_and_resumed_equals_uninterrupted(
    loss: str, precision: str, tmp_path: Path, coloured_set: Maker
) -> None:
    config = replace(ON_GPU, loss=loss, precision=precision)
    arguments = (coloured_set(), config, WIDE)
    validation = coloured_set(5, seed=1)
    list(run_in(tmp_path / "whole", *arguments, validation=validation))
    turns = run_in(tmp_path / "killed", *arguments, validation=validation)
    for event in turns:
        if event.step == 25:
            break
    turns.close()
    list(run_in(tmp_path / "killed", *arguments, validation=validation, resume=True))
    assert losses(tmp_path / "killed") == losses(tmp_path / "whole")
    one, two = (checkpoints.load(tmp_path / name / CHECKPOINT).twin for name in ("whole", "killed"))
    assert all(torch.equal(v, two.state_dict()[k]) for k, v in one.state_dict().items())


def test_memory_is_given_back(tmp_path: Path, coloured_set: Maker) -> None:
    manager = RunManager(tmp_path)
    data = TrainingData(coloured_set(), coloured_set(5, seed=1))

    def train() -> int:
        """Bytes that are held on the GPU when a run is over."""
        run_id = manager.start(RunPlan(RunSpec(ON_GPU), WIDE, data))
        assert manager.wait(run_id, 120)
        assert find_run(run_id, manager.root).status == "finished"
        until(lambda: manager.queue() == (0, ()))  # the thread has let go of it, too
        gc.collect()
        torch.cuda.empty_cache()
        return torch.cuda.memory_allocated()

    first = train()  # libraries keep a workspace
    assert train() <= first
