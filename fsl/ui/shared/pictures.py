"""Pictures as the pages keep them: the file's own bytes and a small copy for the screen."""

from __future__ import annotations

import base64
import hashlib
import io
from dataclasses import dataclass
from typing import Literal

from PIL import Image

from fsl.data.images.decode import decode_image
from fsl.ui.shared.budget import Holding

THUMBNAIL_SIDE = 176


@dataclass(frozen=True, eq=False)
class StoredPicture:
    """One picture that was checked by decoding it once.

    The decoded picture itself is not kept: a thousand of them would take gigabytes. It is decoded again when
    a network asks for it, which is once per checkpoint, as embeddings are cached by ``digest``.

    Attributes:
        name: the file's name.
        data: the file's bytes.
        digest: sha256 of ``data``.
        thumbnail: a small JPEG as a ``data:`` URI.
    """

    name: str
    data: bytes
    digest: str
    thumbnail: str

    @classmethod
    def from_bytes(cls, data: bytes, name: str) -> StoredPicture:
        """Check and keep a file.

        Raises:
            ImageReadError: it is no readable image.
        """
        return cls(name, data, hashlib.sha256(data).hexdigest(), thumbnail_uri(decode_image(data, name)))

    @property
    def holding(self) -> Holding:
        """What it takes of the session's memory."""
        return Holding(id(self.data), len(self.data) + len(self.thumbnail), 1)

    @property
    def image(self) -> Image.Image:
        """RGB, decoded now."""
        return decode_image(self.data, self.name)


def thumbnail_uri(image: Image.Image) -> str:
    """A JPEG of at most ``THUMBNAIL_SIDE`` pixels a side, as a ``data:`` URI."""
    small = image.copy()
    small.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE))
    return data_uri(small, "JPEG", quality=82)


def data_uri(image: Image.Image, kind: Literal["JPEG", "PNG"], **options: int) -> str:
    """A picture as a ``data:`` URI.

    Args:
        image: RGB; as PNG also RGBA.
        kind: of the file.
        options: of Pillow's ``save``.
    """
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return f"data:image/{kind.lower()};base64,{base64.b64encode(buffer.getvalue()).decode()}"
