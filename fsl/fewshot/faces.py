"""Photos with several people: each face is a picture of its own, and the most similar one answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from fsl.fewshot.compare import ProbeAnswer, compare
from fsl.fewshot.pictures import NamedImage, Picture
from fsl.twin.checkpoint import Checkpoint
from fsl.twin.faces.align import FACE_SIZE
from fsl.twin.faces.detect import people_in
from fsl.twin.faces.prepare import cut_out


def faces_in(photo: Picture, size: int = FACE_SIZE) -> tuple[NamedImage, ...]:
    """Return the faces of a photo, upright, the most prominent first; none if no face is found.

    Args:
        photo: its image is RGB and upright.
        size: side of the faces' pictures in pixels.
    """
    image = photo.image
    return tuple(
        NamedImage(photo.name, cut_out(image, face, size), face_digest(photo.digest, number))
        for number, face in enumerate(people_in(image))
    )


def face_digest(photo: str, number: int) -> str:
    """Return the digest of a face from that of its photo: the main face, number 0, answers for the photo."""
    return f"{photo}#{number}" if number else photo


def compare_photos(
    checkpoint: Checkpoint,
    references: Sequence[Picture],
    probes: Sequence[Sequence[Picture]],
    threshold: float,
) -> list[ProbeAnswer]:
    """Compare photos with the references of one person: the answer is that of the most similar face.

    With k faces, a false match is up to k times as likely as with one.

    Args:
        references: one or more faces of one person.
        probes: the faces of each photo, at least one.
        threshold: lowest similarity that counts as the same, in [0, 1].

    Returns:
        one answer per photo, in order, which says which face it is about.

    Raises:
        SettingsError: there is no reference, or the threshold is out of range.
    """
    answers = iter(compare(checkpoint, references, [face for faces in probes for face in faces], threshold))
    best = []
    for faces in probes:
        of_faces = [next(answers) for _ in faces]
        position = max(range(len(of_faces)), key=lambda number: of_faces[number].similarity)
        best.append(replace(of_faces[position], face=position, n_faces=len(of_faces)))
    return best
