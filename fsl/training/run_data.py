"""Load the images of a training run, store them with the run, and find them again to resume it."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from fsl.base.errors import DataError, SettingsError
from fsl.base.files import write_atomically
from fsl.base.progress import Progress, progress_of_part
from fsl.config import ModelConfig
from fsl.data.cached import load_cached
from fsl.data.catalogue import Source, open_source
from fsl.data.imageset import ImageSet
from fsl.data.intake.array_gate import check_arrays
from fsl.data.intake.listing import Problem
from fsl.data.intake.splits import read_class_list
from fsl.data.query import DataSpec, ImageQuery
from fsl.training.hold_out import hold_out_classes, hold_out_images, select_held_out
from fsl.training.recipe_data import load_recipe
from fsl.training.recipes import RECIPES, RecipeData
from fsl.training.run_folder import IMAGES, public_name, read_settings

_MOST_STORED_BYTES = 64 * 2**30

Report = Callable[[Sequence[Problem]], None]
Load = Callable[[Source, ImageQuery, Progress | None], tuple[ImageSet, tuple[Problem, ...]]]


@dataclass(frozen=True, eq=False)
class TrainingData:
    """Images to train on and to test on.

    Attributes:
        train: images to train on.
        validation: images to test on, if any.
        words: description of the training images, for the checkpoint's header.
        validation_words: description of the test images; "" if there are none.
    """

    train: ImageSet
    validation: ImageSet | None = None
    words: str = ""
    validation_words: str = ""


def load_training_data(
    source: DataSpec,
    model: ModelConfig,
    seed: int,
    report: Report,
    progress: Progress | None = None,
    *,
    keep: bool = True,
) -> TrainingData:
    """Load the images of a run at the network's size.

    Args:
        source: where they are.
        model: gives size and fit.
        seed: for what is held out.
        report: called once with what was left out.
        progress: called with (done, total) images; for a recipe with percent and 100.
        keep: keep the images in memory for the next caller in this process; a program that needs them once
            saves that memory.

    Raises:
        DataError: something is not there or cannot be used.
    """
    if source.recipe:
        data, problems = _load_recipe(source, model, progress)
    else:
        data, problems = _load_and_split(source, model, seed, progress, load_cached if keep else _load_once)
    report(list(dict.fromkeys(problems)))  # one set may be read twice, to learn from and to test on
    return data


def _load_once(
    source: Source, query: ImageQuery, progress: Progress | None
) -> tuple[ImageSet, tuple[Problem, ...]]:
    return source.load(query, progress)


def _load_recipe(
    source: DataSpec, model: ModelConfig, progress: Progress | None
) -> tuple[TrainingData, tuple[Problem, ...]]:
    if source.recipe not in RECIPES:
        raise DataError(f"There is no recipe {source.recipe!r}; there are {', '.join(RECIPES)}.")
    recipe = RECIPES[source.recipe]
    n = len(recipe.train)
    percent = None if progress is None else lambda done, total: progress(round(100 * done / total), 100)
    # The sets to learn from and the one to test on are read one after another.
    learning = None if percent is None else lambda done, total: percent(done * n, total * (n + 1))
    testing = progress_of_part(percent, n, n + 1)
    train, train_problems = load_recipe(recipe.train, model, source.data, learning)
    validation, problems = load_recipe((recipe.validation,), model, source.data, testing)
    words = "; ".join(_recipe_words(wanted) for wanted in recipe.train)
    data = TrainingData(train, validation, words, _recipe_words(recipe.validation))
    return data, (*train_problems, *problems)


def _load_and_split(
    source: DataSpec, model: ModelConfig, seed: int, progress: Progress | None, load: Load
) -> tuple[TrainingData, tuple[Problem, ...]]:
    opened = open_source(source.data)
    shown = Path(source.data).name

    def load_classes(spec: str) -> tuple[ImageSet, tuple[Problem, ...]]:
        classes = read_class_list(spec) if spec else ()
        query = ImageQuery(model.image_size, model.fit, part=source.part, classes=classes)
        return load(opened, query, progress)

    images, problems = load_classes(source.classes)
    if source.validation:
        held_out, more = load_classes(source.validation)
        seen = set(held_out.class_names)
        kept = images.select_classes([name for name in images.class_names if name not in seen])
        words = Path(source.validation).name
        return TrainingData(kept, held_out, f"{shown} without {words}", f"{shown} {words}"), problems + more
    if source.held_out:
        return hold_out_by_name(images, source.held_out, shown), problems
    return hold_out_share(images, source.hold_out, source.hold_out_of, seed, shown), problems


def hold_out_by_name(data: ImageSet, names: Sequence[str], shown: str) -> TrainingData:
    """Hold out named classes for testing.

    Raises:
        DataError: there is no such class, or too few are held out or left.
    """
    train, held_out = select_held_out(data, names)
    words = f"{shown}, {held_out.n_classes} classes held out by name"
    return TrainingData(train, held_out, words, f"the classes held out of {shown}")


def hold_out_share(data: ImageSet, share: float, of: str, seed: int, shown: str) -> TrainingData:
    """Hold out a share of the classes, or of each class's images, for testing.

    Args:
        share: share to hold out, 0 to below 1.
        of: "classes" or "images".
        seed: chooses what is held out.
        shown: name of the data, for the descriptions.

    Raises:
        DataError: the share is out of range.
    """
    split = hold_out_images if of == "images" else hold_out_classes
    train, held_out = split(data, share, seed)
    words = f"{shown}, {share:g} of the {of} held out, seed {seed}" if held_out else shown
    return TrainingData(train, held_out, words, f"the {of} held out of {shown}" if held_out else "")


def store_images(folder: Path, data: TrainingData) -> None:
    """Store images that exist only on a page in the run folder, so that the run can be resumed.

    Raises:
        WriteError: they cannot be written.
    """
    buffer = io.BytesIO()
    parts = {"train": data.train, "validation": data.validation}
    arrays = {
        f"{name}_{key}": values
        for name, images in parts.items()
        if images is not None
        for key, values in _arrays(images).items()
    }
    words = np.array([data.words, data.validation_words], dtype=np.str_)
    np.savez(buffer, words=words, **arrays)
    write_atomically(folder / IMAGES, buffer.getvalue())


def source_of(folder: Path) -> DataSpec | Path:
    """Return where to reload the images of a run from: a description, or the file in its folder.

    Raises:
        DataError: the settings of the run are missing or damaged, or do not say where its images are.
    """
    entry = read_settings(folder).get("data", {})
    try:
        return folder / IMAGES if entry.get("file") == IMAGES else DataSpec.from_json(dict(entry))
    except (SettingsError, TypeError, ValueError, AttributeError) as error:
        raise DataError(
            f"The run {public_name(folder.name)} does not say where its images are, so it cannot go on "
            "from here. Repeat its command with --resume, or start a new run."
        ) from error


def images_of(folder: Path) -> DataSpec | TrainingData:
    """Return the images that a run folder stores, or where to reload them from if it stores none.

    Raises:
        DataError: as ``source_of``, or the stored images are missing or damaged.
    """
    source = source_of(folder)
    return read_stored_images(source) if isinstance(source, Path) else source


def read_stored_images(path: Path) -> TrainingData:
    """Read the file that ``store_images`` wrote.

    Raises:
        DataError: it is missing or damaged.
    """
    try:
        check_arrays(path, _MOST_STORED_BYTES)
        with np.load(path, allow_pickle=False) as arrays:
            train, validation = (_image_set(arrays, name) for name in ("train", "validation"))
            words, validation_words = (str(text) for text in arrays["words"])
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise DataError(
            f"The images of the run {public_name(path.parent.name)} have expired, or are damaged."
        ) from error
    if train is None:
        raise DataError(
            f"The images of the run {public_name(path.parent.name)} are missing. Start a new run."
        )
    return TrainingData(train, validation, words, validation_words)


def _arrays(images: ImageSet) -> dict[str, Any]:
    return {
        "images": images.images,
        "labels": images.labels,
        "class_names": np.array(images.class_names, dtype=np.str_),
        "names": np.array(images.names, dtype=np.str_),
    }


def _image_set(arrays: Mapping[str, Any], name: str) -> ImageSet | None:
    if f"{name}_images" not in arrays:
        return None
    return ImageSet(
        arrays[f"{name}_images"],
        arrays[f"{name}_labels"],
        tuple(str(value) for value in arrays[f"{name}_class_names"]),
        tuple(str(value) for value in arrays[f"{name}_names"]),
    )


def _recipe_words(wanted: RecipeData) -> str:
    without = f" without {', '.join(wanted.without)}" if wanted.without else ""
    return f"{wanted.data} {wanted.classes}{without}".strip()
