"""Judge a training run from its events: is it learning, and if not, what is wrong?

The verdicts, from the gravest on:

- *diverged*: the loss is NaN, infinite, or far above its start;
- *collapsed*: all embeddings are equal, the known failure of losses on embeddings (contrastive, triplet);
- *stalled*: the loss is no lower than at its start, or the outputs do not tell same pairs from different
  ones. So cross-entropy stays at ln 2 when the outputs do not depend on the input, because the embeddings are
  equal or because the head ignores them;
- *overfitting*: test accuracy falls while the training loss falls;
- *learning*: none of these; *starting* until there are enough batches to judge by.

The loss alone cannot tell a network that gives the same output for every pair from one that learns slowly, so
each ``Step`` has three more numbers. A verdict must not depend on rounding, which differs between processors:
a loss that leapt up and came down again counts as learning only when it is below its start.
``python -m bench verdicts`` measures how often verdicts are right.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from fsl.base.text import count
from fsl.base.types import Float64Array
from fsl.training.events import Advice, Evaluation, Started, Step, TrainEvent, Verdict, VerdictKind

# All chosen on other runs than those that ``bench/verdicts.py`` reports on.
MIN_REPORTS = 6  # with fewer, a run is "starting" unless its loss is far too high
MIN_STEPS = 30
MIN_STEPS_WITHOUT_MOVING = 100  # before that, a low rate looks like no progress
FAR_ABOVE_START = 3.0  # times the first loss
EQUAL_EMBEDDINGS = 1e-3  # embedding_spread
CONSTANT_OUTPUTS = 1e-3  # logit_std
NO_SEPARATION = 0.2  # d'; on real images an untrained network has 0.3 and more
CLEAR_FALL = 0.85  # of the first loss, which is one batch's and noisy
SOME_FALL = 0.98  # of the early loss, where the trend is clear too
CLEAR_TREND = -2.5  # t value of the slope of the loss
LEAST_DROP = 0.03  # of test accuracy
LEARNS_ON = 0.9  # of the training loss at the best test


@dataclass(frozen=True)
class _Measures:
    """The numbers that the rules use; "recent" means the latest quarter of the run."""

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
        """The recent loss."""
        return float(np.median([s.loss for s in self.recent]))

    @property
    def start(self) -> float:
        """The loss of the first batch."""
        return float(self.losses[0])

    @cached_property
    def has_leapt(self) -> bool:
        """Whether the loss was ever far above its start; falling from there is no sign of learning."""
        return self.peak > FAR_ABOVE_START * self.start

    @cached_property
    def peak(self) -> float:
        """The highest loss so far."""
        return float(self.losses.max())

    @property
    def early(self) -> float:
        """The loss just after the first batch, limited to the first loss plus its noise."""
        if self.has_leapt:
            return self.start
        per_report = max(1, (self.steps[-1].step - 1) // (len(self.steps) - 1))
        noise = float(np.std(np.diff(self.losses[1:]))) / math.sqrt(2) * math.sqrt(per_report)
        return min(float(np.median(self.losses[1:4])), self.start + max(2 * noise, 0.1 * self.start))

    @cached_property
    def trend(self) -> float:
        """The t value of the slope of the loss over time, without the first batch."""
        y = self.losses[1:]
        x = np.arange(len(y)) - (len(y) - 1) / 2
        slope = float(x @ y / (x @ x))
        residual = y - y.mean() - slope * x
        error = math.sqrt(float(residual @ residual) / max(1, len(y) - 2) / float(x @ x))
        return slope / (error + 1e-12)

    @property
    def tells_apart(self) -> bool:
        """Whether different pairs have higher outputs than same pairs now; True if unknown."""
        separation = self.now("separation")
        return separation is None or separation >= NO_SEPARATION

    def now(self, name: str) -> float | None:
        """Return the recent median of a statistic of the steps, or None if it was not recorded."""
        values = [value for s in self.recent if (value := getattr(s, name)) is not None]
        return float(np.median(values)) if values else None


_Finding = tuple[VerdictKind, str, Advice]


def judge(events: Sequence[TrainEvent]) -> Verdict:
    """Return the verdict on a run.

    Args:
        events: the run's events with its verdicts, from the first to the latest. A run that has had another
            verdict is never "starting" again.
    """
    steps = [event for event in events if isinstance(event, Step)]
    if not steps:
        return Verdict(0, "starting", "No batch has been reported yet.")
    loss_name = next((e.loss for e in events if isinstance(e, Started)), "")
    evaluations = [e for e in events if isinstance(e, Evaluation)]
    kind, evidence, advice = _find(_Measures(steps, loss_name), evaluations)
    if kind == "starting" and (earlier := _earlier_verdict(events)):
        return replace(earlier, step=steps[-1].step)
    return Verdict(steps[-1].step, kind, evidence, advice)


def _earlier_verdict(events: Sequence[TrainEvent]) -> Verdict | None:
    """Return the last verdict but "starting", dated: it holds until there is evidence for another one."""
    found = (e for e in reversed(events) if isinstance(e, Verdict) and e.kind != "starting")
    verdict = next(found, None)
    if verdict is None or verdict.evidence.startswith("At batch "):
        return verdict
    return replace(verdict, evidence=f"At batch {verdict.step}: {verdict.evidence}")


def try_rate(verdict: Verdict, learning_rate: float) -> float | None:
    """Return the learning rate to try next.

    Returns:
        a tenth of it, or ten times as much if the run hardly moved; None if the rate need not change.
    """
    factor = {"lower": 0.1, "higher": 10.0}.get(verdict.advice)
    return None if factor is None else float(f"{min(learning_rate * factor, 100.0):.3g}")


def _find(r: _Measures, evaluations: Sequence[Evaluation]) -> _Finding:
    steps = r.steps
    broken = next((s for s in steps if not math.isfinite(s.loss)), None)
    if broken is not None:
        words = f"The loss is no longer a number since batch {broken.step}: the weights grew without bounds."
        return "diverged", words, "lower"
    if len(steps) >= 4 and (found := _collapsed(r) or _diverged(r)):
        return found
    if len(steps) < MIN_REPORTS or steps[-1].step < MIN_STEPS:
        return "starting", f"Too early to judge: {count(steps[-1].step, 'batch', 'batches')} so far.", ""
    found = _stalled(r) or _overfitting(r, evaluations)
    return found or ("learning", f"The loss has fallen from {max(r.start, r.early):.3f} to {r.loss:.3f}.", "")


def _diverged(r: _Measures) -> _Finding | None:
    if r.loss <= FAR_ABOVE_START * r.start:
        return None
    times = r.loss / max(r.start, 1e-9)
    return "diverged", f"The loss is {r.loss:.3g}, {times:.0f} times its start ({r.start:.3f}).", "lower"


def _collapsed(r: _Measures) -> _Finding | None:
    spread = r.now("embedding_spread")
    on_embeddings = r.loss_name in ("contrastive", "triplet")
    if not on_embeddings or spread is None or spread >= EQUAL_EMBEDDINGS or r.tells_apart:
        return None
    words = f"All images have the same embedding (spread {spread:.1g}), and the loss stays at {r.loss:.3f}."
    return "collapsed", words, "lower"


def _stalled(r: _Measures) -> _Finding | None:
    """The outputs ignore the input, or the loss is no lower than at its start."""
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
            f"Too early to tell: the loss was {r.start:.3f}, and is {r.loss:.3f} after {steps_done} batches.",
            "",
        )
    if r.loss > 1.02 * r.start or separation is None or r.has_leapt:
        return "stalled", f"{at}, no lower than at its start ({r.start:.3f}).", "lower"
    return "stalled", f"{at} and has hardly moved since its start ({r.start:.3f}).", "higher"


def _as_known_constant(loss: float) -> str:
    return " (ln 2, the answer 1/2 to every pair)" if abs(loss - math.log(2)) < 0.01 else ""


def _overfitting(r: _Measures, evaluations: Sequence[Evaluation]) -> _Finding | None:
    """Test accuracy is clearly below its best, which came at a higher training loss."""
    if len(evaluations) < 3:
        return None
    best = max(evaluations, key=lambda e: e.accuracy)
    latest = evaluations[-2:]
    accuracy = sum(e.accuracy for e in latest) / len(latest)
    # Every test has the same episodes, so the interval of one accuracy also covers a difference.
    if best in latest or best.accuracy - accuracy < max(LEAST_DROP, best.ci95):
        return None
    loss_then = float(np.median([s.loss for s in r.steps if s.step <= best.step][-4:] or [r.start]))
    if r.loss >= LEARNS_ON * loss_then:
        return None
    since = f"batch {best.step}" if best.step else "before training"
    words = (
        f"Test accuracy fell from {best.accuracy:.1%} ({since}) to {latest[-1].accuracy:.1%} while the "
        f"training loss fell from {loss_then:.3f} to {r.loss:.3f}."
    )
    return "overfitting", words, ""
