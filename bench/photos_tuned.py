"""Measure what training the last stages of ``photos`` brings, on classes and kinds that had no part in it.

    python -m bench photos_tuned --weights DIR [--halfway DIR] [--row NAME ...] [--steps 80] [--quick]

The networks of ``photos`` keep their ImageNet weights. Here their last stages, from the sixth on, are
trained with the rank loss of ``fsl.twin.losses``, on cosine similarities of whitened embeddings: images of
one class should be more similar than images of different classes of the same data set. Then whitening and
head are fitted again. Each row leaves out what that row of ``bench/photos_left_out.py`` does: a whole data
set, or half of the groceries. *Averaged*: weights half-way between those of ImageNet and the trained ones
(Wortsman et al., "Robust fine-tuning of zero-shot models", 2022). The network looks at every image once.

The stages before are computed once for each image and for one augmented copy, and kept in the folder of
``--halfway`` (2 GB). A row takes about five minutes on two cores. Nothing of this ships yet.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - the name everybody knows
from PIL import Image
from torch import Tensor, nn

from bench._measure import finish, options_of, say
from bench.build_photos import MODEL, SHOTS, SHRINK, Embedded, load, pretrained_backbone, with_stored_weights
from bench.photos_left_out import KINDS, QUICK_IMAGES, SPLIT_SEEDS, Kind, fit, located, split, tested
from fsl.base.types import IntArray
from fsl.fewshot.evaluate import EvaluationResult
from fsl.fewshot.intervals import paired_difference
from fsl.twin.backbones.build import SideBySide, unit_root
from fsl.twin.backbones.efficientnet import EfficientNetLite
from fsl.twin.losses import rank_loss
from fsl.twin.preprocess import normalise, to_uint8, to_unit
from fsl.twin.test_time_augmentation import augmented_copies
from fsl.twin.whitening import Whitening

RATE, TEMPERATURE = 3e-5, 0.1
CLASSES, IMAGES = 16, 4  # of a batch
SHARES = (0.5, 1.0)  # of the trained weights
QUICK_STEPS = 2
AT_ONCE = 64  # images
NAMES = (*(kind.name for kind in KINDS), *(f"half of the groceries, seed {seed}" for seed in SPLIT_SEEDS))


class LastStages(nn.Module):
    """What is trained of an EfficientNet-Lite: its last stages and last convolution, followed by its pooling.

    Args:
        network: is copied.
    """

    def __init__(self, network: EfficientNetLite) -> None:
        super().__init__()
        _, blocks, head, pool, *_ = copy.deepcopy(network)
        self.layers = nn.Sequential(*list(blocks.children())[n_frozen(network) :], head, pool, nn.Flatten())
        for layer in self.modules():
            if isinstance(layer, nn.ReLU6):
                layer.inplace = False  # what it would overwrite is needed for the gradient

    def forward(self, maps: Tensor) -> Tensor:
        """Map what the frozen stages return, ``(B, C, H, W)``, to features ``(B, 1280)``."""
        features: Tensor = self.layers(maps.float().contiguous(memory_format=torch.channels_last))
        return features


@dataclass(frozen=True, eq=False)
class Halfway:
    """What the frozen stages return for the images of a data set.

    Attributes:
        kind: the data set.
        labels: int64 ``(n,)``.
        class_names: one per label.
        maps: float16 ``(n, C, H, W)`` by look (unchanged, augmented) and by network.
        middles: float32 ``(n, M)``, the features averaged half-way, likewise.
    """

    kind: Kind
    labels: IntArray
    class_names: tuple[str, ...]
    maps: list[list[Tensor]]
    middles: list[list[Tensor]]


def main() -> None:
    options = options_of(
        __doc__,
        ("--weights", {"type": Path, "required": True}),
        ("--halfway", {"type": Path, "help": "folder to keep what the frozen stages return in"}),
        ("--row", {"choices": NAMES, "action": "append", "help": "what to leave out; everything in turn"}),
        ("--steps", {"type": int, "default": 80, "help": "batches"}),
    )
    twin = with_stored_weights(MODEL, pretrained_backbone(options.weights))
    assert isinstance(twin.backbone, SideBySide)
    networks = [one for one in twin.backbone.members if isinstance(one, EfficientNetLite)]
    halfway = [computed(networks, kind, options.halfway, options.quick) for kind in KINDS]
    stages = [LastStages(network) for network in networks]
    before = [embedded(stages, one) for one in halfway]
    rows = []
    for name in NAMES[-1:] if options.quick else options.row or NAMES:
        number = NAMES.index(name)
        left_out, others, share_of = split(before, KINDS, number)
        fit(twin, others, share_of, SHRINK)
        base = tested(twin, twin.whitening(left_out.features), left_out.labels)
        learned = [one for i, one in enumerate(halfway) if i != number]
        classes = [np.unique(one.labels) for one in others]
        steps = QUICK_STEPS if options.quick else options.steps
        trained = trained_stages(stages, learned, classes, twin.whitening, steps)
        row: dict[str, object] = {"left out": name, "ways": len(np.unique(left_out.labels))}
        for share in SHARES:
            mixed = averaged(stages, trained, share)
            now, rest, _ = split([embedded(mixed, one) for one in halfway], KINDS, number)
            fit(twin, rest, share_of, SHRINK)
            after = tested(twin, twin.whitening(now.features), now.labels)
            row |= told(base, after, "" if share == 1 else "averaged ")
        rows.append(row)
        say(str(row))
    finish("photos_tuned", [], rows, options.quick, rate=RATE, temperature=TEMPERATURE, steps=options.steps)


def n_frozen(network: EfficientNetLite) -> int:
    """Return how many blocks are frozen: those until the end of the fifth stage, the last of its width."""
    channels = [block.layers[-1].out_channels for block in network[1].children()]
    fifth = channels[network.n_until_middle]
    return max(i for i, n in enumerate(channels) if n == fifth) + 1


def computed(networks: Sequence[EfficientNetLite], kind: Kind, folder: Path | None, quick: bool) -> Halfway:
    """Read from the folder what the frozen stages return for a data set, or compute and keep it."""
    path = folder / f"{kind.name}.pt" if folder and not quick else None
    if path and path.exists():
        return Halfway(kind, **torch.load(path, weights_only=False))
    sets = [load(located(source), QUICK_IMAGES if quick else n) for source, n in kind.sources]
    names = tuple(name for one in sets for name in one.class_names)
    starts = np.cumsum([0, *(len(one.class_names) for one in sets[:-1])])
    labels = np.concatenate([one.labels + start for one, start in zip(sets, starts, strict=True)])
    images = np.concatenate([one.images for one in sets])
    say(f"{kind.name}: {len(images)} images")
    looks = [images, to_uint8([augmented_copies(Image.fromarray(one), MODEL)[0] for one in images], MODEL)]
    passed = [[frozen_pass(network, look) for network in networks] for look in looks]
    maps, middles = ([[one[part] for one in look] for look in passed] for part in (0, 1))
    found = {"labels": labels, "class_names": names, "maps": maps, "middles": middles}
    if path:
        path.parent.mkdir(parents=True, exist_ok=True)
        torch.save(found, path)
    return Halfway(kind, labels, names, maps, middles)


@torch.no_grad()
def frozen_pass(network: EfficientNetLite, images: np.ndarray) -> tuple[Tensor, Tensor]:
    """Return the feature maps after the fifth stage as float16, and the averaged half-way features."""
    stem, blocks, _, pool, *_ = network
    maps, middles = [], []
    for start in range(0, len(images), AT_ONCE):
        x = stem(normalise(to_unit(images[start : start + AT_ONCE]), MODEL))
        for number, block in enumerate(list(blocks.children())[: n_frozen(network)], start=1):
            x = block(x)
            if number == network.n_until_middle:
                middles.append(pool(x).flatten(1))
        maps.append(x.half())
    return torch.cat(maps), torch.cat(middles)


def side_by_side(last: Sequence[Tensor], middles: Sequence[Tensor]) -> Tensor:
    """Join the features of the networks as ``SideBySide`` does."""
    parts = []
    for features, middle in zip(last, middles, strict=True):
        parts += [unit_root(features), MODEL.middle * F.normalize(middle, dim=1)]
    return torch.cat(parts, dim=1)


@torch.no_grad()
def embedded(stages: Sequence[LastStages], halfway: Halfway) -> Embedded:
    """Return the features of a data set's images before any whitening."""
    parts = []
    for start in range(0, len(halfway.labels), AT_ONCE):
        rows = slice(start, start + AT_ONCE)
        last = [stage(maps[rows]) for stage, maps in zip(stages, halfway.maps[0], strict=True)]
        parts.append(side_by_side(last, [middle[rows] for middle in halfway.middles[0]]))
    return Embedded(halfway.kind.sources[0][0], torch.cat(parts), halfway.labels, halfway.class_names)


