"""Public data sets, fetched once, checked against their digests and kept in the cache folder."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from fsl.base.errors import DataError
from fsl.data.download import Download, Fetch, RemoteFile, cache_folder
from fsl.data.examples import fruits_sample
from fsl.data.imageset import ImageSet
from fsl.data.intake.folders import list_folder
from fsl.data.intake.layout import natural_key
from fsl.data.intake.zips import list_zip
from fsl.data.source import ArraySource, FileSource, Source

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


def public_sources(cache: Path | None = None, fetch: Fetch | None = None) -> dict[str, Source]:
    """Return the public data sets, by name; nothing is fetched before their pictures are asked for.

    Args:
        cache: the folder to keep files in; by default ``fsl.data.download.cache_folder()``.
        fetch: how to fetch a file; by default ``fsl.data.download.fetch_url``.
    """
    home = cache or cache_folder()
    photos = Download(fruits_sample(), home / "fruits360-sample", fetch)
    faces = Download((OLIVETTI,), home, fetch)
    characters = Download((OMNIGLOT,), home, fetch)
    sources: tuple[Source, ...] = (
        FileSource(
            key="fruits360-sample",
            title="Fruits-360, a sample",
            about="10 fruits, 20 photos each (1 MB)",
            known_as="fruits360",
            n_images=len(photos.rows),
            download=photos,
            classes=tuple(sorted({row.name.split("/")[0] for row in photos.rows}, key=natural_key)),
            find=lambda part: list_folder(photos.folder, part),
            path=photos.folder,
        ),
        ArraySource(
            key="olivetti",
            title="Olivetti (ORL) faces",
            about="40 people, 10 photos each (4 MB)",
            known_as="olivetti",
            n_images=400,
            download=faces,
            classes=_PEOPLE,
            make=lambda query, _: _olivetti(home / OLIVETTI.name, query.size),
        ),
        FileSource(
            key="omniglot-background",
            title="Omniglot, background set",
            about="964 characters, 20 drawings each (10 MB)",
            known_as="omniglot",
            n_images=19_280,
            download=characters,
            find=lambda part: list_zip(home / OMNIGLOT.name, part=part),
            path=home / OMNIGLOT.name,
        ),
    )
    return {source.key: source for source in sources}


def _olivetti(file: Path, size: int) -> ImageSet:
    """Read the MATLAB file: ``faces`` is ``(4096, 400)``, ten columns a person, each 64x64 by columns."""
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
