"""Measure a checkpoint's calibration anew on named held-out classes, and write it into its header.

The weights stay as they are; what is measured is the temperature and the "unknown" threshold
of every rule, and the error rates of "same or different?". For checkpoints made before one of these existed,
or trained without classes held out.

    python -m bench recalibrate fruits --on fruits360:val
    python -m bench recalibrate faces --on lfw:val@0.48 --on orl:val --pairs-only
"""

import argparse
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import safetensors.torch

from fsl.data.listing import Problem
from fsl.fewshot.pair_calibration import measure_pair_rates
from fsl.fewshot.promise import percentage
from fsl.training.recipes import Source
from fsl.training.runs import fit_calibrations
from fsl.training.sources import load_source
from fsl.twin import checkpoint as checkpoints
from fsl.twin.inference import embed_images


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("checkpoint", help="name or file; rewritten in place unless --out is given")
    parser.add_argument(
        "--on", action="append", required=True, metavar="DATA[:LIST][@SHARE]",
        help="a data set and a list of its split file (fruits360:val); @0.48 takes the middle of each\n"
        "picture alone, that share of its sides. Several: pairs are made within each",
    )  # fmt: skip
    parser.add_argument("--pairs-only", action="store_true", help="leave rules and thresholds as they are")
    parser.add_argument("--out", type=Path, help="write here instead")
    options = parser.parse_args()
    path = checkpoints.find(options.checkpoint)
    write_header(path, options.out or path, recalibrated(path, options.on, options.pairs_only))


def recalibrated(path: Path, names: Sequence[str], pairs_only: bool) -> checkpoints.CheckpointInfo:
    """The header of the checkpoint ``path``, measured anew on the data sets ``names``."""
    loaded = checkpoints.load(path)
    embedded = []
    for source in map(source_of, names):
        images = load_source(source, loaded.info.model, report)
        embedded.append((embed_images(loaded.twin, images.images), images.labels))
        print(f"{source.data} {source.classes}: {len(images):,} images of {images.n_classes} classes")
    what = " and ".join(name.replace(":", " ") for name in names)
    pairs = measure_pair_rates(loaded.twin, embedded, what)
    if pairs is None:
        raise SystemExit("One of these sets has not both kinds of pairs; name another.")
    low, high = (percentage(rate) for rate in pairs.equal_error_interval)
    print(
        f"{pairs.n_same:,} same and {pairs.n_different:,} different pairs: equal error rate "
        f"{percentage(pairs.equal_error_rate)} ({low} to {high}) at {pairs.threshold:.4f}"
    )
    if pairs_only:
        return replace(loaded.info, pairs=pairs)
    if len(embedded) > 1:
        raise SystemExit("Rules are calibrated on one data set: name one, or add --pairs-only.")
    calibrations = fit_calibrations(loaded.twin, *embedded[0], what)
    best = max(calibrations, key=lambda calibration: calibration.accuracy or 0.0)
    return replace(loaded.info, pairs=pairs, calibrations=calibrations, rule=best.rule)


def source_of(name: str) -> Source:
    """ "lfw:val@0.48" as a source."""
    name, _, centre = name.partition("@")
    data, _, classes = name.partition(":")
    return Source(data, classes, centre=float(centre) if centre else 1.0)


def write_header(path: Path, out: Path, info: checkpoints.CheckpointInfo) -> None:
    """Write the tensors of ``path``, in their own precision, with another header."""
    tensors = safetensors.torch.load_file(path)
    metadata = {checkpoints.METADATA_KEY: json.dumps(info.to_json(), sort_keys=True)}
    checkpoints.write_atomically(out, safetensors.torch.save(tensors, metadata))


def report(problems: Sequence[Problem]) -> None:
    for problem in problems:
        print(f"left out {problem}")
