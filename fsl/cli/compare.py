"""``compare``: say whether pictures show the same person or thing, with error rates measured beforehand."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import fsl
from fsl.base.errors import DataError
from fsl.base.text import distinct_texts, limit_text
from fsl.cli.answering import answer_in_batches, require_answers
from fsl.cli.common import add_centre_option, add_checkpoint_option, add_device_option, image_readers
from fsl.cli.faces import add_align_option, face_json, maybe_without_alignment
from fsl.cli.output import add_json_option, print_json
from fsl.fewshot.compare import ProbeAnswer, measured_rates
from fsl.fewshot.error_rate_text import OF_SINGLE_REFERENCES, describe_error_rates
from fsl.fewshot.faces import compare_photos
from fsl.fewshot.pictures import NamedImage
from fsl.fewshot.read_pictures import read_pictures, sort_out
from fsl.fewshot.scores import check_threshold
from fsl.twin.checkpoint import Checkpoint
from fsl.twin.faces.prepare import face_of

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
        default=0.01,
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
    threshold, sentence = _threshold(checkpoint, options.threshold, options.far)
    model = checkpoint.info.model
    references, problems = sort_out(read_pictures(image_readers(options.reference), model, options.centre))
    if problems:
        raise DataError(f"{problems[0].name}: {problems[0].reason}.")
    if not references:
        raise DataError(f"{options.reference} holds no picture. Name a picture, or a folder of them.")
    for reference in references:
        if reference.other_faces:
            n_faces = 1 + len(reference.other_faces)
            print(f"{reference.name}: {n_faces} faces, the most prominent is used", file=sys.stderr)
    faces = _faces(references)

    def answer_probes(probes: list[NamedImage]) -> list[ProbeAnswer]:
        faces.extend(_faces(probes))
        return compare_photos(checkpoint, references, [(p, *p.other_faces) for p in probes], threshold)

    answers, unread = answer_in_batches(
        checkpoint,
        [entry for path in options.probe for entry in image_readers(path)],
        answer_probes,
        at_once=PROBES_AT_ONCE,
        what="probes",
        centre=options.centre,
    )
    require_answers(answers, unread, "probes")
    if sentence and len(references) > 1:
        sentence = f"{sentence} {OF_SINGLE_REFERENCES}"
    if options.json:
        print_json({**_as_json(checkpoint, references, answers, threshold, sentence), "faces": faces})
        return
    for answer in answers:
        similarity, _ = distinct_texts(answer.similarity, threshold)
        among = f"\tface {answer.face + 1} of {answer.n_faces}" if answer.n_faces > 1 else ""
        print(f"{answer.probe}\t{'same' if answer.same else 'different'}\t{similarity}{among}")
    print(f"Limit {limit_text(threshold)}. {sentence}".rstrip())


def _faces(pictures: Sequence[NamedImage]) -> list[dict[str, Any]]:
    """Return the faces that were found in each picture, for networks that look for faces."""
    shown = [face for picture in pictures for face in (picture, *picture.other_faces)]
    found = ((picture.name, face_of(picture.image)) for picture in shown)
    return [face_json(name, face) for name, face in found if face is not None]


def _threshold(checkpoint: Checkpoint, given: float | None, false_accept: float) -> tuple[float, str]:
    """Return the threshold, and a sentence about its error rates."""
    rates = checkpoint.info.pairs
    if given is not None:
        check_threshold(given, "--threshold")
        return given, describe_error_rates(rates, given, checkpoint.info.subject) if rates else ""
    if not 0 < false_accept <= 1:
        raise DataError(f"--far is {false_accept}; it must be above 0, and at most 1.")
    rates = measured_rates(checkpoint)
    threshold = rates.threshold_at(false_accept)
    return threshold, describe_error_rates(rates, threshold, checkpoint.info.subject)


def _as_json(
    checkpoint: Checkpoint,
    references: Sequence[NamedImage],
    answers: Sequence[ProbeAnswer],
    threshold: float,
    sentence: str,
) -> dict[str, Any]:
    pairs = [
        {
            "reference": reference.name,
            "probe": answer.probe,
            "similarity": similarity,
            "same": similarity >= threshold,
            "threshold": threshold,
        }
        for answer in answers
        for reference, similarity in zip(references, answer.pairs, strict=True)
    ]
    probes = [
        {"probe": a.probe, "similarity": a.similarity, "same": a.same, "face": a.face, "n_faces": a.n_faces}
        for a in answers
    ]
    out: dict[str, Any] = {"pairs": pairs, "probes": probes, "checkpoint": checkpoint.info.name}
    rates = checkpoint.info.pairs
    if rates:
        out["false_accept"] = rates.false_accept(threshold)
        out["false_accept_high"] = rates.highest_false_accept(threshold)
        out["false_reject"] = rates.false_reject(threshold)
        out["promise"] = sentence
    return out
