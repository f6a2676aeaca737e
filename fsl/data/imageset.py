"""A labelled set of images in memory, for training, evaluation and embedding."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np

from fsl.base.errors import DataError, SettingsError
from fsl.base.text import count, listed
from fsl.base.types import IntArray, PixelArray


@dataclass(frozen=True, eq=False)
class ImageSet:
    """N square RGB images with their classes.

    Attributes:
        images: uint8 ``(N, S, S, 3)``, 0..255.
        labels: int64 ``(N,)``, each an index into ``class_names``.
        class_names: distinct and not empty; a class may have no image.
        names: N file names, for messages and screens.
        notes: what to tell the user about the set as it was read, a sentence each.

    Raises:
        SettingsError: the four do not fit together.
    """

    images: PixelArray
    labels: IntArray
    class_names: tuple[str, ...]
    names: tuple[str, ...]
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Check shapes, types and ranges."""
        images, labels = self.images, self.labels
        if images.dtype != np.uint8 or images.ndim != 4 or images.shape[1:] != (self.size, self.size, 3):
            found = f"{images.dtype} {images.shape}"
            raise SettingsError(f"Images must be uint8 of shape (N, S, S, 3), not {found}.")
        if labels.dtype != np.int64 or labels.shape != images.shape[:1]:
            wanted = f"({len(images)},)"
            raise SettingsError(f"Labels must be int64 of shape {wanted}, not {labels.dtype} {labels.shape}.")
        if len(self.names) != len(images):
            raise SettingsError(f"There are {len(images)} images but {len(self.names)} names.")
        if len(set(self.class_names)) != len(self.class_names):
            raise SettingsError("Two classes have the same name.")
        if len(labels) and not (labels.min() >= 0 and labels.max() < self.n_classes):
            raise SettingsError(f"Labels must be from 0 to {self.n_classes - 1}.")

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self.images)

    @property
    def n_classes(self) -> int:
        """The number of classes."""
        return len(self.class_names)

    @property
    def size(self) -> int:
        """The side of the images in pixels; 0 if ``images`` is not four-dimensional."""
        return int(self.images.shape[1]) if self.images.ndim == 4 else 0

    def select_classes(self, names: Sequence[str]) -> ImageSet:
        """Return the images of some classes.

        Args:
            names: the classes, in the order of their new labels.

        Raises:
            DataError: a name is no class of this set, or is given twice.
        """
        known_names = set(self.class_names)
        unknown = [name for name in names if name not in known_names]
        if unknown:
            raise DataError(
                f"There is no class named {listed(unknown)}. The classes here are {listed(self.class_names)}."
            )
        if len(set(names)) != len(names):
            raise DataError("A class is named twice; name each class once.")
        new_label = np.full(self.n_classes, -1, dtype=np.int64)
        new_label[[self.class_names.index(name) for name in names]] = np.arange(len(names))
        labels = new_label[self.labels]
        kept = np.flatnonzero(labels >= 0)
        file_names = tuple(self.names[i] for i in kept)
        return ImageSet(self.images[kept], labels[kept], tuple(names), file_names, self.notes)

    def rows(self, rows: Sequence[int] | IntArray) -> ImageSet:
        """Return the images at these positions, with all classes."""
        chosen = np.asarray(rows, dtype=np.int64)
        names = tuple(self.names[row] for row in chosen)
        return ImageSet(self.images[chosen], self.labels[chosen], self.class_names, names, self.notes)

    def part(self, rows: slice) -> ImageSet:
        """Return consecutive images, with all classes."""
        return ImageSet(self.images[rows], self.labels[rows], self.class_names, self.names[rows], self.notes)

    def digest(self) -> str:
        """Return a sha256 in hexadecimal of the pixels, the labels and all names."""
        digest = hashlib.sha256()
        header = [list(self.images.shape), self.class_names, self.names]
        digest.update(json.dumps(header).encode())
        digest.update(np.ascontiguousarray(self.labels, dtype="<i8").data)
        digest.update(np.ascontiguousarray(self.images).data)
        return digest.hexdigest()


def single_images_note(images: ImageSet) -> tuple[str, ...]:
    """Return at most one sentence, which names the classes that nothing is learned from.

    A class with a single image has no pair of the same class.
    """
    counts = np.bincount(images.labels, minlength=images.n_classes)
    single = [name for name, n in zip(images.class_names, counts, strict=True) if n == 1]
    if not single:
        return ()
    kinds = count(images.n_classes, "class", "classes")
    shown = listed(single)
    return (f"{len(single)} of {kinds} with a single picture; nothing is learned from it: {shown}.",)


def concatenate(sets: Sequence[ImageSet]) -> ImageSet:
    """Join sets; classes of different sets stay apart: a name that occurs again becomes "name (2)".

    Raises:
        SettingsError: there is no set, or their images differ in size.
    """
    if not sets:
        raise SettingsError("There is no image set to join.")
    sizes = sorted({one.size for one in sets})
    if len(sizes) > 1:
        raise SettingsError(f"Image sets of different sizes cannot be joined: {sizes} pixels.")
    class_names: list[str] = []
    labels: list[IntArray] = []
    for one in sets:
        labels.append(one.labels + len(class_names))
        class_names += _renamed(one.class_names, set(class_names))
    return ImageSet(
        np.concatenate([one.images for one in sets]),
        np.concatenate(labels),
        tuple(class_names),
        tuple(name for one in sets for name in one.names),
        tuple(dict.fromkeys(note for one in sets for note in one.notes)),
    )


def evenly(classes: Sequence[Hashable], per_class: int) -> list[int]:
    """Return ascending positions of at most ``per_class`` items of each class, evenly spaced over it."""
    rows: dict[Hashable, list[int]] = {}
    for row, name in enumerate(classes):
        rows.setdefault(name, []).append(row)
    return sorted(
        members[i * len(members) // n]
        for members in rows.values()
        for n in [min(per_class, len(members))]
        for i in range(n)
    )


def _renamed(names: Sequence[str], taken: set[str]) -> list[str]:
    """Return the names, with a number where one is taken already."""
    result: list[str] = []
    taken = set(taken)
    for name in names:
        new, number = name, 2
        while new in taken or (new != name and new in names):
            new, number = f"{name} ({number})", number + 1
        taken.add(new)
        result.append(new)
    return result
