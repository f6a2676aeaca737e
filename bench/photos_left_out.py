"""Measure the method of ``photos`` on a kind of pictures that it was not fitted on, for each kind in turn.

    python -m bench photos_left_out --weights DIR [--features DIR] [--shrink 0.5] [--quick]

Settings chosen on other classes of the same data sets flatter. So whitening, head and temperature are fitted
on all data sets but one, and tested on that one, beside plain cosine similarity of the same features in the
same episodes. *Over even* is the gain over the method of the file before, whose features were averaged
evenly over the image and not more in its middle; *over centred* that over only centring on the support set,
without damping what varies between its images of one class. For the last rows half of the groceries are left
out of a fit on everything else: that is how other groceries look to the network that ships.
``bench/build_photos.py`` says how to get the folder of ``--weights``. The ``novel`` fruits, and classes named
like them, have no part in this.

Every picture is looked at once, except for the columns *three looks*: of classes with one or two pictures
the network looks at each three times by default (``fsl.twin.test_time_augmentation``). The columns *together*
say what it adds to let all queries of an episode say where the classes lie (``fsl.fewshot.together``), five
of each class; *few asked*: when the queries are of a quarter of the classes alone, which spoils it most.
With ``--features`` the features of the backbone are kept in a folder, so that the next run does not compute
them again.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - the name everybody knows
from torch import Tensor

from bench._measure import finish, options_of, say
from bench.build_photos import (
    MODEL,
    NOVEL_KINDS,
    RULE,
    SHOTS,
    SHRINK,
    Embedded,
    embed_backbone,
    episodes_of,
    fit_head,
    joined,
    pretrained_backbone,
    with_stored_weights,
)
from fsl.base.types import IntArray
from fsl.config import EpisodeConfig
from fsl.fewshot.calibrate import calibrate_scores, open_set_scores
from fsl.fewshot.classify import class_scores
from fsl.fewshot.episodes import sample_episodes
from fsl.fewshot.evaluate import EvaluationResult, evaluate
from fsl.fewshot.intervals import Difference, paired_difference
from fsl.fewshot.metrics import reliability
from fsl.fewshot.scores import probabilities
from fsl.fewshot.support_view import seen_from_support
from fsl.fewshot.together import scores_together
from fsl.training.recipes import RecipeData
from fsl.twin.network import TwinNetwork
from fsl.twin.test_time_augmentation import average_embeddings
from fsl.twin.whitening import Whitening

CALIBRATED_ON = EpisodeConfig(n_way=5, n_shot=3, n_query=2, n_episodes=400, seed=1)
SPLIT_SEEDS = (0, 1, 2)
EVEN = replace(MODEL, centre_spread=0.0, middle=0.3)
QUICK_IMAGES = 10
MOST_WAYS = 20
N_QUERIES, N_EPISODES, FEW_ASKED = 5, 200, 4


@dataclass(frozen=True)
class Kind:
    """A data set: its lists of classes with the images per class, and its weight in the covariance."""

    name: str
    sources: tuple[tuple[RecipeData, int], ...]
    weight: float = 1.0


KINDS = (
    Kind(
        "groceries",
        tuple((RecipeData("grocery", part, without=NOVEL_KINDS), 20) for part in ("train", "val")),
        weight=2.0,
    ),
    Kind("clothes", ((RecipeData("clothing-subset.zip"), 40),)),
    Kind("signing hands", ((RecipeData("sign-digits-subset.zip"), 40),)),
    Kind(
        "Tiny ImageNet",
        tuple(
            (RecipeData("tiny-imagenet", part, without=NOVEL_KINDS), n)
            for part, n in (("train", 10), ("val", 20))
        ),
    ),
    Kind("fruit", ((RecipeData("fruits360", "train"), 10), (RecipeData("fruits360", "val"), 20))),
)
N_QUICK = 3


@dataclass(frozen=True)
class Row:
    """What was measured on one kind; accuracies and differences by number of shots.

    Attributes:
        n_way: classes of an episode.
        cosine, photos: accuracy of plain cosine similarity and of the method, 0 to 1.
        gain: the method's accuracy beyond that of plain cosine similarity.
        over_even: its accuracy beyond that of ``EVEN``.
        over_centred: its accuracy beyond that without ``damp_on_support``.
        together, few_asked: what answering all queries together adds to the method's accuracy, if they are of
            all classes, and if they are of a quarter of them.
        calibration_error: expected calibration error with three shots, 0 to 1.
        looks: accuracy with one shot and three looks at it, and what it gains over plain cosine similarity.
    """

    n_way: int
    cosine: tuple[float, ...]
    photos: tuple[float, ...]
    gain: tuple[Difference, ...]
    over_even: tuple[Difference, ...]
    over_centred: tuple[Difference, ...]
    together: tuple[float, ...]
    few_asked: tuple[float, ...]
    calibration_error: float
    looks: tuple[float, Difference]


def main() -> None:
    options = options_of(
        __doc__,
        ("--weights", {"type": Path, "required": True}),
        ("--features", {"type": Path, "help": "folder to keep the features in"}),
        ("--shrink", {"type": float, "default": SHRINK, "help": "weight of the identity in the covariance"}),
    )
    kinds = KINDS[: N_QUICK if options.quick else None]
    backbone = pretrained_backbone(options.weights)
    contenders = []
    for config in (EVEN, MODEL):
        twin = with_stored_weights(config, backbone)
        contenders.append((twin, [embedded(twin, kind, options.features, options.quick) for kind in kinds]))
    copies = [
        [embedded(twin, kind, options.features, options.quick, look) for kind in kinds]
        for look in range(1, MODEL.support_views)
    ]
    seeds = SPLIT_SEEDS[: 1 if options.quick else None]
    names = [*(kind.name for kind in kinds), *(f"half of the groceries, seed {seed}" for seed in seeds)]
    rows = []
    for number, name in enumerate(names):
        fitted = []
        for twin, data in contenders:
            left_out, others, weight_of = split(data, kinds, number)
            fit(twin, others, weight_of, options.shrink)
            fitted.append((twin, left_out, others))
        (even, same, _), (twin, left_out, others) = fitted
        rival = tested(even, even.whitening(same.features), same.labels)
        looks = [split(one, kinds, number)[0].features for one in copies]
        row = measure(twin, left_out, others, rival, looks)
        rows.append({"left out": name, **told(row)})
        say(str(rows[-1]))
    finish("photos_left_out", [], rows, options.quick, shrink=options.shrink)


def split(
    data: Sequence[Embedded], kinds: Sequence[Kind], number: int
) -> tuple[Embedded, list[Embedded], list[float]]:
    """Return what a row of the table leaves out, what is fitted on for it, and the weights of that.

    Args:
        data: the features of each kind.
        kinds: the kinds.
        number: of the row; after the kinds come the halves of the groceries.
    """
    if number < len(kinds):
        others = [i for i in range(len(kinds)) if i != number]
        return data[number], [data[i] for i in others], [kinds[i].weight for i in others]
    fitted, left_out = halves(data[0], SPLIT_SEEDS[number - len(kinds)])
    return left_out, [fitted, *data[1:]], [kind.weight for kind in kinds]


def embedded(twin: TwinNetwork, kind: Kind, folder: Path | None, quick: bool, look: int = 0) -> Embedded:
    """Return the backbone's features of a kind's pictures, or of a copy of each, before any whitening."""
    first, *more = (
        features_of(twin, source, QUICK_IMAGES if quick else n, folder, look) for source, n in kind.sources
    )
    for one in more:
        first = joined(first, one)
    return first


def features_of(
    twin: TwinNetwork, source: RecipeData, per_class: int, folder: Path | None, look: int
) -> Embedded:
    """Read the features of a list of classes, or compute and keep them."""
    source = located(source)
    if folder is None:
        return embed_backbone(twin, source, per_class, look)
    settings = f"{twin.config.centre_spread}-{twin.config.middle}" + (f"-look{look}" if look else "")
    path = folder / f"{Path(source.data).stem}-{source.classes or 'all'}-{per_class}-{settings}.npz"
    if path.exists():
        with np.load(path) as kept:
            features, names = torch.from_numpy(kept["features"]), tuple(kept["names"].tolist())
            return Embedded(source, features, kept["labels"], names)
    found = embed_backbone(twin, source, per_class, look)
    folder.mkdir(parents=True, exist_ok=True)
    np.savez(path, features=found.features.numpy(), labels=found.labels, names=np.array(found.class_names))
    return found


def located(source: RecipeData) -> RecipeData:
    """Return the source; the name of a zip is completed to its path in the folder of the data sets."""
    if not source.data.endswith(".zip"):
        return source
    return replace(source, data=str(Path(os.environ.get("FSL_DATA_DIR", ".")) / source.data))


def halves(data: Embedded, seed: int) -> tuple[Embedded, Embedded]:
    """Return two halves of the classes, drawn at random."""
    drawn = np.random.default_rng(seed).permutation(np.unique(data.labels))
    first, second = (np.flatnonzero(np.isin(data.labels, part)) for part in np.array_split(drawn, 2))
    return _rows(data, first), _rows(data, second)


def _rows(data: Embedded, rows: IntArray) -> Embedded:
    return replace(data, features=data.features[torch.from_numpy(rows)], labels=data.labels[rows])


def fit(twin: TwinNetwork, sets: Sequence[Embedded], weights: Sequence[float], shrink: float) -> None:
    """Fit the whitening and the head, in place."""
    assert isinstance(twin.whitening, Whitening)
    twin.whitening.fit([(one.features.numpy(), one.labels) for one in sets], weights, shrink)
    twin.head.weight.fill_(1)
    twin.head.bias.zero_()
    fit_head(twin, sets)


def tested(twin: TwinNetwork, embeddings: Tensor, labels: IntArray) -> list[EvaluationResult]:
    """Return the results for each number of shots, of embeddings ``(N, D)`` and their labels."""
    slots = np.unique(labels, return_inverse=True)[1]
    n_way = min(MOST_WAYS, int(slots.max()) + 1)
    return [evaluate(twin, embeddings, slots, episodes_of(n_way, n_shot), RULE) for n_shot in SHOTS]


def measure(
    twin: TwinNetwork,
    left_out: Embedded,
    others: Sequence[Embedded],
    even: Sequence[EvaluationResult],
    copies: Sequence[Tensor],
) -> Row:
    """Test the network, fitted on the others, on the data left out.

    Args:
        twin: with whitening and head as fitted.
        left_out: classes that had no part in the fit.
        others: what it was fitted on; the temperature of its probabilities is that of these.
        even: the results of ``EVEN`` on the same.
        copies: features ``(n, D)`` of the augmented copies of the pictures left out.
    """
    labels = np.unique(left_out.labels, return_inverse=True)[1]
    plain = twin.copy()
    plain.config = replace(twin.config, centre_on_support=False, damp_on_support=False)
    centring = twin.copy()
    centring.config = replace(twin.config, damp_on_support=False)
    n_way = min(MOST_WAYS, int(labels.max()) + 1)
    embeddings = twin.whitening(left_out.features)
    cosine = tested(plain, F.normalize(left_out.features), labels)
    photos = tested(twin, embeddings, labels)
    gain, over_even, over_centred = (
        tuple(paired_difference(b.asked, a.asked) for a, b in zip(rival, photos, strict=True))
        for rival in (cosine, even, tested(centring, embeddings, labels))
    )
    as_support = average_embeddings([embeddings, *(twin.whitening(one) for one in copies)])
    one_shot = evaluate(twin, embeddings, labels, episodes_of(n_way, 1), RULE, as_support)
    looks = one_shot.accuracy, paired_difference(one_shot.asked, cosine[0].asked)
    before, after = (tuple(one.accuracy for one in some) for some in (cosine, photos))
    temperature = temperature_of(twin, others)
    together, few_asked = (
        tuple(gain_together(twin, embeddings, labels, temperature, (n_way, k, asked)) for k in SHOTS)
        for asked in (n_way, n_way // FEW_ASKED)
    )
    error = calibration_error(twin, embeddings, labels, temperature)
    return Row(n_way, before, after, gain, over_even, over_centred, together, few_asked, error, looks)


def gain_together(
    twin: TwinNetwork, embeddings: Tensor, labels: IntArray, temperature: float, sizes: tuple[int, int, int]
) -> float:
    """Return by how much answering all queries together changes the accuracy.

    Args:
        twin: as fitted.
        embeddings: float32 ``(N, D)``.
        labels: int64 ``(N,)``.
        temperature: of the probabilities.
        sizes: ways, shots, and of how many of the classes there are queries.
    """
    n_way, n_shot, n_asked = sizes
    episodes = sample_episodes(labels, EpisodeConfig(n_way, n_shot, N_QUERIES, N_EPISODES))
    slots = torch.arange(n_way).repeat_interleave(n_shot)
    true = torch.arange(n_asked).repeat_interleave(N_QUERIES)
    gained = []
    for support, query in zip(episodes.support, episodes.query[:, :n_asked], strict=True):
        shown, asked = embeddings[support.ravel()], embeddings[query.ravel()]
        seen, sought = seen_from_support(twin, shown, asked, slots)
        alone = class_scores(twin, seen, slots, n_way, sought, RULE)
        both = scores_together(twin, shown, slots, n_way, asked, temperature)
        right, before = ((one.argmax(1) == true).float().mean() for one in (both, alone))
        gained.append(float(right - before))
    return float(np.mean(gained))


def temperature_of(twin: TwinNetwork, others: Sequence[Embedded]) -> float:
    """Return the temperature of the probabilities that fits the kinds the network was fitted on."""
    scores = [
        open_set_scores(twin, twin.whitening(one.features), one.labels, RULE, CALIBRATED_ON)[1:]
        for one in others
    ]
    known, unknown = (torch.cat(part) for part in zip(*scores, strict=True))
    return calibrate_scores(known, unknown, RULE, "").temperature


def calibration_error(twin: TwinNetwork, embeddings: Tensor, labels: IntArray, temperature: float) -> float:
    """Return the calibration error of single answers."""
    known = open_set_scores(twin, embeddings, labels, RULE, CALIBRATED_ON)[1]
    confidence, answers = probabilities(known, temperature).max(-1)
    right = answers == torch.arange(known.shape[-1])[None, :, None]
    return reliability(confidence.double().numpy(), right.numpy()).error


def told(row: Row) -> dict[str, object]:
    """Return the row with its figures as text, for the table."""
    cells: dict[str, object] = {"ways": row.n_way}
    accuracies = zip(SHOTS, row.cosine, row.photos, row.gain, row.over_even, row.over_centred, strict=True)
    for (n_shot, cosine, photos, gain, over_even, over_centred), together, few_asked in zip(
        accuracies, row.together, row.few_asked, strict=True
    ):
        cells |= {
            f"{n_shot}-shot cosine": f"{cosine:.3f}",
            f"{n_shot}-shot": f"{photos:.3f}",
            f"{n_shot}-shot gain": f"{gain.mean:+.3f} ± {gain.ci95:.3f}",
            f"{n_shot}-shot over even": f"{over_even.mean:+.3f} ± {over_even.ci95:.3f}",
            f"{n_shot}-shot over centred": f"{over_centred.mean:+.3f} ± {over_centred.ci95:.3f}",
            f"{n_shot}-shot together": f"{together:+.3f}",
            f"{n_shot}-shot few asked": f"{few_asked:+.3f}",
        }
    accuracy, gained = row.looks
    return cells | {
        "1-shot three looks": f"{accuracy:.3f}",
        "1-shot three looks gain": f"{gained.mean:+.3f} ± {gained.ci95:.3f}",
        "calibration error": f"{row.calibration_error:.3f}",
    }


if __name__ == "__main__":
    main()
