"""The faces of pictures, looked for once per content. What is kept is where they are, not their pixels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PIL import Image

from fsl.base.lru import LruCache
from fsl.ui.components.pictures import Marks
from fsl.ui.shared import core
from fsl.ui.shared.pictures import StoredPicture, data_uri
from fsl.ui.shared.resources import COMPUTE

if TYPE_CHECKING:
    from fsl.twin.checkpoint import Checkpoint
    from fsl.twin.faces.detect import Face

_MOST = 20_000


@dataclass(frozen=True, eq=False)
class FoundFaces:
    """The faces of one picture.

    Attributes:
        width, height: of the picture, in pixels.
        faces: the most prominent first; empty if none was found.
    """

    width: int
    height: int
    faces: tuple[Face, ...]

    def marks(self, chosen: int = 0) -> Marks:
        """Return the boxes to draw over the picture, kept inside it, with one face as the chosen one."""
        boxes = []
        for face in self.faces:
            left, top, right, bottom = face.box
            boxes.append((max(left, 0), max(top, 0), min(right, self.width), min(bottom, self.height)))
        return Marks(self.width, self.height, tuple(boxes), chosen)


@dataclass(frozen=True, eq=False)
class FaceOf:
    """One face of a picture, upright, as a picture.

    Attributes:
        picture: the whole picture.
        found: its faces.
        number: which of them.
        size: side of the upright face in pixels.
    """

    picture: StoredPicture
    found: FoundFaces
    number: int
    size: int

    @property
    def name(self) -> str:
        """The name of the whole picture."""
        return self.picture.name

    @property
    def digest(self) -> str:
        """A digest that differs for each face of a picture, because the embedding does."""
        return core.face_digest(self.picture.digest, self.number)

    @property
    def image(self) -> Image.Image:
        """The upright face, RGB, cut out anew at each call."""
        return core.cut_out(self.picture.image, self.found.faces[self.number], self.size)


_FOUND: LruCache[str, FoundFaces] = LruCache(most=_MOST)
_HAS_FACE: LruCache[str, bool] = LruCache(most=_MOST)


def known_faces(picture: StoredPicture) -> FoundFaces | None:
    """Return the faces of a picture, or None if nobody looked for them yet."""
    return _FOUND.get(picture.digest)


def faces_of(picture: StoredPicture, found: FoundFaces, size: int) -> tuple[FaceOf, ...]:
    """Return each face of a picture as an upright picture of ``size`` pixels a side."""
    return tuple(FaceOf(picture, found, number, size) for number in range(len(found.faces)))


def find_and_embed(checkpoint: Checkpoint, picture: StoredPicture) -> None:
    """Look for the faces of a picture, and embed each while the picture is decoded.

    Args:
        checkpoint: a network that finds faces.
        picture: its faces are known from now on.
    """
    image, size = picture.image, checkpoint.info.model.image_size
    with COMPUTE:
        found = FoundFaces(image.width, image.height, tuple(core.people_in(image)))
        faces = faces_of(picture, found, size)
        cut = [core.cut_out(image, face, size) for face in found.faces]
        named = [core.NamedImage(f.name, c, f.digest) for f, c in zip(faces, cut, strict=True)]
        core.embed(checkpoint, named)
    _FOUND.put(picture.digest, found)
    _HAS_FACE.put(picture.digest, bool(found.faces))


def upright_face_uris(picture: StoredPicture, found: FoundFaces) -> list[str]:
    """Return each face of a picture, upright, as a ``data:`` URI."""
    image = picture.image
    return [data_uri(core.cut_out(image, face, core.FACE_SIZE), "JPEG", quality=88) for face in found.faces]


@dataclass(frozen=True, eq=False)
class MainFaceOf:
    """The most prominent face of a picture, or the whole picture if it shows none.

    Attributes:
        picture: the whole picture.
        size: side of the upright face in pixels.
    """

    picture: StoredPicture
    size: int

    @property
    def name(self) -> str:
        """The name of the whole picture."""
        return self.picture.name

    @property
    def digest(self) -> str:
        """That of the whole picture: networks that find faces take its main face as well."""
        return self.picture.digest

    @property
    def thumbnail(self) -> str:
        """The thumbnail of the whole picture."""
        return self.picture.thumbnail

    @property
    def image(self) -> Image.Image:
        """The upright face or the whole picture, RGB; whether there is a face is known from then on."""
        image = self.picture.image
        face = core.main_face(image)
        _HAS_FACE.put(self.picture.digest, face is not None)
        return image if face is None else core.cut_out(image, face, self.size)


def without_face(pictures: Sequence[StoredPicture]) -> list[StoredPicture]:
    """Return the pictures in which no face is found; looks at those that nobody looked at yet."""
    missing = []
    for picture in pictures:
        has_face = _HAS_FACE.get(picture.digest)
        if has_face is None:
            image = picture.image
            with COMPUTE:
                has_face = core.main_face(image) is not None
            _HAS_FACE.put(picture.digest, has_face)
        if not has_face:
            missing.append(picture)
    return missing
