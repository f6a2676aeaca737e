"""Settings of the network, of training and of tests: frozen dataclasses that refuse impossible values."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import inf
from typing import Any, Literal, Self, get_args

from fsl.base.settings import Settings, check_choices, check_range, check_ranges, require

Fit = Literal["crop", "pad", "stretch", "face"]
"""``crop``: the centre square; ``pad``: the whole picture on a white square; ``stretch``: distorted;
``face``: the main face, found and turned upright."""
Pairing = Literal["random", "all"]
Loss = Literal["bce", "bce+rank", "contrastive", "triplet"]
Schedule = Literal["constant", "one-cycle"]
Optimiser = Literal["adam", "adamw", "sgd"]
Trainable = Literal["all", "block", "last", "head"]
Device = Literal["auto", "cpu", "cuda", "mps"]
Precision = Literal["auto", "fp32", "bf16"]
Rule = Literal["mean", "max", "prototype"]
Method = Rule | Literal["quick"]
Head = Literal["absolute", "cosine"]

RULES: tuple[Rule, ...] = get_args(Rule)
METHODS: tuple[Method, ...] = (*RULES, "quick")
"""The twin's rules, and the linear probe fitted to a support set (``fsl.fewshot.linear_probe``)."""
DEFAULT_MARGINS: dict[str, float] = {"contrastive": 1.0, "triplet": 0.3}
"""In units of ``fsl.twin.losses.embedding_distance``, whose typical value is about 1."""
# Names of networks that are not checkpoint files: of the timm collection (fsl.twin.pretrained), and the
# baselines (fsl.fewshot.baselines).
TIMM = "timm:"
PIXELS = "pixels"
SCRATCH = "from scratch"
"""What stands in a list of networks to start from for none of them."""
UNTRAINED = "untrained:"
COSINE = "cosine:"
CENTRE_PRIOR = 5
"""Images that the network's own centre counts for beside the support set's (``fsl.fewshot.support_view``)."""
WITHIN_WEIGHT = 150.0
"""Of a support set's covariance within its classes, beside the identity (``fsl.fewshot.support_view``)."""
WITHIN_PRIOR = 20
"""Images beyond one of each class at which that covariance counts half."""
MOST_DEVIATIONS = 512
"""Of more support images, as many serve to find it."""
FEW_SHOTS = 2
"""Classes with at most this many images get test-time augmentation, where the network asks for it."""
MOST_SNAPSHOT_IMAGES = 300
MOST_CACHED_VIEWS = 64
FINE_TUNE_VIEWS = 4
"""``TrainConfig.cached_views`` for fine-tuning the last layers of a network."""
MEAN_LIMITS = (-1e3, 1e3)
STD_LIMITS = (1e-4, 1e3)
"""Of each channel of the pictures, whose values are 0 to 1; anything else overflows in the first layer."""
MOST_STAGES = 16
FEWEST_RESIDUAL_CHANNELS = 8
LITE = "efficientnet_lite"
LITE_ALONE = ("folded", "middle", "centre_spread")
"""Settings that only backbones with this in their name have."""


