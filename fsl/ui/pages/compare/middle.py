"""Crop a picture to its middle before it is compared."""

from __future__ import annotations

from dataclasses import dataclass

from PIL import Image

from fsl.data.images.resize import crop_centre
from fsl.ui.shared.pictures import StoredPicture


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
