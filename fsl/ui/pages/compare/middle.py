"""Pictures with wide margins: only their middle is compared."""

from __future__ import annotations

from dataclasses import dataclass

from PIL import Image

from fsl.data.images.resize import crop_centre
from fsl.ui.shared.pictures import StoredPicture


@dataclass(frozen=True, eq=False)
class MiddleOf:
    """The middle of a picture, as a picture.

    Attributes:
        picture: the whole one.
        share: of its sides that is kept, above 0 to 1.
    """

    picture: StoredPicture
    share: float

    @property
    def name(self) -> str:
        """The whole picture's."""
        return self.picture.name

    @property
    def digest(self) -> str:
        """Another one for each share, as its embedding is another."""
        return self.picture.digest if self.share == 1 else f"{self.picture.digest}@{self.share:.2f}"

    @property
    def image(self) -> Image.Image:
        """RGB, decoded and cut now."""
        return crop_centre(self.picture.image, self.share)
