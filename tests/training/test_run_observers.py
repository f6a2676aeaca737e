"""Events as TensorBoard's and Weights & Biases' own readers find them."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fsl.base.errors import SettingsError
from fsl.training.events import Evaluation, Step, TrainEvent, Verdict
from fsl.training.run_observers import TENSORBOARD, LogTo, chosen_logs, observed
from tests.helpers.training import CONFIG, MODEL, run_in


def trained(folder: Path, data: Any, log: LogTo, **options: Any) -> list[TrainEvent]:
    config = replace(CONFIG, steps=options.pop("steps", 12))
    events = run_in(folder, data(), config, MODEL, validation=data(seed=1), **options)
    return list(observed(events, [log], folder, config, MODEL))  # type: ignore[arg-type]


def test_tensorboard_reads_every_point_once_also_after_a_resume(
    coloured_set: Callable[..., Any], tmp_path: Path
) -> None:
    pytest.importorskip("tensorboard", reason="in the extra [tensorboard]")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    folder = tmp_path / "run"
    events = trained(folder, coloured_set, "tensorboard")
    events += trained(folder, coloured_set, "tensorboard", steps=20, resume=True)
    found = EventAccumulator(str(folder / TENSORBOARD))
    found.Reload()

    def curve(name: str) -> list[tuple[int, float]]:
        return [(point.step, point.value) for point in found.Scalars(name)]

    steps = [event for event in events if isinstance(event, Step)]
    tests = [event for event in events if isinstance(event, Evaluation)]
    assert len(steps) > 4
    assert curve("train/loss") == [(e.step, pytest.approx(e.loss)) for e in steps]
    assert curve("train/learning_rate") == [(e.step, pytest.approx(e.learning_rate)) for e in steps]
    assert curve("test/accuracy") == [(e.step, pytest.approx(e.accuracy)) for e in tests]
    verdicts = [event for event in events if isinstance(event, Verdict)]
    texts = found.Tensors("verdict/text_summary")
    assert [text.step for text in texts] == [verdict.step for verdict in verdicts]
    assert verdicts[-1].evidence.encode() in texts[-1].tensor_proto.string_val[0]


def records_of(data: bytes) -> Iterator[bytes]:
    """The records of an offline file: LevelDB's log format in blocks of 32 KB, after a header of 7 bytes."""
    place, parts = 7, b""
    while place + 7 <= len(data):
        if (left := 32768 - place % 32768) < 7:
            place += left
            continue
        _, length, kind = struct.unpack_from("<IHB", data, place)
        parts += data[place + 7 : place + 7 + length]
        place += 7 + length
        if kind in (1, 4):  # whole, or the last part
            yield parts
            parts = b""


def test_weights_and_biases_keeps_the_curves_offline(
    coloured_set: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("wandb", reason="in the extra [wandb]")
    from wandb.proto.wandb_internal_pb2 import Record

    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_SILENT", "true")
    events = trained(tmp_path / "run", coloured_set, "wandb")
    (file,) = (tmp_path / "run").rglob("*.wandb")
    rows = []
    for data in records_of(file.read_bytes()):
        record = Record()
        record.ParseFromString(data)
        rows.append({"/".join(item.nested_key): float(item.value_json) for item in record.history.item})
    steps = [event for event in events if isinstance(event, Step)]
    found = [(row["_step"], row["train/loss"]) for row in rows if "train/loss" in row]
    assert found == [(event.step, pytest.approx(event.loss)) for event in steps]
    assert Path(__file__).name.encode() not in file.read_bytes()  # nor anything else of this machine


def test_a_log_that_is_unknown_or_not_installed_is_refused_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FSL_LOG_TO", "tensorbord")
    with pytest.raises(SettingsError, match="tensorbord"):
        chosen_logs()
    monkeypatch.setattr("fsl.training.run_observers.find_spec", lambda _: None)
    with pytest.raises(SettingsError, match="pip install wandb"):
        chosen_logs(["wandb"])
    monkeypatch.delenv("FSL_LOG_TO")
    assert chosen_logs() == ()
