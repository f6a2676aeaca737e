"""Measure variants of ``photos``: what each change of the method is worth.

    python -m bench photos_tried --weights DIR [--quick]

Everything is measured on the ``val`` lists, with the whitening fitted on the ``train`` lists alone.
``bench/build_photos.py`` says how to get the folder of ``--weights``. Each variant changes one thing.
Test-time augmentation of support pictures alone does not slow queries down; that of queries multiplies their
cost by the number of copies.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor

from bench._measure import finish, options_of, say
from bench.build_photos import (
    MODEL,
    SHRINK,
    episodes_of,
    pretrained_backbone,
)
from bench.labelled import Embedded
from bench.photos_data import HELD_OUT_IMAGES_PER_CLASS, KINDS, VALIDATION, load
from fsl.base.types import IntArray, PixelArray
from fsl.config import EpisodeConfig
from fsl.data.images.resize import crop_centre
from fsl.fewshot.episodes import sample_episodes
from fsl.fewshot.support_view import seen_from_support
from fsl.training.recipes import RecipeData
from fsl.twin.inference import embed_images
from fsl.twin.network import TwinNetwork
from fsl.twin.preprocess import to_uint8
from fsl.twin.test_time_augmentation import MIDDLE, augmented_copies, average_embeddings
from fsl.twin.whitening import Whitening

Images = PixelArray
TRAIN = tuple(
    (source, kind.weight, n) for kind in KINDS for source, n in kind.sources if source.classes == "train"
)
RECTIFY_SHARPNESS = 10.0
AT_ONCE = 50  # episodes
TRIED_SHOTS = (1, 2, 3, 5)


def augmentation(change: Callable[[Image.Image], Image.Image]) -> Callable[[Images], Images]:
    """Return a function that replaces images by changed copies, resized like any picture."""
    return lambda images: to_uint8([change(Image.fromarray(image)) for image in images], MODEL)


def turned(quarters: Image.Transpose) -> Callable[[Image.Image], Image.Image]:
    return lambda image: image.transpose(quarters)


AUGMENTATIONS: dict[str, Callable[[Images], Images]] = {
    "": lambda images: images,
    "mirrored middle": augmentation(lambda image: augmented_copies(image, MODEL)[0]),
    "transposed": augmentation(lambda image: augmented_copies(image, MODEL)[1]),
    "mirror": augmentation(ImageOps.mirror),
    "middle": augmentation(lambda image: crop_centre(image, MIDDLE)),
    "left": augmentation(turned(Image.Transpose.ROTATE_90)),
    "right": augmentation(turned(Image.Transpose.ROTATE_270)),
}
TURNED = ("transposed", "left", "right")


def embed_backbone(twin: TwinNetwork, source: RecipeData, per_class: int) -> Embedded:
    """Compute the backbone's features of a data set, at most ``per_class`` images of each class."""
    bare = TwinNetwork(replace(twin.config, damped=0)).eval()
    bare.backbone = twin.backbone
    data = load(source, per_class, MODEL)
    say(f"{source.data} {source.classes}: {len(data)} images of {data.n_classes} classes")
    return Embedded(data.labels, tuple(data.class_names), embed_images(bare, data.images))


class HeldOut:
    """The images of a ``val`` list: their labels, and the backbone's features of every augmented copy."""

    def __init__(self, bare: TwinNetwork, source: RecipeData) -> None:
        data = load(source, HELD_OUT_IMAGES_PER_CLASS, MODEL)
        self.name = source.data
        self.labels = data.labels
        self.features = {name: embed_images(bare, copy(data.images)) for name, copy in AUGMENTATIONS.items()}
        say(f"{source.data} {source.classes}: {len(data)} images, {len(AUGMENTATIONS)} copies of each")

    def embedded(self, whitening: Callable[[Tensor], Tensor], copies: tuple[str, ...]) -> Tensor:
        """Return embeddings ``(N, D)``, averaged over augmented copies."""
        n_upright = sum(copy not in TURNED for copy in copies)
        return average_embeddings([whitening(self.features[copy]) for copy in copies], n_upright)


@dataclass(frozen=True)
class Try:
    """A variant of the method.

    Attributes:
        what: description of the variant.
        twin: its settings say whether embeddings are centred on the support set.
        whitening: turns features ``(N, D)`` into embeddings.
        support, query: the augmented copies that are averaged for support pictures and for queries.
        rectified: whether the queries move the prototypes.
    """

    what: str
    twin: TwinNetwork
    whitening: Callable[[Tensor], Tensor]
    support: tuple[str, ...] = ("",)
    query: tuple[str, ...] = ("",)
    rectified: bool = False


