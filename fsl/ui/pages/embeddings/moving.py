"""The computation behind a moving map: what a run recorded, frame by frame. No layout here."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PIL import Image

from fsl.base.progress import Progress
from fsl.ui.components.scatter import MapPoints, Motion, Sheet
from fsl.ui.pages.embeddings.compute import MAPPING
from fsl.ui.pages.embeddings.state import MapState
from fsl.ui.shared import core
from fsl.ui.shared.collection_map import screen_places
from fsl.ui.shared.pictures import data_uri

if TYPE_CHECKING:
    from fsl.embedding.motion import Frame
    from fsl.embedding.quality import Measure
    from fsl.training.snapshots import FollowedImages
    from fsl.training.status import RunInfo


@dataclass(frozen=True, eq=False)
class MovingRun:
    """A run as a map that moves.

    Attributes:
        run: as its folder tells it.
        images: those it follows.
        frames: a map for each moment.
    """

    run: RunInfo
    images: FollowedImages
    frames: tuple[Frame, ...]


def moving_run(state: MapState, run: RunInfo, progress: Progress) -> MovingRun | None:
    """The run's moving map; frames made before are kept, and only new ones are read.

    Args:
        state: where they are kept.
        run: any run.
        progress: called with (done, total) moments.

    Returns:
        none where the run recorded nothing yet.

    Raises:
        DataError: its recording is damaged.
    """
    if not core.has_snapshots(run.folder):
        return None
    before = state.moving_runs.get(run.id)
    images = before.images if before else core.read_images(run.folder)
    steps = core.recorded_steps(run.folder)
    frames = core.still_valid(steps, before.frames if before else ())
    if len(frames) < len(steps):
        new = core.read_frames(run.folder, images, steps[len(frames) :])
        by_direction = run.model is not None and run.model.head == "cosine"
        recording = core.Recording(new.steps, new.frames, images.labels, by_direction)
        with MAPPING, core.threadpool_limits(1, user_api="openmp"):
            frames = core.moving_map(recording, core.MapConfig(), frames, progress)
    if not frames:
        return None
    state.moving_runs[run.id] = MovingRun(run, images, frames)
    return state.moving_runs[run.id]


def forget_frames(state: MapState, but: Iterable[str]) -> None:
    """Give up the moving maps of all runs but those."""
    kept = set(but)
    state.moving_runs = {run_id: moving for run_id, moving in state.moving_runs.items() if run_id in kept}


def images_key(images: FollowedImages) -> str:
    """A sha256 of the pictures followed: runs of one experiment follow the same."""
    digest = hashlib.sha256(images.thumbnails.tobytes())
    digest.update(repr((images.names, images.class_names, images.labels.tolist())).encode())
    return digest.hexdigest()


def sheet_of_run(state: MapState, images: FollowedImages) -> Sheet:
    """The pictures followed, all in one."""
    key = images_key(images)

    def compute() -> Sheet:

        tile = images.thumbnails.shape[1]
        thumbnails = (Image.fromarray(picture) for picture in images.thumbnails)
        sprite = core.make_sprite(thumbnails, len(images.names), tile)
        src = data_uri(sprite.image, "PNG")
        return Sheet(key, src, sprite.tile, sprite.columns)

    return state.memo.remember(("sheet", key), compute)


def screen_motion(moving: MovingRun, player: str) -> tuple[MapPoints, Motion]:
    """The map and its movement for the screen: coordinates from -1 to 1 at every moment."""
    places = [screen_places(frame.map.points).round(3).ravel().tolist() for frame in moving.frames]
    steps = [frame.step for frame in moving.frames]
    points = MapPoints(
        collection=images_key(moving.images),
        layout=f"{moving.run.id} {steps}",
        dims=2,
        xyz=places[0],
        labels=moving.images.labels.tolist(),
        classes=moving.images.class_names,
        names=moving.images.names,
    )
    return points, Motion(player, steps, places, [caption(frame) for frame in moving.frames])


def caption(frame: Frame) -> str:
    """The numbers of one moment, in a line."""
    right = _shown(frame.neighbour_accuracy, "{:.0%}")
    apart = _shown(frame.silhouette, "{:.2f}")
    note = "" if frame.map.points.any() else " · all pictures look the same to it"
    return f"Nearest is right {right} · classes apart {apart}{note}"


def _shown(measure: Measure, form: str) -> str:
    return "–" if measure.value is None else form.format(measure.value)
