"""Every setting, as frozen dataclasses that refuse impossible values when they are made."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from math import isfinite
from typing import Any, Literal, Self, get_args

from fsl.base.errors import SettingsError

Fit = Literal["crop", "pad", "stretch"]
"""``crop``: the centre square; ``pad``: the whole picture on a white square; ``stretch``: distorted."""
Pairing = Literal["random", "all"]
Loss = Literal["bce", "bce+rank", "contrastive", "triplet"]
Schedule = Literal["constant", "one-cycle"]
Optimiser = Literal["adam", "adamw", "sgd"]
HoldOutOf = Literal["classes", "images"]
Trainable = Literal["all", "last", "head"]
Device = Literal["auto", "cpu", "cuda", "mps"]
Precision = Literal["auto", "fp32", "bf16"]
Rule = Literal["mean", "max", "prototype"]
Method = Rule | Literal["quick"]
Head = Literal["absolute", "cosine"]

RULES: tuple[Rule, ...] = get_args(Rule)
# The twin's rules, and the classifier that is fitted to a support set (fsl.fewshot.linear_probe).
METHODS: tuple[Method, ...] = (*RULES, "quick")
# Margins in units of fsl.twin.losses.embedding_distance, whose typical value is about 1.
DEFAULT_MARGINS: dict[str, float] = {"contrastive": 1.0, "triplet": 0.3}
# What leads to a network that is no file: of the timm collection (fsl.twin.pretrained), or to be beaten
# (fsl.fewshot.baselines).
TIMM = "timm:"
PIXELS = "pixels"
UNTRAINED = "untrained:"
COSINE = "cosine:"
# So many images' worth of the network's own centre count against the support set's: few images say little
# (fsl.fewshot.scores.seen_from_support).
CENTRE_PRIOR = 5
# A class of no more pictures than these has few: each is seen several times, where the network's settings say
# so (fsl.twin.test_time_augmentation).
FEW_SHOTS = 2
MOST_SNAPSHOT_IMAGES = 300
MOST_STAGES = 16
FEWEST_RESIDUAL_CHANNELS = 8


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise SettingsError(message)


def _require_choices(settings: object, **kinds: object) -> None:
    """Each named setting must be one of its Literal's values."""
    for name, kind in kinds.items():
        value, choices = getattr(settings, name), get_args(kind)
        _require(value in choices, f"{name} is {value!r}; choose one of {', '.join(choices)}.")


class _Settings:
    """What all settings share: to and from plain JSON values."""

    def to_json(self) -> dict[str, Any]:
        """All fields as JSON-ready values."""
        return asdict(self)  # type: ignore[call-overload, no-any-return]

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Self:
        """The settings in ``values``.

        Raises:
            SettingsError: a name is unknown or a value out of range.
        """
        known = {f.name for f in fields(cls)}  # type: ignore[arg-type]
        unknown = sorted(set(values) - known)
        _require(not unknown, f"Unknown {cls.__name__} setting: {', '.join(unknown)}.")
        return cls(**{k: tuple(v) if isinstance(v, list) else v for k, v in values.items()})


