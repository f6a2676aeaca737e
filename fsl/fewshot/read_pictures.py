"""Read many pictures from files: decode in several threads, a bounded number at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import replace

from fsl.base.errors import NoFaceError
from fsl.config import ModelConfig
from fsl.data.images.pool import decode_pool
from fsl.data.images.resize import crop_centre, square_image
from fsl.data.intake.listing import Listing, Problem
from fsl.fewshot.pictures import NamedImage, read_picture
from fsl.fewshot.support import SupportSet

# Enough to keep all processors decoding, and only a few megabytes.
AT_ONCE = 64
Reader = tuple[str, Callable[[], bytes]]
"""The name of a file, and a function that returns its bytes."""


def read_pictures(
    readers: Sequence[Reader], model: ModelConfig, centre: float = 1.0, *, ahead: bool = False
) -> Iterator[NamedImage | Problem]:
    """Decode pictures and resize them to the network's input, in order, a bounded number at a time.

    Args:
        readers: the files; read in other threads.
        model: gives size and fit.
        centre: crop the centre of each picture to this share of its sides, 0.1 to 1.
        ahead: decode the next pictures while the caller works on the current ones. This helps a network on a
            GPU. A network on the processor uses all cores, so other threads only make it wait.

    Yields:
        a picture of the network's size, or the problem with it.

    Raises:
        SettingsError: ``centre`` is out of range.
    """

    def read(reader: Reader) -> NamedImage | Problem:
        return _read(reader, model, centre)

    with decode_pool() as pool:

        def begin(start: int) -> list[Future[NamedImage | Problem]]:
            return [pool.submit(read, reader) for reader in readers[start : start + AT_ONCE]]

        begun = begin(0)
        for start in range(0, len(readers), AT_ONCE):
            found = [future.result() for future in begun]
            if ahead:
                begun = begin(start + AT_ONCE)
            yield from found
            if not ahead:
                begun = begin(start + AT_ONCE)


def read_support(listing: Listing, model: ModelConfig) -> tuple[SupportSet, tuple[Problem, ...]]:
    """Read a support set at the network's input size.

    It gives the same embeddings as ``SupportSet.from_listing``, in far less memory.

    Args:
        listing: of a folder or an archive that has one folder per class.
        model: gives size and fit.

    Returns:
        the support set of all readable images; and the problems, those of the listing first.

    Raises:
        DataError: fewer than two classes have a readable image.
    """
    readers = [(entry.name, entry.read) for entry in listing.in_classes]
    return SupportSet.from_decoded(listing, read_pictures(readers, model, ahead=True))


def sort_out(found: Iterable[NamedImage | Problem]) -> tuple[list[NamedImage], list[Problem]]:
    """Separate pictures from problems."""
    images: list[NamedImage] = []
    problems: list[Problem] = []
    for one in found:
        if isinstance(one, Problem):
            problems.append(one)
        else:
            images.append(one)
    return images, problems


def _read(reader: Reader, model: ModelConfig, centre: float) -> NamedImage | Problem:
    picture = read_picture(*reader)
    if isinstance(picture, Problem):
        return picture
    # Embeddings are cached by digest, so a crop needs its own.
    digest = picture.digest if centre == 1 else f"{picture.digest}@{centre:g}"
    picture = replace(picture, image=crop_centre(picture.image, centre), digest=digest)
    if model.fit == "face":
        return _faces(picture, model.image_size)
    return replace(picture, image=square_image(picture.image, model.image_size, model.fit))


def _faces(photo: NamedImage, size: int) -> NamedImage | Problem:
    """Return the main face of a photo, which carries the others, all at the network's size."""
    from fsl.fewshot.faces import faces_in  # torchvision takes a second, and only networks of faces need it

    faces = faces_in(photo, size)
    if not faces:
        return Problem(photo.name, str(NoFaceError()))
    return replace(faces[0], other_faces=faces[1:])
