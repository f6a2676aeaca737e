"""The pictures that an evaluation can be made on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fsl.base.progress import Progress
from fsl.config import ModelConfig
from fsl.data.catalogue import Source, catalogue
from fsl.data.intake.listing import Problem
from fsl.data.intake.server_limits import MAX_BYTES
from fsl.data.query import ImageQuery
from fsl.ui.shared.sources import CLASSIFY, UPLOAD, Upload, kind_of, workspace_source
from fsl.ui.shared.workspace import Workspace

if TYPE_CHECKING:
    from fsl.data.imageset import ImageSet

_CLASSIFY_FILE = "my-classes.zip"


def sources(workspace: Workspace, upload: Upload | None) -> dict[str, Source]:
    """Return what can be evaluated on now, by key: a person's own pictures, then the catalogue."""
    found: dict[str, Source] = {}
    if any(card.pictures for card in workspace.classes):
        mine = workspace_source(workspace.classes)
        found[mine.key] = mine
    if upload is not None:
        found[upload.source.key] = upload.source
    return found | catalogue()


def usual_source(known: dict[str, Source]) -> str:
    """Return the key that is chosen at first: own pictures, else a data set on this machine."""
    first = next(iter(known))
    if kind_of(first) in (CLASSIFY, UPLOAD):
        return first
    return next((key for key, source in known.items() if source.splits), first)


def load_pictures(
    source: Source, model: ModelConfig, classes: str, per_class: int, progress: Progress
) -> tuple[ImageSet, tuple[Problem, ...]]:
    """Load the pictures of an evaluation.

    Args:
        source: where they are.
        model: gives size and fit.
        classes: the name of one of its class lists; "" for all classes.
        per_class: largest number of images of each class.
        progress: called with (done, total).

    Returns:
        The images, and what was left out.

    Raises:
        DataError: there is nothing to use, or too much, or it cannot be downloaded.
    """
    names = source.class_list(classes) if classes else ()
    query = ImageQuery(model.image_size, model.fit, classes=names, per_class=per_class, most_bytes=MAX_BYTES)
    return source.load(query, progress)


def data_option(source: Source) -> str:
    """Return what ``--data`` names in a shell: a data set, or the file with a person's own pictures."""
    kind = kind_of(source.key)
    if kind == UPLOAD and (source.about in catalogue() or source.about.startswith("-")):
        return f"./{source.about}"  # or the name would mean a data set or an option
    return {CLASSIFY: _CLASSIFY_FILE, UPLOAD: source.about}.get(kind, source.key)