@dataclass(frozen=True)
class ModelConfig(_Settings):
    """What the twin network is and how an image becomes its input.

    Attributes:
        backbone: a name in ``fsl.twin.backbones.build.BACKBONES``; several joined by "+" side by side; or
            "timm:NAME", any network of the timm collection (an extra to install).
        widths: channels of the backbone's stages; empty for the backbone's own.
        embedding_dim: D, length of an embedding; 0 for the backbone's own last width.
        image_size: S, side of the square input in pixels.
        fit: how an image that is not square becomes one.
        mean: value subtracted from each channel, inputs in [0, 1].
        std: value each channel is divided by after that.
        views: when not training, average the embedding over the image alone (1), it and its mirror image (2),
            or the eight ways a square can lie (8).
        grey: drop colour before the network sees the image.
        folded: the backbone's batch norms are part of its convolutions, which makes it faster; for
            EfficientNet-Lite, see ``fsl.twin.backbones.efficientnet.fold_batch_norms``.
        middle: how much the features of half-way through count beside the last ones, 0 to 1; for
            EfficientNet-Lites side by side, see ``fsl.twin.backbones.build.SideBySide``.
        head: how two embeddings become a logit, see ``fsl.twin.heads``.
        damped: directions of the embedding in which images of one class vary most and which are therefore
            damped (``fsl.twin.whitening``); 0 for none.
        centre_on_support: classification sees embeddings from the middle of the support set, see
            ``fsl.fewshot.scores.seen_from_support``.
        support_views: ways in which a support picture is seen where its class has at most ``FEW_SHOTS``, and
            averaged: as it is (1), mirrored as well (2), its middle enlarged (3), turned either way (5); see
            ``fsl.twin.test_time_augmentation``.
    """

    backbone: str = "conv4"
    widths: tuple[int, ...] = ()
    embedding_dim: int = 0
    image_size: int = 64
    fit: Fit = "crop"
    mean: tuple[float, float, float] = (0.5, 0.5, 0.5)
    std: tuple[float, float, float] = (0.3, 0.3, 0.3)
    views: int = 1
    grey: bool = False
    folded: bool = False
    middle: float = 0.0
    head: Head = "absolute"
    damped: int = 0
    centre_on_support: bool = False
    support_views: int = 1

    def __post_init__(self) -> None:
        _require_choices(self, fit=Fit, head=Head)
        _require(0 <= self.middle <= 1, f"middle is {self.middle}; it must be 0 to 1.")
        _require(0 <= self.damped <= 4096, f"damped is {self.damped}; it must be 0 to 4096.")
        _require(16 <= self.image_size <= 512, f"image_size is {self.image_size}; it must be 16 to 512.")
        _require(0 <= self.embedding_dim <= 8192, f"embedding_dim is {self.embedding_dim}; 0 to 8192.")
        _require(
            len(self.widths) <= MOST_STAGES and all(w > 0 for w in self.widths),
            f"widths are {self.widths[:MOST_STAGES]}; they must be positive, and at most {MOST_STAGES}.",
        )
        # Convolutions of torch 2.14 overwrite memory there when they are trained on a single thread.
        _require(
            "residual" not in self.backbone.split("+")
            or not self.widths
            or self.widths[0] >= FEWEST_RESIDUAL_CHANNELS,
            f"The first width of a residual backbone is {self.widths[:1]}; it must be at least "
            f"{FEWEST_RESIDUAL_CHANNELS}.",
        )
        _require(self.backbone.count("+") < 4, "At most 4 backbones can stand side by side.")
        _require(self.views in (1, 2, 8), f"views is {self.views}; it must be 1, 2 or 8.")
        _require(
            self.support_views in (1, 2, 3, 5),
            f"support_views is {self.support_views}; it must be 1, 2, 3 or 5.",
        )
        _require(
            self.support_views == 1 or self.head == "cosine",
            "Only a network with the cosine head can average several views of support pictures.",
        )
        _require(
            len(self.mean) == 3 and all(map(isfinite, self.mean)), f"mean is {self.mean}; give 3 numbers."
        )
        _require(len(self.std) == 3 and all(s > 0 for s in self.std), f"std is {self.std}; 3 above 0.")
        _require(
            isinstance(self.grey, bool) and isinstance(self.centre_on_support, bool),
            "grey and centre_on_support must be true or false.",
        )


@dataclass(frozen=True)
class AugmentConfig(_Settings):
    """Random changes to each training image; every strength 0 leaves the image as it is.

    Attributes:
        rotate: largest rotation in degrees either way, 0 to 180.
        zoom: largest change of scale as a factor, 1 (none) to 4.
        shift: largest shift as a fraction of the side, 0 to 0.5.
        stretch: largest change of the sides' ratio as a factor, 1 to 2.
        mirror: mirror half of the images.
        brightness: largest relative change, 0 to 1.
        contrast: largest relative change, 0 to 1.
        tint: largest relative change of one colour channel, 0 to 1.
        erase: side of the largest square painted over, as a fraction of the side, 0 to 0.9.
        background: the value, 0 to 1, of what comes in from outside the image and of erased squares.
        recolour: probability that a class of the batch has its colour channels permuted; the same
            class under another permutation counts as another class, so a data set gains classes.
        turn: probability that a class of the batch is turned by 90, 180 or 270 degrees as a new class.
    """

    rotate: float = 15.0
    zoom: float = 1.15
    shift: float = 0.08
    stretch: float = 1.0
    mirror: bool = False
    brightness: float = 0.2
    contrast: float = 0.2
    tint: float = 0.0
    erase: float = 0.0
    background: float = 1.0
    recolour: float = 0.0
    turn: float = 0.0

    def __post_init__(self) -> None:
        ranges = {
            "rotate": (0.0, 180.0),
            "zoom": (1.0, 4.0),
            "shift": (0.0, 0.5),
            "stretch": (1.0, 2.0),
            "brightness": (0.0, 1.0),
            "contrast": (0.0, 1.0),
            "tint": (0.0, 1.0),
            "erase": (0.0, 0.9),
            "background": (0.0, 1.0),
            "recolour": (0.0, 1.0),
            "turn": (0.0, 1.0),
        }
        for name, (low, high) in ranges.items():
            value = getattr(self, name)
            _require(low <= value <= high, f"{name} is {value}; it must be {low:g} to {high:g}.")


