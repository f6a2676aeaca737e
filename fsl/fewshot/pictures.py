"""One picture with its name: what support sets and queries consist of."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from PIL import Image

from fsl.base.errors import ImageReadError
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


def read_picture(name: str, read: Callable[[], bytes]) -> NamedImage | Problem:
    """Return the decoded picture of a file, or the problem with it."""
    try:
        return NamedImage.from_bytes(read(), name)
    except ImageReadError as error:
        return Problem(error.name, error.reason)
