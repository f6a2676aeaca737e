"""``checkpoints``: what is installed, with its header."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from fsl.cli.common import print_json
from fsl.errors import CheckpointError
from fsl.twin.checkpoint import available, read_info


def add_parser(commands: Any) -> None:
    """Add the command."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "checkpoints", help="which trained twins are here?", description=__doc__
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """List the checkpoints; a damaged one is named on stderr and left out."""
    found = []
    for name, path in available().items():
        try:
            info = read_info(path)
        except CheckpointError as error:
            print(f"left out {error}", file=sys.stderr)
            continue
        found.append({"file": str(path), "bytes": path.stat().st_size, **info.to_json(), "name": name})
    if options.json:
        print_json(found)
        return
    for entry in found:
        print(f"{entry['name']}\t{entry['bytes'] / 1e6:.1f} MB\t{entry['title']}")
