"""Sources: pictures in classes, loaded the same way wherever they come from.

A :class:`FileSource` reads picture files: from a folder, a zip, a download or memory. An
:class:`ArraySource` makes pixels of data that is no picture file, such as scikit-learn's digits.
``fsl.data.catalogue`` lists the sources that have a name and opens the others.
"""

from __future__ import annotations

import hashlib
import io
import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from fsl.base.errors import DataError, SettingsError
from fsl.base.progress import Progress
from fsl.base.types import PixelArray
from fsl.data.download import Download
from fsl.data.imageset import ImageSet, evenly
from fsl.data.intake.folders import file_version, walk_following
from fsl.data.intake.listing import ImageEntry, Listing, Problem
from fsl.data.intake.splits import class_lists, read_class_list
from fsl.data.loading import OnSquare, chosen_classes, load_listing, share_of
from fsl.data.query import ImageQuery

# Side of the picture files that an ArraySource makes, in pixels.
_PICTURE_SIDE = 96


@dataclass(frozen=True, eq=False, kw_only=True)
class Source(ABC):
    """Pictures in classes.

    Attributes:
        key: identifies the source; ``open_source(key)`` opens it, unless it is in memory alone.
        title: what it is called on screens.
        about: what it holds, in a few words; "" if the title says it.
        credit: whom to name beside its pictures; "" for nobody.
        known_as: the data set's name in the headers of networks that were trained on it.
        splits: file with named lists of its classes, or None.
        list_prefix: start of the names of its lists in that file ("orl."); others may share the file.
        n_images: number of images; 0 if it is not known without reading the source.
        download: where the files of a public data set come from; else None.
    """

    key: str
    title: str
    about: str = ""
    credit: str = ""
    known_as: str = ""
    splits: Path | None = None
    list_prefix: str = ""
    n_images: int = 0
    download: Download | None = None

    @property
    def is_here(self) -> bool:
        """Whether its pictures can be read without downloading anything."""
        return self.download is None or self.download.is_done()

    def class_lists(self) -> tuple[str, ...]:
        """Return the names of its class lists ("train", "val", ...), in the order of their file.

        Raises:
            DataError: the file of lists cannot be read.
        """
        names = class_lists(self.splits) if self.splits else ()
        prefix = self.list_prefix
        return tuple(name.removeprefix(prefix) for name in names if name.startswith(prefix))

    def list_spec(self, name: str) -> str:
        """Return one of its class lists as the option ``--classes`` takes it: FILE:LIST.

        Raises:
            DataError: there is no file of lists.
        """
        if self.splits is None:
            raise DataError(f"The data set {self.key} has no file of class lists beside it.")
        return f"{self.splits}:{self.list_prefix}{name}"

    def class_list(self, name: str) -> tuple[str, ...]:
        """Return the classes of one of its lists.

        Raises:
            DataError: there is no file of lists, or no such list in it.
        """
        return read_class_list(self.list_spec(name))

    def version(self) -> Hashable:
        """Return a value that changes whenever the pictures change."""
        return self.key

    @abstractmethod
    def class_names(self) -> tuple[str, ...]:
        """Return the classes in the order of their labels, without decoding any image.

        Returns:
            their names; empty for a data set whose classes are known only after its download.

        Raises:
            DataError: the files cannot be listed.
        """

    @abstractmethod
    def listing(self, part: str = "", progress: Progress | None = None, per_class: int = 0) -> Listing:
        """Return its pictures as files, which are not decoded yet.

        Args:
            part: one part of a data set that is split; "" for everything.
            progress: called with (done, total) files or bytes of a download, or images that are made.
            per_class: largest number of pictures of each class; 0 for all.

        Raises:
            DataError: it cannot be downloaded or read, or has no such part.
            SettingsError: it has no parts.
        """

    @abstractmethod
    def load(
        self, query: ImageQuery, progress: Progress | None = None, on_square: OnSquare | None = None
    ) -> tuple[ImageSet, tuple[Problem, ...]]:
        """Load images.

        Args:
            query: which images, and in which form.
            progress: called with (done, total): files or bytes of a download first, then images.
            on_square: called with a file's name and its square picture, from several threads; not for
                sources that are no files.

        Returns:
            The images, and what was left out: files, and classes without a readable image.

        Raises:
            DataError: the source cannot be downloaded or read, has no such class or part, or needs more
                memory than the query allows.
            SettingsError: the query asks for something that this source does not have.
        """


