"""Answers for many pictures with a progress bar, for ``classify`` and ``compare``."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from fsl.base.errors import DataError
from fsl.cli.common import progress_bar, report
from fsl.data.intake.listing import Problem
from fsl.fewshot.answering import Answer, answer_in_batches
from fsl.fewshot.pictures import NamedImage
from fsl.fewshot.read_pictures import Reader
from fsl.twin.checkpoint import Checkpoint


def answer_with_progress(
    checkpoint: Checkpoint,
    readers: Sequence[Reader],
    answer: Callable[[list[NamedImage]], list[Answer]],
    *,
    at_once: int,
    what: str,
    centre: float = 1.0,
) -> tuple[list[Answer], list[Problem]]:
    """Answer pictures like ``answer_in_batches``, with a progress bar that calls them ``what``, a plural."""
    with progress_bar(what) as progress:
        return answer_in_batches(
            checkpoint, readers, answer, at_once=at_once, centre=centre, progress=progress
        )


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
