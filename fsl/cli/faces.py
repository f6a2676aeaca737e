"""Faces on the command line: the option that skips alignment, and faces as JSON."""

from __future__ import annotations

import argparse
from dataclasses import replace
from typing import Any

from fsl.twin.checkpoint import Checkpoint
from fsl.twin.faces.detect import Face


def add_align_option(parser: argparse.ArgumentParser) -> None:
    """Add ``--no-align``."""
    parser.add_argument(
        "--no-align",
        action="store_true",
        help="compare whole pictures and look for no faces, for pictures that are aligned crops already",
    )


def maybe_without_alignment(checkpoint: Checkpoint, options: argparse.Namespace) -> Checkpoint:
    """Return the checkpoint, or with ``--no-align`` one that takes the middle square of each picture."""
    model = checkpoint.info.model
    if not options.no_align or model.fit != "face":
        return checkpoint
    info = replace(checkpoint.info, model=replace(model, fit="crop"))
    # Embeddings are cached by the digest, and a whole picture has another one than the face in it.
    return replace(checkpoint, info=info, digest=f"{checkpoint.digest}/whole")


def face_json(image: str, face: Face) -> dict[str, Any]:
    """Return a face as JSON: which image, box, landmarks in pixels, and the detector's score."""
    return {
        "image": image,
        "box": [round(edge, 1) for edge in face.box],
        "landmarks": [[round(x, 1), round(y, 1)] for x, y in face.landmarks.tolist()],
        "score": round(face.score, 4),
    }
