"""The answers to requests. This imports torch, so it is loaded with the first of them."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from fsl.api.errors import ApiError
from fsl.api.forms import Upload
from fsl.api.memory import Holding
from fsl.base.errors import DataError
from fsl.base.progress import Progress
from fsl.base.text import count
from fsl.config import Method
from fsl.data.intake.listing import Listing, Problem
from fsl.data.intake.server_limits import MAX_PICTURES, PAGE_LIMITS
from fsl.data.intake.zips import list_zip
from fsl.fewshot.answer_batches import answer_in_batches, classify_by
from fsl.fewshot.classify import Prediction
from fsl.fewshot.compare import ProbeAnswer
from fsl.fewshot.comparison_report import (
    Limit,
    comparison_object,
    faces_object,
    refused_reference,
    several_faces,
)
from fsl.fewshot.embed import embed
from fsl.fewshot.faces import compare_photos
from fsl.fewshot.linear_probe import LinearProbe, fit_to_support
from fsl.fewshot.pictures import NamedImage
from fsl.fewshot.prepared import prepare_support
from fsl.fewshot.read_pictures import Reader, read_pictures, read_support, sort_out
from fsl.fewshot.results import remarks, results_object
from fsl.fewshot.support import SupportSet
from fsl.twin.checkpoint import Checkpoint
from fsl.twin.shared_passes import SharedPasses

_MOST_NUMBERS = 500_000
"""Similarities, or values of embeddings, in one answer: about 50 MB of JSON."""
_MANY_PAIRS = 6_400


@dataclass(frozen=True, eq=False)
class Classes:
    """A support set, ready to classify with.

    Attributes:
        checkpoint: the network it was read for.
        support: the labelled pictures, at the network's size.
        left_out: what could not be used.
        notes: what else to tell about the data.
    """

    checkpoint: Checkpoint
    support: SupportSet
    left_out: tuple[Problem, ...]
    notes: tuple[str, ...]

    @cached_property
    def probe(self) -> LinearProbe:
        """Return the linear probe, fitted when it is first used.

        Raises:
            DataError: a class has too few pictures.
        """
        return fit_to_support(self.checkpoint, self.support)

    def counts(self) -> dict[str, int]:
        """Return the number of pictures of each class."""
        found = Counter(self.support.slots)
        return {name: found[slot] for slot, name in enumerate(self.support.class_names)}

    def remarks(self) -> dict[str, Any]:
        """Return what was left out, and the notes, as JSON."""
        return remarks(self.left_out, self.notes)


@dataclass(frozen=True)
class Pictures:
    """The pictures among uploaded files.

    Attributes:
        readers: name and reader of each.
        left_out: zips that cannot be used, and files in zips that are no pictures.
        notes: what to tell about the zips.
    """

    readers: tuple[Reader, ...]
    left_out: tuple[Problem, ...]
    notes: tuple[str, ...]


def pictures_of(uploads: Sequence[Upload], holding: Holding) -> Pictures:
    """Return the pictures among uploaded files, which may be zips of pictures, too.

    Args:
        holding: counts the zips, which are kept in memory.

    Raises:
        ApiError: 413 or 503, there are too many, or there is no room for a zip.
    """
    readers: list[Reader] = []
    left_out: list[Problem] = []
    notes: list[str] = []
    for upload in uploads:
        if not upload.is_zip():
            readers.append((upload.name, upload.read))
            continue
        try:
            listing = listing_of(upload, holding)
        except DataError as error:  # the other files may be good
            left_out.append(Problem.of_whole(upload.name, error))
            continue
        left_out += [problem.inside(upload.name) for problem in listing.problems]
        notes += listing.notes
        readers += [(f"{upload.name}/{entry.name}", entry.read) for entry in listing.entries]
    _refuse_many(len(readers))
    return Pictures(tuple(readers), tuple(left_out), tuple(notes))


def listing_of(upload: Upload, holding: Holding) -> Listing:
    """List the pictures of an uploaded zip.

    Raises:
        ApiError: 503, there is no room for it.
        DataError: it is no zip, or cannot be used.
    """
    data = upload.read()
    holding.take(len(data))
    return list_zip(data, upload.name, PAGE_LIMITS)


def read_classes(
    checkpoint: Checkpoint, listing: Listing, holding: Holding, passes: SharedPasses, progress: Progress
) -> Classes:
    """Read and embed a support set.

    Args:
        checkpoint: the network to read it for.
        listing: the pictures, a folder per class.
        holding: counts the decoded pictures and their embeddings.
        progress: called from time to time; what it raises ends the work.

    Raises:
        ApiError: 413 or 503, there are too many pictures, or no room for them.
        DataError: fewer than two classes have a readable picture.
    """
    n_pictures, side = len(listing.in_classes), checkpoint.info.model.image_size
    _refuse_many(n_pictures)
    holding.take(n_pictures * (side * side * 3 + 4 * checkpoint.twin.embedding_dim))
    support, problems = read_support(listing, checkpoint.info.model)
    prepare_support(checkpoint, support, progress=progress, forward=passes.embed)
    return Classes(checkpoint, support, problems, (*listing.notes, *support.copies_notes))


def classify_pictures(
    classes: Classes,
    queries: Pictures,
    passes: SharedPasses,
    progress: Progress,
    method: Method | None = None,
    threshold: float | None = None,
) -> dict[str, Any]:
    """Classify uploaded pictures.

    Args:
        progress: called after each batch; what it raises ends the work.
        method: a rule, "quick" for the linear probe, None for the network's default.
        threshold: of "unknown", in [0, 1]; None for the network's.

    Returns:
        what ``fsl classify --json`` prints; with ``left_out`` and ``notes`` if there is anything to tell.

    Raises:
        ApiError: 413, the answer would be too large.
        FslError: nothing can be answered.
    """
    checkpoint, support = classes.checkpoint, classes.support
    n_queries, n_support = len(queries.readers), len(support.images)
    asked = f"{count(n_queries, 'query', 'queries')} against {count(n_support, 'support picture')}"
    _refuse_long_answer(n_queries * n_support, asked, "similarities")
    prepare_support(checkpoint, support, progress=progress, forward=passes.embed)
    fitted = classes.probe if method == "quick" else None

    def answer(images: list[NamedImage]) -> list[Prediction]:
        embed(checkpoint, images, forward=passes.embed)
        many = len(images) * len(support.images) > _MANY_PAIRS
        with passes.alone if many else nullcontext():
            return classify_by(method, checkpoint, support, images, threshold=threshold, fitted=fitted)

    found, unread = answer_in_batches(checkpoint, queries.readers, answer, progress=progress)
    left_out, notes = (*queries.left_out, *unread), (*classes.notes, *queries.notes)
    _require(found, left_out, "queries")
    return results_object(found, support) | remarks((*classes.left_out, *left_out), notes)


def compare_pictures(
    checkpoint: Checkpoint,
    references: Pictures,
    probes: Pictures,
    limit: Limit,
    passes: SharedPasses,
    progress: Progress,
) -> dict[str, Any]:
    """Compare uploaded pictures with reference pictures of one person or thing.

    Returns:
        what ``fsl compare --json`` prints; with ``left_out`` and ``notes`` if there is anything to tell.

    Raises:
        ApiError: 413, the answer would be too large.
        FslError: a reference cannot be read, or no probe can.
    """
    n_references, n_probes = len(references.readers), len(probes.readers)
    _refuse_long_answer(
        n_references * n_probes,
        f"{count(n_references, 'reference')} and {count(n_probes, 'probe')}",
        "similarities",
    )
    seen, unreadable = sort_out(read_pictures(references.readers, checkpoint.info.model))
    if unreadable or not seen:
        first = [*unreadable, *references.left_out]
        raise refused_reference(first[0]) if first else DataError("The reference holds no picture.")
    embed(checkpoint, seen, progress=progress, forward=passes.embed)
    faces = faces_object(seen)

    def answer(images: list[NamedImage]) -> list[ProbeAnswer]:
        faces.extend(faces_object(images))
        photos = [(photo, *photo.other_faces) for photo in images]
        embed(checkpoint, [face for photo in photos for face in photo], forward=passes.embed)
        return compare_photos(checkpoint, seen, photos, limit.threshold)

    found, unread = answer_in_batches(checkpoint, probes.readers, answer, progress=progress)
    left_out = (*references.left_out, *probes.left_out, *unread)
    _require(found, left_out, "probes")
    notes = (*references.notes, *several_faces(seen), *probes.notes)
    out = comparison_object(checkpoint, seen, found, limit)
    return out | {"faces": faces} | remarks(left_out, notes)


def embed_pictures(
    checkpoint: Checkpoint, pictures: Pictures, passes: SharedPasses, progress: Progress
) -> dict[str, Any]:
    """Embed uploaded pictures.

    Returns:
        what ``fsl embed --json`` prints, and ``embeddings: [{image, embedding}]``; with ``left_out`` and
        ``notes`` if there is anything to tell.

    Raises:
        ApiError: 413, the answer would be too large.
        DataError: no picture can be read.
    """
    dimension = checkpoint.twin.embedding_dim
    n_pictures = len(pictures.readers)
    _refuse_long_answer(n_pictures * dimension, count(n_pictures, "picture"), "numbers")
    began = time.perf_counter()

    def answer(images: list[NamedImage]) -> list[dict[str, Any]]:
        rows = embed(checkpoint, images, forward=passes.embed).tolist()
        return [{"image": i.name, "embedding": row} for i, row in zip(images, rows, strict=True)]

    found, unread = answer_in_batches(checkpoint, pictures.readers, answer, progress=progress)
    left_out = (*pictures.left_out, *unread)
    _require(found, left_out, "pictures")
    seconds = round(time.perf_counter() - began, 2)
    out = {"images": len(found), "dimension": dimension, "seconds": seconds, "embeddings": found}
    return out | remarks(left_out, pictures.notes)


def _require(found: Sequence[object], left_out: Sequence[Problem], what: str) -> None:
    if not found:
        first = f" ({left_out[0]})" if left_out else ""
        raise DataError(f"None of the {what} is a readable image{first}.")


def _refuse_many(n_pictures: int) -> None:
    if n_pictures > MAX_PICTURES:
        raise ApiError(
            413,
            f"These are {count(n_pictures, 'picture')}; a request may have at most {MAX_PICTURES:,}. Send "
            "several requests, or use the command line: python -m fsl.",
        )


def _refuse_long_answer(n_numbers: int, asked: str, numbers: str) -> None:
    if n_numbers > _MOST_NUMBERS:
        raise ApiError(
            413,
            f"{asked} make {n_numbers:,} {numbers}; one answer holds at most {_MOST_NUMBERS:,}. Send fewer "
            "pictures at once.",
        )
