"""What is compared of each picture: its middle, its faces, or nothing if no face is found in it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from PIL import Image

from fsl.data.images.resize import crop_centre
from fsl.ui.components.pictures import Marks
from fsl.ui.shared.compare_state import MIDDLE, WHOLE, CompareState
from fsl.ui.shared.found_faces import FaceOf, FoundFaces, faces_of, known_faces
from fsl.ui.shared.pictures import StoredPicture

if TYPE_CHECKING:
    from fsl.config import ModelConfig


@dataclass(frozen=True, eq=False)
class MiddleOf:
    """The middle of a picture, as a picture.

    Attributes:
        picture: the whole picture.
        share: share of its sides that is kept, in (0, 1].
    """

    picture: StoredPicture
    share: float

    @property
    def name(self) -> str:
        """The name of the whole picture."""
        return self.picture.name

    @property
    def digest(self) -> str:
        """A digest that differs for each share, because the embedding does."""
        return self.picture.digest if self.share == 1 else f"{self.picture.digest}@{self.share:.2f}"

    @property
    def image(self) -> Image.Image:
        """The cropped RGB image, decoded anew at each call."""
        return crop_centre(self.picture.image, self.share)


@dataclass(frozen=True, eq=False)
class Compared:
    """A picture, and what is compared of it.

    Attributes:
        picture: the whole picture.
        parts: each is compared, and the most similar one answers; empty if no face was found.
        found: its faces; None if the network looks for none.
    """

    picture: StoredPicture
    parts: tuple[MiddleOf | FaceOf, ...]
    found: FoundFaces | None = None

    @property
    def is_faceless(self) -> bool:
        """Whether a face was looked for in vain."""
        return self.found is not None and not self.found.faces

    def marks(self, face: int = 0) -> Marks | None:
        """Return the boxes of its faces with one chosen; None if there are none to draw."""
        return self.found.marks(face) if self.found is not None and self.found.faces else None


def compared_probe(picture: StoredPicture, model: ModelConfig) -> Compared:
    """Return what is compared of a probe: for a network that finds faces, each of them."""
    if model.fit != "face":
        return Compared(picture, (MiddleOf(picture, MIDDLE.value / 100),))
    found = known_faces(picture)
    if found is None:  # forgotten meanwhile, as there are so many pictures; the next run looks again
        return Compared(picture, ())
    if found.faces:
        return Compared(picture, faces_of(picture, found, model.image_size), found)
    return Compared(picture, (MiddleOf(picture, 1.0),) if WHOLE.value else (), found)


def compared_reference(state: CompareState, picture: StoredPicture, model: ModelConfig) -> Compared:
    """Return what is compared of a reference: of several faces, the chosen one."""
    whole = compared_probe(picture, model)
    if len(whole.parts) < 2:
        return whole
    return replace(whole, parts=(whole.parts[chosen_face(state, picture)],))


def chosen_face(state: CompareState, picture: StoredPicture) -> int:
    """Return which face of a reference is meant, the most prominent one unless another was chosen."""
    return state.people.get(picture.digest, 0)
