"""``export``: write a checkpoint's network for programs without torch: as ONNX, or as a web page."""

from __future__ import annotations

import argparse
import ctypes
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TypeVar

import fsl
from fsl.base.errors import DataError, WriteError
from fsl.cli.common import add_checkpoint_option
from fsl.cli.output import add_json_option, print_json, require_writable, write_result
from fsl.twin.checkpoint import Checkpoint
from fsl.twin.export import OnnxFile, export_onnx
from fsl.twin.export_web import ABOUT, WebPage, export_web

Made = TypeVar("Made", OnnxFile, WebPage)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of this command to its parser."""
    add_checkpoint_option(parser)
    parser.add_argument(
        "--format",
        choices=["onnx", "web"],
        default="onnx",
        help="an ONNX file, or a folder with a web page that classifies by itself (default: %(default)s)",
    )
    parser.add_argument(
        "--out", required=True, type=Path, metavar="FILE.onnx|DIR", help="the file or folder to write"
    )
    add_json_option(parser)


def run(options: argparse.Namespace) -> None:
    """Write the file or folder, and print how far its outputs are from those of torch."""
    if options.format == "web":
        _require_own_folder(options.out)
        made = _quietly(partial(export_web, version=fsl.__version__), options.checkpoint)
        for name, data in made.files.items():
            write_result(_made_room_for(options.out / name), data)
        size = sum(map(len, made.files.values()))
        _print(options, size, made.difference, sorted(made.files))
        if not options.json:
            print(f"Next: {options.out / 'README.md'}", file=sys.stderr)
    else:
        require_writable(options.out, "--out")
        file = _quietly(export_onnx, options.checkpoint)
        write_result(options.out, file.data)
        _print(options, len(file.data), file.difference)


def _quietly(export: Callable[[Checkpoint], Made], name: str) -> Made:
    """Export a checkpoint without what torch prints."""
    checkpoint = fsl.load(name, "cpu")
    with _nothing_on_stdout():
        return export(checkpoint)


def _print(options: argparse.Namespace, size: int, difference: float, files: Sequence[str] = ()) -> None:
    if options.json:
        listed = {"files": list(files)} if files else {}
        print_json({"file": str(options.out), "bytes": size, "largest_difference": difference, **listed})
        return
    print(f"{options.out}\t{size / 1e6:.1f} MB\tlargest difference from torch {difference:.1e}")


def _require_own_folder(folder: Path) -> None:
    """Check that a folder is new, empty, or of an earlier export.

    Raises:
        DataError: it holds something else, or is a file.
    """
    if folder.exists() and not folder.is_dir():
        raise DataError(f"--out is {folder}, which is a file. Name a folder.")
    if folder.is_dir() and any(folder.iterdir()) and not (folder / ABOUT).is_file():
        raise DataError(f"--out is {folder}, which holds other files. Name a new folder.")


def _made_room_for(file: Path) -> Path:
    """Make the folder of a file, and return the file.

    Raises:
        WriteError: the folder cannot be made.
    """
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise WriteError(file.parent, error) from error
    return file


@contextmanager
def _nothing_on_stdout() -> Iterator[None]:
    """Discard all output, below Python too: torch prints the graph of a network that it cannot export."""
    stdout = os.dup(1)
    with Path(os.devnull).open("wb") as nothing:
        os.dup2(nothing.fileno(), 1)
    try:
        yield
    finally:
        if os.name == "posix":
            ctypes.CDLL(None).fflush(None)  # the C library's buffer as well
        os.dup2(stdout, 1)
        os.close(stdout)
