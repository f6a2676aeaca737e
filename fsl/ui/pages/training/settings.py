"""Settings of the Train page."""

from __future__ import annotations

from fsl.config import SCRATCH
from fsl.training.presets import PRESETS
from fsl.ui.shared.run_labels import BACKBONES
from fsl.ui.shared.settings import Setting

PRESET = Setting(
    "preset",
    "Start with",
    "article",
    "Ready-made settings. You can still change everything below.",
    options={name: preset.title for name, preset in PRESETS.items()},
)
DATA = Setting(
    "data",
    "Pictures to learn from",
    PRESETS["article"].data,
    "The network learns from pairs of these: same class or different class? "
    "A data set that is not here yet is downloaded once, checked and kept.",
)
CHOOSE_CLASSES = Setting(
    "choose_classes",
    "Choose the classes myself",
    False,
    "Otherwise the seed draws them: another seed draws other classes.",
)
HOLD_OUT = Setting(
    "hold_out",
    "Share held out",
    0.4,
    "The network is tested on what is held out, and never learns from it.",
    (0.0, 0.6, 0.05),
)
HELD_OUT: Setting[list[str] | None] = Setting("held_out", "Held out for testing", None)
START = Setting(
    "start",
    "Network",
    SCRATCH,
    "A new network with random weights, or a copy of a trained one to continue with.",
)
RATES: Setting[list[float | str]] = Setting(
    "rates",
    "Learning rates",
    [],
    "How big a step each batch makes. Choose several to train one network with each, side by side. You can "
    "also type other rates.",
)
STEPS = Setting(
    "steps",
    "Batches",
    300,
    "How long to train: a batch is a handful of pictures that the network learns from at once. You can stop "
    "a run at any time and resume it later.",
    (10, 100_000, 50),
)
LOSS = Setting(
    "loss",
    "Loss",
    "bce",
    "What counts as a mistake: a wrong answer to “same or different?”, or pictures of one class that lie "
    "further apart than pictures of different classes.",
)
PAIRING = Setting("pairing", "Pairs", "all", "“All pairs” gets hundreds of pairs out of the same work.")
TRAINABLE = Setting(
    "trainable",
    "Layers to train",
    "all",
    "Fewer layers change a network less. The head is its last step, which turns the numbers of two "
    "pictures into one answer.",
)
SEED = Setting("seed", "Seed", 0, "The same seed gives the same batches again.", (0, 10_000, 1))
BACKBONE = Setting(
    "backbone", "Backbone", "conv4", "The network that looks at each picture.", options=BACKBONES
)
IMAGE_SIZE = Setting(
    "image_size",
    "Picture size",
    32,
    "Side in pixels. A larger picture shows more and takes longer.",
    options={size: str(size) for size in (16, 32, 48, 64, 96)},
)
BATCH = Setting(
    "batch",
    "Batch size",
    32,
    "Pairs in a batch; with all pairs, pictures in a batch.",
    options={size: str(size) for size in (8, 16, 32, 64, 128)},
)
AUGMENT = Setting(
    "augment",
    "Vary the pictures",
    True,
    "Turn, zoom and relight each picture a little, so that the network does not memorise them.",
)
SHOWN: Setting[list[str] | None] = Setting(
    "shown",
    "Runs to look at",
    None,
    "Your runs, and those started from a shell. Anyone who has the address of this page sees how these runs "
    "go; only the browser that started a run can stop or delete it.",
)
BATCH_PART = Setting(
    "batch_part",
    "Pictures",
    "classes it learns from",
    options={part: part for part in ("classes it learns from", "held out for testing")},
)
BATCH_NETWORK = Setting(
    "batch_network",
    "Show answers of",
    "",
    "A run's latest saved network: it is saved at each test and at the end.",
)
