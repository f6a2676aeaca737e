"""Train the last stages of the networks of ``photos`` to tell classes apart that ImageNet does not have.

Stages up to the fifth keep their ImageNet weights, so what they return is computed once for each image, for
itself and for its augmented copies. The stages after them are trained with the rank loss of
``fsl.twin.losses`` on cosine similarities of whitened embeddings: images of one class should be more similar
than images of different classes of the same data set. At the end their weights are averaged with those of
ImageNet (Wortsman et al., "Robust fine-tuning of zero-shot models", 2022): kinds of images that were not
trained on lose by the training, and the average keeps more of the gain on others than of that loss.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - the name everybody knows
from PIL import Image
from torch import Tensor, nn

from bench._measure import say
from bench.labelled import Embedded, Halfway
from fsl.base.types import PixelArray
from fsl.config import ModelConfig
from fsl.data.imageset import ImageSet
from fsl.twin.backbones.build import SideBySide
from fsl.twin.backbones.efficientnet import EfficientNetLite
from fsl.twin.losses import rank_loss
from fsl.twin.preprocess import normalise, to_uint8, to_unit
from fsl.twin.test_time_augmentation import augmented_copies

STEPS = 80
RATE, TEMPERATURE = 3e-5, 0.1
SHARE = 0.5  # of the trained weights in the average
CLASSES, IMAGES = 16, 4  # of a batch
LOOKS = 2  # that are trained on: unchanged, and the first augmented copy
AT_ONCE = 16  # images: more are slower on a CPU


def networks_of(backbone: nn.Module) -> list[EfficientNetLite]:
    """Return the EfficientNets that a backbone combines."""
    assert isinstance(backbone, SideBySide)
    return [one for one in backbone.members if isinstance(one, EfficientNetLite)]


def n_frozen(network: EfficientNetLite) -> int:
    """Return how many blocks are frozen: those until the end of the fifth stage, the last of its width."""
    channels = [block.layers[-1].out_channels for block in network[1].children()]
    fifth = channels[network.n_until_middle]
    return max(i for i, n in enumerate(channels) if n == fifth) + 1


def last_stages(network: EfficientNetLite) -> nn.Sequential:
    """Return the layers that are trained, followed by the pooling. They are not copied."""
    _, blocks, *rest = network
    return nn.Sequential(*list(blocks.children())[n_frozen(network) :], *rest)


def computed(backbone: nn.Module, data: ImageSet, model: ModelConfig, n_looks: int = LOOKS) -> Halfway:
    """Compute what the frozen stages return.

    Args:
        backbone: the networks.
        data: the images.
        model: the settings of the network.
        n_looks: how many looks at each image, the unchanged one included.
    """
    maps, middles = [], []
    for look in range(n_looks):
        images = data.images
        if look:
            copies = [augmented_copies(Image.fromarray(one), model)[look - 1] for one in images]
            images = to_uint8(copies, model)
        passed = [_frozen_pass(network, images, model) for network in networks_of(backbone)]
        maps.append([one for one, _ in passed])
        middles.append([one for _, one in passed])
    return Halfway(data.labels, tuple(data.class_names), maps, middles)


@torch.no_grad()
def _frozen_pass(network: EfficientNetLite, images: PixelArray, model: ModelConfig) -> tuple[Tensor, Tensor]:
    """Return the feature maps after the fifth stage as float16, and the averaged half-way features."""
    stem, blocks, _, pool, *_ = network
    maps, middles = [], []
    for start in range(0, len(images), AT_ONCE):
        x = stem(normalise(to_unit(images[start : start + AT_ONCE]), model))
        for number, block in enumerate(list(blocks.children())[: n_frozen(network)], start=1):
            x = block(x)
            if number == network.n_until_middle:
                middles.append(pool(x).flatten(1))
        maps.append(x.half())
    return torch.cat(maps), torch.cat(middles)


@torch.no_grad()
def embedded(backbone: nn.Module, halfway: Halfway, look: int = 0) -> Embedded:
    """Return the backbone's features of a look, but for the rounding of the maps."""
    stages = [last_stages(network) for network in networks_of(backbone)]
    features = [
        _joined(
            backbone,
            stages,
            [maps[start : start + AT_ONCE] for maps in halfway.maps[look]],
            [middle[start : start + AT_ONCE] for middle in halfway.middles[look]],
        )
        for start in range(0, len(halfway.labels), AT_ONCE)
    ]
    return Embedded(halfway.labels, halfway.class_names, torch.cat(features))


