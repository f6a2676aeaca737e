"""The input of a face network: the main face of a picture, or one that a person chose."""

from __future__ import annotations

from PIL import Image

from fsl.base.errors import NoFaceError
from fsl.twin.faces.align import align
from fsl.twin.faces.detect import Face, main_face

# Where Pillow keeps what is known of a picture: the face that an aligned picture shows.
FACE_KEY = "fsl_face"


def upright_face(image: Image.Image, size: int) -> Image.Image:
    """Return the main face of a picture, upright; a picture that is one already is taken as it is.

    Raises:
        NoFaceError: no face is found.
    """
    if face_of(image) is not None and image.size == (size, size):
        return image
    face = main_face(image)
    if face is None:
        raise NoFaceError
    return cut_out(image, face, size)


def cut_out(image: Image.Image, face: Face, size: int) -> Image.Image:
    """Return one of a picture's faces, upright, as an RGB picture of ``(size, size)`` that knows its face."""
    aligned = align(image, face.landmarks, size)
    aligned.info[FACE_KEY] = face
    return aligned


def face_of(image: Image.Image) -> Face | None:
    """Return the face that an aligned picture was cut out around, or None for any other picture."""
    face = image.info.get(FACE_KEY)
    return face if isinstance(face, Face) else None
