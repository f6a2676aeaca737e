"""Sources of a session's own pictures, and how pages name sources."""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from fsl.data.catalogue import FileSource, Source, listing_source
from fsl.data.images.signatures import usual_suffix
from fsl.data.intake.layout import class_of_paths
from fsl.data.intake.listing import ImageEntry, Listing
from fsl.data.intake.paths import display_path, is_ignored_folder
from fsl.data.intake.written import NAMES_FILE, names_file
from fsl.fewshot.sort import safe_name
from fsl.ui.shared.holders import Holding
from fsl.ui.shared.workspace import ClassCard

CLASSIFY = "classify"
UPLOAD = "upload"


@dataclass(frozen=True, eq=False)
class Upload:
    """A folder or zip that was uploaded.

    Attributes:
        source: its pictures; ``source.about`` is the name of the folder or zip.
        n_bytes: its size as uploaded.
    """

    source: FileSource
    n_bytes: int

    @property
    def title(self) -> str:
        """The name of the folder or zip."""
        return self.source.about

    @property
    def holding(self) -> Holding:
        """Its part of the session's memory."""
        return Holding(id(self.source), self.n_bytes)


def upload_of(title: str, listing: Listing, files: Sequence[tuple[str, bytes]]) -> Upload:
    """Return an upload as a source.

    Args:
        title: name of the folder or zip.
        listing: the pictures in it.
        files: name and content of the uploaded files.
    """
    digest = hashlib.sha256()
    for name, data in files:
        digest.update(f"{name}\n".encode())
        digest.update(hashlib.sha256(data).digest())
    key = f"{UPLOAD}-{digest.hexdigest()[:16]}"
    source = listing_source(key, "My pictures", listing, about=title)
    return Upload(source, sum(len(data) for _, data in files))


def workspace_source(cards: Sequence[ClassCard]) -> FileSource:
    """Return the classes of the Classify page as a source; other pictures have another key."""
    digest = hashlib.sha256()
    entries = []
    for number, card in enumerate(cards):
        for picture in card.pictures:
            digest.update(f"{card.name}\n{picture.digest}\n".encode())
            entries.append(ImageEntry(card.name, f"{number}/{picture.name}", partial(bytes, picture.data)))
    key = f"{CLASSIFY}-{digest.hexdigest()[:16]}"
    return listing_source(key, "My classes on the Classify page", Listing(tuple(entries), ()))


def kind_of(key: str) -> str:
    """Return the key without its digest: ``CLASSIFY`` or ``UPLOAD`` for a session's own pictures."""
    return next((kind for kind in (CLASSIFY, UPLOAD) if key.startswith(f"{kind}-")), key)


def label_of(source: Source) -> str:
    """Return a source's title, marked if it is still to be downloaded."""
    return source.title if source.is_here else f"{source.title} (to download)"


def progress_text(source: Source, done: int, total: int) -> str:
    """Say what ``source.load`` is doing, after ``done`` of ``total`` files, bytes or images."""
    if source.download is not None:
        share = f": {done / total:.0%}" if total else ""
        return f"Downloading pictures if needed, and reading them{share}"
    return f"Reading pictures: {done:,} of {total:,}"


def zip_of(source: Source) -> bytes:
    """Return the pictures as a zip with a folder per class, which is read as the same classes again.

    Names of folders and files are safe on every system. Where the folders cannot have the names of the
    classes, a file beside them holds those.
    """
    out = io.BytesIO()
    entries = source.listing().entries
    names = tuple(dict.fromkeys(entry.class_name or "" for entry in entries))
    folders = {name: name for name in names}
    with zipfile.ZipFile(out, "w") as archive:
        if not _are_folder_names(names):
            folders = {name: display_path(f"{n:03} {safe_name(name)}") for n, name in enumerate(names, 1)}
            named = names_file({folder: name for name, folder in folders.items()})
            archive.writestr(f"pictures/{NAMES_FILE}", named)
        for number, entry in enumerate(entries):
            data = entry.read()
            folder = folders[entry.class_name or ""]
            archive.writestr(f"pictures/{folder}/{number:05}{usual_suffix(data)}", data)
    return out.getvalue()


def _are_folder_names(names: Sequence[str]) -> bool:
    """Return whether every system takes the names for folders, and they are read as the same classes."""
    paths = {f"pictures/{name}/0.jpg": name for name in names}
    is_safe = all(safe_name(name) == name and not is_ignored_folder(name) for name in names)
    is_distinct = len({name.casefold() for name in names}) == len(names)
    return is_safe and is_distinct and class_of_paths(paths) == paths