def _joined(
    backbone: nn.Module, stages: Sequence[nn.Module], maps: Sequence[Tensor], middles: Sequence[Tensor]
) -> Tensor:
    assert isinstance(backbone, SideBySide)
    last = [
        stage(one.float().contiguous(memory_format=torch.channels_last))
        for stage, one in zip(stages, maps, strict=True)
    ]
    return backbone.joined(last, middles)


def trained(
    backbone: nn.Module,
    sets: Sequence[Halfway],
    weights: Sequence[float],
    whitening: nn.Module,
    steps: int = STEPS,
) -> nn.Module:
    """Return a copy of the backbone with its last stages trained, then averaged with the untrained ones.

    Args:
        backbone: the networks.
        sets: the data sets; each batch is drawn from one of them.
        weights: how often, relative to each other.
        whitening: as fitted to the features before.
        steps: batches.
    """
    fixed, backbone = copy.deepcopy(whitening), copy.deepcopy(backbone)
    stages = [last_stages(network) for network in networks_of(backbone)]
    for layer in backbone.modules():
        if isinstance(layer, nn.ReLU6):
            layer.inplace = False  # what it would overwrite is needed for the gradient
    parameters = [p.requires_grad_(True) for stage in stages for p in stage.parameters()]
    before = [p.detach().clone() for p in parameters]
    optimiser = torch.optim.AdamW(parameters, lr=RATE, weight_decay=0)
    rng, shares = np.random.default_rng(0), np.array(weights) / sum(weights)
    losses = []
    for step in range(1, steps + 1):
        halfway = sets[rng.choice(len(sets), p=shares)]
        maps, middles, labels = _drawn(halfway, rng)
        whitened = fixed(_joined(backbone, stages, maps, middles))
        # Centred, as classification centres embeddings on the support set.
        embeddings = F.normalize(whitened - whitened.mean(0), dim=1)
        loss = rank_loss(-embeddings @ embeddings.T / TEMPERATURE, labels)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
        if step % 20 == 0:
            say(f"batch {step}: loss {np.mean(losses[-20:]):.3f}")
    backbone.requires_grad_(False)
    for weight, original in zip(parameters, before, strict=True):
        weight.copy_(torch.lerp(original, weight, SHARE))
    return backbone


def _drawn(halfway: Halfway, rng: np.random.Generator) -> tuple[list[Tensor], list[Tensor], Tensor]:
    """Draw images, some augmented or mirrored; return maps and middles by network, and labels."""
    rows_of = [np.flatnonzero(halfway.labels == label) for label in np.unique(halfway.labels)]
    rows_of = [rows for rows in rows_of if len(rows) > 1]
    drawn = rng.choice(len(rows_of), min(CLASSES, len(rows_of)), replace=False)
    rows = np.concatenate([rng.choice(rows_of[i], IMAGES, replace=len(rows_of[i]) < IMAGES) for i in drawn])
    looks = rng.integers(0, LOOKS, len(rows))
    mirrored = torch.from_numpy(rng.integers(0, 2, len(rows)) == 1)[:, None, None, None]
    chosen = [(int(look), int(row)) for look, row in zip(looks, rows, strict=True)]
    maps, middles = [], []
    for network in range(len(halfway.maps[0])):
        plain = torch.stack([halfway.maps[look][network][row] for look, row in chosen])
        maps.append(torch.where(mirrored, plain.flip(3), plain))
        middles.append(torch.stack([halfway.middles[look][network][row] for look, row in chosen]))
    return maps, middles, torch.arange(len(drawn)).repeat_interleave(IMAGES)
