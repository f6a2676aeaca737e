"""Support sets: the labelled images that a decision is made from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from fsl.base.errors import DataError
from fsl.config import FEW_SHOTS
from fsl.data.copies import copies_notes
from fsl.data.images.pool import decode_pool
from fsl.data.intake.folders import list_images
from fsl.data.intake.listing import Listing, Problem
from fsl.fewshot.pictures import NamedImage, Picture, as_pictures, read_picture


@dataclass(frozen=True, eq=False)
class SupportSet:
    """The labelled images that a decision is made from; immutable.

    Attributes:
        class_names: N different names, in order.
        images: all images of all classes.
        slots: the class of each image, 0 to N - 1; every class has at least one image.

    Raises:
        DataError: there are fewer than two classes, two have the same name, or one has no image.
    """

    class_names: tuple[str, ...]
    images: tuple[Picture, ...]
    slots: tuple[int, ...]

    def __post_init__(self) -> None:
        if len(set(self.class_names)) < len(self.class_names):
            twice = sorted({n for n in self.class_names if self.class_names.count(n) > 1})
            raise DataError(f"Two classes are called {twice[0]!r}. Give each class its own name.")
        if len(self.images) != len(self.slots):
            raise DataError(f"{len(self.images)} images have {len(self.slots)} labels; give one label each.")
        used = set(self.slots)
        if used - set(range(len(self.class_names))):
            raise DataError(
                f"Labels must be from 0 to {len(self.class_names) - 1}: positions of class names."
            )
        empty = [n for i, n in enumerate(self.class_names) if i not in used]
        if empty:
            raise DataError(f"Class {empty[0]!r} has no image. Add one, or delete the class.")
        if len(self.class_names) < 2:
            raise DataError("A decision needs at least 2 classes with one image each. Add a class.")

    @classmethod
    def from_classes(cls, classes: Mapping[str, Sequence[Picture | Path | str]]) -> SupportSet:
        """Build a support set from named classes.

        Args:
            classes: the images of each class, or paths of files.

        Raises:
            DataError: there are fewer than two classes, or a class has no image.
            SettingsError: something is neither an image nor a path.
            ImageReadError: a file is not a readable image.
        """
        members = [list(as_pictures(items)) for items in classes.values()]
        images = tuple(image for of_class in members for image in of_class)
        slots = tuple(i for i, of_class in enumerate(members) for _ in of_class)
        return cls(tuple(classes), images, slots)

    @classmethod
    def from_listing(cls, listing: Listing) -> tuple[SupportSet, tuple[Problem, ...]]:
        """Decode the pictures of a folder or an archive, large enough to look at.

        Returns:
            the support set of all readable images; and the problems, those of the listing first.

        Raises:
            DataError: fewer than two classes have a readable image.
        """
        with decode_pool() as pool:
            return cls.from_decoded(
                listing, pool.map(lambda entry: read_picture(entry.name, entry.read), listing.in_classes)
            )

    @classmethod
    def from_decoded(
        cls, listing: Listing, found: Iterable[NamedImage | Problem]
    ) -> tuple[SupportSet, tuple[Problem, ...]]:
        """Build a support set from pictures that ``fsl.fewshot.read_pictures`` has decoded.

        Args:
            listing: the folder or archive.
            found: the picture or the problem of each of the listing's ``in_classes``, with their names.

        Returns, Raises:
            as ``from_listing``.
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
        """Read a folder or a zip that has one folder per class; unreadable files are left out.

        Raises:
            DataError: fewer than two classes have a readable image.
        """
        return cls.from_listing(list_images(Path(path)))[0]

    @property
    def n_way(self) -> int:
        """Return the number of classes."""
        return len(self.class_names)

    @property
    def slot_tensor(self) -> Tensor:
        """Return ``slots`` as int64 ``(n_support,)``."""
        return torch.tensor(self.slots, dtype=torch.int64)

    @property
    def is_of_few(self) -> Tensor:
        """Return bool ``(n_support,)``: whether an image's class has at most ``FEW_SHOTS`` images."""
        return torch.bincount(self.slot_tensor)[self.slot_tensor] <= FEW_SHOTS

    @property
    def few(self) -> tuple[Picture, ...]:
        """Return the images of these classes."""
        return tuple(image for image, few in zip(self.images, self.is_of_few.tolist(), strict=True) if few)

    @property
    def copies_notes(self) -> tuple[str, ...]:
        """Return at most one sentence, which names the images that are there more than once."""
        classes = [self.class_names[slot] for slot in self.slots]
        return copies_notes([i.name for i in self.images], classes, [i.digest for i in self.images])