@dataclass(frozen=True, eq=False, kw_only=True)
class FileSource(Source):
    """Picture files in class folders.

    Attributes:
        find: lists the files of one part ("" for all); called after the download.
        path: the folder or zip they lie in; None for pictures in memory.
        classes: names of the classes; empty if they are not known without reading the source.
    """

    find: Callable[[str], Listing]
    path: Path | None = None
    classes: tuple[str, ...] = ()

    def version(self) -> Hashable:
        """Return the modification times, sizes and names of the files on disk; the key for others."""
        return _version_of(self.path) if self.path is not None and self.path.exists() else self.key

    def class_names(self) -> tuple[str, ...]:
        """Return the class folders, sorted naturally; see ``Source.class_names``."""
        if self.classes or not self.is_here:
            return self.classes
        return self.find("").class_names

    def listing(self, part: str = "", progress: Progress | None = None, per_class: int = 0) -> Listing:
        """Return the files found, after downloading them if necessary; see ``Source.listing``."""
        if self.download is not None:
            self.download.fetch(progress)
        found = self.find(part)
        if not per_class:
            return found
        rows = evenly([entry.class_name for entry in found.entries], per_class)
        return replace(found, entries=tuple(found.entries[row] for row in rows))

    def load(
        self, query: ImageQuery, progress: Progress | None = None, on_square: OnSquare | None = None
    ) -> tuple[ImageSet, tuple[Problem, ...]]:
        """Decode the files that the query asks for; see ``Source.load``."""
        return load_listing(self.listing(query.part, progress), query, progress, on_square=on_square)


@dataclass(frozen=True, eq=False, kw_only=True)
class ArraySource(Source):
    """Images made by a function.

    Attributes:
        classes: their names, in the order of the labels.
        make: makes all images at the query's size and fit, and no fewer of each class than ``per_class`` asks
            for; may raise DataError.
    """

    classes: tuple[str, ...]
    make: Callable[[ImageQuery, Progress | None], ImageSet]

    def class_names(self) -> tuple[str, ...]:
        """Return the classes in the order of their labels."""
        return self.classes

    def listing(self, part: str = "", progress: Progress | None = None, per_class: int = 0) -> Listing:
        """Return the images as PNG files of 96 pixels a side; see ``Source.listing``."""
        images, problems = self.load(ImageQuery(_PICTURE_SIDE, part=part, per_class=per_class), progress)
        entries = (
            ImageEntry(images.class_names[label], name, partial(png_bytes, pixels))
            for pixels, label, name in zip(images.images, images.labels, images.names, strict=True)
        )
        return Listing(tuple(entries), problems)

    def load(
        self, query: ImageQuery, progress: Progress | None = None, on_square: OnSquare | None = None
    ) -> tuple[ImageSet, tuple[Problem, ...]]:
        """Make the images that the query asks for; see ``Source.load``."""
        if query.part:
            raise SettingsError(f"{self.key} has no parts; leave {query.part!r} out.")
        if query.centre != 1:
            raise SettingsError(f"{self.key} has no margins to cut off; leave the centre out.")
        if self.download is not None:
            self.download.fetch(progress)
        if query.fit == "face":  # found in the pictures, which may be larger than the network's input
            return load_listing(self.listing(progress=progress), query, progress, on_square=on_square)
        images = self.make(query, progress)
        names = chosen_classes(images.class_names, query)
        if names != images.class_names:
            images = images.select_classes(names)
        if query.per_class:
            images = images.rows(evenly(images.labels.tolist(), query.per_class))
        return images.part(share_of(len(images), query.share)), ()


def listing_source(key: str, title: str, listing: Listing, about: str = "") -> FileSource:
    """Return a source of files that were listed already, such as those of an upload.

    Args:
        key: identifies the content: another one for other pictures.
        title: what it is called on screens.
        about: what it holds, in a few words.
    """
    n_images = len(listing.entries)
    return FileSource(
        key=key, title=title, about=about, known_as=key, n_images=n_images, find=lambda _: listing
    )


def png_bytes(pixels: PixelArray) -> bytes:
    """Return an image, uint8 ``(H, W, 3)``, as the bytes of a PNG file."""
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(buffer, format="PNG")
    return buffer.getvalue()


def _version_of(path: Path) -> Hashable:
    if not path.is_dir():
        return file_version(path)
    digest = hashlib.sha256()
    for folder, _, names, _ in sorted(walk_following(path)):
        for name in sorted(names):
            file = Path(folder, name)
            digest.update(os.fsencode(f"{file}\0{file_version(file)}\0"))
    return digest.hexdigest()
