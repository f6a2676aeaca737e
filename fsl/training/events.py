"""What a training run tells whoever iterates over it; each event is one JSON object in ``events.jsonl``."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Started:
    """The first event.

    Attributes:
        step: batches already done, 0 unless resumed.
        steps: batches in all.
        device: in words, for people.
        bf16: whether convolutions run in bf16.
        n_images: images trained on.
        n_classes: classes trained on.
        n_parameters: trainable values.
        note: what had to differ from the settings ("14-way instead of 20-way: ..."), or "".
    """

    step: int
    steps: int
    device: str
    bf16: bool
    n_images: int
    n_classes: int
    n_parameters: int
    note: str


@dataclass(frozen=True)
class Step:
    """Progress, every ``report_every`` batches.

    Attributes:
        step: batches done.
        loss: mean since the last such event.
        learning_rate: of the last batch.
        images_per_second: since the last such event.
        seconds: training time so far, evaluations included.
    """

    step: int
    loss: float
    learning_rate: float
    images_per_second: float
    seconds: float


@dataclass(frozen=True)
class Evaluation:
    """An N-way K-shot test on the validation classes.

    Attributes:
        step: batches done.
        accuracy: mean over episodes, in [0, 1].
        ci95: half the width of its 95% interval.
        n_way: classes per episode actually used.
        n_shot: support images per class.
        n_episodes: episodes.
    """

    step: int
    accuracy: float
    ci95: float
    n_way: int
    n_shot: int
    n_episodes: int


@dataclass(frozen=True)
class Saved:
    """A checkpoint was written.

    Attributes:
        step: batches done.
        path: the file.
    """

    step: int
    path: str


@dataclass(frozen=True)
class Finished:
    """The last event.

    Attributes:
        step: batches done.
        seconds: training time.
        stopped: whether it was stopped before its last batch.
    """

    step: int
    seconds: float
    stopped: bool


TrainEvent = Started | Step | Evaluation | Saved | Finished
_KINDS: dict[str, type[TrainEvent]] = {
    "started": Started,
    "step": Step,
    "evaluation": Evaluation,
    "saved": Saved,
    "finished": Finished,
}
_NAMES = {kind: name for name, kind in _KINDS.items()}


def to_json(event: TrainEvent) -> dict[str, Any]:
    """The event as a JSON object with its kind under "event"."""
    return {"event": _NAMES[type(event)], **asdict(event)}


def from_json(values: dict[str, Any]) -> TrainEvent:
    """The event that ``to_json`` made ``values`` of.

    Raises:
        KeyError, TypeError: it is none.
    """
    rest = {k: v for k, v in values.items() if k != "event"}
    return _KINDS[values["event"]](**rest)
