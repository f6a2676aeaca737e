"""Pictures as the pages keep them: the bytes of the file and a thumbnail."""

from __future__ import annotations

import base64
import hashlib
import io
from dataclasses import dataclass
from typing import Literal

from PIL import Image

from fsl.data.images.decode import decode_image
from fsl.ui.shared.holders import Holding

THUMBNAIL_SIDE = 176


@dataclass(frozen=True, eq=False)
class StoredPicture:
    """One picture, checked by decoding it once.

    The pixels are not kept, as a thousand pictures would take gigabytes. They are decoded again when a
    network needs them: once per checkpoint, because embeddings are cached by ``digest``.

    Attributes:
        name: name of the file.
        data: bytes of the file.
        digest: sha256 of ``data``.
        thumbnail: a small JPEG as a ``data:`` URI.
    """

    name: str
    data: bytes
    digest: str
    thumbnail: str

    @classmethod
    def from_bytes(cls, data: bytes, name: str) -> StoredPicture:
        """Check a file by decoding it.

        Raises:
            ImageReadError: the file is not a readable image.
        """
        return cls(name, data, hashlib.sha256(data).hexdigest(), thumbnail_uri(decode_image(data, name)))

    @property
    def holding(self) -> Holding:
        """What the picture takes of the session's memory."""
        return Holding(id(self.data), len(self.data) + len(self.thumbnail), 1)

    @property
    def image(self) -> Image.Image:
        """The pixels in RGB, decoded at each call."""
        return decode_image(self.data, self.name)


def thumbnail_uri(image: Image.Image, side: int = THUMBNAIL_SIDE) -> str:
    """Return a JPEG of at most ``side`` pixels a side as a ``data:`` URI."""
    small = image.copy()
    small.thumbnail((side, side))
    return data_uri(small, "JPEG", quality=82)


def data_uri(image: Image.Image, kind: Literal["JPEG", "PNG"], **options: int) -> str:
    """Return a picture as a ``data:`` URI.

    Args:
        image: the picture, RGB; for PNG also RGBA.
        kind: file format.
        options: options of Pillow's ``save``.
    """
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return f"data:image/{kind.lower()};base64,{base64.b64encode(buffer.getvalue()).decode()}"
