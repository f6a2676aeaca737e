"""Verdicts: what a training run amounts to so far, with the evidence.

A pure function of the run's events, in order of gravity:

- *diverged*: the loss is NaN, infinite, or far above its start;
- *collapsed*: all embeddings are equal under a loss on the embeddings (contrastive, triplet), whose known
  failure that is;
- *stalled*: the loss is no lower than at its start, or the outputs do not tell same pairs from different
  ones: so where cross-entropy rests at ln 2 because the outputs do not depend on the input at all, be it that
  the embeddings are equal or that the head ignores them;
- *overfitting*: validation accuracy falls while the training loss falls;
- *learning*: none of these; *starting* until there is enough to judge by.

It goes by the loss and by three numbers that each ``Step`` carries, because the loss alone does not tell a
network that says the same about every pair from one that learns slowly. ``python -m bench verdicts`` measures
how often it is right.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from fsl.base.types import Float64Array
from fsl.training.events import Advice, Evaluation, Started, Step, TrainEvent, Verdict, VerdictKind

# All chosen on runs other than those that ``bench/verdicts.py`` reports on.
MIN_REPORTS = 6  # with fewer a run is "starting", unless it broke down
MIN_STEPS = 30
MIN_STEPS_WITHOUT_MOVING = 100  # a low rate needs some time to be told from one that does nothing
FAR_ABOVE_START = 3.0  # times the first loss
EQUAL_EMBEDDINGS = 1e-3  # embedding_spread
CONSTANT_OUTPUTS = 1e-3  # logit_std
NO_SEPARATION = 0.2  # d'; on real images an untrained network has 0.3 and more
CLEAR_FALL = 0.85  # of the first loss, which is one batch's and noisy
SOME_FALL = 0.98  # of the early loss, where the trend is clear too
CLEAR_TREND = -2.5  # t value of the slope of the loss
LEAST_DROP = 0.03  # of validation accuracy
LEARNS_ON = 0.9  # of the training loss when validation was best


@dataclass(frozen=True)
class _Reading:
    """The numbers that the rules go by; "now" is the latest quarter of the run."""

    steps: Sequence[Step]
    loss_name: str

    @cached_property
    def losses(self) -> Float64Array:
        return np.array([s.loss for s in self.steps])

    @cached_property
    def recent(self) -> Sequence[Step]:
        return self.steps[-max(4, len(self.steps) // 4) :]

    @cached_property
    def loss(self) -> float:
        """Now."""
        return float(np.median([s.loss for s in self.recent]))

    @property
    def start(self) -> float:
        """The loss of the first batch."""
        return float(self.losses[0])

    @cached_property
    def has_leapt(self) -> bool:
        """Whether the loss was far above its start at some time: its fall from there proves nothing."""
        return self.peak > FAR_ABOVE_START * self.start

    @cached_property
    def peak(self) -> float:
        """The highest loss so far."""
        return float(self.losses.max())

    @property
    def early(self) -> float:
        """The loss just after the first batch, or of the first batch with its noise if that is lower."""
        if self.has_leapt:
            return self.start
        per_report = max(1, (self.steps[-1].step - 1) // (len(self.steps) - 1))
        noise = float(np.std(np.diff(self.losses[1:]))) / math.sqrt(2) * math.sqrt(per_report)
        return min(float(np.median(self.losses[1:4])), self.start + max(2 * noise, 0.1 * self.start))

    @cached_property
    def trend(self) -> float:
        """The t value of the slope of the loss over time; the first batch alone does not count."""
        y = self.losses[1:]
        x = np.arange(len(y)) - (len(y) - 1) / 2
        slope = float(x @ y / (x @ x))
        residual = y - y.mean() - slope * x
        error = math.sqrt(float(residual @ residual) / max(1, len(y) - 2) / float(x @ x))
        return slope / (error + 1e-12)

    @property
    def tells_apart(self) -> bool:
        """Whether different pairs lie above same pairs now, as far as is known."""
        separation = self.now("separation")
        return separation is None or separation >= NO_SEPARATION

    def now(self, name: str) -> float | None:
        """The recent median of one of the steps' statistics; none in runs that did not record it."""
        values = [value for s in self.recent if (value := getattr(s, name)) is not None]
        return float(np.median(values)) if values else None


_Finding = tuple[VerdictKind, str, Advice]


def judge(events: Sequence[TrainEvent]) -> Verdict:
    """The verdict on a run.

    Args:
        events: the run's, from its first to its latest.
    """
    steps = [event for event in events if isinstance(event, Step)]
    if not steps:
        return Verdict(0, "starting", "No batch has been reported yet.")
    loss_name = next((e.loss for e in events if isinstance(e, Started)), "")
    evaluations = [e for e in events if isinstance(e, Evaluation)]
    kind, evidence, advice = _find(_Reading(steps, loss_name), evaluations)
    return Verdict(steps[-1].step, kind, evidence, advice)


