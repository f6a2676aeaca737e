"""The events of a training run; each is one JSON object, a line of ``events.jsonl``."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from enum import Enum
from typing import Any, Literal

VerdictKind = Literal["starting", "learning", "stalled", "collapsed", "diverged", "overfitting"]
Advice = Literal["", "lower", "higher"]


class Pause(Enum):
    """A moment when another run may take its turn; unlike an event it is never logged."""

    BATCH = "a batch, or a test before the next batch, and its events are done"
    WITHIN = "within a test or a calibration"


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
        note: what had to differ from the settings ("14-way tests instead of 20-way: ..."), or "".
        loss: the loss's name in the settings; "" in runs of earlier versions.
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

    The last three are means since the last such event, like the loss; none in runs of earlier versions.

    Attributes:
        step: batches done.
        loss: mean since the last such event; NaN or infinite where it broke down.
        learning_rate: of the last batch.
        images_per_second: since the last such event.
        seconds: training time so far, evaluations included.
        logit_std: standard deviation of a batch's logits; 0 = the outputs do not depend on the input.
        separation: how far a batch's different pairs lie above its same pairs: the difference of the mean
            logits over their pooled standard deviation (d'); 0 = they cannot be told apart.
        embedding_spread: standard deviation of a batch's embeddings over their root mean square, in [0, 1];
            0 = all embeddings are equal.
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
        n_way: classes per episode actually used.
        n_shot: support images per class.
        n_episodes: episodes.
        loss: binary cross-entropy over all pairs of the validation images; none in runs of earlier versions.
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
    """Before and after: the same episodes before the first batch and at the last test of a run that is over.

    Attributes:
        step: batches done at that test; of a stopped run there may be more.
        before: accuracy before, in [0, 1].
        before_ci95: half the width of its 95% interval.
        after: accuracy at that test.
        after_ci95: half the width of its 95% interval.
        difference: after - before.
        difference_ci95: half the width of the interval of the difference, paired by episode.
        n_episodes: episodes.
    """

    step: int
    before: float
    before_ci95: float
    after: float
    after_ci95: float
    difference: float
    difference_ci95: float
    n_episodes: int


@dataclass(frozen=True)
class Verdict:
    """What the run so far amounts to; see ``fsl.training.verdict``.

    Attributes:
        step: batches done.
        kind: "starting" until there is enough to judge by.
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
    """The event as a JSON object with its kind under "event"; NaN and infinity, which JSON lacks, as text."""
    values = {k: _as_text(v) for k, v in asdict(event).items()}
    return {"event": _NAMES[type(event)], **values}


def from_json(values: Mapping[str, Any]) -> TrainEvent:
    """The event that ``to_json`` made ``values`` of.

    Raises:
        KeyError, TypeError: it is none.
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
