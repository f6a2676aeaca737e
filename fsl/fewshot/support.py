"""Support sets and queries: images with names, and their embeddings, computed once."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import torch
from PIL import Image
from torch import Tensor

from fsl.base.errors import DataError, ImageReadError
from fsl.base.progress import Progress
from fsl.config import FEW_SHOTS
from fsl.data.images.decode import decode_image
from fsl.data.intake.folders import list_images, read_file
from fsl.data.intake.listing import ImageEntry, Listing, Problem
from fsl.data.intake.paths import display_text, folder_name_text
from fsl.twin.checkpoint import Checkpoint
from fsl.twin.inference import batch_size, embed_images
from fsl.twin.preprocess import to_uint8
from fsl.twin.test_time_augmentation import embed_as_support


class Picture(Protocol):
    """What support sets and queries are made of; ``image`` may be decoded only when it is asked for."""

    @property
    def name(self) -> str:
        """As its owner knows it."""

    @property
    def image(self) -> Image.Image:
        """RGB."""

    @property
    def digest(self) -> str:
        """Sha256 of the bytes it was decoded from; keys the cache of embeddings."""


@dataclass(frozen=True, eq=False)
class NamedImage:
    """One decoded picture.

    Attributes:
        name: as its owner knows it.
        image: RGB.
        digest: sha256 of the bytes it was decoded from; keys the cache of embeddings.
    """

    name: str
    image: Image.Image
    digest: str

    @classmethod
    def from_bytes(cls, data: bytes, name: str) -> NamedImage:
        """Decode ``data``.

        Raises:
            ImageReadError: it is no readable image.
        """
        return cls(name, decode_image(data, name), hashlib.sha256(data).hexdigest())

    @classmethod
    def from_path(cls, path: Path | str) -> NamedImage:
        """Read and decode a file.

        Raises:
            ImageReadError: it cannot be read, or is no readable image.
        """
        shown = display_text(folder_name_text(str(path)))
        return cls.from_bytes(read_file(Path(path), shown), shown)


@dataclass(frozen=True, eq=False)
class SupportSet:
    """The labelled images a decision is made from; immutable.

    Attributes:
        class_names: N names, all different, in order.
        images: one entry per image.
        slots: the class of each image, 0 to N - 1; every class has at least one.
    """

    class_names: tuple[str, ...]
    images: tuple[Picture, ...]
    slots: tuple[int, ...]

    def __post_init__(self) -> None:
        if len(set(self.class_names)) < len(self.class_names):
            twice = sorted({n for n in self.class_names if self.class_names.count(n) > 1})
            raise DataError(f"Two classes are called {twice[0]!r}. Give each class a name of its own.")
        if len(self.images) != len(self.slots):
            raise DataError(f"{len(self.images)} images have {len(self.slots)} labels; give one label each.")
        used = set(self.slots)
        empty = [n for i, n in enumerate(self.class_names) if i not in used]
        if empty:
            raise DataError(f"Class {empty[0]!r} has no image. Add one, or delete the class.")
        if len(self.class_names) < 2:
            raise DataError("A decision needs at least 2 classes with one image each. Add a class.")

    @classmethod
    def from_classes(cls, classes: Mapping[str, Sequence[Picture]]) -> SupportSet:
        """A support set of named classes.

        Raises:
            DataError: fewer than two classes, or a class without an image.
        """
        images = tuple(image for members in classes.values() for image in members)
        slots = tuple(i for i, members in enumerate(classes.values()) for _ in members)
        return cls(tuple(classes), images, slots)

    @classmethod
    def from_listing(cls, listing: Listing) -> tuple[SupportSet, tuple[Problem, ...]]:
        """Decode what a folder or an archive holds, at a size to look at.

        Returns:
            the support set of all readable images, and the problems met, those of the listing first.

        Raises:
            DataError: fewer than two classes have a readable image.
        """
        return cls.from_decoded(listing, (_decoded(entry) for entry in listing.in_classes))

    @classmethod
    def from_decoded(
        cls, listing: Listing, found: Iterable[NamedImage | Problem]
    ) -> tuple[SupportSet, tuple[Problem, ...]]:
        """As ``from_listing``, decoded by somebody else (``fsl.fewshot.read_pictures.read_support``).

        Args:
            listing: as found.
            found: what became of each of the listing's ``in_classes``, under their names.
        """
        class_of = {entry.name: entry.class_name or "" for entry in listing.entries}
        classes: dict[str, list[NamedImage]] = {name: [] for name in listing.class_names}
        problems = list(listing.problems)
        problems += [Problem(name, "it lies in no class folder") for name in class_of if not class_of[name]]
        for one in found:
            if isinstance(one, Problem):
                problems.append(one)
            else:
                classes[class_of[one.name]].append(one)
        readable = {name: images for name, images in classes.items() if images}
        problems += [
            Problem(name, "none of its images can be read") for name in classes if name not in readable
        ]
        if len(readable) < 2:
            detail = f" First problem: {problems[0]}." if problems else ""
            raise DataError(
                "At least 2 folders with readable images are needed, one per class; here "
                f"{'is 1' if readable else 'are none'}.{detail}"
            )
        return cls.from_classes(readable), tuple(problems)

    @classmethod
    def from_folder(cls, path: Path | str) -> SupportSet:
        """A folder, or a zip, with one folder per class; unreadable files are left out.

        Raises:
            DataError: fewer than two classes have a readable image.
        """
        return cls.from_listing(list_images(Path(path)))[0]

    @property
    def n_way(self) -> int:
        """N."""
        return len(self.class_names)

    @property
    def slot_tensor(self) -> Tensor:
        """int64 ``(n_support,)``."""
        return torch.tensor(self.slots, dtype=torch.int64)

    @property
    def is_of_few(self) -> Tensor:
        """bool ``(n_support,)``: whether an image's class has at most ``FEW_SHOTS``."""
        return torch.bincount(self.slot_tensor)[self.slot_tensor] <= FEW_SHOTS

    @property
    def few(self) -> tuple[Picture, ...]:
        """The images of these classes."""
        return tuple(image for image, few in zip(self.images, self.is_of_few.tolist(), strict=True) if few)


