"""One sentence of advice for each verdict on a training run, the same on every page."""

from __future__ import annotations

from fsl.training.events import Evaluation, Verdict
from fsl.training.verdict import try_rate
from fsl.ui.shared.run_labels import learning_rate_text


def advice(verdict: Verdict, learning_rate: float, before: Evaluation | None, best: Evaluation | None) -> str:
    """Return what to do about a run, "" while it is too early to tell.

    Args:
        verdict: the verdict on the run.
        learning_rate: the run's learning rate.
        before: its test before the first batch, if it made one.
        best: its best test after the first batch, if it made one.
    """
    rate = try_rate(verdict, learning_rate)
    if rate is not None:
        how = "lower" if rate < learning_rate else "higher"
        return f"Try a {how} rate: {learning_rate_text(rate)}."
    if verdict.kind == "overfitting" and best is not None:
        return f"Best at batch {best.step:,}: use that one. More pictures would help, more batches would not."
    if verdict.kind == "learning":
        if before is not None and best is not None and best.accuracy <= before.accuracy:
            return "But no test was better than the one before training."
        if best is not None and best.step < verdict.step:
            return f"A good rate. The best test was at batch {best.step:,}."
        return "A good rate. More batches may make it better still."
    return ""
