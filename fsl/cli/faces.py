"""The option of commands on faces that skips alignment."""

from __future__ import annotations

import argparse

from fsl.fewshot.comparison import without_alignment
from fsl.twin.checkpoint import Checkpoint


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
