"""Image sets from their public homes: fetched once, checked and kept; a plain message without internet."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from fsl.base.errors import DataError
from fsl.base.progress import Progress
from fsl.config import Fit
from fsl.data.download import Fetch, RemoteFile, cache_folder, download_file, download_files, fetch_url
from fsl.data.examples import fruits_sample
from fsl.data.imageset import ImageSet, load_image_set
from fsl.data.intake.layout import natural_key
from fsl.data.intake.listing import list_folder, list_zip

PUBLIC_SETS: dict[str, str] = {
    "fruits360-sample": "Fruits-360, a sample: 10 fruits, 20 photos each (1 MB)",
    "olivetti": "Olivetti (ORL) faces: 40 people, 10 photos each (4 MB)",
    "omniglot-background": "Omniglot, background set: 964 characters, 20 drawings each (10 MB)",
}
"""Names and titles."""
PART_OF = {"fruits360-sample": "fruits360", "omniglot-background": "omniglot"}
"""The larger sets that some are parts of, by whose names networks tell what they were trained on."""

OLIVETTI = RemoteFile(
    "olivettifaces.mat",
    "https://ndownloader.figshare.com/files/5976027",
    "b612fb967f2dc77c9c62d3e1266e0c73d5fca46a4b8906c18e454d41af987794",
)
OMNIGLOT = RemoteFile(
    "omniglot-background.zip",
    "https://raw.githubusercontent.com/brendenlake/omniglot/master/python/images_background.zip",
    "ad41ab679c8b5d90b271ef46be6987cc81211774a695c29dcc5367b2b26ee640",  # as TensorFlow Datasets has it
)

_PEOPLE = tuple(f"person {number + 1}" for number in range(40))


def public_classes(name: str, cache: Path | None = None) -> tuple[str, ...]:
    """The classes of one of ``PUBLIC_SETS``, without fetching anything.

    Args:
        name: of the set.
        cache: as ``public_set``.

    Returns:
        their names; none where they are known only once the set has been fetched.

    Raises:
        DataError: there is no such set, or the fetched file is damaged.
    """
    if name == "fruits360-sample":
        found = {row.name.split("/")[0] for row in fruits_sample()}
        return tuple(sorted(found, key=natural_key))
    if name == "olivetti":
        return _PEOPLE
    if name == "omniglot-background":
        file = (cache or cache_folder()) / OMNIGLOT.name
        return list_zip(file).class_names if file.is_file() else ()
    raise DataError(f"There is no public data set {name!r}; there are {', '.join(PUBLIC_SETS)}.")


def public_is_here(name: str, cache: Path | None = None) -> bool:
    """Whether one of ``PUBLIC_SETS`` has been fetched, as far as its files' names tell.

    Args:
        name: of the set; false for any other.
        cache: as ``public_set``.
    """
    home = cache or cache_folder()
    if name == "fruits360-sample":
        return all((home / name / row.name).is_file() for row in fruits_sample())
    file = {"olivetti": OLIVETTI, "omniglot-background": OMNIGLOT}.get(name)
    return file is not None and (home / file.name).is_file()


def public_set(
    name: str,
    size: int,
    fit: Fit,
    *,
    cache: Path | None = None,
    progress: Progress | None = None,
    fetch: Fetch = fetch_url,
) -> ImageSet:
    """One of ``PUBLIC_SETS``, fetched unless it was before.

    Args:
        name: of the set.
        size: side of the images in pixels.
        fit: how a picture becomes a square.
        cache: the folder to keep files in; by default ``fsl.data.download.cache_folder()``.
        progress: called with (done, total) files or bytes, then images.
        fetch: as ``fsl.data.download.download_files`` takes it.

    Raises:
        DataError: there is no such set, or it cannot be fetched or is not what was expected.
    """
    home = cache or cache_folder()
    if name == "fruits360-sample":
        folder = home / name
        download_files(fruits_sample(), folder, progress, fetch)
        return load_image_set(list_folder(folder), size, fit, progress=progress)[0]
    if name == "olivetti":
        file = download_file(OLIVETTI, home, progress, fetch)
        return _olivetti(file, size)
    if name == "omniglot-background":
        file = download_file(OMNIGLOT, home, progress, fetch)
        return load_image_set(list_zip(file), size, fit, progress=progress)[0]
    raise DataError(f"There is no public data set {name!r}; there are {', '.join(PUBLIC_SETS)}.")


def _olivetti(file: Path, size: int) -> ImageSet:
    """The faces of the MATLAB file: ``faces`` is ``(4096, 400)``, ten columns a person, 64x64 by columns."""
    from scipy.io import loadmat  # slow to import, and only needed here

    try:
        faces = np.asarray(loadmat(file)["faces"], dtype=np.uint8).T.reshape(-1, 64, 64).transpose(0, 2, 1)
    except (KeyError, ValueError, TypeError, OSError, NotImplementedError) as error:
        raise DataError(
            f"{file.name} does not hold the Olivetti faces ({error}). Delete it and try again."
        ) from error
    grey = [Image.fromarray(np.ascontiguousarray(face)).resize((size, size)) for face in faces]
    images = np.stack([np.asarray(image.convert("RGB")) for image in grey])
    labels = np.arange(len(images), dtype=np.int64) // 10
    people = _PEOPLE[: int(labels.max()) + 1]
    names = tuple(f"{label + 1}/{i % 10}.png" for i, label in enumerate(labels))
    return ImageSet(images, labels, people, names)
