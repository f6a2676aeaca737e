"""Answers for many pictures, a batch at a time: for the command line and the HTTP API."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import islice
from typing import TypeVar

from fsl.base.progress import Progress
from fsl.config import Method
from fsl.data.intake.listing import Problem
from fsl.fewshot.classify import Prediction, classify
from fsl.fewshot.linear_probe import LinearProbe, classify_with_probe
from fsl.fewshot.pictures import NamedImage
from fsl.fewshot.read_pictures import Reader, read_pictures, sort_out
from fsl.fewshot.support import SupportSet
from fsl.twin.checkpoint import Checkpoint
from fsl.twin.inference import device_of

Answer = TypeVar("Answer")
QUERIES_AT_ONCE = 64


def answer_in_batches(
    checkpoint: Checkpoint,
    readers: Sequence[Reader],
    answer: Callable[[list[NamedImage]], list[Answer]],
    *,
    at_once: int = QUERIES_AT_ONCE,
    centre: float = 1.0,
    progress: Progress | None = None,
) -> tuple[list[Answer], list[Problem]]:
    """Decode and answer pictures in batches, so that 10,000 files need no more memory than one batch.

    Args:
        checkpoint: the network that answers.
        readers: for each picture its name and a function that returns its bytes.
        answer: returns one answer for each picture, given at the network's image size.
        at_once: pictures in a batch.
        centre: crop each picture to this share of its width and height, around its middle; 0.1 to 1.
        progress: called with (done, total) pictures after each batch; what it raises ends the work.

    Returns:
        the answers in order, and why the pictures that could not be read were left out.
    """
    on_gpu = device_of(checkpoint.twin).type != "cpu"
    pictures = read_pictures(readers, checkpoint.info.model, centre, ahead=on_gpu)
    answers: list[Answer] = []
    problems: list[Problem] = []
    for start in range(0, len(readers), at_once):
        images, unread = sort_out(islice(pictures, at_once))
        problems += unread
        if images:
            answers += answer(images)
        if progress is not None:
            progress(min(start + at_once, len(readers)), len(readers))
    return answers, problems


def classify_by(
    method: Method | None,
    checkpoint: Checkpoint,
    support: SupportSet,
    images: Sequence[NamedImage],
    *,
    threshold: float | None = None,
    fitted: LinearProbe | None = None,
) -> list[Prediction]:
    """Classify by a rule or by the linear probe; see ``classify`` and ``classify_with_probe``.

    Args:
        method: a rule, "quick" for the linear probe, or None for the checkpoint's default rule.
        threshold: of "unknown", in [0, 1]; None for the checkpoint's calibrated one.
        fitted: the probe, if it was fitted before.

    Raises:
        SettingsError: the threshold is out of range.
        DataError: a class has too few pictures for the probe.
    """
    if method == "quick":
        return classify_with_probe(checkpoint, support, images, threshold, fitted)
    return classify(checkpoint, support, images, method, threshold)
