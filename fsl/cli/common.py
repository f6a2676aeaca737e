"""Options, data and progress bars that several commands share."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import NoReturn, get_args

from tqdm import tqdm

from fsl.base.errors import DataError
from fsl.base.progress import Progress
from fsl.config import Device, ModelConfig
from fsl.data.catalogue import open_source
from fsl.data.imageset import ImageSet
from fsl.data.intake.folders import FileReader, list_images
from fsl.data.intake.listing import Problem
from fsl.data.intake.paths import display_text, folder_name_text
from fsl.data.intake.splits import read_class_list
from fsl.data.intake.zip_gate import ZIP_MARK
from fsl.data.loading import OnSquare
from fsl.data.query import ImageQuery
from fsl.fewshot.comparison_report import without_alignment
from fsl.fewshot.error_rate_text import too_good
from fsl.fewshot.read_pictures import Reader
from fsl.twin.checkpoint import Checkpoint


def add_checkpoint_option(parser: argparse.ArgumentParser, default: str | None = None) -> None:
    """Add ``--checkpoint``; without a default it is required."""
    parser.add_argument(
        "--checkpoint",
        default=default,
        required=default is None,
        metavar="NAME|FILE",
        help="the trained twin network" + (" (default: %(default)s)" if default else ""),
    )


def add_device_option(parser: argparse.ArgumentParser) -> None:
    """Add ``--device``."""
    parser.add_argument(
        "--device",
        choices=get_args(Device),
        default="auto",
        help="where to compute (default: %(default)s, which uses a GPU if there is one)",
    )


def add_data_options(parser: argparse.ArgumentParser) -> None:
    """Add ``--data``, ``--part`` and ``--classes``."""
    parser.add_argument(
        "--data",
        required=True,
        metavar="DIR|ZIP|NAME",
        help="a folder or zip with a folder per class, or the name of a data set (rendered and digits come "
        "with the program; for a folder of that name, write ./NAME)",
    )
    parser.add_argument(
        "--part",
        help="use only this part of a data set that is split into folders such as train, val and test",
    )
    parser.add_argument(
        "--classes",
        metavar="FILE[:LIST]",
        help="use only these classes: a JSON list, or a split file and the name of a list in it",
    )


def add_centre_option(parser: argparse.ArgumentParser) -> None:
    """Add ``--centre``, which crops photographs with wide margins."""
    parser.add_argument(
        "--centre",
        type=float,
        default=1.0,
        metavar="SHARE",
        help="crop each picture to its middle: this share of its width and height (default: %(default)s)",
    )


def add_align_option(parser: argparse.ArgumentParser) -> None:
    """Add ``--no-align``."""
    parser.add_argument(
        "--no-align",
        action="store_true",
        help="compare whole pictures and look for no faces, for pictures that are aligned crops already",
    )


def maybe_without_alignment(checkpoint: Checkpoint, options: argparse.Namespace) -> Checkpoint:
    """Return the checkpoint, or with ``--no-align`` one that takes the middle square of each picture."""
    return without_alignment(checkpoint) if options.no_align else checkpoint


def load_data(
    options: argparse.Namespace,
    model: ModelConfig,
    centre: float = 1.0,
    per_class: int = 0,
    on_square: OnSquare | None = None,
) -> ImageSet:
    """Load the images that ``--data``, ``--part`` and ``--classes`` name; report on stderr what is left out.

    Args:
        model: gives size and fit.
        centre, per_class: see :class:`fsl.data.query.ImageQuery`.
        on_square: see :meth:`fsl.data.source.Source.load`.

    Raises:
        DataError: there is nothing to use.
    """
    query = replace(data_query(options, model), centre=centre, per_class=per_class)
    with progress_bar("reading images") as progress:
        images, problems = open_source(options.data).load(query, progress, on_square)
    report(problems)
    report_notes(images.notes)
    return images


def data_query(options: argparse.Namespace, model: ModelConfig) -> ImageQuery:
    """Return what ``--part`` and ``--classes`` ask for, at the network's size.

    Raises:
        DataError: there is no such list of classes.
    """
    classes = () if options.classes is None else read_class_list(options.classes)
    return ImageQuery(model.image_size, model.fit, part=options.part or "", classes=classes)


def is_first_process() -> bool:
    """Return whether this process prints messages: the only one, or the first that ``torchrun`` started."""
    return os.environ.get("RANK", "0") == "0"


def report(problems: Iterable[Problem], most: int = 10) -> None:
    """Print on stderr which files and empty folders were left out, and why."""
    problems = list(problems) if is_first_process() else []
    for problem in problems[:most]:
        print(f"left out {problem}", file=sys.stderr)
    if len(problems) > most:
        print(f"left out {len(problems) - most:,} more", file=sys.stderr)


def require_answers(answers: Sequence[object], problems: Sequence[Problem], what: str) -> None:
    """Report the pictures that were left out; fail if none is left. ``what`` names them, in the plural.

    Raises:
        DataError: there is no answer.
    """
    report(problems)
    if not answers:
        first = f" ({problems[0]})" if problems else ""
        raise DataError(f"None of the {what} is a readable image{first}. Name files, or a folder of them.")


def report_notes(notes: Iterable[str]) -> None:
    """Print on stderr what to know about the data that was read, a line each."""
    for note in notes if is_first_process() else ():
        print(f"fsl: {note}", file=sys.stderr)


def classes_seen(checkpoint: Checkpoint, images: ImageSet, data: str) -> list[str]:
    """Return the class names that the network was trained on, and warn on stderr if there are any.

    Args:
        checkpoint: the network to measure.
        images: the images to measure it on.
        data: the value of ``--data`` they were loaded from.
    """
    seen = checkpoint.info.trained_on(images.class_names, open_source(data).known_as)
    if seen and is_first_process():
        print(too_good(checkpoint.info.name, len(seen), images.n_classes), file=sys.stderr)
    return seen


def image_readers(paths: Iterable[Path]) -> tuple[list[Reader], list[Problem]]:
    """Return the names and readers of the images at some paths, and what folders and zips hold besides.

    The latter is also reported. A reader raises ImageReadError for an unreadable file.

    Args:
        paths: files, folders and zips.
    """
    readers: list[Reader] = []
    problems: list[Problem] = []
    for path in paths:
        found, besides = _image_readers(path)
        report(besides)
        readers += found
        problems += besides
    return readers, problems


def _image_readers(path: Path) -> tuple[list[Reader], Sequence[Problem]]:
    shown = display_text(folder_name_text(str(path)))
    if path.is_dir() or path.suffix.lower() == ".zip" or _is_zip(path):
        try:
            listing = list_images(path)
        except DataError as error:  # go on: the other paths may be readable
            return [], [Problem.of_whole(shown, error)]
        report_notes(listing.notes)
        inside = shown.rstrip("/")
        named = [(f"{inside}/{entry.name}", entry.read) for entry in listing.entries]
        return named, [problem.inside(inside) for problem in listing.problems]
    return [(shown, FileReader(str(path), shown))], []


@contextmanager
def progress_bar(label: str) -> Iterator[Progress]:
    """Show the progress of some work on stderr, or nothing if stderr is not a terminal.

    Args:
        label: the text in front of the bar.

    Yields:
        the callback to report progress to; the bar appears at its first call.
    """
    bar: tqdm[NoReturn] | None = None

    def update(done: int, total: int) -> None:
        nonlocal bar
        if bar is None:
            hidden = not (sys.stderr.isatty() and is_first_process())
            bar = tqdm(desc=label, total=total, disable=hidden, dynamic_ncols=True)
        bar.update(done - bar.n)

    try:
        yield update
    finally:
        if bar is not None:
            bar.close()


def _is_zip(path: Path) -> bool:
    """Return whether a file begins like a zip, whatever its ending."""
    try:
        if not path.is_file():  # opening a named pipe would wait for its other end
            return False
        with path.open("rb") as file:
            return file.read(len(ZIP_MARK)) == ZIP_MARK
    except OSError:
        return False
