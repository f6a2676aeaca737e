"""Embed a data set into shards: one function, whichever engine calls it.

A local process, each process of ``torchrun`` and each actor of Ray makes a :class:`ShardEmbedder` and calls
it with the numbers of shards. Pictures are embedded in the same batches each time, so all engines write the
same rows.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fsl.base.errors import DataError
from fsl.base.progress import Progress
from fsl.base.types import PixelArray
from fsl.config import Device
from fsl.data.catalogue import ArraySource, open_source
from fsl.data.intake.listing import ImageEntry, Problem
from fsl.data.loading import chosen_entries, decode_entries, outside_classes
from fsl.data.query import ImageQuery
from fsl.embedding.shards import SHARD_SIZE, ShardInfo, ShardRows, StorePlan, pictures_digest, write_shard
from fsl.twin.checkpoint import Checkpoint
from fsl.twin.inference import device_of, embed_images, usable
from fsl.twin.load import load

# Pictures decoded at once: 50 MB of pixels for the photos network.
_AT_ONCE = 256
_Decoded = tuple[PixelArray, list[int], tuple[Problem, ...]]


@dataclass(frozen=True)
class EmbedRequest:
    """Which pictures to embed, and where to. It can be sent to another process or machine.

    Attributes:
        data: name, folder or zip, as ``open_source`` takes it.
        out: folder of the shards.
        checkpoint: name or file of the network.
        device: where to compute.
        part: one part of a data set that is split; "" for everything.
        classes: the classes to embed; empty for all.
        shard_size: most pictures of a shard.
    """

    data: str
    out: Path
    checkpoint: str = "photos"
    device: Device = "auto"
    part: str = ""
    classes: tuple[str, ...] = ()
    shard_size: int = SHARD_SIZE


@dataclass(frozen=True, eq=False)
class _Pictures:
    """The pictures of a data set in order.

    Attributes:
        names: of all pictures.
        labels: the classes of all pictures; "" if there are no class folders.
        decode: returns a slice of the pictures, and what could not be read.
        version: returns a text that changes when a picture of the slice does.
        problems: files that are left out without being opened.
        notes: what to tell the user about the data.
    """

    names: Sequence[str]
    labels: Sequence[str]
    decode: Callable[[slice], _Decoded]
    version: Callable[[slice], str]
    problems: tuple[Problem, ...]
    notes: tuple[str, ...]


class ShardEmbedder:
    """Embeds the pictures of one shard at a time, and writes it.

    Args:
        progress: called with (done, total) while the data is listed or downloaded.

    Attributes:
        plan: what the folder of shards holds.
        problems: files that are left out without being opened.
        notes: what to tell the user about the data.

    Raises:
        DataError: there are no such pictures.
        CheckpointError: there is no such network.
    """

    def __init__(self, request: EmbedRequest, progress: Progress | None = None) -> None:
        self.request = request
        self.checkpoint = load(request.checkpoint, request.device)
        self._pictures = _open_pictures(request, self.checkpoint, progress)
        self.problems, self.notes = self._pictures.problems, self._pictures.notes
        self.plan = StorePlan(
            self.checkpoint.info.name,
            self.checkpoint.digest,
            self.checkpoint.twin.embedding_dim,
            len(self._pictures.names),
            pictures_digest(self._pictures.names, self._pictures.labels),
            request.shard_size,
        )

    def __call__(self, number: int, progress: Progress | None = None) -> int:
        """Embed a shard and write it.

        Args:
            number: of the shard.
            progress: called with (done, total) pictures of the shard.

        Returns:
            the number of pictures of the shard.
        """
        rows = self.plan.rows(number)
        version = self._pictures.version(rows)  # before they are read: they may change meanwhile
        kept: list[int] = []
        unread: list[Problem] = []
        parts = [np.empty((0, self.plan.dimension), np.float32)]
        for some, (pixels, readable, problems) in self._decoded(rows):
            parts.append(usable(embed_images(self.checkpoint.twin, pixels)).numpy())
            kept += [some.start + row for row in readable]
            unread += problems
            if progress is not None:
                progress(some.stop - rows.start, rows.stop - rows.start)
        names, labels = self._pictures.names, self._pictures.labels
        kept_names, kept_labels = [names[row] for row in kept], [labels[row] for row in kept]
        content = ShardRows(kept_names, kept_labels, np.concatenate(parts), unread, version)
        write_shard(self.request.out, self.plan, number, content)
        n_pictures: int = rows.stop - rows.start
        return n_pictures

    def is_current(self, number: int, info: ShardInfo) -> bool:
        """Return whether a shard that was written before can stay as it is.

        Its pictures are unchanged, and those that could not be read still cannot: a disk may have failed for
        a moment, and new permissions do not change the date of a file.
        """
        rows = self.plan.rows(number)
        if info.version != self._pictures.version(rows):
            return False
        unread = {problem.name for problem in info.unread}
        again = [row for row in range(rows.start, rows.stop) if self._pictures.names[row] in unread]
        return not any(self._pictures.decode(slice(row, row + 1))[1] for row in again)

    def _decoded(self, rows: slice) -> Iterator[tuple[slice, _Decoded]]:
        """Yield slices of the rows with their pixels; beside a GPU, the next ones are decoded meanwhile."""
        slices = [
            slice(start, min(start + _AT_ONCE, rows.stop)) for start in range(rows.start, rows.stop, _AT_ONCE)
        ]
        decode = self._pictures.decode
        if device_of(self.checkpoint.twin).type == "cpu":
            yield from ((some, decode(some)) for some in slices)
            return
        with ThreadPoolExecutor(1) as pool:
            begun = pool.submit(decode, slices[0]) if slices else None
            for number, some in enumerate(slices):
                assert begun is not None
                found = begun.result()
                if number + 1 < len(slices):
                    begun = pool.submit(decode, slices[number + 1])
                yield some, found


def _open_pictures(request: EmbedRequest, checkpoint: Checkpoint, progress: Progress | None) -> _Pictures:
    model = checkpoint.info.model
    query = ImageQuery(model.image_size, model.fit, part=request.part, classes=request.classes)
    source = open_source(request.data)
    if isinstance(source, ArraySource) and query.fit != "face":
        images, problems = source.load(query, progress)
        labels = [images.class_names[label] for label in images.labels]
        return _Pictures(
            images.names,
            labels,
            lambda rows: (images.images[rows], list(range(rows.stop - rows.start)), ()),
            lambda _: "",  # a function made them, so they do not change
            problems,
            images.notes,
        )
    listing = source.listing(request.part, progress)
    # Embeddings need no class: without any class folder, the class of every picture is "".
    needs_classes = bool(listing.in_classes or request.classes or not listing.entries)
    entries = chosen_entries(listing, query) if needs_classes else list(listing.entries)
    outside = outside_classes(listing) if needs_classes else ()
    return _Pictures(
        [entry.name for entry in entries],
        [entry.class_name or "" for entry in entries],
        lambda rows: decode_entries(entries[rows], query),
        lambda rows: _version_of(entries[rows]),
        (*listing.problems, *outside),
        listing.notes,
    )


def _version_of(entries: Sequence[ImageEntry]) -> str:
    return hashlib.sha256(repr([entry.version() for entry in entries]).encode()).hexdigest()


def require_embeddings(n_rows: int, unread: Sequence[Problem]) -> None:
    """Check that at least one picture could be read.

    Raises:
        DataError: none could; the message names the first problem.
    """
    if not n_rows:
        first = f" The first: {unread[0]}." if unread else ""
        raise DataError(f"None of the images can be read.{first}")
