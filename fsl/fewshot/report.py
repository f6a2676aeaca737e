"""An evaluation as CSV tables that are safe to open, and as the command that repeats it."""

from __future__ import annotations

import math
import shlex
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from fsl.base.text import csv_table
from fsl.config import EpisodeConfig
from fsl.fewshot.accuracy_grid import GridCell
from fsl.fewshot.answers import Answers
from fsl.fewshot.confusion import all_confused_images
from fsl.fewshot.evaluate import EvaluationResult
from fsl.fewshot.intervals import paired_difference
from fsl.fewshot.metrics import auroc, reliability

_SIMILARITY_BINS = 100


def summary_csv(answers: Mapping[str, Answers], n_classes: int, config: EpisodeConfig, reference: str) -> str:
    """Return a row per contender: accuracy, calibration, open-set AUROC, and the difference from one of them.

    Args:
        answers: by contender's name, of the same episodes.
        n_classes: C.
        config: the episodes' settings, written into every row.
        reference: name of the contender to compare all with.
    """
    header = [
        "network", "way", "shot", "query", "episodes", "seed", "accuracy", "ci95", "calibration_error",
        "unknown_auroc", "compared_with", "difference", "difference_ci95",
    ]  # fmt: skip
    rows = []
    base = answers[reference].result(n_classes)
    for name, given in answers.items():
        result = given.result(n_classes)
        difference = paired_difference(result.asked, base.asked)
        settings = [config.n_way, config.n_shot, config.n_query, given.n_episodes, config.seed]
        unknown = given.unknown_similarity
        numbers = [
            result.accuracy,
            result.ci95,
            reliability(given.confidence, given.right).error,
            None if unknown is None else auroc(given.similarity, unknown),
        ]
        gap = map(_number, (difference.mean, difference.ci95))
        rows.append([name, *settings, *map(_number, numbers), reference, *gap])
    return csv_table(header, rows)


def confusion_csv(results: Mapping[str, EvaluationResult], class_names: Sequence[str]) -> str:
    """Return a row per contender and true class: accuracy, and how often each class was answered."""
    rows = [
        [name, true, _number(result.per_class[i]), *result.confusion[i].tolist()]
        for name, result in results.items()
        for i, true in enumerate(class_names)
    ]
    return csv_table(
        ["network", "true class", "accuracy", *(f"answered: {name}" for name in class_names)], rows
    )


def confused_csv(
    answers: Mapping[str, Answers], class_names: Sequence[str], picture_names: Sequence[str]
) -> str:
    """Return a row per contender, picture and class it was taken for: how often, and times asked."""
    rows = [
        [name, picture_names[c.row], class_names[c.true], class_names[c.answered], c.times, c.asked]
        for name, given in answers.items()
        for c in all_confused_images(given)
    ]
    return csv_table(["network", "picture", "true class", "taken for", "times", "asked"], rows)


def reliability_csv(answers: Mapping[str, Answers]) -> str:
    """Return a row per contender and tenth of confidence: answers, mean confidence, share correct."""
    rows = []
    for name, given in answers.items():
        found = reliability(given.confidence, given.right)
        n = len(found.counts)
        rows += [
            [name, i / n, (i + 1) / n, int(count), _number(confidence), _number(accuracy)]
            for i, (count, confidence, accuracy) in enumerate(
                zip(found.counts, found.confidence, found.accuracy, strict=True)
            )
        ]
    return csv_table(["network", "from", "to", "answers", "confidence", "accuracy"], rows)


def open_set_csv(answers: Mapping[str, Answers]) -> str:
    """Return a row per contender and hundredth of similarity: queries of known and of unknown classes.

    It counts similarities, because there may be millions. Without unknown classes there are no rows.
    """
    edges = np.linspace(0, 1, _SIMILARITY_BINS + 1)
    rows = []
    for name, given in answers.items():
        if given.unknown_similarity is None:
            continue
        known = np.histogram(given.similarity, edges)[0].tolist()
        unknown = np.histogram(given.unknown_similarity, edges)[0].tolist()
        rows += [
            [name, f"{edges[i]:.2f}", f"{edges[i + 1]:.2f}", known[i], unknown[i]]
            for i in range(_SIMILARITY_BINS)
        ]
    return csv_table(["network", "from", "to", "known", "unknown"], rows)


def episodes_csv(answers: Mapping[str, Answers]) -> str:
    """Return a row per episode: its number, and the accuracy of each contender."""
    accuracies = [given.right.mean(axis=(1, 2)).tolist() for given in answers.values()]
    rows = ([number, *map(_number, row)] for number, row in enumerate(zip(*accuracies, strict=True)))
    return csv_table(["episode", *(f"accuracy: {name}" for name in answers)], rows)


def grid_csv(cells: Iterable[GridCell]) -> str:
    """Return a row per number of ways and shots."""
    rows = [[c.n_way, c.n_shot, _number(c.accuracy), _number(c.ci95)] for c in cells]
    return csv_table(["way", "shot", "accuracy", "ci95"], rows)


def evaluate_command(
    data: str, checkpoint: str, config: EpisodeConfig, classes: str = "", per_class: int = 0
) -> str:
    """Return the shell command that repeats an evaluation.

    Args:
        data: value of ``--data``.
        checkpoint: name of a checkpoint or a baseline.
        classes: value of ``--classes``, "" for all.
        per_class: largest number of images per class, 0 for all.
    """
    before, after = _command_words(data, checkpoint, config, classes, per_class)
    return shlex.join([*before, "--way", str(config.n_way), "--shot", str(config.n_shot), *after])


def grid_command(
    data: str,
    checkpoint: str,
    cells: Sequence[GridCell],
    config: EpisodeConfig,
    classes: str = "",
    per_class: int = 0,
) -> str:
    """Return the shell loop that repeats a ways-by-shots grid.

    Args:
        data, checkpoint, classes, per_class: as for ``evaluate_command``.
        cells: of the grid.
        config: supplies queries, episodes and seed.
    """
    before, after = _command_words(data, checkpoint, config, classes, per_class)
    ways = " ".join(dict.fromkeys(str(cell.n_way) for cell in cells))
    shots = " ".join(dict.fromkeys(str(cell.n_shot) for cell in cells))
    command = f"{shlex.join(before)} --way $way --shot $shot {shlex.join(after)}"
    return f"for way in {ways}; do for shot in {shots}; do {command}; done; done"


def _command_words(
    data: str, checkpoint: str, config: EpisodeConfig, classes: str, per_class: int
) -> tuple[list[str], list[str]]:
    """Return the words of the command before and after the numbers of ways and shots."""
    before = ["python", "-m", "fsl", "evaluate", "--data", data]
    before += ["--classes", classes] if classes else []
    before += ["--per-class", str(per_class)] if per_class else []
    before += ["--checkpoint", checkpoint]
    after = ["--query", str(config.n_query), "--episodes", str(config.n_episodes), "--seed", str(config.seed)]
    return before, after


def _number(value: float | None) -> float | str:
    """Return a rounded number, or "" for none; a number is never read as a formula."""
    return "" if value is None or math.isnan(value) else round(value, 6)
