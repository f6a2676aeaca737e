"""Words for the settings and verdicts of training runs, the same on every page."""

from __future__ import annotations

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
