"""``compare``: say whether pictures show the same person or thing, with error rates measured beforehand."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import fsl
from fsl.base.errors import DataError
from fsl.base.text import distinct_texts, limit_text
from fsl.cli.common import (
    add_align_option,
    add_centre_option,
    add_checkpoint_option,
    add_device_option,
    image_readers,
    maybe_without_alignment,
    progress_bar,
    require_answers,
)
from fsl.cli.output import add_json_option, print_json
from fsl.fewshot.answer_batches import answer_in_batches
from fsl.fewshot.compare import ProbeAnswer
from fsl.fewshot.comparison_report import (
    FALSE_ACCEPT,
    choose_limit,
    comparison_object,
    faces_object,
    refused_reference,
    sentence_for,
    several_faces,
)
from fsl.fewshot.faces import compare_photos
from fsl.fewshot.pictures import NamedImage
from fsl.fewshot.read_pictures import read_pictures, sort_out
from fsl.fewshot.results import remarks

PROBES_AT_ONCE = 256


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of this command to its parser."""
    parser.add_argument(
        "reference",
        type=Path,
        metavar="REFERENCE",
        help="a picture, or a folder or zip of pictures of one person or thing",
    )
    parser.add_argument(
        "probe",
        nargs="+",
        type=Path,
        metavar="PROBE",
        help="pictures to compare with it: files, folders or zips",
    )
    add_checkpoint_option(parser, default="faces")
    parser.add_argument(
        "--far",
        type=float,
        default=FALSE_ACCEPT,
        metavar="RATE",
        help="false-accept rate: share of different pairs that may be called the same (default: %(default)s)",
    )
    parser.add_argument(
        "--threshold", type=float, help="call a pair the same from this similarity on, 0 to 1; replaces --far"
    )
    add_centre_option(parser)
    add_align_option(parser)
    add_device_option(parser)
    add_json_option(parser)


def run(options: argparse.Namespace) -> None:
    """Compare every probe with every reference and print the answers."""
    checkpoint = maybe_without_alignment(fsl.load(options.checkpoint, options.device), options)
    limit = choose_limit(checkpoint, options.threshold, options.far, prefix="--")
    model = checkpoint.info.model
    of_reference, left_out = image_readers([options.reference])
    references, problems = sort_out(read_pictures(of_reference, model, options.centre))
    if problems:
        raise refused_reference(problems[0])
    if not references:
        raise DataError(f"{options.reference} holds no picture. Name a picture, or a folder of them.")
    for note in several_faces(references):
        print(note, file=sys.stderr)
    faces = faces_object(references)

    def answer_probes(probes: list[NamedImage]) -> list[ProbeAnswer]:
        faces.extend(faces_object(probes))
        return compare_photos(checkpoint, references, [(p, *p.other_faces) for p in probes], limit.threshold)

    readers, besides = image_readers(options.probe)
    with progress_bar("probes") as progress:
        answers, unread = answer_in_batches(
            checkpoint,
            readers,
            answer_probes,
            at_once=PROBES_AT_ONCE,
            centre=options.centre,
            progress=progress,
        )
    require_answers(answers, unread, "probes")
    if options.json:
        found = comparison_object(checkpoint, references, answers, limit)
        print_json({**found, "faces": faces, **remarks([*left_out, *besides, *unread])})
        return
    for answer in answers:
        similarity, _ = distinct_texts(answer.similarity, limit.threshold)
        among = f"\tface {answer.face + 1} of {answer.n_faces}" if answer.n_faces > 1 else ""
        print(f"{answer.probe}\t{'same' if answer.same else 'different'}\t{similarity}{among}")
    print(f"Limit {limit_text(limit.threshold)}. {sentence_for(references, limit)}".rstrip())
