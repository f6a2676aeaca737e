"""Load the data sets that a recipe names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from fsl.base.progress import Progress, progress_of_part
from fsl.config import ModelConfig
from fsl.data.catalogue import open_source
from fsl.data.imageset import ImageSet, concatenate
from fsl.data.intake.listing import Problem
from fsl.data.query import ImageQuery
from fsl.training.recipes import RecipeData


def load_recipe(
    wanted: Sequence[RecipeData], model: ModelConfig, copy: str = "", progress: Progress | None = None
) -> tuple[ImageSet, tuple[Problem, ...]]:
    """Load data sets as one; if there are several, each class name begins with the name of its data set.

    Args:
        wanted: data sets and classes, the main one first.
        model: gives size and fit.
        copy: folder or zip with another copy of the main data set; class lists still come from the named one.
        progress: called with (done, total); each data set is an equal part of it.

    Returns:
        the images, and what was left out.

    Raises:
        DataError: a data set or its split file does not exist.
    """
    found = [
        _load(one, model, "" if number else copy, progress_of_part(progress, number, len(wanted)))
        for number, one in enumerate(wanted)
    ]
    problems = tuple(problem for _, some in found for problem in some)
    if len(found) == 1:
        return found[0]
    named = [
        replace(images, class_names=tuple(f"{one.data}/{name}" for name in images.class_names))
        for one, (images, _) in zip(wanted, found, strict=True)
    ]
    return concatenate(named), problems


def _load(
    wanted: RecipeData, model: ModelConfig, copy: str, progress: Progress | None
) -> tuple[ImageSet, tuple[Problem, ...]]:
    classes = open_source(wanted.data).class_list(wanted.classes) if wanted.classes else ()
    query = ImageQuery(
        model.image_size, model.fit, classes=classes, without=wanted.without, centre=wanted.centre
    )
    return open_source(copy or wanted.data).load(query, progress)
