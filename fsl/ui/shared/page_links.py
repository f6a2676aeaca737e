"""What a link from one page to another may name: steps of Learn, pictures and runs on the map."""

from __future__ import annotations

LEARN_STEPS = {
    "idea": "The idea",
    "twin": "Twin network",
    "pairs": "Pairs",
    "loss": "Loss",
    "episode": "Ways and shots",
    "rate": "Learning rate",
    "faces": "Same or different",
}
"""Title of each step of the Learn page by its key in the address, in order."""

CLASSIFY_ON_MAP = "classify"
"""Source key of the Classify page's pictures on the Embeddings page."""
COMPARE_ON_MAP = "compare"
"""Source key of the Compare page's pictures on the Embeddings page."""
MOST_RUNS_ON_MAP = 3
"""Training runs that the Embeddings page shows side by side."""
