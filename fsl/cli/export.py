"""``export``: the embedding network as ONNX, for programs without torch."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import fsl
from fsl.cli.common import print_json
from fsl.twin.export import export_onnx


def add_parser(commands: Any) -> None:
    """Add the command."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "export", help="write a checkpoint as ONNX", description=__doc__
    )
    parser.add_argument("--checkpoint", required=True, metavar="NAME|FILE")
    parser.add_argument("--out", required=True, type=Path, metavar="FILE.onnx")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Write the file, and say how far its outputs are from torch's."""
    checkpoint = fsl.load(options.checkpoint, "cpu")
    difference = export_onnx(checkpoint, options.out)
    size = options.out.stat().st_size
    if options.json:
        print_json({"file": str(options.out), "bytes": size, "largest_difference": difference})
        return
    print(f"{options.out}\t{size / 1e6:.1f} MB\tlargest difference from torch {difference:.1e}")
