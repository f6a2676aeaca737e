"""Comparisons for programs: the limit asked for, the faces found, and the answers as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from fsl.base.errors import DataError, NoFaceError
from fsl.data.intake.listing import Problem
from fsl.fewshot.compare import ProbeAnswer, measured_rates
from fsl.fewshot.error_rate_text import OF_SINGLE_REFERENCES, describe_error_rates
from fsl.fewshot.pictures import NamedImage
from fsl.fewshot.scores import check_false_accept, check_threshold
from fsl.twin.checkpoint import Checkpoint
from fsl.twin.faces.detect import Face
from fsl.twin.faces.prepare import face_of

FALSE_ACCEPT = 0.01
"""Usual false-accept rate: share of different pairs that may be called the same."""


@dataclass(frozen=True)
class Limit:
    """The similarity from which on a pair counts as the same.

    Attributes:
        threshold: in [0, 1].
        sentence: the error rates measured there, for people; "" if none were measured.
    """

    threshold: float
    sentence: str


def choose_limit(
    checkpoint: Checkpoint, threshold: float | None, false_accept: float, prefix: str = ""
) -> Limit:
    """Return the limit for a threshold, or for a false-accept rate if no threshold is given.

    Args:
        checkpoint: the twin network, with the error rates that were measured.
        threshold: in [0, 1], or None.
        false_accept: the requested false-accept rate, above 0 and at most 1.
        prefix: put before "threshold" and "far" in messages ("--").

    Raises:
        SettingsError: the threshold or the rate is out of range, or no error rates were measured.
    """
    rates = checkpoint.info.pairs
    if threshold is not None:
        check_threshold(threshold, f"{prefix}threshold")
        return Limit(
            threshold, describe_error_rates(rates, threshold, checkpoint.info.subject) if rates else ""
        )
    check_false_accept(false_accept, f"{prefix}far")
    rates = measured_rates(checkpoint)
    chosen = rates.threshold_at(false_accept)
    return Limit(chosen, describe_error_rates(rates, chosen, checkpoint.info.subject))


def without_alignment(checkpoint: Checkpoint) -> Checkpoint:
    """Return a network that takes the middle square of each picture instead of looking for a face.

    A network that looks for no faces is returned unchanged.
    """
    model = checkpoint.info.model
    if model.fit != "face":
        return checkpoint
    info = replace(checkpoint.info, model=replace(model, fit="crop"))
    # Embeddings are cached by the digest, and a whole picture has another one than the face in it.
    return replace(checkpoint, info=info, digest=f"{checkpoint.digest}/whole")


def refused_reference(problem: Problem) -> DataError:
    """Return the error of a reference that cannot be used, with what to do if it shows no face."""
    if problem.reason != str(NoFaceError()):
        return DataError(f"{problem}.")
    return DataError(
        f"{problem}. This network compares people; to compare things, choose another, such as the checkpoint "
        "photos."
    )


def face_json(image: str, face: Face) -> dict[str, Any]:
    """Return a face as JSON: which image, box, landmarks in pixels, and the detector's score."""
    return {
        "image": image,
        "box": [round(edge, 1) for edge in face.box],
        "landmarks": [[round(x, 1), round(y, 1)] for x, y in face.landmarks.tolist()],
        "score": round(face.score, 4),
    }


def faces_object(pictures: Sequence[NamedImage]) -> list[dict[str, Any]]:
    """Return the faces that were found in each picture, for networks that look for faces."""
    shown = [face for picture in pictures for face in (picture, *picture.other_faces)]
    found = ((picture.name, face_of(picture.image)) for picture in shown)
    return [face_json(name, face) for name, face in found if face is not None]


def several_faces(references: Sequence[NamedImage]) -> list[str]:
    """Return a note on each reference photo with several faces, of which the most prominent is used."""
    return [
        f"{reference.name}: {1 + len(reference.other_faces)} faces, the most prominent is used"
        for reference in references
        if reference.other_faces
    ]


def comparison_object(
    checkpoint: Checkpoint, references: Sequence[NamedImage], answers: Sequence[ProbeAnswer], limit: Limit
) -> dict[str, Any]:
    """Return ``{"pairs": [...], "probes": [...], "checkpoint": ...}``, and the error rates if known."""
    pairs = [
        {
            "reference": reference.name,
            "probe": answer.probe,
            "similarity": similarity,
            "same": similarity >= limit.threshold,
            "threshold": limit.threshold,
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
        out["false_accept"] = rates.false_accept(limit.threshold)
        out["false_accept_high"] = rates.highest_false_accept(limit.threshold)
        out["false_reject"] = rates.false_reject(limit.threshold)
        out["promise"] = sentence_for(references, limit)
    return out


def sentence_for(references: Sequence[NamedImage], limit: Limit) -> str:
    """Return the sentence about error rates, which says that they are those of single references."""
    if limit.sentence and len(references) > 1:
        return f"{limit.sentence} {OF_SINGLE_REFERENCES}"
    return limit.sentence
