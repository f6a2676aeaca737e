"""Data sets that go by a name, looked up in the folder that the environment variable FSL_DATA_DIR gives."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from fsl.base.errors import DataError
from fsl.data.intake.splits import read_class_list


@dataclass(frozen=True)
class NamedSet:
    """A data set that is on this machine.

    Attributes:
        name: what it is asked for by.
        title: what it holds, in a few words.
        path: its zip.
        splits: the file with its class lists, or None when that is not there.
        list_prefix: leads to the lists of this data set where the file has those of others too ("orl.").
        licence: its terms, in short.
        credit: whom to name when its images are shown or used.
    """

    name: str
    title: str
    path: Path
    splits: Path | None
    list_prefix: str
    licence: str
    credit: str

    def class_list(self, which: str) -> tuple[str, ...]:
        """The classes of one list: "train", "val" or "novel" (not every data set has each).

        Raises:
            DataError: there is no file of lists, or no such list in it.
        """
        if self.splits is None:
            raise DataError(f"The data set {self.name} has no file of class lists beside it.")
        return read_class_list(f"{self.splits}:{self.list_prefix}{which}")


@dataclass(frozen=True)
class _Known:
    """A data set that this program knows of, whether it is here or not."""

    title: str
    zip_name: str
    splits_name: str
    list_prefix: str
    licence: str
    credit: str


_KNOWN = {
    "fruits360": _Known(
        title="Fruits-360: fruit, vegetables and nuts on white",
        zip_name="fruits360-subset.zip",
        splits_name="fruits360.json",
        list_prefix="",
        licence="MIT",
        credit="Mihai Oltean, Horea Muresan: Fruits-360",
    ),
    "omniglot": _Known(
        title="Omniglot: handwritten characters of 30 alphabets",
        zip_name="omniglot-background.zip",
        splits_name="omniglot.json",
        list_prefix="",
        licence="MIT",
        credit="Brenden Lake, Ruslan Salakhutdinov, Joshua Tenenbaum: Omniglot",
    ),
    "orl": _Known(
        title="ORL: grey portraits of 30 people",
        zip_name="orl-faces.zip",
        splits_name="faces.json",
        list_prefix="orl.",
        licence="none stated; credit is asked for",
        credit="Olivetti Research Laboratory: ORL Database of Faces",
    ),
    "lfw": _Known(
        title="Labeled Faces in the Wild: press photos of 423 people",
        zip_name="lfw-subset.zip",
        splits_name="faces.json",
        list_prefix="lfw.",
        licence="none stated; published for research",
        credit="Huang, Ramesh, Berg, Learned-Miller: Labeled Faces in the Wild",
    ),
    "tiny-imagenet": _Known(
        title="Tiny ImageNet: general photos of 175 classes",
        zip_name="tiny-imagenet-subset.zip",
        splits_name="photos.json",
        list_prefix="tiny_imagenet.",
        licence="research and teaching only",
        credit="Le, Yang: Tiny ImageNet; Russakovsky et al.: ImageNet",
    ),
    "grocery": _Known(
        title="Grocery Store: fruit, vegetables and cartons in shops",
        zip_name="grocery-store-subset.zip",
        splits_name="photos.json",
        list_prefix="grocery.",
        licence="MIT",
        credit="Marcus Klasson, Cheng Zhang, Hedvig Kjellström: Grocery Store Dataset",
    ),
}


def named_sets(root: Path | None = None) -> dict[str, NamedSet]:
    """The data sets that are here, by name.

    Args:
        root: the folder that holds the zips and the folder ``splits``; by default the one ``FSL_DATA_DIR``
            names. Without either, or without the folder, nothing is here.
    """
    folder = root or _data_folder()
    if folder is None:
        return {}
    return {
        name: _named(name, known, folder)
        for name, known in _KNOWN.items()
        if (folder / known.zip_name).is_file()
    }


def named_set(name: str) -> NamedSet:
    """The data set of that name.

    Raises:
        DataError: it is not here; the message says how to bring it.
    """
    here = named_sets()
    if name not in here:
        raise DataError(_not_here(name, sorted(here)))
    return here[name]


def resolve_data(spec: str) -> Path:
    """The folder or zip that ``spec`` means: the name of a data set that is here, else a path.

    A recipe or a documented command thus reads the same data in every working folder, whatever lies in it.

    Raises:
        DataError: neither; the message says which names there are.
    """
    here = named_sets()
    if spec in here:
        return here[spec].path
    path = Path(spec)
    if path.exists():
        return path
    raise DataError(_not_here(spec, sorted(here)))


def _data_folder() -> Path | None:
    folder = os.environ.get("FSL_DATA_DIR")
    return Path(folder) if folder else None


def _named(name: str, known: _Known, folder: Path) -> NamedSet:
    splits = folder / "splits" / known.splits_name
    return NamedSet(
        name=name,
        title=known.title,
        path=folder / known.zip_name,
        splits=splits if splits.is_file() else None,
        list_prefix=known.list_prefix,
        licence=known.licence,
        credit=known.credit,
    )


def _not_here(spec: str, here: list[str]) -> str:
    folder = _data_folder()
    if spec not in _KNOWN:
        names = f" Data sets that are here by name: {', '.join(here)}." if here else ""
        return f"{spec}: there is no such folder, zip or data set.{names}"
    wanted = _KNOWN[spec].zip_name
    if folder is None:
        return f"The data set {spec} is looked up in FSL_DATA_DIR: set it to the folder that holds {wanted}."
    return f"The data set {spec} is not here: there is no {wanted} in {folder} (FSL_DATA_DIR)."
