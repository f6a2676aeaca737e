"""Decode the images of a listing into one image set."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, wait
from dataclasses import replace

import numpy as np
from PIL import Image

from fsl.base.errors import DataError, ImageReadError, NoFaceError
from fsl.base.progress import Progress
from fsl.base.text import count
from fsl.base.types import PixelArray
from fsl.data.copies import copies_notes
from fsl.data.images.decode import decode_image
from fsl.data.images.pool import decode_pool
from fsl.data.images.resize import crop_centre, square_image
from fsl.data.imageset import ImageSet, evenly
from fsl.data.intake.listing import ImageEntry, Listing, Problem
from fsl.data.intake.splits import expand_prefixes
from fsl.data.query import ImageQuery

OnSquare = Callable[[str, Image.Image], None]

# Files per task of the thread pool: few enough for smooth progress, enough to keep the overhead small.
_CHUNK = 32
_SECONDS = 0.1  # between two calls of ``progress``
_HOW_TO_LAY_OUT = (
    "Put the pictures of each class into a folder of its own, named after the class "
    "(apple/1.jpg, apple/2.jpg, pear/1.jpg, ...), and use the folder that holds these, or a zip of it."
)


def load_listing(
    listing: Listing, query: ImageQuery, progress: Progress | None = None, on_square: OnSquare | None = None
) -> tuple[ImageSet, tuple[Problem, ...]]:
    """Decode the images of a listing into one set.

    Args:
        listing: the files found; the part of a split data set was chosen when it was made.
        query: which of them to load, and in which form.
        progress: called from this thread with (images done, images in all).
        on_square: called with a file's name and its square picture, from several threads.

    Returns:
        The set, and the problems: those of the listing, then the images that were left out.

    Raises:
        DataError: no image lies in a class folder, none can be read, they need too much memory, or the query
            names an unknown class.
    """
    wanted = chosen_classes(listing.class_names, query)
    entries = chosen_entries(listing, query)
    pixels = _allocate(len(entries), query)
    unread, digests = _decode_all(entries, pixels, query, progress, on_square)
    kept = [row for row in range(len(entries)) if row not in unread]
    class_names = wanted
    if query.share[1] == 1:  # else other shares may hold readable images of a class
        class_names = _with_images(wanted, [entries[row] for row in kept], unread)
    problems = [*listing.problems, *outside_classes(listing), *unread.values()]
    without = sorted(set(wanted) - set(class_names), key=wanted.index)
    problems += [Problem(name, "none of its images can be read") for name in without]
    label_of = {name: label for label, name in enumerate(class_names)}
    labels = np.array([label_of[entries[row].class_name or ""] for row in kept], dtype=np.int64)
    names = tuple(entries[row].name for row in kept)
    copies = copies_notes(names, [class_names[label] for label in labels], [digests[row] for row in kept])
    notes = (*listing.notes, *_not_all(listing, query, len(entries)), *copies)
    images = pixels[kept] if unread else pixels
    return ImageSet(images, labels, class_names, names, notes), tuple(problems)


def _with_images(
    wanted: Sequence[str], read: Sequence[ImageEntry], unread: dict[int, Problem]
) -> tuple[str, ...]:
    """Return the classes that have an image that was read.

    Raises:
        DataError: no image was read.
    """
    if not read:
        raise DataError(_nothing_readable(unread))
    readable = {entry.class_name for entry in read}
    return tuple(name for name in wanted if name in readable)


def decode_entries(
    entries: Sequence[ImageEntry], query: ImageQuery
) -> tuple[PixelArray, list[int], tuple[Problem, ...]]:
    """Decode some files of a listing.

    Args:
        query: the form of the images; which to load is not asked again.

    Returns:
        uint8 ``(n, S, S, 3)``, the images that can be read; their positions among the entries; and why the
        others cannot be read.
    """
    pixels = _allocate(len(entries), query)
    unread, _ = _decode_all(entries, pixels, query, None, None)
    kept = [row for row in range(len(entries)) if row not in unread]
    return pixels[kept] if unread else pixels, kept, tuple(unread.values())


def chosen_classes(class_names: Sequence[str], query: ImageQuery) -> tuple[str, ...]:
    """Return the classes that a query asks for, in the order of their labels.

    Raises:
        DataError: the query names an unknown class.
    """
    wanted = expand_prefixes(class_names, query.classes) if query.classes else tuple(class_names)
    return tuple(name for name in wanted if not any(text in name for text in query.without))


def share_of(n: int, share: tuple[int, int]) -> slice:
    """Return part i of n rows, where ``share`` is (i, number of parts); lengths differ by one at most."""
    index, n_shares = share
    return slice(n * index // n_shares, n * (index + 1) // n_shares)


def chosen_entries(listing: Listing, query: ImageQuery) -> list[ImageEntry]:
    """Return the files that a query asks for, which lie in class folders.

    Raises:
        DataError: there are none, or the query names an unknown class.
    """
    names = set(chosen_classes(listing.class_names, query))
    entries = [entry for entry in listing.entries if entry.class_name in names]
    if not entries:
        raise DataError(_nothing_found(listing))
    if query.per_class:
        entries = [entries[row] for row in evenly([entry.class_name for entry in entries], query.per_class)]
    return entries[share_of(len(entries), query.share)]


def _not_all(listing: Listing, query: ImageQuery, n_used: int) -> tuple[str, ...]:
    """Return a sentence that says how many images are used, if the query's limit leaves some out."""
    if not query.per_class or query.share[1] > 1:
        return ()
    n_found = len(chosen_entries(listing, replace(query, per_class=0)))
    if n_used == n_found:
        return ()
    return (f"{n_used:,} of {n_found:,} pictures are used, at most {query.per_class} of each class.",)


