"""What runs are called where one chooses among them."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from fsl.config import TrainConfig
from fsl.training.status import RunInfo
from fsl.ui.shared.run_names import dated_names

NOON = datetime(2026, 1, 31, 12, 0).timestamp()


def run(run_id: str, name: str, created: float) -> RunInfo:
    return RunInfo(
        id=run_id,
        folder=Path(run_id),
        status="finished",
        name=name,
        config=TrainConfig(),
        created=created,
    )


def test_of_a_run_begun_today_the_time_is_enough() -> None:
    now = datetime.now()
    assert dated_names([run("a", "rate 1", now.timestamp())]) == {"a": f"rate 1, {now:%H:%M}"}


def test_the_time_of_beginning_tells_runs_apart_and_the_id_where_it_does_not() -> None:
    runs = [
        run("a", "rate 0.1", NOON),
        run("b", "rate 0.1", NOON + 60),
        run("c", "rate 1", NOON),
        run("d", "rate 1", NOON + 1),
    ]
    assert dated_names(runs) == {
        "a": "rate 0.1, 2026-01-31 12:00",
        "b": "rate 0.1, 2026-01-31 12:01",
        "c": "rate 1, 2026-01-31 12:00, c",
        "d": "rate 1, 2026-01-31 12:00, d",
    }
