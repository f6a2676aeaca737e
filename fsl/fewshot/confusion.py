"""Which classes and images are confused with which others."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fsl.base.types import IntArray
from fsl.fewshot.answers import Answers


@dataclass(frozen=True)
class ConfusedImage:
    """One image that was taken for another class.

    Attributes:
        row: of the image.
        true: its class.
        answered: the class it was taken for.
        times: how often that happened.
        asked: number of episodes in which it was a query.
    """

    row: int
    true: int
    answered: int
    times: int
    asked: int


def all_confused_images(answers: Answers) -> tuple[ConfusedImage, ...]:
    """Return every image that was taken for another class, once per such class, most often first."""
    classes, rows = answers.episodes.classes, answers.episodes.query
    given = np.take_along_axis(classes, answers.ways.reshape(len(rows), -1), axis=1).reshape(rows.shape)
    true = np.broadcast_to(classes[:, :, None], rows.shape)
    class_of = np.zeros(rows.max() + 1, np.int64)
    class_of[rows] = true
    asked = np.bincount(rows.reshape(-1))
    n = int(classes.max()) + 1
    cases, times = np.unique((rows * n + given)[~answers.right], return_counts=True)
    found = [
        ConfusedImage(case // n, int(class_of[case // n]), case % n, often, int(asked[case // n]))
        for case, often in zip(cases.tolist(), times.tolist(), strict=True)
    ]
    return tuple(sorted(found, key=lambda image: (-image.times, image.row)))


def mistakes(confusion: IntArray, most: int) -> list[tuple[int, int]]:
    """Return the most frequent mistakes, most frequent first.

    Args:
        confusion: int64 ``(C, C)``, true class by answered class.
        most: largest number to return.

    Returns:
        true class and answered class of each; equally frequent ones in the order of the classes.
    """
    wrong = _only_mistakes(confusion)
    order = np.argsort(-wrong, axis=None, kind="stable")[:most]
    return [divmod(int(place), len(wrong)) for place in order if wrong.flat[place]]


def most_confused(confusion: IntArray, most: int) -> list[int]:
    """Return the classes with the most mistakes, in the order of the classes.

    Args:
        confusion: int64 ``(C, C)``, true class by answered class.
        most: largest number to return.
    """
    wrong = _only_mistakes(confusion)
    parts = wrong.sum(0) + wrong.sum(1)
    return sorted(int(row) for row in np.argsort(-parts, kind="stable")[:most])


def _only_mistakes(confusion: IntArray) -> IntArray:
    """Return a confusion matrix without the correct answers."""
    return confusion * ~np.eye(len(confusion), dtype=bool)


def confused_images(answers: Answers, true: int, answered: int) -> tuple[ConfusedImage, ...]:
    """Return the images of class ``true`` that were taken for class ``answered``, most often first."""
    found = all_confused_images(answers)
    return tuple(image for image in found if (image.true, image.answered) == (true, answered))