def _nothing_found(listing: Listing) -> str:
    if listing.entries:
        found = count(len(listing.entries), "image was", "images were")
        return f"{found} found, but none in a class folder. {_HOW_TO_LAY_OUT}"
    first = f" The first thing that could not be used: {listing.problems[0]}." if listing.problems else ""
    return f"No images were found.{first} {_HOW_TO_LAY_OUT}"


def _nothing_readable(unread: dict[int, Problem]) -> str:
    if len(unread) == 1:
        return f"The only image cannot be read. {unread[0]}."
    return f"None of the {len(unread):,} images can be read. The first: {unread[0]}."


def outside_classes(listing: Listing) -> list[Problem]:
    """Return a problem for each image that lies in no class folder."""
    reason = "is in no class folder, so it is left out"
    return [Problem(entry.name, reason) for entry in listing.entries if entry.class_name is None]


def _allocate(n_images: int, query: ImageQuery) -> PixelArray:
    size = query.size
    needed = n_images * size * size * 3
    what = f"{n_images:,} images of {size}x{size} pixels need {needed / 2**30:,.1f} GB of memory"
    if 0 < query.most_bytes < needed:
        raise DataError(
            f"{what}, and here they may take {query.most_bytes / 2**30:,.1f} GB. Use fewer images of each "
            "class, fewer classes, or the command line."
        )
    try:
        return np.empty((n_images, size, size, 3), dtype=np.uint8)
    except MemoryError as error:
        raise DataError(f"{what}, more than is free. Use fewer classes or a smaller image size.") from error


def _decode_all(
    entries: Sequence[ImageEntry],
    pixels: PixelArray,
    query: ImageQuery,
    progress: Progress | None,
    on_square: OnSquare | None,
) -> tuple[dict[int, Problem], list[bytes]]:
    """Fill ``pixels`` row by row.

    Returns:
        the rows that could not be filled, in order, with the reason; and the sha256 of each row's file.
    """
    digests = [b""] * len(entries)
    is_over = threading.Event()  # also if ``progress`` has broken it off

    def decode_chunk(start: int) -> dict[int, Problem]:
        unread: dict[int, Problem] = {}
        for row in range(start, min(start + _CHUNK, len(entries))):
            if is_over.is_set():
                break
            entry = entries[row]
            try:
                square, digests[row] = _read_square(entry, query)
            except ImageReadError as error:
                unread[row] = Problem(error.name, error.reason)
            except NoFaceError as error:
                unread[row] = Problem(entry.name, str(error))
            else:
                pixels[row] = np.asarray(square)
                if on_square is not None:
                    on_square(entry.name, square)
        return unread

    unread: dict[int, Problem] = {}
    starts = range(0, len(entries), _CHUNK)
    with decode_pool() as pool:
        try:
            chunks = [pool.submit(decode_chunk, start) for start in starts]
            for start, chunk in zip(starts, chunks, strict=True):
                unread |= _await(chunk, progress, start, len(entries))
        finally:
            is_over.set()
    return unread, digests


def _read_square(entry: ImageEntry, query: ImageQuery) -> tuple[Image.Image, bytes]:
    """Return a picture in the form asked for, and the sha256 of its file."""
    data = entry.read()
    image = crop_centre(decode_image(data, entry.name), query.centre)
    return square_image(image, query.size, query.fit), hashlib.sha256(data).digest()


def _await(
    chunk: Future[dict[int, Problem]], progress: Progress | None, done: int, total: int
) -> dict[int, Problem]:
    """Return a chunk's result; meanwhile call ``progress`` often, because it may break off the reading."""
    if progress is None:
        return chunk.result()
    while not wait((chunk,), _SECONDS).done:
        progress(done, total)
    unread = chunk.result()
    progress(min(done + _CHUNK, total), total)
    return unread
