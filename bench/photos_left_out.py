"""Measure the method of ``photos`` on a kind of pictures that it was not fitted on, for each kind in turn.

    python -m bench photos_left_out --weights DIR [--halfway DIR] [--row NAME ...] [--quick]

Settings chosen on other classes of the same data sets flatter. So last stages, whitening, head and
temperature are trained and fitted on all data sets but one, and tested on that one, beside plain cosine
similarity of the features that ImageNet alone gives, in the same episodes. *Over untrained* is the gain over
the same method with the weights of ImageNet in all stages; *over centred* that over only centring on the
support set, without damping what varies between its images of one class. For the last rows half of the
groceries are left out of a fit on everything else: that is how other groceries look to the network that
ships. ``bench/build_photos.py`` says how to get the folder of ``--weights``. The ``novel`` fruits, and
classes named like them, have no part in this.

Every picture is looked at once, except for the columns *three looks*: of classes with one or two pictures
the network looks at each three times by default (``fsl.twin.test_time_augmentation``). The columns *together*
say what it adds to let all queries of an episode say where the classes lie (``fsl.fewshot.together``), five
of each class; *few asked*: when the queries are of a quarter of the classes alone, which spoils it most.
What the frozen stages return is kept in the folder of ``--halfway`` (1.5 GB), so that the next run does not
compute it again. A row takes about five minutes on two cores.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - the name everybody knows
from torch import Tensor

from bench._measure import finish, options_of, say
from bench.build_photos import (
    MODEL,
    RULE,
    SHOTS,
    Fit,
    embedded_looks,
    episodes_of,
    pretrained_backbone,
    trained_and_fitted,
)
from bench.labelled import Embedded, Halfway, Labelled
from bench.last_stages import STEPS, embedded
from bench.photos_data import KINDS, halfway_of
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
from fsl.twin.network import TwinNetwork
from fsl.twin.test_time_augmentation import average_embeddings

CALIBRATED_ON = EpisodeConfig(n_way=5, n_shot=3, n_query=2, n_episodes=400, seed=1)
SPLIT_SEEDS = (0, 1, 2)
QUICK_IMAGES, QUICK_STEPS = 10, 2
MOST_WAYS = 20
N_QUERIES, N_EPISODES, FEW_ASKED = 5, 200, 4
N_QUICK = 3  # kinds
NAMES = (*(kind.name for kind in KINDS), *(f"half of the groceries, seed {seed}" for seed in SPLIT_SEEDS))
T = TypeVar("T", bound=Labelled)


@dataclass(frozen=True)
class Row:
    """What was measured on one kind; accuracies and differences by number of shots.

    Attributes:
        n_way: classes of an episode.
        cosine, photos: accuracy of plain cosine similarity and of the method, 0 to 1.
        gain: the method's accuracy beyond that of plain cosine similarity.
        over_untrained: its accuracy beyond that with the weights of ImageNet.
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
    over_untrained: tuple[Difference, ...]
    over_centred: tuple[Difference, ...]
    together: tuple[float, ...]
    few_asked: tuple[float, ...]
    calibration_error: float
    looks: tuple[float, Difference]


def main() -> None:
    options = options_of(
        __doc__,
        ("--weights", {"type": Path, "required": True}),
        ("--halfway", {"type": Path, "help": "folder to keep what the frozen stages return in"}),
        ("--row", {"choices": NAMES, "action": "append", "help": "what to leave out; everything in turn"}),
    )
    kinds = KINDS[: N_QUICK if options.quick else None]
    backbone = pretrained_backbone(options.weights)
    limits: dict[str, Any] = {"most": QUICK_IMAGES} if options.quick else {"folder": options.halfway}
    data = [halfway_of(backbone, kind, MODEL, n_looks=MODEL.support_views, **limits) for kind in kinds]
    untrained = [embedded(backbone, one) for one in data]
    weights = [kind.weight for kind in kinds]
    names = [*NAMES[: len(kinds)], *NAMES[len(KINDS) :][: 1 if options.quick else None]]
    rows = []
    for name in options.row or names:
        number = names.index(name)
        left_out, learned = split(data, number)
        raw, learned_untrained = split(untrained, number)
        kept = weights if number >= len(kinds) else [*weights[:number], *weights[number + 1 :]]
        steps = QUICK_STEPS if options.quick else STEPS
        fit = trained_and_fitted(backbone, learned, learned_untrained, kept, steps)
        rows.append({"left out": name, **told(measure(fit, left_out, raw))})
        say(str(rows[-1]))
    finish("photos_left_out", [], rows, options.quick)


