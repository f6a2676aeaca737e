"""Many pictures from files, decoded by several threads, a bounded number at a time."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace

from PIL import Image

from fsl.base.errors import ImageReadError
from fsl.config import ModelConfig
from fsl.data.images.resize import crop_centre, to_square
from fsl.data.intake.listing import Listing, Problem
from fsl.fewshot.support import NamedImage, SupportSet

# Enough for all processors to decode, and no more than a few megabytes.
AT_ONCE = 64
Reader = tuple[str, Callable[[], bytes]]


def read_pictures(
    readers: Sequence[Reader], model: ModelConfig, centre: float = 1.0, *, ahead: bool = False
) -> Iterator[NamedImage | Problem]:
    """Decode pictures and bring them to the network's input size, in order, a bounded number at a time.

    Args:
        readers: a name and what gives the file's bytes, each; called from other threads.
        model: gives size and fit.
        centre: the share of each picture's sides that is taken, from its middle, 0.1 to 1.
        ahead: whether the next pictures are decoded while those before are worked on: for a network on a GPU.
            One on the processor uses all cores, and every other thread makes it wait at each of its layers.

    Yields:
        a picture of the network's size, or what is wrong with it.

    Raises:
        SettingsError: ``centre`` is out of range.
    """
    pool = ThreadPoolExecutor(min(8, os.cpu_count() or 1), thread_name_prefix="decode")
    try:
        begun = _begin(pool, readers[:AT_ONCE], model, centre)
        for start in range(0, len(readers), AT_ONCE):
            found = [future.result() for future in begun]
            following = readers[start + AT_ONCE : start + 2 * AT_ONCE]
            if ahead:
                begun = _begin(pool, following, model, centre)
            yield from found
            if not ahead:
                begun = _begin(pool, following, model, centre)
    finally:
        pool.shutdown(cancel_futures=True)  # who asks for no more waits for none


def _begin(
    pool: ThreadPoolExecutor, readers: Sequence[Reader], model: ModelConfig, centre: float
) -> list[Future[NamedImage | Problem]]:
    return [pool.submit(_read, reader, model, centre) for reader in readers]


def read_support(listing: Listing, model: ModelConfig) -> tuple[SupportSet, tuple[Problem, ...]]:
    """A support set at the network's input size: embeds as ``SupportSet.from_listing``, in far less memory.

    Args:
        listing: of a folder or an archive, with a folder per class.
        model: gives size and fit.

    Returns:
        the support set of all readable images, and the problems met, those of the listing first.

    Raises:
        DataError: fewer than two classes have a readable image.
    """
    readers = [(entry.name, entry.read) for entry in listing.in_classes]
    return SupportSet.from_decoded(listing, read_pictures(readers, model, ahead=True))  # no network runs now


def sort_out(found: Iterable[NamedImage | Problem]) -> tuple[list[NamedImage], list[Problem]]:
    """The pictures, and what is wrong with the others."""
    images: list[NamedImage] = []
    problems: list[Problem] = []
    for one in found:
        if isinstance(one, Problem):
            problems.append(one)
        else:
            images.append(one)
    return images, problems


def _read(reader: Reader, model: ModelConfig, centre: float) -> NamedImage | Problem:
    name, read = reader
    try:
        picture = NamedImage.from_bytes(read(), name)
    except ImageReadError as error:
        return Problem(error.name, error.reason)
    square = Image.fromarray(to_square(crop_centre(picture.image, centre), model.image_size, model.fit))
    # Embeddings are remembered by the digest, and another part of a picture has another one.
    digest = picture.digest if centre == 1 else f"{picture.digest}@{centre:g}"
    return replace(picture, image=square, digest=digest)
