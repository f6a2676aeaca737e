"""Answers for many pictures, a batch at a time, for ``classify`` and ``compare``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import islice
from typing import TypeVar

from fsl.base.errors import DataError
from fsl.cli.common import progress_bar, report
from fsl.data.intake.listing import Problem
from fsl.fewshot.pictures import NamedImage
from fsl.fewshot.read_pictures import Reader, read_pictures, sort_out
from fsl.twin.checkpoint import Checkpoint
from fsl.twin.inference import device_of

Answer = TypeVar("Answer")


def answer_in_batches(
    checkpoint: Checkpoint,
    readers: Sequence[Reader],
    answer: Callable[[list[NamedImage]], list[Answer]],
    *,
    at_once: int,
    what: str,
    centre: float = 1.0,
) -> tuple[list[Answer], list[Problem]]:
    """Decode and answer pictures in batches, so that 10,000 files need no more memory than one batch.

    Args:
        checkpoint: the network that answers.
        readers: for each picture its name and a function that returns its bytes.
        answer: returns one answer for each picture, given at the network's image size.
        at_once: pictures in a batch.
        what: what the pictures are, in the plural, for the progress bar.
        centre: crop each picture to this share of its width and height, around its middle; 0.1 to 1.

    Returns:
        the answers in order, and why the pictures that could not be read were left out.
    """
    on_gpu = device_of(checkpoint.twin).type != "cpu"
    pictures = read_pictures(readers, checkpoint.info.model, centre, ahead=on_gpu)
    answers: list[Answer] = []
    problems: list[Problem] = []
    with progress_bar(what) as progress:
        for start in range(0, len(readers), at_once):
            images, unread = sort_out(islice(pictures, at_once))
            problems += unread
            if images:
                answers += answer(images)
            progress(min(start + at_once, len(readers)), len(readers))
    return answers, problems


def require_answers(answers: Sequence[object], problems: Sequence[Problem], what: str) -> None:
    """Report the pictures that were left out, and fail if no picture has an answer.

    Args:
        answers: the answers for all pictures that could be read.
        problems: why the others could not be.
        what: what the pictures are, in the plural.

    Raises:
        DataError: there is no answer.
    """
    report(problems)
    if not answers:
        first = f" ({problems[0]})" if problems else ""
        raise DataError(f"None of the {what} is a readable image{first}. Name files, or a folder of them.")