@dataclass(frozen=True)
class ModelConfig(Settings):
    """Architecture of the twin network, and how an image becomes its input.

    The field names are also the keys of a checkpoint's header, so they stay as they are.

    Attributes:
        backbone: a name in ``fsl.twin.backbones.build.BACKBONES``; several joined by "+" run side by side;
            "timm:NAME" is any network of the timm collection (an optional dependency).
        widths: channels of the backbone's stages; empty for the backbone's default.
        embedding_dim: D, length of an embedding; 0 for the backbone's last width. Backbones side by side have
            this length each, and D is the sum.
        image_size: S, side of the square input in pixels, 16 to 512.
        fit: how an image that is not square becomes square.
        mean: value subtracted from each channel; inputs are in [0, 1].
        std: value that each channel is divided by afterwards.
        views: test-time augmentation of every image: average the embedding over the image alone (1), the
            image and its mirror image (2), or all eight flips and quarter turns (8).
        grey: convert images to greyscale first.
        folded: the batch norms are folded into the convolutions, which is faster; EfficientNet-Lite only, see
            ``fsl.twin.backbones.efficientnet.fold_batch_norms``.
        middle: weight of the features from half-way through the network, relative to the last ones, 0 to 1;
            for EfficientNet-Lites side by side, see ``fsl.twin.backbones.build.SideBySide``.
        centre_spread: how far from the middle of the image features count when they are averaged over it, in
            shares of a side, 0 to 10; 0 if all places count alike. EfficientNet-Lite only, see
            ``fsl.twin.backbones.efficientnet.CentredPool``.
        head: how two embeddings become a logit, see ``fsl.twin.heads``.
        damped: number of directions that within-class whitening reduces (``fsl.twin.whitening``); 0 for none.
        adapter: number of directions that the adapter of a fine-tuned network sees (``fsl.twin.adapter``); 0
            for none. Needs whitening.
        centre_on_support: classification centres embeddings on the support set, see
            ``fsl.fewshot.support_view``.
        damp_on_support: classification damps the directions in which the support images of one class differ,
            likewise.
        support_views: test-time augmentation of the support images of classes with at most ``FEW_SHOTS``:
            1 for none; 3 for the average over the image, its mirrored middle, and the image turned and
            mirrored, see ``fsl.twin.test_time_augmentation``.
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
    centre_spread: float = 0.0
    head: Head = "absolute"
    damped: int = 0
    adapter: int = 0
    centre_on_support: bool = False
    damp_on_support: bool = False
    support_views: int = 1

    @property
    def sees_from_support(self) -> bool:
        """Return whether what is compared of an embedding depends on the support set."""
        return self.centre_on_support or self.damp_on_support

    def __post_init__(self) -> None:
        check_choices(self, fit=Fit, head=Head)
        check_ranges(self, middle=(0, 1), centre_spread=(0, 10), damped=(0, 4096), adapter=(0, 4096))
        check_ranges(self, image_size=(16, 512), embedding_dim=(0, 8192))
        require(
            len(self.widths) <= MOST_STAGES and all(w > 0 for w in self.widths),
            f"widths are {self.widths[:MOST_STAGES]}; they must be positive, and at most {MOST_STAGES}.",
        )
        # With fewer channels, convolutions of torch 2.14 overwrite memory when trained on a single thread.
        require(
            "residual" not in self.backbone.split("+")
            or not self.widths
            or self.widths[0] >= FEWEST_RESIDUAL_CHANNELS,
            f"The first width of a residual backbone is {self.widths[:1]}; it must be at least "
            f"{FEWEST_RESIDUAL_CHANNELS}.",
        )
        require(self.backbone.count("+") < 4, "At most 4 backbones can stand side by side.")
        require(
            LITE in self.backbone or not any(getattr(self, name) for name in LITE_ALONE),
            f"Only EfficientNet-Lite has {', '.join(LITE_ALONE)}; leave them out for {self.backbone}.",
        )
        require(self.views in (1, 2, 8), f"views is {self.views}; it must be 1, 2 or 8.")
        require(self.support_views in (1, 3), f"support_views is {self.support_views}; it must be 1 or 3.")
        require(not self.adapter or self.damped > 0, "Only a network with whitening can have an adapter.")
        require(
            self.support_views == 1 or self.head == "cosine",
            "Only a network with the cosine head can average several copies of support pictures.",
        )
        for name, limits in (("mean", MEAN_LIMITS), ("std", STD_LIMITS)):
            values = getattr(self, name)
            require(len(values) == 3, f"{name} is {values}; give 3 numbers.")
            for value in values:
                check_range(f"A number of {name}", value, *limits)
        require(
            all(isinstance(on, bool) for on in (self.grey, self.centre_on_support, self.damp_on_support)),
            "grey, centre_on_support and damp_on_support must be true or false.",
        )

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Self:
        """Build the settings from JSON values; what earlier versions accepted and ignored is left out."""
        ignored = () if LITE in str(values.get("backbone")) else LITE_ALONE
        return super().from_json({name: value for name, value in values.items() if name not in ignored})


@dataclass(frozen=True)
class AugmentConfig(Settings):
    """Random changes to each training image.

    Attributes:
        rotate: largest rotation in degrees either way, 0 to 180.
        zoom: largest change of scale as a factor, 1 (none) to 4.
        shift: largest shift as a fraction of the side, 0 to 0.5.
        stretch: largest change of the aspect ratio as a factor, 1 to 2.
        mirror: mirror half of the images.
        brightness: largest relative change, 0 to 1.
        contrast: largest relative change, 0 to 1.
        tint: largest relative change of one colour channel, 0 to 1.
        erase: side of the largest square painted over, as a fraction of the side, 0 to 0.9.
        background: grey value, 0 to 1, of erased squares and of what lies outside the image.
        recolour: probability that a class of the batch has its colour channels permuted. Each permutation
            counts as a class of its own, so the data set gains classes.
        turn: probability that a class of the batch is turned by 90, 180 or 270 degrees and counts as a new
            class.
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
        check_ranges(self, rotate=(0, 180), zoom=(1, 4), shift=(0, 0.5), stretch=(1, 2))
        check_ranges(self, brightness=(0, 1), contrast=(0, 1), tint=(0, 1))
        check_ranges(self, erase=(0, 0.9), background=(0, 1), recolour=(0, 1), turn=(0, 1))


NO_AUGMENTATION = AugmentConfig(rotate=0, zoom=1, shift=0, brightness=0, contrast=0)


@dataclass(frozen=True)
class EpisodeConfig(Settings):
    """Settings of an N-way K-shot test.

    Attributes:
        n_way: classes per episode, 2 or more.
        n_shot: support images per class, 1 or more.
        n_query: queries per class, 1 or more.
        n_episodes: episodes to draw, 1 or more.
        seed: of the random draw.
    """

    n_way: int = 20
    n_shot: int = 1
    n_query: int = 1
    n_episodes: int = 1000
    seed: int = 0

    def __post_init__(self) -> None:
        check_ranges(
            self, n_way=(2, inf), n_shot=(1, inf), n_query=(1, inf), n_episodes=(1, inf), seed=(0, inf)
        )


