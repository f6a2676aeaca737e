"""The events of a training run; each becomes one JSON object, a line of ``events.jsonl``."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from enum import Enum
from typing import Any, Literal

VerdictKind = Literal["starting", "learning", "stalled", "collapsed", "diverged", "overfitting"]
Advice = Literal["", "lower", "higher"]
CHANCE = 0.05
"""A difference counts as real if chance would make one as large less often than this."""


class Pause(Enum):
    """A moment when another run may take its turn; unlike an event it is never logged."""

    BATCH = "a batch, or a test before the next batch, and its events are done"
    WITHIN = "before the first event, or within a calibration"
    EMBEDDING = "while the frozen layers embed the images of a batch"
    TESTING = "within a test"


@dataclass(frozen=True)
class Started:
    """The first event.

    Attributes:
        step: batches already done, 0 unless resumed.
        steps: batches in all.
        device: description of the device, for people.
        bf16: whether convolutions run in bf16.
        n_images: number of images to train on.
        n_classes: number of classes to train on.
        n_parameters: number of trainable parameters.
        note: how the run differs from its settings ("14-way tests instead of 20-way: ..."), or "".
        loss: name of the loss in the settings; "" in runs of earlier versions.
    """

    step: int
    steps: int
    device: str
    bf16: bool
    n_images: int
    n_classes: int
    n_parameters: int
    note: str
    loss: str = ""


@dataclass(frozen=True)
class Step:
    """Progress, after the first batch and every ``report_every`` batches.

    The last three are means since the last Step, like the loss; None in runs of earlier versions.

    Attributes:
        step: batches done.
        loss: mean since the last Step; NaN or infinite if the weights grew without bounds.
        learning_rate: learning rate of the last batch.
        images_per_second: images embedded per second of training since the last Step.
        seconds: training time so far, including tests.
        logit_std: standard deviation of a batch's logits; 0 = the outputs do not depend on the input.
        separation: d' between a batch's different and same pairs: the difference of their mean logits,
            divided by the pooled standard deviation; 0 = they cannot be told apart.
        embedding_spread: standard deviation of a batch's embeddings, divided by their root mean square, in
            [0, 1]; 0 = all embeddings are equal.
    """

    step: int
    loss: float
    learning_rate: float
    images_per_second: float
    seconds: float
    logit_std: float | None = None
    separation: float | None = None
    embedding_spread: float | None = None


@dataclass(frozen=True)
class Evaluation:
    """An N-way K-shot test on the validation classes.

    Attributes:
        step: batches done.
        accuracy: mean over episodes, in [0, 1].
        ci95: half the width of its 95% interval.
        n_way: number of classes per episode, possibly fewer than in the settings.
        n_shot: number of support images per class.
        n_episodes: number of episodes.
        loss: binary cross-entropy over pairs of the validation images; None in runs of earlier versions.
    """

    step: int
    accuracy: float
    ci95: float
    n_way: int
    n_shot: int
    n_episodes: int
    loss: float | None = None


@dataclass(frozen=True)
class Comparison:
    """Accuracy on the same episodes before the first batch and at the last test, at the end of a run.

    Attributes:
        step: batches done at the last test; a stopped run may have done more.
        before: accuracy before the first batch, in [0, 1].
        before_ci95: half the width of its 95% interval.
        after: accuracy at the last test.
        after_ci95: half the width of its 95% interval.
        difference: after - before.
        difference_ci95: half the width of the 95% interval of the difference, paired by episode.
        n_episodes: number of episodes.
        n_images: number of images in the tests; 0 in runs of earlier versions.
        chance: how often chance alone makes a difference as large between networks that are equally good on
            such images (``fsl.training.gain.chance_of``); None in runs of earlier versions.
        in_use: accuracy at the last test if the learned images are what is shown of each class; None unless
            an adapter was trained and other images of the same classes were held out.
        probe: accuracy of a linear probe on the starting network, likewise (``fsl.fewshot.linear_probe``).
    """

    step: int
    before: float
    before_ci95: float
    after: float
    after_ci95: float
    difference: float
    difference_ci95: float
    n_episodes: int
    n_images: int = 0
    chance: float | None = None
    in_use: float | None = None
    probe: float | None = None

    @property
    def probe_is_better(self) -> bool:
        """Whether the linear probe recognises more than the trained network."""
        return self.in_use is not None and self.probe is not None and self.probe > self.in_use

    @property
    def is_clear(self) -> bool:
        """Whether the difference is more than chance."""
        if self.chance is None:
            return abs(self.difference) > self.difference_ci95
        return self.chance < CHANCE


@dataclass(frozen=True)
class Verdict:
    """A judgement on the run so far; see ``fsl.training.verdict``.

    Attributes:
        step: batches done.
        kind: "starting" until there are enough batches to judge by.
        evidence: one sentence for people, with the numbers.
        advice: whether a "lower" or a "higher" learning rate is worth a try.
    """

    step: int
    kind: VerdictKind
    evidence: str
    advice: Advice = ""


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


TrainEvent = Started | Step | Evaluation | Comparison | Verdict | Saved | Finished
_KINDS: dict[str, type[TrainEvent]] = {
    "started": Started,
    "step": Step,
    "evaluation": Evaluation,
    "comparison": Comparison,
    "verdict": Verdict,
    "saved": Saved,
    "finished": Finished,
}
_NAMES = {kind: name for name, kind in _KINDS.items()}


def to_json(event: TrainEvent) -> dict[str, Any]:
    """Return an event as a JSON object, its kind under "event"; NaN and infinity become text."""
    values = {k: _as_text(v) for k, v in asdict(event).items()}
    return {"event": _NAMES[type(event)], **values}


def from_json(values: Mapping[str, Any]) -> TrainEvent:
    """Return the event of a JSON object that ``to_json`` made.

    Raises:
        KeyError, TypeError: the object is not an event.
    """
    kind = _KINDS[values["event"]]
    rest: dict[str, Any] = {k: _as_number(v) for k, v in values.items() if k != "event"}
    event = kind(**rest)
    for f in fields(kind):
        value = getattr(event, f.name)
        if not isinstance(value, _TYPES.get(str(f.type), (str,))):
            raise TypeError(f"{f.name} is {value!r}")
    if not 0 <= event.step <= _MOST_STEPS:
        raise TypeError(f"step is {event.step}")
    return event


_TYPES: dict[str, tuple[type, ...]] = {
    "int": (int,),
    "float": (int, float),
    "float | None": (int, float, type(None)),
    "bool": (bool,),
}
_MOST_STEPS = 10**12
_NUMBERS: dict[str, float] = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}


def _as_number(value: object) -> object:
    return _NUMBERS.get(value, value) if isinstance(value, str) else value


def _as_text(value: object) -> object:
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value
