"""``verify``: measure how well a checkpoint tells same from different, over all pairs of images."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from typing import Any

from PIL import Image

import fsl
from fsl.base.settings import check_range
from fsl.base.text import limit_text, rate_text
from fsl.cli.common import (
    add_align_option,
    add_centre_option,
    add_checkpoint_option,
    add_data_options,
    add_device_option,
    classes_seen,
    load_data,
    maybe_without_alignment,
    progress_bar,
)
from fsl.cli.output import add_json_option, print_json
from fsl.fewshot.comparison_report import face_json
from fsl.fewshot.pair_calibration import pair_reliability, reliability_bins
from fsl.fewshot.pair_scores import PairScores, count_pairs, score_pairs
from fsl.fewshot.scores import check_false_accept
from fsl.fewshot.verify import FALSE_ACCEPT_RATES, Interval, ThresholdAt, Verification, accuracy_at, verify
from fsl.twin.faces.detect import Face
from fsl.twin.faces.prepare import face_of
from fsl.twin.inference import embed_images, usable
from fsl.twin.pair_rates import PairRates


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of this command to its parser."""
    add_data_options(parser)
    add_centre_option(parser)
    add_align_option(parser)
    add_checkpoint_option(parser)
    parser.add_argument(
        "--far",
        type=float,
        nargs="+",
        default=list(FALSE_ACCEPT_RATES),
        metavar="RATE",
        help="false-accept rates at which to report the true-accept rate (default: 0.01 0.001)",
    )
    parser.add_argument(
        "--bootstrap", type=int, default=200, help="samples for the intervals (default: %(default)s)"
    )
    parser.add_argument(
        "--unit",
        choices=("classes", "images"),
        default="classes",
        help="what the bootstrap resamples: classes (other people), or images of the same classes",
    )
    parser.add_argument("--seed", type=int, default=0, help="seed of the bootstrap (default: %(default)s)")
    add_device_option(parser)
    add_json_option(parser)


def run(options: argparse.Namespace) -> None:
    """Embed every image once, score every pair, and print the error rates."""
    check_range("--bootstrap", options.bootstrap, 1)
    check_range("--seed", options.seed, 0)
    for rate in options.far:
        check_false_accept(rate, "--far")
    checkpoint = maybe_without_alignment(fsl.load(options.checkpoint, options.device), options)
    faces: dict[str, Face] = {}

    def note_face(name: str, image: Image.Image) -> None:
        face = face_of(image)
        if face is not None:
            faces[name] = face

    data = load_data(options, checkpoint.info.model, options.centre, on_square=note_face)
    count_pairs(data.labels)  # fails now if there is no pair
    seen = classes_seen(checkpoint, data, options.data)
    began = time.perf_counter()
    with progress_bar("embedding") as progress:
        embeddings = usable(embed_images(checkpoint.twin, data.images, progress))
    scores = score_pairs(checkpoint.twin, embeddings, data.labels, seed=options.seed)
    result = verify(scores, options.far, options.bootstrap, options.unit, options.seed)
    seconds = time.perf_counter() - began
    rates = checkpoint.info.pairs
    if options.json:
        timed = {"classes_seen": seen, "seconds": round(seconds, 2)}
        found = [face_json(name, faces[name]) for name in sorted(faces)]
        print_json({**_as_json(result, scores, rates), **timed, "faces": found})
        return
    _print(result, scores, rates, seconds)


def _as_json(result: Verification, scores: PairScores, rates: PairRates | None) -> dict[str, Any]:
    out: dict[str, Any] = {
        "auc": result.auc,
        "eer": result.equal_error_rate,
        "eer_interval": result.equal_error_interval if result.has_intervals else None,
        "eer_threshold": result.equal_error_threshold,
        "accuracy_at_stored_threshold": accuracy_at(scores, rates.threshold) if rates else None,
        "tar_at_far": {f"{at.requested:g}": at.true_accept if at.keeps_rate else 0.0 for at in result.at},
        "thresholds": {f"{at.requested:g}": _threshold_json(at, result.has_intervals) for at in result.at},
        "same_pairs": result.n_same,
        "different_pairs": result.n_different,
        "classes": result.n_classes,
    }
    if rates:
        found = pair_reliability(scores, rates.slope, rates.offset)
        out["stored_threshold"] = rates.threshold
        out["reliability"] = [vars(one) for one in reliability_bins(found)]
        out["calibration_error"] = found.error
    return out


def _threshold_json(at: ThresholdAt, has_intervals: bool) -> dict[str, Any]:
    return {
        "threshold": at.threshold,
        "threshold_interval": at.threshold_interval if has_intervals else None,
        "false_accept": at.false_accept,
        "false_accept_interval": at.false_accept_interval if has_intervals else None,
        "true_accept_interval": at.true_accept_interval if has_intervals and at.keeps_rate else None,
        "promised": at.is_measurable,
    }


def _print(result: Verification, scores: PairScores, rates: PairRates | None, seconds: float) -> None:
    def margin(interval: Interval, form: Callable[[float], str]) -> str:
        return f" (95%: {form(interval[0])} to {form(interval[1])})" if result.has_intervals else ""

    print(
        f"{result.n_same:,} same and {result.n_different:,} different pairs of {result.n_classes:,} classes, "
        f"{seconds:.1f} s"
    )
    print(f"AUC {result.auc:.4f}")
    print(
        f"equal error rate {rate_text(result.equal_error_rate)}"
        f"{margin(result.equal_error_interval, rate_text)} at {limit_text(result.equal_error_threshold)}"
    )
    for at in result.at:
        if not at.keeps_rate:
            here = f"{rate_text(at.false_accept)} of the different pairs have similarity 1"
            print(f"{rate_text(at.requested)} false accepts: no threshold keeps this rate, as {here}")
            continue
        others = f"; with other classes, up to {rate_text(at.false_accept_interval[1])} false accepts"
        print(
            f"{rate_text(at.requested)} false accepts: {at.true_accept:.2%} true accepts"
            f"{margin(at.true_accept_interval, '{:.2%}'.format)} at threshold {limit_text(at.threshold)}"
            f"{others if result.has_intervals else ''}"
        )
        if not at.is_measurable:
            pairs, lowest_rate = f"{result.n_class_pairs:,} pairs of classes", rate_text(at.lowest_rate)
            print(f"  too few classes to measure this rate: {pairs} are enough for {lowest_rate} and above")
    if rates:
        accuracy = accuracy_at(scores, rates.threshold)
        print(f"accuracy at the stored threshold {limit_text(rates.threshold)}: {accuracy:.4f}")
