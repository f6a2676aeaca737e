"""Example tasks for the classifier: drawn fruit, handwritten digits and photos of fruit.

The first two need no internet connection. The photos are downloaded once and kept.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Generic, TypeVar
from urllib.parse import quote

import numpy as np

from fsl.base.errors import SettingsError
from fsl.base.files import write_atomically
from fsl.base.progress import Progress
from fsl.base.types import Float64Array, PixelArray
from fsl.data.builtin import enlarged_digit
from fsl.data.download import Fetch, RemoteFile, cache_folder, download_files, fetch_url
from fsl.data.drawn_fruit import FRUIT_CLASSES, PER_CLASS, fruit_pictures
from fsl.data.intake.layout import natural_key
from fsl.data.source import png_bytes

FRUITS_CREDIT = (
    "Fruits-360 by Mihai Oltean and Horea Muresan (MIT licence), "
    "fetched from the public repository Cranked/Fruit360"
)
"""Credit to show beside the pictures of :func:`fruits_task`."""

_FRUITS_URL = "https://raw.githubusercontent.com/Cranked/Fruit360/6448e9196294bcaf39bce1955bbc504771e2907a/"
_PICTURE_SIDE = 96

NamedImages = list[tuple[str, bytes]]
Key = TypeVar("Key")


@dataclass(frozen=True)
class ExampleTask:
    """Support images and queries, as PNG or JPEG files.

    Attributes:
        title: what the pictures show.
        classes: ``n_shot`` pairs of file name and bytes for each class name.
        queries: pairs of file name and bytes; the names do not reveal the class.
        answers: the class of each query.
    """

    title: str
    classes: dict[str, NamedImages]
    queries: NamedImages
    answers: tuple[str, ...]


def digits_task(n_way: int = 5, n_shot: int = 2, n_query: int = 6, seed: int = 0) -> ExampleTask:
    """Return a task of scikit-learn's 8x8 handwritten digits, enlarged, dark on white.

    Args:
        n_way: number of classes, 2 to 10.
        n_shot: support images of each class, 1 or more.
        n_query: number of queries, 1 or more, spread over the classes.
        seed: which classes and images are chosen.

    Raises:
        SettingsError: a number is outside its range, or more images are asked for than there are.
    """
    from sklearn.datasets import load_digits  # slow to import, and only needed here

    digits = load_digits()
    pools = {f"digit {d}": np.flatnonzero(digits.target == d).tolist() for d in range(10)}
    picked = _draw(pools, n_way, n_shot, n_query, seed)
    return picked.task("Handwritten digits", lambda row: png_bytes(_with_margin(digits.images[row])), ".png")


def rendered_task(n_way: int = 5, n_shot: int = 2, n_query: int = 6, seed: int = 0) -> ExampleTask:
    """Return a task of drawn fruit, of up to 24 classes; arguments and errors as for :func:`digits_task`."""
    pools = {name: [(name, i) for i in range(PER_CLASS)] for name in FRUIT_CLASSES}
    picked = _draw(pools, n_way, n_shot, n_query, seed)
    pictures = {name: fruit_pictures(name) for name in picked.support}
    return picked.task("Drawn fruit", lambda key: png_bytes(pictures[key[0]][key[1]]), ".png")


def fruits_task(
    n_way: int = 5,
    n_shot: int = 2,
    n_query: int = 6,
    seed: int = 0,
    *,
    cache: Path | None = None,
    progress: Progress | None = None,
    fetch: Fetch = fetch_url,
) -> ExampleTask:
    """Return a task of photos from Fruits-360: 200 small files, downloaded once (see :data:`FRUITS_CREDIT`).

    Args:
        n_way, n_shot, n_query, seed: as for :func:`digits_task`.
        cache: folder to keep the photos in; :func:`fsl.data.download.cache_folder` by default.
        progress: called with (done, total) files.
        fetch: see :func:`fsl.data.download.download_files`.

    Raises:
        DataError: the photos cannot be downloaded.
        SettingsError: a number is outside its range, or more images are asked for than there are.
    """
    rows = fruits_sample()
    pools: dict[str, list[str]] = {}
    for row in rows:
        pools.setdefault(row.name.split("/")[0], []).append(row.name)
    picked = _draw(pools, n_way, n_shot, n_query, seed)
    home = (cache or cache_folder()) / "fruits360-sample"
    download_files(rows, home, progress, fetch)
    return picked.task("Photos of fruit (Fruits-360)", lambda name: (home / name).read_bytes(), ".jpg")


def write_example_files(folder: Path = Path()) -> None:
    """Write drawn pictures under the names that the tutorials use; files that are there stay as they are.

    Args:
        folder: gets the folders "my_classes" (five classes of five pictures) and "new_photos", and four
            pictures beside them.
    """
    task = rendered_task(n_way=5, n_shot=5, n_query=4, seed=1)
    wanted = {
        f"my_classes/{name}/{file}": data for name, files in task.classes.items() for file, data in files
    }
    places = ("photo1.jpg", "photo2.jpg", "query.jpg", "reference.jpg", "new_photos/new.jpg")
    queries = [data for _, data in (*task.queries, task.queries[0])]
    for place, data in {**wanted, **dict(zip(places, queries, strict=True))}.items():
        if not (folder / place).exists():
            write_atomically(folder / place, data)


@cache
def fruits_sample() -> tuple[RemoteFile, ...]:
    """Return the photos of :func:`fruits_task`: 20 of each of 10 classes, named ``<class>/<file>``."""
    table = resources.files("fsl.data").joinpath("fruits360_sample.csv").read_text(encoding="utf-8")
    return tuple(
        RemoteFile(
            # Training and Test have files of the same names, so the name keeps the part.
            name=f"{row['class']}/{row['repository_path'].replace('/', '_')}",
            url=_FRUITS_URL + quote(row["repository_path"]),
            sha256=row["sha256"],
        )
        for row in csv.DictReader(io.StringIO(table))
    )


@dataclass(frozen=True)
class _Draw(Generic[Key]):
    """The chosen images, by the keys that identify them in their source."""

    support: dict[str, list[Key]]
    queries: list[tuple[str, Key]]

    def task(self, title: str, read: Callable[[Key], bytes], suffix: str) -> ExampleTask:
        """Return the task, with new file names."""
        return ExampleTask(
            title=title,
            classes={
                name: [(f"{name} {i}{suffix}", read(key)) for i, key in enumerate(keys, start=1)]
                for name, keys in self.support.items()
            },
            queries=[(f"query {i}{suffix}", read(key)) for i, (_, key) in enumerate(self.queries, start=1)],
            answers=tuple(name for name, _ in self.queries),
        )


def _draw(pools: Mapping[str, Sequence[Key]], n_way: int, n_shot: int, n_query: int, seed: int) -> _Draw[Key]:
    """Choose classes, then support images and queries without an image in common."""
    if not 2 <= n_way <= len(pools):
        raise SettingsError(f"The number of classes must be from 2 to {len(pools)}, not {n_way}.")
    if n_shot < 1 or n_query < 1:
        raise SettingsError("At least one support image of each class and one query are needed.")
    per_class = n_shot + -(-n_query // n_way)
    least = min(len(keys) for keys in pools.values())
    if per_class > least:
        raise SettingsError(f"{per_class} images of each class are asked for; there are {least}.")
    rng = np.random.default_rng(seed)
    names = sorted((sorted(pools)[i] for i in rng.permutation(len(pools))[:n_way]), key=natural_key)
    drawn = {name: [pools[name][i] for i in rng.permutation(len(pools[name]))[:per_class]] for name in names}
    support = {name: keys[:n_shot] for name, keys in drawn.items()}
    # Each class in turn gives one query, so that no class has two before every class has one.
    rounds = [[(name, keys[i]) for name, keys in drawn.items()] for i in range(n_shot, per_class)]
    queries = [one_round[i] for one_round in rounds for i in rng.permutation(n_way)]
    return _Draw(support, queries[:n_query])


def _with_margin(digit: Float64Array) -> PixelArray:
    """Return an 8x8 digit enlarged, with a margin of paper."""
    return enlarged_digit(np.pad(digit, 1), _PICTURE_SIDE)
