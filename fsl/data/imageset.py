"""A labelled set of images in memory: what is trained on, evaluated and embedded."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Hashable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from fsl.base.errors import DataError, ImageReadError, SettingsError
from fsl.base.progress import Progress
from fsl.base.text import count, listed
from fsl.base.types import IntArray, PixelArray
from fsl.config import Fit
from fsl.data.images.decode import DEFAULT_LIMITS, DecodeLimits, decode_image
from fsl.data.images.resize import check_share, middle_of, to_square
from fsl.data.intake.listing import ImageEntry, Listing, Problem
from fsl.data.intake.splits import expand_prefixes

# One task for the pool: few enough that progress moves, enough that small images are not all overhead.
_CHUNK = 32
_HOW_TO_LAY_OUT = (
    "Put the pictures of each class into a folder of its own, named after the class "
    "(apple/1.jpg, apple/2.jpg, pear/1.jpg, ...), and use the folder that holds these, or a zip of it."
)


@dataclass(frozen=True, eq=False)
class ImageSet:
    """N square RGB images with their classes.

    Attributes:
        images: uint8 ``(N, S, S, 3)``, 0..255.
        labels: int64 ``(N,)``, each an index into ``class_names``.
        class_names: distinct and not empty; a class may have no image.
        names: N file names, for messages and screens.

    Raises:
        SettingsError: the four do not fit together.
    """

    images: PixelArray
    labels: IntArray
    class_names: tuple[str, ...]
    names: tuple[str, ...]

    def __post_init__(self) -> None:
        """Checks shapes, types and ranges."""
        images, labels = self.images, self.labels
        if images.dtype != np.uint8 or images.ndim != 4 or images.shape[1:] != (self.size, self.size, 3):
            found = f"{images.dtype} {images.shape}"
            raise SettingsError(f"Images must be uint8 of shape (N, S, S, 3), not {found}.")
        if labels.dtype != np.int64 or labels.shape != images.shape[:1]:
            wanted = f"({len(images)},)"
            raise SettingsError(f"Labels must be int64 of shape {wanted}, not {labels.dtype} {labels.shape}.")
        if len(self.names) != len(images):
            raise SettingsError(f"There are {len(images)} images but {len(self.names)} names.")
        if len(set(self.class_names)) != len(self.class_names):
            raise SettingsError("Two classes have the same name.")
        if len(labels) and not (labels.min() >= 0 and labels.max() < self.n_classes):
            raise SettingsError(f"Labels must be from 0 to {self.n_classes - 1}.")

    def __len__(self) -> int:
        """The number of images."""
        return len(self.images)

    @property
    def n_classes(self) -> int:
        """The number of classes."""
        return len(self.class_names)

    @property
    def size(self) -> int:
        """The side of the images in pixels; 0 when ``images`` is no stack of images."""
        return int(self.images.shape[1]) if self.images.ndim == 4 else 0

    def select_classes(self, names: Sequence[str]) -> ImageSet:
        """The images of these classes alone; labels count the classes in the order given.

        Raises:
            DataError: a name is no class of this set, or is given twice.
        """
        known_names = set(self.class_names)
        unknown = [name for name in names if name not in known_names]
        if unknown:
            raise DataError(
                f"There is no class named {listed(unknown)}. The classes here are {listed(self.class_names)}."
            )
        if len(set(names)) != len(names):
            raise DataError("A class is asked for twice; name each class once.")
        new_label = np.full(self.n_classes, -1, dtype=np.int64)
        new_label[[self.class_names.index(name) for name in names]] = np.arange(len(names))
        labels = new_label[self.labels]
        kept = np.flatnonzero(labels >= 0)
        file_names = tuple(self.names[i] for i in kept)
        return ImageSet(self.images[kept], labels[kept], tuple(names), file_names)

    def rows(self, rows: Sequence[int] | IntArray) -> ImageSet:
        """These images, with all classes."""
        chosen = np.asarray(rows, dtype=np.int64)
        names = tuple(self.names[row] for row in chosen)
        return ImageSet(self.images[chosen], self.labels[chosen], self.class_names, names)

    def part(self, rows: slice) -> ImageSet:
        """Some images in a row, with all classes."""
        return ImageSet(self.images[rows], self.labels[rows], self.class_names, self.names[rows])

    def digest(self) -> str:
        """A sha256, as hexadecimal, of the pixels, the labels and all names: equal sets have equal ones."""
        digest = hashlib.sha256()
        header = [list(self.images.shape), self.class_names, self.names]
        digest.update(json.dumps(header).encode())
        digest.update(np.ascontiguousarray(self.labels, dtype="<i8").data)
        digest.update(np.ascontiguousarray(self.images).data)
        return digest.hexdigest()


def load_image_set(
    listing: Listing,
    size: int,
    fit: Fit,
    *,
    classes: Sequence[str] | None = None,
    centre: float = 1.0,
    per_class: int = 0,
    workers: int | None = None,
    progress: Progress | None = None,
    limits: DecodeLimits = DEFAULT_LIMITS,
    share: Callable[[int], slice] | None = None,
    most_bytes: int = 0,
) -> tuple[ImageSet, tuple[Problem, ...]]:
    """Decodes the images of a listing into one set.

    Args:
        listing: what was found (:func:`fsl.data.intake.listing.list_images`).
        size: side of the images, in pixels, at least 1.
        fit: how a picture becomes a square, see :func:`fsl.data.images.resize.to_square`.
        classes: the classes to take, in the order of their labels, or names of folders of classes (see
            :func:`fsl.data.intake.splits.expand_prefixes`); by default all, sorted naturally.
        centre: the share of each picture's sides, 0.1 to 1, that is taken, from its middle: 0.5 for
            photographs with a wide margin around what they are about.
        per_class: images of each class at most, evenly spaced over its files; 0 for all.
        workers: decoding threads; by default one for each processor, at most 8.
        progress: called from this thread with the images done and their total.
        limits: see :class:`DecodeLimits`.
        share: given the number of images, the ones to decode, where other processes decode the others; the
            set then has all classes, and perhaps no image.
        most_bytes: what the images may take of the memory; 0 for as much as there is.

    Returns:
        The set, and the problems: those of the listing, then the images that were left out.

    Raises:
        DataError: no image lies in a class folder, none can be read, they need too much memory, or
            ``classes`` names an unknown one.
        SettingsError: ``size``, ``fit`` or ``centre`` is wrong.
    """
    if size < 1:
        raise SettingsError(f"The image size must be at least 1 pixel, not {size}.")
    check_share(centre)
    wanted = listing.class_names if classes is None else expand_prefixes(listing.class_names, classes)
    classes_wanted = set(wanted)
    chosen = [entry for entry in listing.entries if entry.class_name in classes_wanted]
    if not chosen:
        raise DataError(_nothing_found(listing))
    if per_class:
        chosen = [chosen[row] for row in evenly([entry.class_name for entry in chosen], per_class)]
    if share is not None:
        chosen = chosen[share(len(chosen))]
    pixels = _allocate(len(chosen), size, most_bytes)
    unread = _decode_all(chosen, pixels, fit, centre, workers, progress, limits)
    problems = [*listing.problems, *_outside_classes(listing), *unread.values()]
    kept = [i for i in range(len(chosen)) if i not in unread]
    if not kept and share is None:
        if len(chosen) == 1:
            raise DataError(f"The only image cannot be read. {unread[0]}.")
        raise DataError(f"None of the {len(chosen):,} images can be read. The first: {unread[0]}.")
    names_kept = {chosen[i].class_name for i in kept} if share is None else set(wanted)
    problems += [Problem(name, "none of its images can be read") for name in wanted if name not in names_kept]
    class_names = tuple(name for name in wanted if name in names_kept)
    label_of = {name: label for label, name in enumerate(class_names)}
    labels = np.array([label_of[chosen[i].class_name or ""] for i in kept], dtype=np.int64)
    images = pixels[kept] if unread else pixels
    return ImageSet(images, labels, class_names, tuple(chosen[i].name for i in kept)), tuple(problems)


def concatenate(sets: Sequence[ImageSet]) -> ImageSet:
    """One set of all images. Classes of different sets stay different: a name met again becomes "name (2)".

    Raises:
        SettingsError: there is no set, or their images differ in size.
    """
    if not sets:
        raise SettingsError("There is no image set to join.")
    sizes = sorted({one.size for one in sets})
    if len(sizes) > 1:
        raise SettingsError(f"Image sets of different sizes cannot be joined: {sizes} pixels.")
    class_names: list[str] = []
    labels: list[IntArray] = []
    for one in sets:
        labels.append(one.labels + len(class_names))
        class_names += _renamed(one.class_names, set(class_names))
    return ImageSet(
        np.concatenate([one.images for one in sets]),
        np.concatenate(labels),
        tuple(class_names),
        tuple(name for one in sets for name in one.names),
    )


def evenly(classes: Sequence[Hashable], per_class: int) -> list[int]:
    """Positions of at most ``per_class`` items of each class, evenly spaced over it, rising."""
    rows: dict[Hashable, list[int]] = {}
    for row, name in enumerate(classes):
        rows.setdefault(name, []).append(row)
    return sorted(
        members[i * len(members) // n]
        for members in rows.values()
        for n in [min(per_class, len(members))]
        for i in range(n)
    )


def _renamed(names: Sequence[str], taken: set[str]) -> list[str]:
    """The names, numbered where they are taken already or by one another."""
    result: list[str] = []
    taken = taken | set()
    for name in names:
        new, number = name, 2
        while new in taken or (new != name and new in names):
            new, number = f"{name} ({number})", number + 1
        taken.add(new)
        result.append(new)
    return result


def _nothing_found(listing: Listing) -> str:
    if listing.entries:
        found = count(len(listing.entries), "image was", "images were")
        return f"{found} found, but none in a class folder. {_HOW_TO_LAY_OUT}"
    first = f" The first thing that could not be used: {listing.problems[0]}." if listing.problems else ""
    return f"No images were found.{first} {_HOW_TO_LAY_OUT}"


def _outside_classes(listing: Listing) -> list[Problem]:
    reason = "is in no class folder, so it is left out"
    return [Problem(entry.name, reason) for entry in listing.entries if entry.class_name is None]


def _allocate(n_images: int, size: int, most_bytes: int) -> PixelArray:
    needed = n_images * size * size * 3
    what = f"{n_images:,} images of {size}x{size} pixels need {needed / 2**30:,.1f} GB of memory"
    if 0 < most_bytes < needed:
        raise DataError(
            f"{what}, and here they may take {most_bytes / 2**30:,.1f} GB. Use fewer images of each class, "
            "fewer classes, or the command line."
        )
    try:
        return np.empty((n_images, size, size, 3), dtype=np.uint8)
    except MemoryError as error:
        raise DataError(f"{what}, more than is free. Use fewer classes or a smaller image size.") from error


def _decode_all(
    entries: Sequence[ImageEntry],
    pixels: PixelArray,
    fit: Fit,
    centre: float,
    workers: int | None,
    progress: Progress | None,
    limits: DecodeLimits,
) -> dict[int, Problem]:
    """Fills ``pixels`` row by row; gives the rows that could not be filled, in order, with the reason."""

    def decode_chunk(start: int) -> dict[int, Problem]:
        unread = {}
        for row in range(start, min(start + _CHUNK, len(entries))):
            try:
                image = decode_image(entries[row].read(), entries[row].name, limits)
            except ImageReadError as error:
                unread[row] = Problem(error.name, error.reason)
            else:
                pixels[row] = to_square(middle_of(image, centre), pixels.shape[1], fit)
        return unread

    unread: dict[int, Problem] = {}
    starts = range(0, len(entries), _CHUNK)
    for start, chunk in zip(starts, _in_threads(decode_chunk, starts, workers), strict=True):
        unread |= chunk
        if progress is not None:
            progress(min(start + _CHUNK, len(entries)), len(entries))
    return unread


def _in_threads(
    work: Callable[[int], dict[int, Problem]], starts: Sequence[int], workers: int | None
) -> Iterator[dict[int, Problem]]:
    """Results in order; when the caller stops early, what has not begun is dropped."""
    pool = ThreadPoolExecutor(workers or min(8, os.cpu_count() or 1), thread_name_prefix="decode")
    try:
        yield from pool.map(work, starts)
    finally:
        pool.shutdown(cancel_futures=True)
