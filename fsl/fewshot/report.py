"""An evaluation as tables (CSV that is safe to open) and as the command that repeats it."""

from __future__ import annotations

import csv
import io
import math
import shlex
from collections.abc import Iterable, Mapping, Sequence

from fsl.config import EpisodeConfig
from fsl.data.tables import safe_cell
from fsl.fewshot.assess import Answers, Cell, auroc, paired_difference, reliability
from fsl.fewshot.evaluate import EvaluationResult


def summary_csv(answers: Mapping[str, Answers], n_classes: int, config: EpisodeConfig) -> str:
    """A row for each contender: accuracy, calibration, strangers, difference from the first.

    Args:
        answers: by contender's name, of the same episodes.
        n_classes: C.
        config: the episodes' settings, written into every row.
    """
    header = [
        "network", "way", "shot", "query", "episodes", "seed", "accuracy", "ci95", "calibration_error",
        "unknown_auroc", "difference_from_first", "difference_ci95",
    ]  # fmt: skip
    rows = []
    first = next(iter(answers.values())).result(n_classes).episode_accuracy
    for name, given in answers.items():
        result = given.result(n_classes)
        difference = paired_difference(result.episode_accuracy, first)
        settings = [config.n_way, config.n_shot, config.n_query, given.n_episodes, config.seed]
        strangers = given.stranger_similarity
        numbers = [
            result.accuracy,
            result.ci95,
            reliability(given.confidence, given.right).error,
            None if strangers is None else auroc(given.similarity, strangers),
            difference.mean,
            difference.ci95,
        ]
        rows.append([name, *settings, *map(_number, numbers)])
    return _table(header, rows)


def confusion_csv(result: EvaluationResult, class_names: Sequence[str]) -> str:
    """A row for each true class: its accuracy, then how often each class was answered."""
    rows = [
        [name, _number(result.per_class[i]), *result.confusion[i].tolist()]
        for i, name in enumerate(class_names)
    ]
    return _table(["true class", "accuracy", *class_names], rows)


def episodes_csv(answers: Mapping[str, Answers]) -> str:
    """A row for each episode: its number, and the accuracy of each contender in it."""
    accuracies = [given.right.mean(axis=(1, 2)).tolist() for given in answers.values()]
    rows = ([number, *map(_number, row)] for number, row in enumerate(zip(*accuracies, strict=True)))
    return _table(["episode", *answers], rows)


def grid_csv(cells: Iterable[Cell]) -> str:
    """A row for each number of ways and shots."""
    rows = [[c.n_way, c.n_shot, _number(c.accuracy), _number(c.ci95)] for c in cells]
    return _table(["way", "shot", "accuracy", "ci95"], rows)


def evaluate_command(
    data: str, checkpoint: str, config: EpisodeConfig, classes: str = "", per_class: int = 0
) -> str:
    """The shell command whose figures are those of the same evaluation here.

    Args:
        data: as ``--data`` takes it.
        checkpoint: a checkpoint's name or a baseline's.
        config: the episodes.
        classes: as ``--classes`` takes it, "" for all.
        per_class: images of each class at most, 0 for all.
    """
    words = ["python", "-m", "fsl", "evaluate", "--data", data]
    words += ["--classes", classes] if classes else []
    words += ["--per-class", str(per_class)] if per_class else []
    words += ["--checkpoint", checkpoint, "--way", str(config.n_way), "--shot", str(config.n_shot)]
    words += ["--query", str(config.n_query), "--episodes", str(config.n_episodes)]
    return shlex.join([*words, "--seed", str(config.seed)])


def _number(value: float | None) -> str:
    return "" if value is None or math.isnan(value) else f"{value:.6f}"


def _table(header: Sequence[object], rows: Iterable[Sequence[object]]) -> str:
    out = io.StringIO()
    writer = csv.writer(out)
    for row in (header, *rows):
        writer.writerow([safe_cell(cell) if isinstance(cell, str) else cell for cell in row])
    return out.getvalue()
