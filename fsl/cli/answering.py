"""Pictures answered a few at a time: for ``classify`` and ``compare``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import islice
from typing import TypeVar

from fsl.base.errors import DataError
from fsl.cli.common import ProgressBar, report
from fsl.data.intake.listing import Problem
from fsl.fewshot.read_pictures import Reader, read_pictures, sort_out
from fsl.fewshot.support import NamedImage
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
    """Decode and answer pictures, so many at a time that memory stays bounded with 10,000 files.

    Args:
        checkpoint: the network that answers.
        readers: a name and what gives the file's bytes, each.
        answer: gives an answer for each picture of the network's size.
        at_once: pictures it is given.
        what: the pictures are, for the progress bar.
        centre: the share of each picture's sides that is taken, from its middle, 0.1 to 1.

    Returns:
        the answers, in order, and what is wrong with the pictures that cannot be read.
    """
    on_gpu = device_of(checkpoint.twin).type != "cpu"
    pictures = read_pictures(readers, checkpoint.info.model, centre, ahead=on_gpu)
    answers: list[Answer] = []
    problems: list[Problem] = []
    with ProgressBar(what) as progress:
        for start in range(0, len(readers), at_once):
            images, unread = sort_out(islice(pictures, at_once))
            problems += unread
            if images:
                answers += answer(images)
            progress(min(start + at_once, len(readers)), len(readers))
    return answers, problems


def require_answers(answers: Sequence[object], problems: Sequence[Problem], what: str) -> None:
    """Name the pictures that were left out, and refuse to go on without an answer.

    Args:
        answers: of all pictures.
        problems: what is wrong with those that cannot be read.
        what: the pictures are, in the plural.

    Raises:
        DataError: there is no answer.
    """
    report(problems)
    if not answers:
        first = f" ({problems[0]})" if problems else ""
        raise DataError(f"None of the {what} is a readable image{first}. Name files, or a folder of them.")
