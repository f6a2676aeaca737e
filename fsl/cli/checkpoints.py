"""``checkpoints``: list the installed checkpoints, with the header of each."""

from __future__ import annotations

import argparse
import sys

from fsl.base.errors import CheckpointError
from fsl.cli.output import add_json_option, print_json
from fsl.twin.checkpoint_files import available, read_info


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of this command to its parser."""
    add_json_option(parser)


def run(options: argparse.Namespace) -> None:
    """List the checkpoints; name a damaged one on stderr and leave it out."""
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
