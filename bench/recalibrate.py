"""Measure a checkpoint's calibration anew on held-out classes, and write it into its header.

It measures the temperature and the "unknown" threshold of every rule, and the error rates of "same or
different?". Weights stay the same, except the head's with ``--refit-head``. This is for checkpoints that lack
a calibration, or that were trained without held-out classes.

    python -m bench recalibrate fruits --on fruits360:val
    python -m bench recalibrate faces --on lfw:val --on orl:val --pairs-only
    python -m bench recalibrate faces --on lfw:val --refit-head
    python -m bench recalibrate faces --subject person

``--refit-head`` first fits another scale and bias of the head, which keeps the order of similarities: a
network trained on few classes is overconfident, and most of its similarities are close to 0 or 1.
``--subject`` says what the network tells apart; people get a notice. Without ``--on`` nothing else changes.
"""

import argparse
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import safetensors.torch
import torch

from fsl.base.files import write_atomically
from fsl.base.text import rate_text
from fsl.data.intake.listing import Problem
from fsl.fewshot.pair_calibration import measure_pair_rates
from fsl.training.calibration import fit_calibrations
from fsl.training.recipe_data import load_recipe
from fsl.training.recipes import RecipeData
from fsl.twin import checkpoint as checkpoints
from fsl.twin import checkpoint_files
from fsl.twin.header import NOTICES, CheckpointInfo
from fsl.twin.inference import embed_images
from tools.head_fit import fit_scale_and_bias


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("checkpoint", help="name or file; rewritten in place unless --out is given")
    parser.add_argument(
        "--on", action="append", default=[], metavar="DATA[:LIST][@SHARE]",
        help="a data set and a list of its split file (fruits360:val); @0.48 crops each picture to its\n"
        "centre, that share of its sides. May be repeated; pairs are made within each data set",
    )  # fmt: skip
    parser.add_argument("--pairs-only", action="store_true", help="leave rules and thresholds as they are")
    parser.add_argument("--refit-head", action="store_true", help="the head's scale and bias too")
    parser.add_argument("--subject", choices=tuple(NOTICES), help="what the network tells apart")
    parser.add_argument("--out", type=Path, help="write here instead")
    options = parser.parse_args()
    if not options.on and not options.subject:
        parser.error("name data with --on, or a --subject")
    path = checkpoint_files.find(options.checkpoint)
    loaded = checkpoints.load(path)
    info = loaded.info
    if options.on:
        info = recalibrated(loaded, options.on, options.pairs_only, options.refit_head)
    info = replace(info, subject=options.subject or info.subject)
    head = loaded.twin.head if options.on and options.refit_head else None
    write_header(path, options.out or path, info, head)


def recalibrated(
    loaded: checkpoints.Checkpoint, names: Sequence[str], pairs_only: bool, head_too: bool
) -> CheckpointInfo:
    """Return the header with a calibration on the data sets ``names``; fit the head to them if requested."""
    embedded = []
    familiar = False
    for source in map(source_of, names):
        images, problems = load_recipe((source,), loaded.info.model)
        report(problems)
        familiar |= bool(loaded.info.trained_on(images.class_names, source.data))
        embedded.append((embed_images(loaded.twin, images.images), images.labels))
        print(f"{source.data} {source.classes}: {len(images):,} images of {images.n_classes} classes")
    if head_too:
        fit_scale_and_bias(loaded.twin, embedded)
        print(f"head: bias {loaded.twin.head.bias.item():.2f}")
    what = " and ".join(name.replace(":", " ") for name in names)
    pairs = measure_pair_rates(loaded.twin, embedded, what, familiar)
    if pairs is None:
        raise SystemExit("A data set lacks same pairs or different pairs; name another one.")
    low, high = (rate_text(rate) for rate in pairs.equal_error_interval)
    print(
        f"{pairs.n_same:,} same and {pairs.n_different:,} different pairs: equal error rate "
        f"{rate_text(pairs.equal_error_rate)} ({low} to {high}) at {pairs.threshold:.4f}"
    )
    if pairs_only:
        return replace(loaded.info, pairs=pairs)
    if len(embedded) > 1:
        raise SystemExit("Rules are calibrated on one data set: name one, or add --pairs-only.")
    calibrations = fit_calibrations(loaded.twin, *embedded[0], what, images.images, familiar)
    best = max(calibrations, key=lambda calibration: calibration.accuracy or 0.0)
    return replace(loaded.info, pairs=pairs, calibrations=calibrations, rule=best.rule)


def source_of(name: str) -> RecipeData:
    """Parse DATA[:LIST][@SHARE], for example "lfw:val@0.48"."""
    name, _, centre = name.partition("@")
    data, _, classes = name.partition(":")
    return RecipeData(data, classes, centre=float(centre) if centre else 1.0)


def write_header(path: Path, out: Path, info: CheckpointInfo, head: torch.nn.Module | None = None) -> None:
    """Write the tensors of ``path``, in their stored precision, with another header and optionally head."""
    tensors = safetensors.torch.load_file(path)
    for name, tensor in head.state_dict().items() if head else ():
        tensors[f"head.{name}"] = tensor.to(tensors[f"head.{name}"].dtype)
    metadata = {checkpoint_files.METADATA_KEY: json.dumps(info.to_json(), sort_keys=True)}
    write_atomically(out, safetensors.torch.save(tensors, metadata))


def report(problems: Sequence[Problem]) -> None:
    for problem in problems:
        print(f"left out {problem}")
