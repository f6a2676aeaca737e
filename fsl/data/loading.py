"""All images of a data set by whatever names it: a built-in, public or named set, a folder or a zip."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from fsl.base.errors import SettingsError
from fsl.base.progress import Progress
from fsl.config import Fit
from fsl.data.builtin import BUILTIN_SETS, builtin_classes, builtin_set
from fsl.data.imageset import ImageSet, evenly, load_image_set
from fsl.data.intake.listing import Problem, list_images
from fsl.data.intake.splits import expand_prefixes, read_class_list
from fsl.data.named import named_sets, resolve_data
from fsl.data.public import PUBLIC_SETS, public_classes, public_set


def class_names(data: str) -> tuple[str, ...]:
    """The classes of a set, without decoding its images.

    Args:
        data: as ``load_images`` takes it.

    Returns:
        the names, in the order of the labels; none for a public set that has not been fetched yet.

    Raises:
        DataError: there is no such set.
    """
    if comes_by_name(data):
        return builtin_classes(data) if data in BUILTIN_SETS else public_classes(data)
    return list_images(resolve_data(data)).class_names


def from_anywhere(data: str) -> str:
    """``data`` as it means the same in every working folder: a path made absolute, a name as it is."""
    if comes_by_name(data) or data in named_sets() or not Path(data).exists():
        return data
    return str(Path(data).absolute())


def comes_by_name(data: str) -> bool:
    """Whether it names a set that comes with the program or from its public home."""
    return data in BUILTIN_SETS or data in PUBLIC_SETS


def load_images(
    data: str,
    size: int,
    fit: Fit,
    *,
    part: str = "",
    classes: str = "",
    centre: float = 1.0,
    per_class: int = 0,
    report: Callable[[Sequence[Problem]], None],
    progress: Progress | None = None,
    share: Callable[[int], slice] | None = None,
    most_bytes: int = 0,
) -> ImageSet:
    """Decode the images that ``data`` names.

    Args:
        data: the name of a built-in set ("rendered", "digits"), of one to fetch from its public home
            (``fsl.data.public.PUBLIC_SETS``) or of one that is here; or a folder or zip. A name goes before a
            folder of the same name, so that it means the same everywhere; "./NAME" is the folder.
        size: side of the images in pixels.
        fit: how a picture becomes a square.
        part: only this part of a Fruits-360 layout.
        classes: a JSON list of classes, or a split file and the name of a list in it; "" for all.
        centre: the share of each picture's sides that is taken, from its middle, as ``load_image_set``; for
            folders, zips and sets that are here.
        per_class: images of each class at most, evenly spaced over its files; 0 for all.
        report: told which files were left out.
        progress: called with (done, total) images.
        share: given the number of images, the ones wanted here; see ``load_image_set``.
        most_bytes: as ``load_image_set``, for folders, zips and sets that are here.

    Raises:
        DataError: there is nothing to use.
        SettingsError: the size cannot be, or a part or the centre is asked of a set that has none.
    """
    wanted = read_class_list(classes) if classes else None
    if comes_by_name(data):
        if part:
            raise SettingsError(f"{data} has no parts; leave {part!r} out.")
        if centre != 1:
            raise SettingsError(f"{data} has no margins to cut off; leave the centre out.")
        made = data in BUILTIN_SETS
        images = (
            builtin_set(data, size, per_class, progress=progress)
            if made
            else public_set(data, size, fit, progress=progress)
        )
        if wanted is not None:
            images = images.select_classes(expand_prefixes(images.class_names, wanted))
        if per_class and not made:
            images = images.rows(evenly(images.labels.tolist(), per_class))
        return images if share is None else images.part(share(len(images)))
    listing = list_images(resolve_data(data), part or None)
    loaded, problems = load_image_set(
        listing,
        size,
        fit,
        classes=None if wanted is None else expand_prefixes(listing.class_names, wanted),
        centre=centre,
        per_class=per_class,
        progress=progress,
        share=share,
        most_bytes=most_bytes,
    )
    report(problems)
    return loaded