def _decoded(entry: ImageEntry) -> NamedImage | Problem:
    try:
        return NamedImage.from_bytes(entry.read(), entry.name)
    except ImageReadError as error:
        return Problem(error.name, error.reason)


class EmbeddingCache:
    """Embeddings by checkpoint and content, the least recently used given up first; safe from threads.

    Args:
        max_bytes: of embeddings kept; one takes 4 * D bytes.
    """

    def __init__(self, max_bytes: int = 128 * 2**20) -> None:
        self._max_bytes = max_bytes
        self._bytes = 0
        self._rows: OrderedDict[tuple[str, str], Tensor] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._rows)

    def get(self, checkpoint: str, digest: str) -> Tensor | None:
        """The embedding ``(D,)`` of that image under that checkpoint, if it is there."""
        with self._lock:
            row = self._rows.get((checkpoint, digest))
            if row is not None:
                self._rows.move_to_end((checkpoint, digest))
            return row

    def put(self, checkpoint: str, digest: str, row: Tensor) -> None:
        """Keep an embedding ``(D,)``."""
        with self._lock:
            former = self._rows.pop((checkpoint, digest), None)
            self._bytes += row.nbytes - (0 if former is None else former.nbytes)
            self._rows[checkpoint, digest] = row
            while self._bytes > self._max_bytes:
                self._bytes -= self._rows.popitem(last=False)[1].nbytes

    def clear(self) -> None:
        """Forget all of them."""
        with self._lock:
            self._rows.clear()
            self._bytes = 0


CACHE = EmbeddingCache()


def cache_key(checkpoint: Checkpoint, image: Picture, as_support: bool = False) -> tuple[str, str]:
    """Where ``embed`` keeps the embedding of an image."""
    is_another = as_support and checkpoint.info.model.support_views > 1
    return checkpoint.digest, f"{image.digest}/support" if is_another else image.digest


def embed(
    checkpoint: Checkpoint,
    images: Sequence[Picture],
    cache: EmbeddingCache = CACHE,
    progress: Progress | None = None,
    as_support: bool = False,
) -> Tensor:
    """Embeddings of images, each content once per checkpoint.

    Args:
        checkpoint: the twin network.
        images: any sizes.
        cache: where embeddings are looked up and kept.
        progress: called with (done, total) images.
        as_support: as support images of classes that have few: averaged over the views that the network's
            settings ask for (``fsl.twin.test_time_augmentation``).

    Returns:
        float32 ``(n, D)``.
    """
    keys = [cache_key(checkpoint, image, as_support) for image in images]
    rows = {key: cache.get(*key) for key in keys}
    by_key = dict(zip(keys, images, strict=True))
    missing = [key for key, row in rows.items() if row is None]
    step = batch_size(checkpoint.twin)
    for start in range(0, len(missing), step):
        batch = missing[start : start + step]
        members = [by_key[key] for key in batch]
        pixels = to_uint8([member.image for member in members], checkpoint.info.model)
        if as_support:
            found = embed_as_support(checkpoint.twin, pixels, embed(checkpoint, members, cache))
        else:
            found = embed_images(checkpoint.twin, pixels)
        for key, row in zip(batch, found, strict=True):
            # A row of a batch is a view that would keep the whole batch alive.
            rows[key] = own = row.clone()
            cache.put(*key, own)
        if progress is not None:
            progress(min(start + step, len(missing)), len(missing))
    in_order = [row for key in keys if (row := rows[key]) is not None]
    return torch.stack(in_order) if in_order else torch.empty(0, checkpoint.twin.embedding_dim)


def embed_support(
    checkpoint: Checkpoint,
    support: SupportSet,
    cache: EmbeddingCache = CACHE,
    progress: Progress | None = None,
) -> Tensor:
    """Embeddings ``(n_support, D)`` of a support set, those of classes that have few ``as_support``.

    Takes what ``embed`` takes; ``progress`` counts all images first, then those of small classes.
    """
    embeddings = embed(checkpoint, support.images, cache, progress)
    if support.few:
        embeddings[support.is_of_few] = embed(checkpoint, support.few, cache, progress, as_support=True)
    return embeddings
