"""Words for the settings and verdicts of training runs, the same on every page."""

from __future__ import annotations

from fsl.training.events import Evaluation, Verdict
from fsl.training.verdict import try_rate

BACKBONES = {
    "plain4": "Plain (no normalisation, so the learning rate matters most)",
    "conv4": "Conv-4 (small, the field's standard)",
    "residual": "Residual (deeper, equally fast)",
}
LOSSES = {
    "bce": "Cross-entropy: same or different (the article's)",
    "bce+rank": "Cross-entropy and ranking",
    "contrastive": "Contrastive: same close, different apart",
    "triplet": "Triplet: nearer to its own class than to others",
}
PAIRINGS = {"random": "Random pairs (the article's)", "all": "All pairs of each batch"}
VERDICT_BADGES = {
    "starting": ":gray-badge[:material/hourglass_empty: starting]",
    "learning": ":green-badge[:material/trending_down: learning]",
    "stalled": ":orange-badge[:material/trending_flat: stalled]",
    "collapsed": ":orange-badge[:material/compress: collapsed]",
    "diverged": ":red-badge[:material/trending_up: diverged]",
    "overfitting": ":orange-badge[:material/call_split: overfitting]",
}
LAYERS = {
    "last": "What comes last: an adapter or the last block, and the head (seconds)",
    "head": "The head alone (seconds)",
    "block": "The last block and the head",
    "all": "The whole network",
}


def learning_rate_text(rate: float) -> str:
    """Return a learning rate as people write it: 0.0001, 0.3, 10."""
    return f"{rate:.10f}".rstrip("0").rstrip(".")


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