NO_AUGMENTATION = AugmentConfig(rotate=0, zoom=1, shift=0, brightness=0, contrast=0)


@dataclass(frozen=True)
class EpisodeConfig(_Settings):
    """An N-way K-shot test.

    Attributes:
        n_way: classes per episode.
        n_shot: support images per class.
        n_query: queries per class.
        n_episodes: episodes drawn.
        seed: of the draw.
    """

    n_way: int = 20
    n_shot: int = 1
    n_query: int = 1
    n_episodes: int = 1000
    seed: int = 0

    def __post_init__(self) -> None:
        _require(self.n_way >= 2, f"n_way is {self.n_way}; at least 2 classes are needed.")
        for name in ("n_shot", "n_query", "n_episodes"):
            _require(getattr(self, name) >= 1, f"{name} is {getattr(self, name)}; it must be 1 or more.")
        _require(self.seed >= 0, f"seed is {self.seed}; it must not be negative.")


@dataclass(frozen=True)
class TrainConfig(_Settings):
    """One training run.

    Attributes:
        steps: batches.
        learning_rate: the peak of the schedule, 1e-8 to 100.
        schedule: "constant" as in the article, or "one-cycle" (warm-up, then cosine to almost 0).
        optimiser: "adam" as in the article, "adamw" or "sgd" (momentum 0.9).
        weight_decay: of adamw and sgd.
        pairing: "random", the article's batches of random pairs; "all", every pair of P x K images.
        loss: "bce", the article's; "bce+rank" adds the ranking term of ``fsl.twin.losses.rank_loss``;
            "contrastive" and "triplet" shape the embedding distance, and the head learns its logits by BCE on
            those embeddings without moving them.
        margin: of the contrastive and the triplet loss, in units of the embedding distance; 0 for the loss's
            own (``DEFAULT_MARGINS``).
        trainable: "all" layers; the "last" block of the backbone and the head; the "head" alone. What the
            last block is says ``fsl.twin.trainable``.
        batch_pairs: pairs in a batch when pairing is "random".
        batch_classes: P when pairing is "all"; fewer where there are fewer classes.
        batch_images: K when pairing is "all".
        focus: share of a batch's classes drawn from few groups (one alphabet, one data set), so that it holds
            classes that are hard to tell apart; 0 draws from all classes alike. "all" pairing only.
        focus_groups: how many groups that share is drawn from.
        evaluate_every: batches between evaluations; 0 for the last batch only.
        evaluation: the N-way K-shot test made then; fewer ways where there are fewer classes.
        evaluate_first: also evaluate before the first batch, and compare the same episodes at the end.
        snapshot_images: validation images whose embeddings a run folder records at each evaluation, so that
            a map can be seen to move; 0 for none, at most 300.
        report_every: batches between step events; the first batch is always reported.
        seed: of weights, batches and augmentation.
        device: "auto" takes cuda, then mps, then cpu.
        precision: "auto" measures whether bf16 helps, which may come out otherwise on another day: name one
            for a run that is to be repeated.
        augment: random changes to training images.
    """

    steps: int = 1000
    learning_rate: float = 1e-3
    schedule: Schedule = "constant"
    optimiser: Optimiser = "adam"
    weight_decay: float = 0.0
    pairing: Pairing = "all"
    loss: Loss = "bce"
    margin: float = 0.0
    trainable: Trainable = "all"
    batch_pairs: int = 32
    batch_classes: int = 16
    batch_images: int = 4
    focus: float = 0.0
    focus_groups: int = 1
    evaluate_every: int = 250
    evaluation: EpisodeConfig = field(default_factory=lambda: EpisodeConfig(n_episodes=200))
    evaluate_first: bool = False
    snapshot_images: int = 0
    report_every: int = 10
    seed: int = 0
    device: Device = "auto"
    precision: Precision = "auto"
    augment: AugmentConfig = field(default_factory=AugmentConfig)

    def __post_init__(self) -> None:
        _require(self.steps >= 1, f"steps is {self.steps}; it must be 1 or more.")
        _require(
            1e-8 <= self.learning_rate <= 100,
            f"The learning rate is {self.learning_rate}; it must be 1e-8 to 100.",
        )
        _require_choices(self, schedule=Schedule, optimiser=Optimiser, pairing=Pairing, loss=Loss)
        _require_choices(self, trainable=Trainable, device=Device, precision=Precision)
        _require(self.weight_decay >= 0, f"weight_decay is {self.weight_decay}; it must not be negative.")
        _require(self.batch_pairs >= 2, f"batch_pairs is {self.batch_pairs}; it must be 2 or more.")
        _require(self.batch_classes >= 2, f"batch_classes is {self.batch_classes}; at least 2.")
        _require(self.batch_images >= 2, f"batch_images is {self.batch_images}; at least 2 make a pair.")
        _require(0 <= self.focus <= 1, f"focus is {self.focus}; it must be 0 to 1.")
        _require(self.focus_groups >= 1, f"focus_groups is {self.focus_groups}; 1 or more.")
        _require(
            self.loss in ("bce", "contrastive") or self.pairing == "all",
            f"The loss {self.loss!r} ranks all images of a batch; it needs pairing='all'.",
        )
        _require(
            self.trainable != "head" or self.loss in ("bce", "bce+rank"),
            f"The loss {self.loss!r} moves the embeddings, which training the head alone does not.",
        )
        _require(0 <= self.margin <= 100, f"margin is {self.margin}; it must be 0 to 100.")
        _require(
            0 <= self.snapshot_images <= MOST_SNAPSHOT_IMAGES,
            f"snapshot_images is {self.snapshot_images}; it must be 0 to {MOST_SNAPSHOT_IMAGES}.",
        )
        _require(self.evaluate_every >= 0, f"evaluate_every is {self.evaluate_every}; 0 or more.")
        _require(self.report_every >= 1, f"report_every is {self.report_every}; 1 or more.")
        _require(self.seed >= 0, f"seed is {self.seed}; it must not be negative.")
        _require(isinstance(self.evaluation, EpisodeConfig), "evaluation holds no settings of a test.")
        _require(isinstance(self.augment, AugmentConfig), "augment holds no settings of augmentation.")

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Self:
        """As for all settings; the nested ones are JSON objects."""
        nested = dict(values)
        if isinstance(nested.get("evaluation"), dict):
            nested["evaluation"] = EpisodeConfig.from_json(nested["evaluation"])
        if isinstance(nested.get("augment"), dict):
            nested["augment"] = AugmentConfig.from_json(nested["augment"])
        return super().from_json(nested)