def trained_stages(
    stages: Sequence[LastStages],
    kinds: Sequence[Halfway],
    classes: Sequence[IntArray],
    whitening: nn.Module,
    steps: int,
) -> list[LastStages]:
    """Train copies of the stages.

    Args:
        stages: of each network.
        kinds: the data sets; each batch is drawn from one of them, in proportion to its weight.
        classes: of each data set, the labels that may be learned from.
        whitening: as fitted to the features before.
        steps: batches.
    """
    assert isinstance(whitening, Whitening)
    fixed, trained = copy.deepcopy(whitening), copy.deepcopy(list(stages))
    parameters = [p.requires_grad_(True) for stage in trained for p in stage.parameters()]
    optimiser = torch.optim.AdamW(parameters, lr=RATE, weight_decay=0)
    rng, weights = np.random.default_rng(0), np.array([one.kind.weight for one in kinds])
    losses = []
    for step in range(1, steps + 1):
        number = rng.choice(len(kinds), p=weights / weights.sum())
        embeddings, labels = drawn_batch(trained, kinds[number], classes[number], fixed, rng)
        loss = rank_loss(-embeddings @ embeddings.T / TEMPERATURE, labels)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
        if step % 20 == 0:
            say(f"batch {step}: loss {np.mean(losses[-20:]):.3f}")
    return [stage.requires_grad_(False) for stage in trained]


