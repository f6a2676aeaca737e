"""One picture with its name: what support sets and queries consist of."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from PIL import Image, ImageOps

from fsl.base.errors import ImageReadError, SettingsError
from fsl.data.images.bounds import DEFAULT_LIMITS
from fsl.data.images.colour import shrink_to_rgb
from fsl.data.images.decode import decode_image
from fsl.data.intake.folders import read_file
from fsl.data.intake.listing import Problem
from fsl.data.intake.paths import display_text, folder_name_text


class Picture(Protocol):
    """A picture; ``image`` may be decoded only when it is first used."""

    @property
    def name(self) -> str:
        """Return the name that its owner knows it by."""

    @property
    def image(self) -> Image.Image:
        """Return the pixels, RGB."""

    @property
    def digest(self) -> str:
        """Return the sha256 of the bytes it was decoded from; the key of cached embeddings."""


@dataclass(frozen=True, eq=False)
class NamedImage:
    """One decoded picture.

    Attributes:
        name: the name that its owner knows it by.
        image: RGB.
        digest: sha256 of the bytes it was decoded from; the key of cached embeddings.
        other_faces: the other faces of the photo, if the image is one of several in it.
    """

    name: str
    image: Image.Image
    digest: str
    other_faces: tuple[NamedImage, ...] = ()

    @classmethod
    def from_bytes(cls, data: bytes, name: str) -> NamedImage:
        """Decode the bytes of an image file.

        Raises:
            ImageReadError: they are not a readable image.
        """
        return cls(name, decode_image(data, name), hashlib.sha256(data).hexdigest())

    @classmethod
    def from_path(cls, path: Path | str) -> NamedImage:
        """Read and decode an image file.

        Raises:
            ImageReadError: it cannot be read, or is not a readable image.
        """
        shown = display_text(folder_name_text(str(path)))
        return cls.from_bytes(read_file(Path(path), shown), shown)

    @classmethod
    def from_image(cls, image: Image.Image, name: str) -> NamedImage:
        """Take a Pillow image, which is not changed; for an array, ``Image.fromarray`` makes one.

        It becomes what reading a file of it would give: upright by its EXIF orientation, RGB on white, 16-bit
        and float values scaled to 8 bits, at most 1024 pixels a side. Only a colour profile is not applied.

        Raises:
            ImageReadError: the image has no pixels, or its file is damaged.
        """
        if 0 in image.size:
            raise ImageReadError(name, "the picture has no pixels")
        try:
            upright = ImageOps.exif_transpose(image)
            plain = shrink_to_rgb(upright, DEFAULT_LIMITS.max_side).copy()
        except (OSError, ValueError) as error:
            raise ImageReadError(name, f"its pixels cannot be read ({error})") from error
        plain.info = {}
        digest = hashlib.sha256(f"{plain.size}".encode() + plain.tobytes()).hexdigest()
        return cls(name, plain, digest)


def read_picture(name: str, read: Callable[[], bytes]) -> NamedImage | Problem:
    """Return the decoded picture of a file, or the problem with it."""
    try:
        return NamedImage.from_bytes(read(), name)
    except ImageReadError as error:
        return Problem(error.name, error.reason)


def as_pictures(items: Iterable[Picture | Path | str]) -> Iterator[Picture]:
    """Yield pictures; those that are given as paths are read one after another.

    Raises:
        SettingsError: this is a single picture, or something in it is neither a picture nor a path.
        ImageReadError: a file is not a readable image.
    """
    if isinstance(items, str | Path | NamedImage | Image.Image):
        raise SettingsError("Give pictures as a list, even a single one: [picture].")
    yield from map(_as_picture, items)


def _as_picture(item: Picture | Path | str) -> Picture:
    if isinstance(item, str | Path):
        return NamedImage.from_path(item)
    if hasattr(item, "digest"):
        return item
    raise SettingsError(
        f"A picture is a path or a NamedImage, not {type(item).__name__}. Turn an image in memory into one "
        'with NamedImage.from_image(image, "name") of fsl.fewshot.pictures.'
    )