def accuracy(
    twin: TwinNetwork, support: Tensor, query: Tensor, labels: IntArray, config: EpisodeConfig,
    rectified: bool = False,
) -> float:  # fmt: skip
    """Return the accuracy of the nearest prototype.

    Args:
        twin: its settings say whether embeddings are centred on the support set.
        support, query: float32 ``(N, D)``, embeddings of the same images as support pictures and as queries.
        labels: int64 ``(N,)``.
        config: the episodes.
        rectified: whether a prototype also averages the queries of the episode, weighted by similarity (Liu
            et al., "Prototype Rectification for Few-Shot Learning", 2020).
    """
    episodes = sample_episodes(labels, config)
    right = []
    for start in range(0, config.n_episodes, AT_ONCE):
        some = slice(start, start + AT_ONCE)
        s = support[torch.from_numpy(episodes.support[some]).flatten(1)]
        q = query[torch.from_numpy(episodes.query[some]).flatten(1)]
        slots = torch.arange(config.n_way).repeat_interleave(config.n_shot)
        s, q = seen_from_support(twin, s, q, slots)
        prototypes = s.view(len(s), config.n_way, config.n_shot, -1).mean(2)
        if rectified:
            share = torch.softmax(-RECTIFY_SHARPNESS * torch.cdist(q, prototypes), dim=-1)  # (E, Q, N)
            sums = prototypes * config.n_shot + share.transpose(1, 2) @ q
            prototypes = sums / (config.n_shot + share.sum(1)[:, :, None])
        asked = torch.arange(config.n_way).repeat_interleave(config.n_query)
        right.append((torch.cdist(q, prototypes).argmin(-1) == asked).float().mean(1))
    return float(torch.cat(right).mean())


def main() -> None:
    options = options_of(__doc__, ("--weights", {"type": Path, "required": True}))
    twin = TwinNetwork(MODEL).eval().requires_grad_(False)
    twin.backbone.load_state_dict(pretrained_backbone(options.weights).state_dict())
    bare = TwinNetwork(replace(MODEL, damped=0)).eval()
    bare.backbone = twin.backbone
    train = [embed_backbone(twin, source, n) for source, _, n in TRAIN]
    held = [HeldOut(bare, source) for source in VALIDATION[: 1 if options.quick else None]]

    def whitening(shrink: float, n_directions: int = MODEL.damped) -> Whitening:
        fitted = Whitening(train[0].features.shape[1], n_directions)
        pairs = [(one.features.numpy(), one.labels) for one in train]
        fitted.fit(pairs, [weight for _, weight, _ in TRAIN], shrink)
        return fitted

    usual = whitening(SHRINK)
    uncentred = TwinNetwork(replace(MODEL, centre_on_support=False, damp_on_support=False)).eval()
    undamped = TwinNetwork(replace(MODEL, damp_on_support=False)).eval()
    flipped, three = ("", "mirror"), ("", "mirror", "middle")
    five, usual_copies = (*three, "left", "right"), ("", "mirrored middle", "transposed")
    tries = [
        Try("every picture seen once", twin, usual),
        Try("not damped", twin, lambda features: features),
        Try("damped more (shrink 0.35)", twin, whitening(0.35)),
        Try("damped less (shrink 0.7)", twin, whitening(0.7)),
        Try("damped along 800 directions, not 256", twin, whitening(SHRINK, 800)),
        Try("not seen from the support set", uncentred, usual),
        Try("only centred on the support set", undamped, usual),
        Try("support pictures mirrored, too", twin, usual, flipped),
        Try("support pictures mirrored and from closer, too", twin, usual, three),
        Try("support pictures mirrored, from closer and turned to both sides, too", twin, usual, five),
        Try(
            "support pictures from closer and mirrored, and turned, too: as it is", twin, usual, usual_copies
        ),
        Try("all pictures mirrored, too", twin, usual, flipped, flipped),
        Try("all pictures mirrored and from closer, too", twin, usual, three, three),
        Try("prototypes rectified by the queries", twin, usual, rectified=True),
    ]
    rows = []
    for one in tries:
        row: dict[str, object] = {"what": one.what}
        for data in held:
            support, query = (data.embedded(one.whitening, copies) for copies in (one.support, one.query))
            n_way = min(20, len(np.unique(data.labels)))
            for n_shot in TRIED_SHOTS:
                config = episodes_of(n_way, n_shot)
                found = accuracy(one.twin, support, query, data.labels, config, one.rectified)
                row[f"{data.name} {n_way}-way {n_shot}-shot"] = round(found, 4)
        rows.append(row)
        say(str(row))
    finish("photos_tried", [], rows, options.quick)


if __name__ == "__main__":
    main()
