"""Record the embeddings of the same few images during a run, for a map that moves.

``snapshots/images.npz`` holds thumbnails, labels and names. ``snapshots/<step>.npy`` is a frame: the
embeddings after that many batches, float16 ``(n, D)``. A frame is recorded at every evaluation, which has the
embeddings anyway, and in between where it costs little (see ``frames_apart``). At most ``MOST_FRAMES`` are
kept, spread over the whole run. Embeddings longer than ``MOST_VALUES`` are thinned to that many values, so
the 300 images of a run take 37 MB at most.
"""

from __future__ import annotations

import io
import math
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch import Tensor

from fsl.base.errors import DataError
from fsl.base.files import write_atomically
from fsl.base.types import IntArray, PixelArray
from fsl.config import TrainConfig
from fsl.data.imageset import ImageSet
from fsl.data.intake.array_gate import check_arrays
from fsl.fewshot.cross_validation import place_in_class
from fsl.training.state import TrainState
from fsl.training.validation import embed_evaluated, evaluation_images

FOLDER = "snapshots"
IMAGES = "images.npz"
MOST_FRAMES = 60
MOST_VALUES = 1024
THUMBNAIL = 64
_MOST_BYTES_OF_IMAGES = 16 * 2**20
_MOST_BYTES_OF_FRAME = 4 * 2**20  # a frame has at most 1024 half-precision values for each of 300 images
_LARGEST = 60_000.0
_FRAMES_WANTED = 30
_MOST_OF_THE_TIME = 0.15  # of a run, for frames between evaluations
_BATCH_PASSES = 3  # of its images through the backbone: forward, and twice as much work back


@dataclass(frozen=True, eq=False)
class FollowedImages:
    """The images whose embeddings a run records.

    Attributes:
        thumbnails: uint8 ``(n, S, S, 3)``, S the network's input size but at most 64.
        labels: int64 ``(n,)``, positions in ``class_names``.
        class_names: the validation classes.
        names: n file names.
    """

    thumbnails: PixelArray
    labels: IntArray
    class_names: tuple[str, ...]
    names: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Snapshots:
    """The recorded embeddings of a run, or some of them.

    Attributes:
        images: the images whose embeddings are recorded.
        steps: batches done at each frame, rising.
        frames: float16 ``(n, D)`` each; very large embeddings are scaled down.
    """

    images: FollowedImages
    steps: tuple[int, ...]
    frames: tuple[npt.NDArray[np.float16], ...]


