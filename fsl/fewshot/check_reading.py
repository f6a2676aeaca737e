"""Read the files of a data set for the check: each is decoded and embedded once, a few at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from fsl.base.errors import NoFaceError
from fsl.base.progress import Progress
from fsl.config import ModelConfig
from fsl.data.images.pool import decode_pool
from fsl.data.images.resize import square_image
from fsl.data.intake.listing import ImageEntry, Problem
from fsl.fewshot.check_copies import Look, look_at
from fsl.fewshot.embed import embed
from fsl.fewshot.pictures import NamedImage, read_picture
from fsl.fewshot.read_pictures import AT_ONCE
from fsl.twin.checkpoint import Checkpoint


@dataclass(frozen=True, eq=False)
class LookedAt:
    """The n pictures that could be read.

    Attributes:
        names: paths relative to the data.
        labels: positions in ``class_names``.
        class_names: the classes, in order.
        looks: what is needed to find copies.
        embeddings: float32 ``(n, D)``.
    """

    names: list[str] = field(default_factory=list)
    labels: list[int] = field(default_factory=list)
    class_names: tuple[str, ...] = ()
    looks: list[Look] = field(default_factory=list)
    embeddings: Tensor = field(default_factory=lambda: torch.empty(0, 0))


def look_and_embed(
    checkpoint: Checkpoint, entries: Sequence[ImageEntry], progress: Progress | None = None
) -> tuple[LookedAt, list[Problem]]:
    """Decode and embed files in class folders; memory holds a batch of pictures at a time.

    Args:
        entries: the files; each has a class.
        progress: called with (files done, number of files).

    Returns:
        the pictures, and why other files could not be read.
    """
    class_names = tuple(dict.fromkeys(entry.class_name or "" for entry in entries))
    label_of = {name: label for label, name in enumerate(class_names)}
    seen, problems, parts = LookedAt(class_names=class_names), list[Problem](), list[Tensor]()
    with decode_pool() as pool:
        for start in range(0, len(entries), AT_ONCE):
            some = entries[start : start + AT_ONCE]
            batch: list[NamedImage] = []
            for entry, one in zip(
                some, pool.map(lambda e: _read(e, checkpoint.info.model), some), strict=True
            ):
                if isinstance(one, Problem):
                    problems.append(one)
                    continue
                picture, look = one
                batch.append(picture)
                seen.names.append(entry.name)
                seen.labels.append(label_of[entry.class_name or ""])
                seen.looks.append(look)
            parts.append(embed(checkpoint, batch))
            if progress is not None:
                progress(min(start + AT_ONCE, len(entries)), len(entries))
    return replace(seen, embeddings=torch.cat(parts)) if parts else seen, problems


def _read(entry: ImageEntry, model: ModelConfig) -> tuple[NamedImage, Look] | Problem:
    picture = read_picture(entry.name, entry.read)
    if isinstance(picture, Problem):
        return picture
    try:
        square = square_image(picture.image, model.image_size, model.fit)
    except NoFaceError as error:
        return Problem(entry.name, str(error))
    return replace(picture, image=square), look_at(picture.image)
