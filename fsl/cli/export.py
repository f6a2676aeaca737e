"""``export``: write a checkpoint's embedding network as ONNX, for programs without torch."""

from __future__ import annotations

import argparse
import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import fsl
from fsl.cli.common import add_checkpoint_option
from fsl.cli.output import add_json_option, print_json, require_writable, write_result
from fsl.twin.export import export_onnx


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of this command to its parser."""
    add_checkpoint_option(parser)
    parser.add_argument("--out", required=True, type=Path, metavar="FILE.onnx")
    add_json_option(parser)


def run(options: argparse.Namespace) -> None:
    """Write the file, and print how far its outputs are from those of torch."""
    require_writable(options.out, "--out")
    checkpoint = fsl.load(options.checkpoint, "cpu")
    with _nothing_on_stdout():
        made = export_onnx(checkpoint)
    write_result(options.out, made.data)
    size = len(made.data)
    if options.json:
        print_json({"file": str(options.out), "bytes": size, "largest_difference": made.difference})
        return
    print(f"{options.out}\t{size / 1e6:.1f} MB\tlargest difference from torch {made.difference:.1e}")


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