def drawn_batch(
    stages: Sequence[LastStages],
    halfway: Halfway,
    classes: IntArray,
    whitening: Whitening,
    rng: np.random.Generator,
) -> tuple[Tensor, Tensor]:
    """Draw images, some of them augmented or mirrored, and return their embeddings ``(B, D)`` and labels."""
    rows_of = [rows for c in classes if len(rows := np.flatnonzero(halfway.labels == c)) > 1]
    drawn = rng.choice(len(rows_of), min(CLASSES, len(rows_of)), replace=False)
    rows = np.concatenate([rng.choice(rows_of[i], IMAGES, replace=len(rows_of[i]) < IMAGES) for i in drawn])
    looks = rng.integers(0, len(halfway.maps), len(rows))
    mirrored = torch.from_numpy(rng.integers(0, 2, len(rows)) == 1)[:, None, None, None]
    last, middles = [], []
    for network, stage in enumerate(stages):
        seen = [(halfway.maps[look][network], halfway.middles[look][network]) for look in range(2)]
        maps = torch.stack([seen[look][0][row] for look, row in zip(looks, rows, strict=True)])
        middles.append(torch.stack([seen[look][1][row] for look, row in zip(looks, rows, strict=True)]))
        last.append(stage(torch.where(mirrored, maps.flip(3), maps)))
    whitened = whitening(side_by_side(last, middles))
    # Centred, as classification centres embeddings on the support set.
    embeddings = F.normalize(whitened - whitened.mean(0), dim=1)
    return embeddings, torch.arange(len(drawn)).repeat_interleave(IMAGES)


def averaged(before: Sequence[LastStages], after: Sequence[LastStages], share: float) -> list[LastStages]:
    """Return stages with a weighted mean of the weights; ``share`` is the part of those after training."""
    mixed = copy.deepcopy(list(before))
    for stage, first, second in zip(mixed, before, after, strict=True):
        for weight, a, b in zip(stage.parameters(), first.parameters(), second.parameters(), strict=True):
            weight.copy_(torch.lerp(a, b, share))
    return mixed


def told(base: Sequence[EvaluationResult], after: Sequence[EvaluationResult], what: str) -> dict[str, object]:
    """Return the accuracies as text, for the table."""
    cells: dict[str, object] = {}
    for n_shot, first, second in zip(SHOTS, base, after, strict=True):
        gain = paired_difference(second.asked, first.asked)
        cells[f"{n_shot}-shot before"] = f"{first.accuracy:.3f}"
        cells[f"{n_shot}-shot {what}trained"] = f"{second.accuracy:.3f}"
        cells[f"{n_shot}-shot {what}gain"] = f"{gain.mean:+.3f} ± {gain.ci95:.3f}"
    return cells


if __name__ == "__main__":
    main()