def split(data: Sequence[T], number: int) -> tuple[T, list[T]]:
    """Return what a row of the table leaves out, and what is learned from.

    Args:
        data: the images of each kind.
        number: of the row; after the kinds come the halves of the groceries.
    """
    if number < len(data):
        return data[number], [*data[:number], *data[number + 1 :]]
    learned, left_out = halves(data[0], SPLIT_SEEDS[number - len(data)])
    return left_out, [learned, *data[1:]]


def halves(data: T, seed: int) -> tuple[T, T]:
    """Return two halves of the classes, drawn at random."""
    drawn = np.random.default_rng(seed).permutation(np.unique(data.labels))
    first, second = (np.flatnonzero(np.isin(data.labels, part)) for part in np.array_split(drawn, 2))
    return data.rows(first), data.rows(second)


def tested(twin: TwinNetwork, embeddings: Tensor, labels: IntArray) -> list[EvaluationResult]:
    """Return the results for each number of shots, of embeddings ``(N, D)`` and their labels."""
    slots = np.unique(labels, return_inverse=True)[1]
    n_way = min(MOST_WAYS, int(slots.max()) + 1)
    return [evaluate(twin, embeddings, slots, episodes_of(n_way, n_shot), RULE) for n_shot in SHOTS]


def measure(fit: Fit, left_out: Halfway, raw: Embedded) -> Row:
    """Test the network on the data set left out.

    Args:
        fit: the network before and after training; its probabilities have the temperature of its own data.
        left_out: classes that had no part in it.
        raw: their features with the weights of ImageNet.
    """
    untrained, twin, others = fit
    labels = np.unique(left_out.labels, return_inverse=True)[1]
    plain, centring = untrained.copy(), twin.copy()
    plain.config = replace(twin.config, centre_on_support=False, damp_on_support=False)
    centring.config = replace(twin.config, damp_on_support=False)
    n_way = min(MOST_WAYS, int(labels.max()) + 1)
    looks = embedded_looks(twin, left_out)
    embeddings = looks[0]
    cosine = tested(plain, F.normalize(raw.features), labels)
    photos = tested(twin, embeddings, labels)
    before = tested(untrained, untrained.whitening(raw.features), labels)
    gain, over_untrained, over_centred = (
        tuple(paired_difference(b.asked, a.asked) for a, b in zip(rival, photos, strict=True))
        for rival in (cosine, before, tested(centring, embeddings, labels))
    )
    one_shot = evaluate(twin, embeddings, labels, episodes_of(n_way, 1), RULE, average_embeddings(looks))
    temperature = temperature_of(twin, others)
    together, few_asked = (
        tuple(gain_together(twin, embeddings, labels, temperature, (n_way, k, asked)) for k in SHOTS)
        for asked in (n_way, n_way // FEW_ASKED)
    )
    return Row(
        n_way,
        tuple(one.accuracy for one in cosine),
        tuple(one.accuracy for one in photos),
        gain,
        over_untrained,
        over_centred,
        together,
        few_asked,
        calibration_error(twin, embeddings, labels, temperature),
        (one_shot.accuracy, paired_difference(one_shot.asked, cosine[0].asked)),
    )


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
    gains = zip(row.gain, row.over_untrained, row.over_centred, strict=True)
    columns = zip(SHOTS, row.cosine, row.photos, gains, row.together, row.few_asked, strict=True)
    for n_shot, cosine, photos, (gain, over_untrained, over_centred), together, few_asked in columns:
        cells |= {
            f"{n_shot}-shot cosine": f"{cosine:.3f}",
            f"{n_shot}-shot": f"{photos:.3f}",
            f"{n_shot}-shot gain": f"{gain.mean:+.3f} ± {gain.ci95:.3f}",
            f"{n_shot}-shot over untrained": f"{over_untrained.mean:+.3f} ± {over_untrained.ci95:.3f}",
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