@dataclass(frozen=True)
class TrainConfig(Settings):
    """Settings of a training run.

    Attributes:
        steps: number of batches.
        learning_rate: the peak of the schedule, 1e-8 to 100.
        schedule: "constant" as in the article, or "one-cycle" (warm-up, then cosine to almost 0).
        optimiser: "adam" as in the article, "adamw" or "sgd" (momentum 0.9).
        weight_decay: of adamw and sgd.
        pairing: "random", the article's batches of random pairs; "all", every pair of P x K images.
        loss: "bce", the article's; "bce+rank" adds the ranking term of ``fsl.twin.losses.rank_loss``;
            "contrastive" and "triplet" shape the embedding distance, and the head learns its logits by BCE on
            those embeddings without changing them.
        margin: of the contrastive and the triplet loss, in units of the embedding distance; 0 for the loss's
            default (``DEFAULT_MARGINS``).
        trainable: "all" layers; the last "block" of the backbone and the head
            (``fsl.twin.trainable.last_block``); what comes "last": an adapter after the whitening, and the
            head, or where the network has no whitening the last block and the head; or the "head" alone.
        batch_pairs: pairs per batch if pairing is "random".
        batch_classes: P if pairing is "all"; fewer if there are fewer classes.
        batch_images: K if pairing is "all".
        focus: share of a batch's classes that come from few groups (one alphabet, one data set), so that the
            batch has classes that are hard to tell apart; 0 draws from all classes equally. Needs pairing
            "all".
        focus_groups: how many groups that share comes from.
        evaluate_every: batches between tests; 0 tests after the last batch only.
        evaluation: settings of these N-way K-shot tests; fewer ways if there are fewer classes.
        evaluate_first: also test before the first batch, and compare both on the same episodes at the end.
        snapshot_images: validation images whose embeddings are recorded at each test, for the moving map; 0
            for none.
        report_every: batches between step events; the first batch is always reported.
        cached_views: number of views of each training image that the frozen layers embed, once for the whole
            run: the image itself, its mirror image if ``augment.mirror`` is set, and randomly changed
            copies. Batches then train the other layers on what was kept. 0 runs all layers on newly changed
            images in every batch.
        seed: of weights, batches and augmentation.
        device: "auto" takes cuda, then mps, then cpu.
        precision: "auto" measures whether bf16 is faster, and may decide differently another day; name a
            precision to make a run repeatable.
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
    cached_views: int = 0
    seed: int = 0
    device: Device = "auto"
    precision: Precision = "auto"
    augment: AugmentConfig = field(default_factory=AugmentConfig)

    def __post_init__(self) -> None:
        check_choices(self, schedule=Schedule, optimiser=Optimiser, pairing=Pairing, loss=Loss)
        check_choices(self, trainable=Trainable, device=Device, precision=Precision)
        check_range("The learning rate", self.learning_rate, 1e-8, 100)
        check_ranges(self, steps=(1, inf), weight_decay=(0, inf), margin=(0, 100), batch_pairs=(2, inf))
        check_ranges(self, batch_classes=(2, inf), batch_images=(2, inf), focus=(0, 1), focus_groups=(1, inf))
        check_ranges(self, evaluate_every=(0, inf), snapshot_images=(0, MOST_SNAPSHOT_IMAGES))
        check_ranges(self, report_every=(1, inf), cached_views=(0, MOST_CACHED_VIEWS), seed=(0, 10**18))
        require(
            self.loss in ("bce", "contrastive") or self.pairing == "all",
            f"The loss {self.loss!r} ranks all images of a batch; it needs pairing='all'.",
        )
        require(
            not self.focus or self.pairing == "all",
            "A focus on few groups of classes needs pairing='all'; random pairs come from all classes.",
        )
        require(
            self.trainable != "head" or self.loss in ("bce", "bce+rank"),
            f"The loss {self.loss!r} changes the embeddings, which training the head alone cannot.",
        )
        require(isinstance(self.evaluation, EpisodeConfig), "evaluation must hold the settings of a test.")
        require(isinstance(self.augment, AugmentConfig), "augment must hold the settings of augmentation.")

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Self:
        """Build the settings from JSON values; ``evaluation`` and ``augment`` are JSON objects.

        A focus that earlier versions accepted and ignored is left out.
        """
        nested = dict(values)
        if nested.get("pairing") == "random":
            nested.pop("focus", None)
        if isinstance(nested.get("evaluation"), dict):
            nested["evaluation"] = EpisodeConfig.from_json(nested["evaluation"])
        if isinstance(nested.get("augment"), dict):
            nested["augment"] = AugmentConfig.from_json(nested["augment"])
        return super().from_json(nested)