@dataclass(frozen=True)
class ImageQuery:
    """Which images of a source to load, and in which form.

    Attributes:
        size: side of the square images in pixels, 1 or more.
        fit: how a picture that is not square becomes one.
        part: one part of a Fruits-360 layout, "Training" or "Test"; "" for everything.
        classes: the classes to load, in the order of their labels, or folders of classes ("Greek" for every
            "Greek/..."); empty for all classes, sorted naturally.
        without: leave out every class whose name contains one of these texts.
        centre: crop the centre of each picture to this share of its sides, 0.1 to 1; 0.5 suits photographs
            with a wide margin around their subject.
        per_class: largest number of images of each class, evenly spaced over its files; 0 for all.
        share: ``(i, n)`` loads part i of n, for n processes that load one part each. A part has all
            classes, and possibly no image.
        most_bytes: largest size of the pixels in memory; 0 for no limit.

    Raises:
        SettingsError: a value is out of range.
    """

    size: int
    fit: Fit = "crop"
    part: str = ""
    classes: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    centre: float = 1.0
    per_class: int = 0
    share: tuple[int, int] = (0, 1)
    most_bytes: int = 0

    def __post_init__(self) -> None:
        _require(self.size >= 1, f"The image size must be at least 1 pixel, not {self.size}.")
        _require_choices(self, fit=Fit)
        _require(0.1 <= self.centre <= 1, f"centre is {self.centre}; it must be 0.1 to 1.")
        _require(self.per_class >= 0, f"per_class is {self.per_class}; it must be 0 or more.")
        index, n_shares = self.share
        _require(0 <= index < n_shares, f"share is {self.share}; give (index, number of shares).")


@dataclass(frozen=True)
class DataSpec(_Settings):
    """Training and validation images, by where to find them.

    Attributes:
        data: "rendered", "digits", a named data set, or a folder or zip; "" for what the recipe names.
        part: only this part of a Fruits-360 layout.
        classes: a JSON list of classes, or a split file and the name of a list in it; "" for all.
        validation: classes to test on, given alike; "" to hold some out.
        held_out: else these classes, or folders of classes, are held out; empty for a share.
        hold_out: else this share is held out, 0 to below 1.
        hold_out_of: "classes", so that the test asks about classes never trained on; or "images" of each
            class, where the classes are few and are the ones to be told apart.
        recipe: a recipe's sources instead, "data" being another copy of the main one.
    """

    data: str = ""
    part: str = ""
    classes: str = ""
    validation: str = ""
    hold_out: float = 0.2
    hold_out_of: HoldOutOf = "classes"
    held_out: tuple[str, ...] = ()
    recipe: str = ""

    def __post_init__(self) -> None:
        _require(bool(self.data or self.recipe), "No data is named.")
        _require(0 <= self.hold_out < 1, f"hold_out is {self.hold_out}; it must be 0 to below 1.")
        _require_choices(self, hold_out_of=HoldOutOf)
