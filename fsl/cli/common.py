"""What the commands share: the options, progress for people, and output."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import get_args

from fsl.base.errors import DataError, WriteError
from fsl.base.files import write_atomically
from fsl.base.progress import Progress
from fsl.config import Device, ImageQuery, ModelConfig
from fsl.data.catalogue import open_source
from fsl.data.imageset import ImageSet
from fsl.data.intake.listing import Problem, list_images, read_file
from fsl.data.intake.paths import display_text, folder_name_text
from fsl.data.intake.splits import read_class_list
from fsl.fewshot.error_rate_text import too_good
from fsl.fewshot.read_pictures import Reader
from fsl.twin.checkpoint import Checkpoint


def add_checkpoint_option(parser: argparse.ArgumentParser, default: str | None = None) -> None:
    """``--checkpoint``; without a default it has to be named."""
    parser.add_argument(
        "--checkpoint",
        default=default,
        required=default is None,
        metavar="NAME|FILE",
        help="the trained twin network" + (" (default: %(default)s)" if default else ""),
    )


def add_device_option(parser: argparse.ArgumentParser) -> None:
    """``--device``."""
    parser.add_argument(
        "--device",
        choices=get_args(Device),
        default="auto",
        help="what to compute on (default: %(default)s, a GPU where there is one)",
    )


def add_json_option(parser: argparse.ArgumentParser, text: str = "print JSON") -> None:
    """``--json``."""
    parser.add_argument("--json", action="store_true", help=text)


def add_data_options(parser: argparse.ArgumentParser) -> None:
    """``--data``, ``--part`` and ``--classes``."""
    parser.add_argument(
        "--data",
        required=True,
        metavar="DIR|ZIP|NAME",
        help="a folder per class, a zip of such, or a data set (rendered and digits come with the program; a "
        "folder of the same name is ./NAME)",
    )
    parser.add_argument("--part", help="only this part of a Fruits-360 layout (Training or Test)")
    parser.add_argument(
        "--classes", metavar="FILE[:LIST]", help="JSON list of classes, or a split file and a list in it"
    )


def add_centre_option(parser: argparse.ArgumentParser) -> None:
    """``--centre``, for photographs with wide margins."""
    parser.add_argument(
        "--centre",
        type=float,
        default=1.0,
        metavar="SHARE",
        help="take the middle of each picture alone, this share of its sides (default: %(default)s)",
    )


def load_data(
    options: argparse.Namespace, model: ModelConfig, centre: float = 1.0, per_class: int = 0
) -> ImageSet:
    """Load the images that ``--data``, ``--part`` and ``--classes`` name; report on stderr what is left out.

    Args:
        options: the parsed command line.
        model: gives size and fit.
        centre, per_class: see :class:`fsl.config.ImageQuery`.

    Raises:
        DataError: there is nothing to use.
    """
    query = replace(data_query(options, model), centre=centre, per_class=per_class)
    with ProgressBar("reading images") as progress:
        images, problems = open_source(options.data).load(query, progress)
    report(problems)
    return images


def data_query(options: argparse.Namespace, model: ModelConfig) -> ImageQuery:
    """Return what ``--part`` and ``--classes`` ask for, at the network's size.

    Raises:
        DataError: there is no such list of classes.
    """
    classes = read_class_list(options.classes) if options.classes else ()
    return ImageQuery(model.image_size, model.fit, part=options.part or "", classes=classes)


def speaks() -> bool:
    """Whether this process tells people things: of several that ``torchrun`` started the first one does."""
    return os.environ.get("RANK", "0") == "0"


def report(problems: Iterable[Problem], most: int = 10) -> None:
    """Name what was left out, files and empty folders, on stderr."""
    problems = list(problems) if speaks() else []
    for problem in problems[:most]:
        print(f"left out {problem}", file=sys.stderr)
    if len(problems) > most:
        print(f"left out {len(problems) - most:,} more", file=sys.stderr)


def classes_seen(checkpoint: Checkpoint, images: ImageSet, data: str) -> list[str]:
    """Those of the images' classes that the network was trained on, by their names; told on stderr.

    Args:
        checkpoint: the network to be measured.
        images: those it is to be measured on.
        data: as ``--data`` names them.
    """
    seen = checkpoint.info.trained_on(images.class_names, open_source(data).known_as)
    if seen and speaks():
        print(too_good(checkpoint.info.name, len(seen), images.n_classes), file=sys.stderr)
    return seen


def image_entries(path: Path) -> list[Reader]:
    """Name and reader of a file, or of every image in a folder or zip; what is left out is reported.

    The readers raise ImageReadError.
    """
    shown = display_text(folder_name_text(str(path)))
    if path.is_dir() or path.suffix.lower() == ".zip":
        try:
            listing = list_images(path)
        except DataError as error:  # the other paths may be good ones
            report([Problem(shown, str(error).removeprefix(f"{shown}: "))])
            return []
        report(listing.problems)
        return [(f"{shown.rstrip('/')}/{entry.name}", entry.read) for entry in listing.entries]
    return [(shown, partial(read_file, path, shown))]


def require_place_for(file: Path, option: str) -> None:
    """Refuse a file that could not be written, before the work whose results it is for.

    Raises:
        DataError: its folder is not there or is closed to this user, or it is a folder itself.
    """
    if file.is_dir():
        raise DataError(f"{option} is {file}, which is a folder. Name a file in it.")
    if not file.parent.is_dir():
        raise DataError(f"{option} is {file}, but there is no folder {file.parent}. Make it first.")
    if not os.access(file if _is_special(file) else file.parent, os.W_OK):
        raise DataError(f"{option} is {file}, which may not be written there. Name another folder.")


class ProgressBar:
    """A progress bar on stderr for people; nothing when stderr is no terminal.

    Args:
        what: shown before the bar.
    """

    def __init__(self, what: str) -> None:
        self._what = what
        self._on = sys.stderr.isatty() and speaks()
        self._shown = ""

    def __enter__(self) -> Progress:
        return self._update

    def _update(self, done: int, total: int) -> None:
        if not self._on:
            return
        filled = 30 * done // max(1, total)
        line = f"\r{self._what} [{'#' * filled}{'.' * (30 - filled)}] {done}/{total}"
        if line != self._shown:
            self._shown = line
            print(line, end="", file=sys.stderr, flush=True)

    def __exit__(self, *_: object) -> None:
        if self._shown:
            print(file=sys.stderr)


def print_json(value: object) -> None:
    """One JSON document on stdout: names as they are where its encoding has them, escaped where not."""
    text = json.dumps(value, indent=1, ensure_ascii=False)
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        text = json.dumps(value, indent=1)
    print(text)


def write_result(path: Path, content: str | bytes) -> None:
    """Write what a person named a file for: whole or not at all; text as UTF-8.

    A device or a pipe is written to as it is, and so is the file that stdout goes to (/dev/stdout): another
    one put in its place would miss what is printed after.

    Raises:
        WriteError: it cannot be written.
    """
    # Names of files need not be text.
    data = content.encode(errors="backslashreplace") if isinstance(content, str) else content
    try:
        if _is_stdout(path):
            sys.stdout.flush()
            with open(1, "wb", closefd=False) as stdout:
                stdout.write(data)
        elif _is_special(path):
            path.write_bytes(data)
        else:
            write_atomically(path.resolve(), data)  # of a link the file that it leads to
    except OSError as error:
        raise WriteError(path, error) from error


def _is_stdout(file: Path) -> bool:
    return file.exists() and os.path.samestat(file.stat(), os.fstat(1))


def _is_special(file: Path) -> bool:
    """Whether it is there and no plain file: a device or a pipe."""
    return file.exists() and not file.is_file()