class Recorder:
    """Writes the frames of one run.

    Args:
        validation: validation images of the run; None to record nothing.
        config: settings of the run; ``snapshot_images`` of 0 records nothing.
        views: passes that the network makes for each embedding: ``ModelConfig.views``, or 0 where the frozen
            layers have embedded the images once and for all.
    """

    def __init__(self, run: Path, validation: ImageSet | None, config: TrainConfig, views: int = 1) -> None:
        self._folder = run / FOLDER
        n_images = config.snapshot_images
        self._images = evaluation_images(validation) if validation is not None and n_images else None
        self._rows = np.empty(0, np.int64)
        self._apart = frames_apart(config, 1)
        if self._images is not None:
            self._rows = spread_over_classes(self._images.labels, n_images)
            self._apart = frames_apart(config, views * len(self._rows))

    def record(self, step: int, embeddings: Tensor | None) -> None:
        """Record a frame from the embeddings of a test.

        Args:
            step: batches done.
            embeddings: float ``(n, D)``, of ``evaluation_images(validation)``.

        Raises:
            WriteError: the frame cannot be written.
        """
        if self._images is None or embeddings is None:
            return
        self._write(step, embeddings[self._rows])

    def record_between(self, state: TrainState) -> None:
        """Record a frame between two evaluations, if one is due and does not exist yet.

        Args:
            state: the state of the run; its network is left in training mode.

        Raises:
            WriteError: the frame cannot be written.
        """
        step = state.step
        if self._images is None or step % self._apart or (self._folder / f"{step}.npy").exists():
            return
        images = self._images.images[self._rows]
        self._write(step, embed_evaluated(state.twin, images, state.features))

    def _write(self, step: int, embeddings: Tensor) -> None:
        assert self._images is not None
        if not bool(embeddings.isfinite().all()):
            return  # the weights are no longer numbers
        if not (self._folder / IMAGES).exists():
            write_atomically(self._folder / IMAGES, _images_file(self._images, self._rows))
        values = embeddings[:, :: -(-embeddings.shape[1] // MOST_VALUES)].numpy()
        # A diverged network has embeddings too large for 16 bits; a map does not depend on their scale.
        values = values / max(1.0, float(np.abs(values).max()) / _LARGEST)
        buffer = io.BytesIO()
        np.save(buffer, values.astype(np.float16))
        write_atomically(self._folder / f"{step}.npy", buffer.getvalue())
        _thin_out(self._folder)


def frames_apart(config: TrainConfig, n_passes: int) -> int:
    """Return the number of batches from one frame to the next.

    About 30 frames show a run as one movement, but they may take at most about 15% of its time.

    Args:
        n_passes: number of passes through the backbone for one frame.
    """
    pairs = config.pairing == "random"
    batch = 2 * config.batch_pairs if pairs else config.batch_classes * config.batch_images
    affordable = n_passes / (_MOST_OF_THE_TIME * _BATCH_PASSES * batch)
    return max(1, math.ceil(config.steps / _FRAMES_WANTED), math.ceil(affordable))


def spread_over_classes(labels: IntArray, n: int) -> IntArray:
    """Return at most n rows, spread evenly over the classes: the first image of each, then the second, ..."""
    place = place_in_class(torch.from_numpy(labels)).numpy()
    return np.sort(np.lexsort((labels, place))[:n])


def drop_frames_after(run: Path, step: int) -> None:
    """Remove the frames of batches that a resumed run repeats."""
    for path in _frame_files(run / FOLDER):
        if int(path.stem) > step:
            path.unlink(missing_ok=True)


def has_snapshots(run: Path) -> bool:
    """Return whether a run recorded embeddings."""
    return (run / FOLDER / IMAGES).is_file()


def recorded_steps(run: Path) -> tuple[int, ...]:
    """Return the number of batches done at each recorded frame, in rising order."""
    return tuple(int(path.stem) for path in _frame_files(run / FOLDER))


def read_snapshots(run: Path) -> Snapshots | None:
    """Return everything that a run has recorded so far, or None if it has recorded nothing.

    Raises:
        DataError: the files are damaged.
    """
    if not has_snapshots(run):
        return None
    return read_frames(run, read_images(run), recorded_steps(run))


def read_images(run: Path) -> FollowedImages:
    """Return the images whose embeddings a run records; they never change.

    Raises:
        DataError: the file is damaged or missing.
    """
    try:
        check_arrays(run / FOLDER / IMAGES, _MOST_BYTES_OF_IMAGES)
        with np.load(run / FOLDER / IMAGES, allow_pickle=False) as images:
            found = FollowedImages(
                images["thumbnails"],
                images["labels"],
                tuple(str(name) for name in images["class_names"]),
                tuple(str(name) for name in images["names"]),
            )
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise _damaged(run, str(error)) from error
    n, pictures = len(found.names), found.thumbnails
    if (
        pictures.shape != (n, *pictures.shape[1:3], 3)
        or found.labels.shape != (n,)
        or not all(0 <= label < len(found.class_names) for label in found.labels.tolist())
    ):
        raise _damaged(run, "pictures, labels and names do not fit together")
    return found


def read_frames(run: Path, images: FollowedImages, steps: Iterable[int]) -> Snapshots:
    """Return some of a run's frames.

    Args:
        images: the images whose embeddings the run records.
        steps: which frames, rising; frames that the run has removed meanwhile are left out.

    Raises:
        DataError: a file is damaged, or belongs to other images.
    """
    frames = {}
    for step in steps:
        try:
            check_arrays(run / FOLDER / f"{step}.npy", _MOST_BYTES_OF_FRAME)
            frames[step] = np.load(run / FOLDER / f"{step}.npy", allow_pickle=False)
        except FileNotFoundError:
            continue
        except (OSError, ValueError, EOFError) as error:
            raise _damaged(run, str(error)) from error
        if frames[step].ndim != 2 or len(frames[step]) != len(images.names):
            raise _damaged(run, "they are of other images")
    return Snapshots(images, tuple(frames), tuple(frames.values()))


def _damaged(run: Path, why: str) -> DataError:
    return DataError(f"The recorded embeddings of {run.name} are damaged ({why}).")


def _images_file(images: ImageSet, rows: IntArray) -> bytes:
    side = min(THUMBNAIL, images.images.shape[1])
    thumbnails = [Image.fromarray(images.images[row]).resize((side, side)) for row in rows]
    buffer = io.BytesIO()
    np.savez_compressed(
        buffer,
        thumbnails=np.stack([np.asarray(image) for image in thumbnails]),
        labels=images.labels[rows],
        class_names=np.array(images.class_names, dtype=np.str_),
        names=np.array([images.names[row] for row in rows], dtype=np.str_),
    )
    return buffer.getvalue()


def _frame_files(folder: Path) -> list[Path]:
    return sorted((p for p in folder.glob("*.npy") if p.stem.isdecimal()), key=lambda p: int(p.stem))


def _thin_out(folder: Path) -> None:
    """Remove the least informative frames: those whose neighbours are closest to each other."""
    files = _frame_files(folder)
    while len(files) > MOST_FRAMES:
        steps = [int(path.stem) for path in files]
        gaps = [after - before for before, after in zip(steps, steps[2:], strict=False)]
        files.pop(1 + gaps.index(min(gaps))).unlink(missing_ok=True)
