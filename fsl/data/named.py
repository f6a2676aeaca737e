"""Named data sets: zips in the folder that the environment variable FSL_DATA_DIR gives."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from fsl.data.intake.zips import list_zip
from fsl.data.source import FileSource


@dataclass(frozen=True)
class _Known:
    """A data set that this program knows, whether it is on this machine or not."""

    title: str
    about: str
    zip_name: str
    splits_name: str
    credit: str
    list_prefix: str = ""


_KNOWN = {
    "fruits360": _Known(
        title="Fruits-360",
        about="fruit, vegetables and nuts on white",
        zip_name="fruits360-subset.zip",
        splits_name="fruits360.json",
        credit="Mihai Oltean, Horea Muresan: Fruits-360",  # MIT licence
    ),
    "omniglot": _Known(
        title="Omniglot",
        about="handwritten characters of 30 alphabets",
        zip_name="omniglot-background.zip",
        splits_name="omniglot.json",
        credit="Brenden Lake, Ruslan Salakhutdinov, Joshua Tenenbaum: Omniglot",  # MIT licence
    ),
    "orl": _Known(
        title="ORL",
        about="grey portraits of 30 people",
        zip_name="orl-faces.zip",
        splits_name="faces.json",
        list_prefix="orl.",
        credit="Olivetti Research Laboratory: ORL Database of Faces",  # no licence; credit is asked for
    ),
    "lfw": _Known(
        title="Labeled Faces in the Wild",
        about="press photos of 423 people",
        zip_name="lfw-subset.zip",
        splits_name="faces.json",
        list_prefix="lfw.",
        credit="Huang, Ramesh, Berg, Learned-Miller: Labeled Faces in the Wild",  # published for research
    ),
    "tiny-imagenet": _Known(
        title="Tiny ImageNet",
        about="general photos of 175 classes",
        zip_name="tiny-imagenet-subset.zip",
        splits_name="photos.json",
        list_prefix="tiny_imagenet.",
        credit="Le, Yang: Tiny ImageNet; Russakovsky et al.: ImageNet",  # research and teaching only
    ),
    "grocery": _Known(
        title="Grocery Store",
        about="fruit, vegetables and cartons in shops",
        zip_name="grocery-store-subset.zip",
        splits_name="photos.json",
        list_prefix="grocery.",
        credit="Marcus Klasson, Cheng Zhang, Hedvig Kjellström: Grocery Store Dataset",  # MIT licence
    ),
}


def named_sources(folder: Path | None = None) -> dict[str, FileSource]:
    """Return the named data sets on this machine, by name.

    Args:
        folder: holds the zips and the folder ``splits``; by default the one that FSL_DATA_DIR names. Without
            either, nothing is found.
    """
    folder = folder or _data_folder()
    if folder is None:
        return {}
    return {
        name: _source(name, known, folder)
        for name, known in _KNOWN.items()
        if (folder / known.zip_name).is_file()
    }


def how_to_bring(name: str) -> str:
    """Say where a named data set is looked for, if the program knows one of that name; else ""."""
    if name not in _KNOWN:
        return ""
    folder, zip_name = _data_folder(), _KNOWN[name].zip_name
    if folder is None:
        return (
            f"The data set {name} is looked up in FSL_DATA_DIR: set it to the folder that holds {zip_name}."
        )
    return f"The data set {name} is not here: there is no {zip_name} in {folder} (FSL_DATA_DIR)."


def _data_folder() -> Path | None:
    folder = os.environ.get("FSL_DATA_DIR")
    return Path(folder) if folder else None


def _source(name: str, known: _Known, folder: Path) -> FileSource:
    path, splits = folder / known.zip_name, folder / "splits" / known.splits_name
    return FileSource(
        key=name,
        title=known.title,
        about=known.about,
        credit=known.credit,
        known_as=name,
        splits=splits if splits.is_file() else None,
        list_prefix=known.list_prefix,
        find=lambda part: list_zip(path, part=part),
        path=path,
    )
