"""``omniglot-runs``: measure a checkpoint on the 20 one-shot runs published with Omniglot."""

from __future__ import annotations

import argparse
from pathlib import Path

import fsl
from fsl.cli.common import add_checkpoint_option, add_device_option, progress_bar
from fsl.cli.output import add_json_option, print_json
from fsl.data.one_shot_runs import read_runs
from fsl.fewshot.one_shot_runs import score_run


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of this command to its parser."""
    parser.add_argument(
        "--runs",
        required=True,
        type=Path,
        metavar="ZIP|DIR",
        help="all_runs.zip, or the folder with its content",
    )
    add_checkpoint_option(parser, default="glyphs")
    add_device_option(parser)
    add_json_option(parser)


def run(options: argparse.Namespace) -> None:
    """Score every run and print the accuracy over all test images."""
    checkpoint = fsl.load(options.checkpoint, options.device)
    runs = read_runs(options.runs)
    correct = {}
    with progress_bar("runs") as progress:
        for number, one in enumerate(runs, start=1):
            correct[one.name] = score_run(checkpoint, one)
            progress(number, len(runs))
    totals = {one.name: len(one.test) for one in runs}
    accuracy = sum(correct.values()) / sum(totals.values())
    if options.json:
        per_run = [{"run": name, "correct": correct[name], "total": totals[name]} for name in correct]
        total = {"correct": sum(correct.values()), "total": sum(totals.values())}
        print_json({"accuracy": accuracy, **total, "per_run": per_run})
        return
    for name, value in correct.items():
        print(f"{name}\t{value}/{totals[name]}")
    print(f"accuracy {accuracy:.4f} ({sum(correct.values())} of {sum(totals.values())})")
