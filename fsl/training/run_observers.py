"""Send a run's events to TensorBoard or Weights & Biases as well, through their own writers.

Both are extras to install. TensorBoard's files are in the folder ``tensorboard`` of the run folder. Weights &
Biases sends settings and curves to its server, or keeps them in the run folder with ``WANDB_MODE=offline``;
pictures and the names of classes are never sent.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal, Protocol, get_args

from fsl.base.errors import FslError, SettingsError, WriteError
from fsl.config import ModelConfig, TrainConfig
from fsl.training.events import Comparison, Evaluation, Finished, Pause, Started, Step, TrainEvent, Verdict
from fsl.training.run_folder import public_name

LogTo = Literal["tensorboard", "wandb"]
VARIABLE = "FSL_LOG_TO"
TENSORBOARD = "tensorboard"
_PROJECT = "few-shot-lab"
_LEFT_OUT = ("step", "seconds", "n_way", "n_shot", "n_episodes", "n_images")


class Observer(Protocol):
    """Receives the events of one run."""

    def write(self, event: TrainEvent) -> None:
        """Take an event."""

    def close(self) -> None:
        """End the log; called once, also after a failure."""


def chosen_logs(named: Sequence[str] | None = None) -> tuple[LogTo, ...]:
    """Return where events are to be sent.

    Args:
        named: "tensorboard", "wandb"; None for those that ``FSL_LOG_TO`` names, separated by commas.

    Raises:
        SettingsError: one is unknown or not installed.
    """
    words = os.environ.get(VARIABLE, "").replace(",", " ").split() if named is None else named
    chosen = tuple(log for log in get_args(LogTo) if log in words)
    if unknown := sorted(set(words) - set(chosen)):
        raise SettingsError(f"Runs can be logged to {' or '.join(get_args(LogTo))}, not to {unknown[0]!r}.")
    for log in chosen:
        if find_spec(log) is None:
            raise SettingsError(f"Logging to {log} needs the package {log}: pip install {log}.")
    return chosen


def observed(
    events: Iterator[TrainEvent | Pause],
    logs: Sequence[LogTo],
    folder: Path,
    config: TrainConfig,
    model: ModelConfig,
) -> Iterator[TrainEvent | Pause]:
    """Yield the events of a run, and send them to its logs.

    Args:
        events: those of ``run_training``.
        logs: where to send them; see ``chosen_logs``.
        config: the settings of the run.

    Raises:
        FslError: a log cannot be opened.
        WriteError: it cannot be written.
    """
    observers: list[Observer] = []
    try:
        for event in events:
            if isinstance(event, Started):  # only now is the batch known that the run goes on from
                observers = [_OPEN[log](folder, event.step, config, model) for log in logs]
            if not isinstance(event, Pause):
                _send(event, observers, folder)
            yield event
    finally:
        for observer in observers:
            observer.close()


def _send(event: TrainEvent, observers: Sequence[Observer], folder: Path) -> None:
    try:
        for observer in observers:
            observer.write(event)
    except OSError as error:
        raise WriteError(folder, error, "Resume the run without --log-to, or make room.") from error


def scalars(event: TrainEvent) -> dict[str, float]:
    """Return the numbers of an event that make a curve, by name; "test/accuracy", for example."""
    group = {Step: "train", Evaluation: "test", Comparison: "comparison"}.get(type(event))
    if group is None:
        return {}
    values = {name: value for name, value in asdict(event).items() if name not in _LEFT_OUT}
    return {f"{group}/{name}": float(value) for name, value in values.items() if value is not None}


class _TensorBoard:
    def __init__(self, folder: Path, step: int, config: TrainConfig, model: ModelConfig) -> None:
        from torch.utils.tensorboard import SummaryWriter  # slow to import

        # Points after the batch that a resumed run goes on from are replaced.
        self._writer = SummaryWriter(str(folder / TENSORBOARD), purge_step=step + 1, flush_secs=10)
        self._writer.add_text("settings", _as_table(_settings(config, model)), step)

    def write(self, event: TrainEvent) -> None:
        """Add the event's numbers to the curves, and a verdict as text."""
        for name, value in scalars(event).items():
            self._writer.add_scalar(name, value, event.step)
        if isinstance(event, Verdict):
            self._writer.add_text("verdict", f"**{event.kind}**: {event.evidence}", event.step)

    def close(self) -> None:
        """Write what is left and close the file."""
        self._writer.close()


class _WeightsAndBiases:
    def __init__(self, folder: Path, step: int, config: TrainConfig, model: ModelConfig) -> None:
        import wandb  # slow to import

        try:
            self._run = wandb.init(
                project=os.environ.get("WANDB_PROJECT", _PROJECT),
                dir=str(folder),
                name=public_name(folder.name),
                # The same for a run that is resumed, and no clue to the folder's name, which can be a secret.
                id=hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:16],
                resume="allow",
                reinit="create_new",
                config=_settings(config, model),
                # Nothing about this machine, its folders or its command line.
                settings=wandb.Settings(
                    console="off",
                    disable_git=True,
                    save_code=False,
                    x_disable_meta=True,
                    x_disable_stats=True,
                    x_save_requirements=False,
                ),
            )
        except wandb.Error as error:
            raise FslError(
                f"Weights & Biases cannot be reached: {error}. Log in with `wandb login`, or set "
                "WANDB_MODE=offline."
            ) from error

    def write(self, event: TrainEvent) -> None:
        """Log the event's numbers, and the verdict to the run's summary."""
        if found := scalars(event):
            self._run.log(found, step=event.step)
        if isinstance(event, Verdict):
            self._run.summary.update({"verdict": event.kind, "evidence": event.evidence})
        if isinstance(event, Finished):
            self._run.summary.update({"stopped": event.stopped})

    def close(self) -> None:
        """Send what is left and end the run."""
        self._run.finish()


_OPEN: dict[LogTo, type[_TensorBoard] | type[_WeightsAndBiases]] = {
    "tensorboard": _TensorBoard,
    "wandb": _WeightsAndBiases,
}


def _settings(config: TrainConfig, model: ModelConfig) -> dict[str, Any]:
    return {"train": config.to_json(), "model": model.to_json()}


def _as_table(settings: dict[str, Any]) -> str:
    """Return settings as a table in Markdown, which TensorBoard shows."""
    rows = [
        f"| {part}.{name} | {value} |" for part, all_of in settings.items() for name, value in all_of.items()
    ]
    return "\n".join(["| setting | value |", "|---|---|", *rows])
