"""Split images into those to train on and those to test on."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fsl.base.errors import DataError
from fsl.base.text import count
from fsl.data.imageset import ImageSet
from fsl.data.intake.splits import expand_prefixes


def hold_out_classes(data: ImageSet, share: float, seed: int) -> tuple[ImageSet, ImageSet | None]:
    """Split by class, so that the validation set has classes that are never trained on.

    Args:
        share: share of the classes to hold out, 0 to below 1.

    Returns:
        the training set and the validation set; None for the latter if that would hold out or keep fewer
        than 2 classes.

    Raises:
        DataError: the share is out of range.
    """
    held_out = drawn_classes(data.class_names, share, seed)
    return select_held_out(data, held_out) if held_out else (data, None)


def seen_before(start: str, n_seen: int, n_tested: int) -> str:
    """Return a warning about a test on classes that the starting network was trained on."""
    return (
        f"{start} was trained on {n_seen} of the {n_tested} classes that are held out, so the test here says "
        "little about classes that it has never seen."
    )


def drawn_classes(class_names: Sequence[str], share: float, seed: int) -> tuple[str, ...]:
    """Return the classes that ``hold_out_classes`` holds out, sorted.

    Args:
        share: share of the classes to hold out, 0 to below 1.

    Returns:
        their names; empty if fewer than 2 classes would be held out or kept.

    Raises:
        DataError: the share is out of range.
    """
    if not 0 <= share < 1:
        raise DataError(f"The share of validation classes is {share}; it must be 0 to below 1.")
    n_held_out = round(share * len(class_names))
    if n_held_out < 2 or len(class_names) - n_held_out < 2:
        return ()
    order = np.random.default_rng(seed).permutation(len(class_names))
    return tuple(sorted(class_names[i] for i in order[:n_held_out]))


def select_held_out(data: ImageSet, names: Sequence[str]) -> tuple[ImageSet, ImageSet]:
    """Split by the names of the classes to hold out.

    Args:
        names: classes, or folders of classes ("Greek" for "Greek/alpha", "Greek/beta", ...).

    Returns:
        the training set and the validation set.

    Raises:
        DataError: there is no such class, or fewer than 2 are held out or left to train on.
    """
    held_out = set(expand_prefixes(data.class_names, names))
    kept = sorted(name for name in data.class_names if name not in held_out)
    if len(held_out) < 2 or len(kept) < 2:
        raise DataError(
            f"Held out for testing are {len(held_out)} of {count(data.n_classes, 'class', 'classes')}, which "
            f"leaves {len(kept)} to learn from. At least 2 of each are needed."
        )
    return data.select_classes(kept), data.select_classes(sorted(held_out))


def hold_out_images(data: ImageSet, share: float, seed: int) -> tuple[ImageSet, ImageSet | None]:
    """Split the images of each class, for sets with too few classes to hold some out.

    Args:
        share: share of each class's images to hold out, 0 to below 1; at least 2 images are kept for
            training.

    Returns:
        the training set, and the validation set of the same classes; None for the latter if fewer than 2
        classes can give 2 images.

    Raises:
        DataError: the share is out of range.
    """
    if not 0 <= share < 1:
        raise DataError(f"The share of validation images is {share}; it must be 0 to below 1.")
    rng = np.random.default_rng(seed)
    held_out = np.zeros(len(data), bool)
    n_classes = 0
    for label in range(data.n_classes):
        rows = np.flatnonzero(data.labels == label)
        n = min(max(2, round(share * len(rows))), len(rows) - 2)
        if share and n >= 2:
            held_out[rng.permutation(rows)[:n]] = True
            n_classes += 1
    if n_classes < 2:
        return data, None
    return data.rows(np.flatnonzero(~held_out)), data.rows(np.flatnonzero(held_out))
