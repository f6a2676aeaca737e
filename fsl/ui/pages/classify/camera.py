"""The camera of the Classify page."""

from __future__ import annotations

from dataclasses import dataclass

from fsl.ui.pages.classify.drop_steps import Target
from fsl.ui.pages.classify.drops import add_pictures, place_of
from fsl.ui.shared.camera import camera_dialog
from fsl.ui.shared.state import session


@dataclass(frozen=True)
class CameraTarget:
    """What photos are taken for.

    Attributes:
        target: id of a class, None for the queries.
        name: name of the class, or of the queries.
    """

    target: Target
    name: str


def open_camera(target: CameraTarget) -> None:
    """Open the camera for a class or for the queries."""
    state = session()
    camera_dialog(
        place_of(target.target),
        target.name,
        lambda name, data: add_pictures(state, target.target, [(name, data)]),
    )
