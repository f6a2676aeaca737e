"""``export``: write a network for programs without torch: as ONNX, as TFLite, or as a web page."""

from __future__ import annotations

import argparse
import ctypes
import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import TypeVar

import fsl
from fsl.base.errors import DataError
from fsl.cli.common import add_checkpoint_option
from fsl.cli.output import add_json_option, print_json, require_writable, write_result
from fsl.twin.checkpoint import Checkpoint
from fsl.twin.export import describe, export_onnx
from fsl.twin.export_tflite import export_tflite
from fsl.twin.export_web import ABOUT, export_web

Made = TypeVar("Made")


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of this command to its parser."""
    add_checkpoint_option(parser)
    parser.add_argument(
        "--format",
        choices=["onnx", "tflite", "web"],
        default="onnx",
        help="an ONNX file; a TFLite file, with a JSON file that says how to use it; or a folder with a web "
        "page that classifies by itself (default: %(default)s)",
    )
    parser.add_argument(
        "--out",
        required=True,
        type=Path,
        metavar="FILE.onnx|FILE.tflite|DIR",
        help="the file or folder to write",
    )
    add_json_option(parser)


def run(options: argparse.Namespace) -> None:
    """Write the file or folder, and print how far its outputs are from those of torch."""
    {"onnx": _run_onnx, "tflite": _run_tflite, "web": _run_web}[options.format](options)


def _run_onnx(options: argparse.Namespace) -> None:
    require_writable(options.out, "--out")
    made = _quietly(export_onnx, fsl.load(options.checkpoint, "cpu"), 1)
    write_result(options.out, made.data)
    _print(options, len(made.data), made.difference)


def _run_tflite(options: argparse.Namespace) -> None:
    beside = options.out.with_suffix(".json")
    if beside == options.out:
        raise DataError(f"--out is {options.out}. Name a file that ends in .tflite.")
    require_writable(options.out, "--out")
    checkpoint = fsl.load(options.checkpoint, "cpu")
    made = _quietly(export_tflite, checkpoint, 1, 2)
    write_result(options.out, made.data)
    write_result(beside, json.dumps(describe(checkpoint)).encode())
    _print(options, len(made.data), made.difference, [options.out.name, beside.name])


def _run_web(options: argparse.Namespace) -> None:
    _require_own_folder(options.out)
    made = _quietly(partial(export_web, version=fsl.__version__), fsl.load(options.checkpoint, "cpu"), 1)
    for name, data in made.files.items():
        write_result(options.out / name, data)
    _print(options, sum(map(len, made.files.values())), made.difference, sorted(made.files))
    if not options.json:
        print(f"Next: {options.out / 'README.md'}", file=sys.stderr)


def _quietly(export: Callable[[Checkpoint], Made], checkpoint: Checkpoint, *descriptors: int) -> Made:
    """Export a checkpoint without what the exporter prints: to stdout (1), and to stderr (2)."""
    with ExitStack() as stack:
        for descriptor in descriptors:
            stack.enter_context(_nothing_on(descriptor))
        return export(checkpoint)


def _print(options: argparse.Namespace, size: int, difference: float, files: Sequence[str] = ()) -> None:
    if options.json:
        listed = {"files": list(files)} if files else {}
        print_json({"file": str(options.out), "bytes": size, "largest_difference": difference, **listed})
        return
    print(f"{options.out}\t{size / 1e6:.1f} MB\tlargest difference from torch {difference:.1e}")


def _require_own_folder(folder: Path) -> None:
    """Check that a folder is new, is empty, or holds an earlier export.

    Raises:
        DataError: it holds something else, or is a file.
    """
    if folder.exists() and not folder.is_dir():
        raise DataError(f"--out is {folder}, which is a file. Name a folder.")
    if folder.is_dir() and any(folder.iterdir()) and not (folder / ABOUT).is_file():
        raise DataError(f"--out is {folder}, which holds other files. Name a new folder.")


@contextmanager
def _nothing_on(descriptor: int) -> Iterator[None]:
    """Discard all output, below Python too: torch prints the graph of a network that it cannot export."""
    kept = os.dup(descriptor)
    with Path(os.devnull).open("wb") as nothing:
        os.dup2(nothing.fileno(), descriptor)
    try:
        yield
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        if os.name == "posix":
            ctypes.CDLL(None).fflush(None)  # the C library's buffer as well
        os.dup2(kept, descriptor)
        os.close(kept)
