"""The work behind a moving map: a map for each moment that a training run recorded. No Streamlit."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PIL import Image

from fsl.ui.components.scatter import MapPoints, Motion, Sheet
from fsl.ui.pages.embeddings.compute import MAPPING
from fsl.ui.shared import core
from fsl.ui.shared.collection_map import screen_places
from fsl.ui.shared.memo import Memo
from fsl.ui.shared.pictures import data_uri
from fsl.ui.shared.work import ReportProgress

if TYPE_CHECKING:
    from fsl.embedding.motion import Frame
    from fsl.embedding.quality import Measure
    from fsl.training.snapshots import FollowedImages
    from fsl.training.status import RunInfo


@dataclass(frozen=True, eq=False)
class MovingRun:
    """A training run as a map that moves.

    Attributes:
        run: the run.
        images: the images it follows.
        frames: a map for each moment.
    """

    run: RunInfo
    images: FollowedImages
    frames: tuple[Frame, ...]


def moving_run(run: RunInfo, before: MovingRun | None, report: ReportProgress) -> MovingRun | None:
    """Return a run's moving map; only moments that are new since ``before`` are read and mapped.

    Args:
        run: the run.
        before: its moving map as made last; None if there is none.
        report: called with the progress.

    Returns:
        The moving map; None if the run has recorded nothing yet.

    Raises:
        DataError: its recording is damaged.
    """
    images = before.images if before else core.read_images(run.folder)
    steps = core.recorded_steps(run.folder)
    frames = core.still_valid(steps, before.frames if before else ())
    if len(frames) < len(steps):
        new = core.read_frames(run.folder, images, steps[len(frames) :])
        by_direction = run.model is not None and run.model.head == "cosine"
        recording = core.Recording(new.steps, new.frames, images.labels, by_direction)

        def progress(done: int, total: int) -> None:
            report(done / total, f"Making the map of each moment: {done} of {total}")

        report(0.0, "Waiting for another map")
        with MAPPING, core.threadpool_limits(1, user_api="openmp"):
            frames = core.moving_map(recording, core.MapConfig(), frames, progress)
    return MovingRun(run, images, frames) if frames else None


def images_key(images: FollowedImages) -> str:
    """Return a sha256 of the images followed; the runs of one experiment follow the same ones."""
    digest = hashlib.sha256(images.thumbnails.tobytes())
    digest.update(repr((images.names, images.class_names, images.labels.tolist())).encode())
    return digest.hexdigest()


def sheet_of_run(memo: Memo, images: FollowedImages) -> Sheet:
    """Return the pictures followed as one image, from the memo if it was made before."""
    key = images_key(images)

    def compute() -> Sheet:
        tile = images.thumbnails.shape[1]
        thumbnails = (Image.fromarray(picture) for picture in images.thumbnails)
        sprite = core.make_sprite(thumbnails, len(images.names), tile)
        src = data_uri(sprite.image, "PNG")
        return Sheet(key, src, sprite.tile, sprite.columns)

    return memo.remember(("sheet", key), compute)


def screen_motion(moving: MovingRun, player: str) -> tuple[MapPoints, Motion]:
    """Return the map and its movement for the screen, with coordinates in [-1, 1] at every moment."""
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
    """Return the numbers of one moment as a line of text."""
    right = _shown(frame.neighbour_accuracy, "{:.0%}")
    apart = _shown(frame.silhouette, "{:.2f}")
    note = "" if frame.map.points.any() else " · the network sees no difference between the pictures"
    return f"Nearest neighbour correct {right} · silhouette {apart}{note}"


def _shown(measure: Measure, form: str) -> str:
    return "–" if measure.value is None else form.format(measure.value)
