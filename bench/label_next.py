"""Measure what a few labels bring: those the page suggests, the least certain, or random ones.

    python -m bench label_next [--quick]

Each draw has up to 20 classes with one or two examples, 13 queries of each to choose from, and up to 6 other
pictures of each to test on. The chosen queries join their classes with their true labels. All three ways of
choosing get the same draws. Groceries are partly known to the network from its training, clothes are not.
Examples are embedded without test-time augmentation, so accuracies are a little below those of the page.
The data sets must be in FSL_DATA_DIR.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

import fsl
from bench._measure import Claim, finish, options_of, say
from fsl.data.catalogue import open_source
from fsl.data.query import ImageQuery
from fsl.fewshot.classify import class_scores
from fsl.fewshot.label_next import doubt_of_class, label_next
from fsl.fewshot.scores import probabilities
from fsl.fewshot.support_view import seen_from_support
from fsl.twin.inference import embed_images

if TYPE_CHECKING:
    from torch import Tensor

    from fsl.twin.checkpoint import Checkpoint

DATA = ("grocery-store", "clothing")
MOST_WAYS, N_CHOICE, N_LABELS = 20, 13, 10
WAYS_TO_CHOOSE = ("suggested", "least certain", "random")


@dataclass(frozen=True, eq=False)
class Labelled:
    """Embeddings ``(n, D)`` with labels ``(n,)``."""

    embeddings: Tensor
    labels: Tensor

    def joined(self, other: Labelled, rows: list[int]) -> Labelled:
        """Return these and some rows of others."""
        return Labelled(
            torch.cat([self.embeddings, other.embeddings[rows]]), torch.cat([self.labels, other.labels[rows]])
        )


def main() -> None:
    options = options_of(__doc__)
    checkpoint = fsl.load("photos")
    n_draws = 10 if options.quick else 200
    rows: list[dict[str, object]] = []
    gains: dict[str, tuple[float, float]] = {}
    for data in DATA[:1] if options.quick else DATA:
        model = checkpoint.info.model
        source = open_source(str(data_folder() / f"{data}-subset.zip"))
        images, _ = source.load(ImageQuery(model.image_size, model.fit))
        say(f"{data}: embedding {len(images)} pictures")
        everything = Labelled(embed_images(checkpoint.twin, images.images), torch.from_numpy(images.labels))
        for n_shot in (1, 2):
            found = [draw(checkpoint, everything, n_shot, seed) for seed in range(n_draws)]
            for way in WAYS_TO_CHOOSE:
                difference = np.array([100 * (one[way] - one["random"]) for one in found])
                margin = 1.96 * difference.std(ddof=1) / len(found) ** 0.5
                gains[f"{data} {n_shot} {way}"] = float(difference.mean()), float(margin)
                rows.append(
                    {
                        "data": data,
                        "examples": n_shot,
                        "labels": way,
                        "before": round(float(np.mean([one["before"] for one in found])), 4),
                        "after": round(float(np.mean([one[way] for one in found])), 4),
                        "points above random": f"{difference.mean():+.1f} ± {margin:.1f}",
                    }
                )
    claims = []
    for data in DATA[:1] if options.quick else DATA:
        gain, margin = gains[f"{data} 1 suggested"]
        what = f"{N_LABELS} suggested labels against {N_LABELS} random ones, {data}, one example per class"
        claims.append(Claim(what, f"{gain:+.1f} ± {margin:.1f} points", "0", "-", "above 0", gain > margin))
    finish("label_next", claims, rows, options.quick)


def data_folder() -> Path:
    """Return the folder of the data sets; exit with a message without one."""
    folder = os.environ.get("FSL_DATA_DIR", "")
    if not folder:
        sys.exit("Set FSL_DATA_DIR to the folder of the data sets.")
    return Path(folder)


def draw(checkpoint: Checkpoint, everything: Labelled, n_shot: int, seed: int) -> dict[str, float]:
    """Return the accuracy before, and after the labels of each way to choose them."""
    generator = torch.Generator().manual_seed(seed)
    parts: list[list[int]] = [[], [], []]
    labels: list[list[int]] = [[], [], []]
    classes = torch.unique(everything.labels)
    chosen = classes[torch.randperm(len(classes), generator=generator)[:MOST_WAYS]]
    for slot, label in enumerate(chosen):
        members = torch.nonzero(everything.labels == label).flatten()
        members = members[torch.randperm(len(members), generator=generator)]
        cuts = (0, n_shot, n_shot + N_CHOICE, n_shot + N_CHOICE + 6)
        for part in range(3):
            taken = members[cuts[part] : cuts[part + 1]].tolist()
            parts[part] += taken
            labels[part] += [slot] * len(taken)
    support, queries, test = (
        Labelled(everything.embeddings[rows], torch.tensor(slots))
        for rows, slots in zip(parts, labels, strict=True)
    )
    calibration = checkpoint.info.calibration(checkpoint.info.rule)
    probability = probabilities(scores(checkpoint, support, queries), calibration.temperature)
    doubts = doubt_of_class(probability)
    picked = {
        "suggested": label_next(queries.embeddings, support.embeddings, doubts, N_LABELS),
        "least certain": doubts.argsort(descending=True)[:N_LABELS].tolist(),
        "random": torch.randperm(len(queries.labels), generator=generator)[:N_LABELS].tolist(),
    }
    found = {"before": accuracy(checkpoint, support, test)}
    return found | {
        way: accuracy(checkpoint, support.joined(queries, rows), test) for way, rows in picked.items()
    }


def scores(checkpoint: Checkpoint, support: Labelled, asked: Labelled) -> Tensor:
    """Return the class scores of the network's own rule, ``(n, N)``."""
    seen, query = seen_from_support(checkpoint.twin, support.embeddings, asked.embeddings, support.labels)
    n_way = int(support.labels.max()) + 1
    return class_scores(checkpoint.twin, seen, support.labels, n_way, query, checkpoint.info.rule)


def accuracy(checkpoint: Checkpoint, support: Labelled, test: Labelled) -> float:
    return float((scores(checkpoint, support, test).argmax(1) == test.labels).float().mean())


if __name__ == "__main__":
    main()
