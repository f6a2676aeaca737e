"""The measurement under load notices when a visitor sees somebody else's run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from bench.load import Seen, runs_in, seen_by_several
from fsl.data.imageset import ImageSet
from fsl.training.run_data import TrainingData
from fsl.training.run_plan import RunPlan, prepare_folder
from fsl.training.run_spec import RunSpec
from tests.helpers.training import CONFIG, MODEL


def test_a_run_that_two_visitors_saw_is_reported(
    tmp_path: Path, coloured_set: Callable[..., ImageSet]
) -> None:
    ids = []
    for visitor in ("one", "other", "other", ""):
        plan = RunPlan(RunSpec(CONFIG), MODEL, TrainingData(coloured_set(), None, "colours"), visitor)
        with prepare_folder(tmp_path, plan, "") as lock:
            ids.append(lock.folder.name)
    pages = [f"\x12\x05?run={ids[0]}\x1a shown: {ids[0]}", f'"{ids[1]},{ids[2]}"', "nothing"]
    seen = [Seen(runs=runs_in(page.encode())) for page in pages]
    assert [one.runs for one in seen] == [{ids[0]}, {ids[1], ids[2]}, set()]
    assert seen_by_several(seen, tmp_path) == []
    seen[2].runs = runs_in(f"leaked {ids[1]}\n".encode())
    (told,) = seen_by_several(seen, tmp_path)
    assert "visitors [1, 2]" in told
    assert ids[1] not in told
    seen = [Seen(runs=runs_in(f"run={ids[3]}".encode())) for _ in range(2)]
    assert "visitors [0, 1]" in seen_by_several(seen, tmp_path)[0]


def test_a_measurement_in_which_nobody_saw_a_run_has_checked_nothing(tmp_path: Path) -> None:
    assert "not checked" in seen_by_several([Seen(), Seen()], tmp_path)[0]