def try_rate(verdict: Verdict, learning_rate: float) -> float | None:
    """The learning rate to try next.

    Args:
        verdict: of a run.
        learning_rate: it was trained with.

    Returns:
        a tenth of it, or ten times it where the run hardly moved; none where there is nothing to mend.
    """
    factor = {"lower": 0.1, "higher": 10.0}.get(verdict.advice)
    return None if factor is None else float(f"{min(learning_rate * factor, 100.0):.3g}")


def _find(r: _Reading, evaluations: Sequence[Evaluation]) -> _Finding:
    steps = r.steps
    broken = next((s for s in steps if not math.isfinite(s.loss)), None)
    if broken is not None:
        words = f"The loss is no longer a number since batch {broken.step}: the weights grew without bounds."
        return "diverged", words, "lower"
    if len(steps) >= 4 and (found := _collapsed(r) or _diverged(r)):
        return found
    if len(steps) < MIN_REPORTS or steps[-1].step < MIN_STEPS:
        return "starting", f"Too few batches so far to judge by ({steps[-1].step}).", ""
    found = _stalled(r) or _overfitting(r, evaluations)
    return found or ("learning", f"The loss has fallen from {max(r.start, r.early):.3f} to {r.loss:.3f}.", "")


def _diverged(r: _Reading) -> _Finding | None:
    if r.loss <= FAR_ABOVE_START * r.start:
        return None
    times = r.loss / max(r.start, 1e-9)
    return "diverged", f"The loss is {r.loss:.3g}, {times:.0f} times its start ({r.start:.3f}).", "lower"


def _collapsed(r: _Reading) -> _Finding | None:
    spread = r.now("embedding_spread")
    on_embeddings = r.loss_name in ("contrastive", "triplet")
    if not on_embeddings or spread is None or spread >= EQUAL_EMBEDDINGS or r.tells_apart:
        return None
    words = f"All images have the same embedding (spread {spread:.1g}), and the loss stays at {r.loss:.3f}."
    return "collapsed", words, "lower"


def _stalled(r: _Reading) -> _Finding | None:
    """No use of the input is left, or the loss has not moved from where it began."""
    outputs, separation, steps_done = r.now("logit_std"), r.now("separation"), r.steps[-1].step
    stays = f"leapt to {r.peak:.3g} and is back at" if r.has_leapt else "stays at"
    at = f"The loss {stays} {r.loss:.3f}{_as_known_constant(r.loss)}"
    if outputs is not None and outputs < CONSTANT_OUTPUTS:
        return "stalled", f"{at}: the outputs no longer depend on the input.", "lower"
    if not r.tells_apart:
        return "stalled", f"{at}: the outputs do not tell same pairs from different ones.", "lower"
    if r.loss < CLEAR_FALL * r.start or (r.loss < SOME_FALL * r.early and r.trend < CLEAR_TREND):
        return None
    if steps_done < MIN_STEPS_WITHOUT_MOVING:
        return (
            "starting",
            f"{steps_done} batches so far: {r.loss:.3f} after {r.start:.3f} tells little yet.",
            "",
        )
    if r.loss > 1.02 * r.start or separation is None or r.has_leapt:
        return "stalled", f"{at}, no lower than at its start ({r.start:.3f}).", "lower"
    return "stalled", f"{at} and has hardly moved since its start ({r.start:.3f}).", "higher"


def _as_known_constant(loss: float) -> str:
    return " (ln 2, the answer 1/2 to every pair)" if abs(loss - math.log(2)) < 0.01 else ""


def _overfitting(r: _Reading, evaluations: Sequence[Evaluation]) -> _Finding | None:
    """Validation accuracy is clearly below its best, which was at a higher training loss."""
    if len(evaluations) < 3:
        return None
    best = max(evaluations, key=lambda e: e.accuracy)
    latest = evaluations[-2:]
    accuracy = sum(e.accuracy for e in latest) / len(latest)
    # The episodes are the same each time, so the interval of one accuracy is wide enough for a difference.
    if best in latest or best.accuracy - accuracy < max(LEAST_DROP, best.ci95):
        return None
    loss_then = float(np.median([s.loss for s in r.steps if s.step <= best.step][-4:] or [r.start]))
    if r.loss >= LEARNS_ON * loss_then:
        return None
    words = (
        f"Validation accuracy fell from {best.accuracy:.3f} (batch {best.step}) to {accuracy:.3f} while the "
        f"training loss fell from {loss_then:.3f} to {r.loss:.3f}."
    )
    return "overfitting", words, ""
