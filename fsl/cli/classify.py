"""``classify``: say which class each picture shows, from a folder of examples per class."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

import fsl
from fsl.base.errors import SettingsError
from fsl.cli.common import (
    add_checkpoint_option,
    add_device_option,
    image_readers,
    progress_bar,
    report,
    report_notes,
    require_answers,
)
from fsl.cli.output import add_json_option, print_json, require_writable, write_result
from fsl.cli.sorting import Answered, sort_queries
from fsl.config import METHODS
from fsl.data.intake.folders import list_images
from fsl.data.intake.listing import Problem
from fsl.fewshot.answer_batches import answer_in_batches, classify_by
from fsl.fewshot.classify import Prediction
from fsl.fewshot.embed import embed
from fsl.fewshot.linear_probe import fit_to_support
from fsl.fewshot.pictures import NamedImage
from fsl.fewshot.prepared import prepare_support
from fsl.fewshot.read_pictures import read_support
from fsl.fewshot.results import remarks, results_csv, results_object
from fsl.fewshot.scores import check_threshold
from fsl.fewshot.sort_files import check_destination
from fsl.fewshot.support import SupportSet
from fsl.fewshot.together import answered_together
from fsl.training.distributed import join_process_group
from fsl.twin.checkpoint import Checkpoint


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of this command to its parser."""
    parser.add_argument(
        "--support", required=True, type=Path, metavar="DIR|ZIP", help="a folder per class, with its examples"
    )
    parser.add_argument(
        "--query",
        required=True,
        nargs="+",
        type=Path,
        metavar="PATH",
        help="pictures to classify: files, folders or zips",
    )
    add_checkpoint_option(parser, default="photos")
    parser.add_argument(
        "--rule",
        choices=METHODS,
        help="how a class's support images are combined (default: the checkpoint's rule); quick: a linear "
        "probe fitted to the support images, which needs at least 5 of each class",
    )
    parser.add_argument(
        "--together",
        action="store_true",
        help="let all queries of this call say where the classes lie: better with one or two examples of a "
        "class and queries of the same classes; but an answer then depends on which other queries there are",
    )
    parser.add_argument("--threshold", type=float, help="answer unknown below this similarity, 0 to 1")
    add_device_option(parser)
    parser.add_argument("--csv", type=Path, metavar="OUT", help="write a table with a row per query")
    parser.add_argument(
        "--sort-into",
        type=Path,
        metavar="DIR",
        help="put the queries into a folder per class, and one for unknown: hard links where possible, else "
        "copies; DIR must be new or empty",
    )
    add_json_option(parser)


def run(options: argparse.Namespace) -> None:
    """Classify every query and print or write the answers; processes of ``torchrun`` share the work."""
    _check(options)
    with join_process_group(options.device) as group:
        checkpoint = fsl.load(options.checkpoint, options.device)
        support, left_out = _read_support(options.support, checkpoint)
        with progress_bar("support images") as progress:
            prepare_support(checkpoint, support, progress=progress)
        queries, besides = image_readers(options.query)
        embeddings: list[Tensor] = []
        answer_some = _answerer(checkpoint, support, options, embeddings)
        mine = queries[group.share(len(queries))]
        with progress_bar("queries") as progress:
            answered, unread = answer_in_batches(checkpoint, mine, answer_some, progress=progress)
        answered, unread = group.gather_objects(answered), group.gather_objects(unread)
        embeddings = group.gather_objects(embeddings)
    if not group.is_main:
        return
    require_answers(answered, unread, "queries")
    left_out += [*besides, *unread]
    predictions = [prediction for _, prediction in answered]
    if options.together:
        predictions = answered_together(checkpoint, support, torch.cat(embeddings), predictions)
        answered = [(digest, found) for (digest, _), found in zip(answered, predictions, strict=True)]
    sorted_files: dict[str, Any] = {}
    try:
        if options.csv:
            write_result(options.csv, results_csv(predictions, support))
        if options.sort_into:
            sorted_files = sort_queries(options.sort_into, answered, queries, support)
    finally:  # a full disk does not cost the answers
        if options.json:
            print_json(results_object(predictions, support) | remarks(left_out) | sorted_files)
        else:
            _print(predictions)


def _print(predictions: Sequence[Prediction]) -> None:
    for p in predictions:
        nearest = max(p.class_similarity, key=p.class_similarity.__getitem__)
        answer = f"unknown (nearest: {nearest})" if p.unknown else p.label
        print(f"{p.query}\t{answer}\t{p.probability:.3f}")


def _check(options: argparse.Namespace) -> None:
    """Refuse impossible options before anything is computed."""
    if options.threshold is not None:
        check_threshold(options.threshold, "--threshold")
    if options.together and options.rule not in (None, "prototype"):
        raise SettingsError(
            f"--together compares with the mean of each class, which --rule {options.rule} does not do; "
            "leave out one of them."
        )
    if options.csv:
        require_writable(options.csv, "--csv")
    if options.sort_into:
        check_destination(options.sort_into)


def _read_support(path: Path, checkpoint: Checkpoint) -> tuple[SupportSet, list[Problem]]:
    """Read the examples; report on stderr, and return, what is left out; report what is there twice."""
    listing = list_images(path)
    support, problems = read_support(listing, checkpoint.info.model)
    report(problems)
    report_notes((*listing.notes, *support.copies_notes))
    return support, list(problems)


def _answerer(
    checkpoint: Checkpoint, support: SupportSet, options: argparse.Namespace, embeddings: list[Tensor]
) -> Callable[[list[NamedImage]], list[Answered]]:
    """Return a function that gives each picture's digest and answer.

    With ``--together`` it appends the embeddings ``(n, D)`` of the pictures to ``embeddings``.
    """

    def answer(images: list[NamedImage]) -> list[Answered]:
        predictions = classify_by(
            options.rule, checkpoint, support, images, threshold=options.threshold, fitted=fitted
        )
        if options.together:
            embeddings.append(embed(checkpoint, images))
        return [(image.digest, prediction) for image, prediction in zip(images, predictions, strict=True)]

    fitted = fit_to_support(checkpoint, support) if options.rule == "quick" else None
    return answer
