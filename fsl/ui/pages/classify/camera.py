"""Where photos of the camera go on the Classify page."""

from __future__ import annotations

from dataclasses import dataclass

from fsl.ui.pages.classify.drops import Target, add_pictures, place_of
from fsl.ui.shared.camera import camera_dialog
from fsl.ui.shared.state import session


@dataclass(frozen=True)
class CameraWish:
    """Where photos are to go: the id of a class or none for the queries, and what to call it."""

    target: Target
    name: str


def open_camera(wish: CameraWish) -> None:
    """Take photos for a class or for the queries."""
    state = session()
    camera_dialog(
        place_of(wish.target), wish.name, lambda name, data: add_pictures(state, wish.target, [(name, data)])
    )
