"""Settings of the Learn page; address ``?step=loss``."""

from __future__ import annotations

from fsl.ui.shared.page_links import LEARN_STEPS
from fsl.ui.shared.settings import Setting
from fsl.ui.shared.small_tasks import KIND_TITLES, MOST_WAYS, Kind

STEP = Setting(
    "learn_step_choice",
    "Steps",
    next(iter(LEARN_STEPS)),
    options={key: f"{number} · {title}" for number, (key, title) in enumerate(LEARN_STEPS.items(), start=1)},
    parameter="step",
)
LOSS = Setting(
    "learn_loss",
    "Loss",
    "bce",
    options={"bce": "Cross-entropy (the article's)", "contrastive": "Contrastive loss"},
)
DIFFERENCE = Setting(
    "learn_difference",
    "Difference of the pair",
    1.0,
    "The head's sum for a pair of pictures: negative = same, positive = different, 0 = undecided.",
    (-6.0, 6.0, 0.1),
)
DISTANCE = Setting(
    "learn_distance",
    "Distance of the pair",
    0.5,
    "How far apart the two embeddings are; the margin is 1.",
    (0.0, 2.0, 0.1),
)
_DRAWN: Kind = "drawn"
KIND: Setting[Kind] = Setting("learn_kind", "Pictures", _DRAWN, options=KIND_TITLES)
WAYS = Setting(
    "learn_ways", "Ways (N)", 5, "Number of classes to choose from.", (2, max(MOST_WAYS.values()), 1)
)
SHOTS = Setting("learn_shots", "Shots (K)", 2, "Number of examples of each class.", (1, 5, 1))
BET: Setting[float | None] = Setting(
    "learn_bet",
    "**Before you look:** the same network, the same batches, three rates. Which one learns nothing?",
    None,
)
LIMIT = Setting(
    "learn_limit", "Limit", 0.5, "Two pictures at least this similar count as the same.", (0.0, 1.0, 0.01)
)
