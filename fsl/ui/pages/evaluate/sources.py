"""The pictures that an evaluation can be made on."""

from __future__ import annotations

from fsl.data.catalogue import Source, catalogue
from fsl.ui.shared.sources import CLASSIFY, UPLOAD, Upload, kind_of, workspace_source
from fsl.ui.shared.workspace import Workspace

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


def data_option(source: Source) -> str:
    """Return what ``--data`` names in a shell: a data set, or the file with a person's own pictures."""
    kind = kind_of(source.key)
    if kind == UPLOAD and (source.about in catalogue() or source.about.startswith("-")):
        return f"./{source.about}"  # or the name would mean a data set or an option
    return {CLASSIFY: _CLASSIFY_FILE, UPLOAD: source.about}.get(kind, source.key)
