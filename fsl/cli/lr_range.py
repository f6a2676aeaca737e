"""``lr-range``: find a learning rate by training while it rises from far too low to far too high."""

from __future__ import annotations

import argparse
import math

from fsl.cli.common import add_data_options, load_data, progress_bar, report, report_notes
from fsl.cli.output import add_json_option, print_json
from fsl.cli.train import add_network_options, chosen_recipe, starting_network
from fsl.cli.train_settings import add_settings, overridden
from fsl.config import ModelConfig, TrainConfig
from fsl.data.imageset import ImageSet
from fsl.training.lr_range import (
    FEWEST_POINTS,
    HIGHEST,
    LOWEST,
    N_POINTS,
    check_range,
    lr_range,
    suggest_rate,
)
from fsl.training.recipe_data import load_recipe
from fsl.training.recipes import RECIPES, Recipe

IRRELEVANT = ("--lr", "--steps", "--schedule", "--evaluate-every", "--snapshots")


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of this command to its parser."""
    add_data_options(parser)
    parser.add_argument(
        "--recipe",
        choices=sorted(RECIPES),
        help="use the data and settings of one of the shipped checkpoints",
    )
    add_network_options(parser)
    add_settings(parser, without=IRRELEVANT)
    parser.add_argument("--lowest", type=float, default=LOWEST, help="default: %(default)g")
    parser.add_argument("--highest", type=float, default=HIGHEST, help="default: %(default)g")
    parser.add_argument("--points", type=int, default=N_POINTS, help="batches (default: %(default)s)")
    add_json_option(parser)


def run(options: argparse.Namespace) -> None:
    """Run the test and print its points and the suggestion."""
    recipe = chosen_recipe(options)
    start, model, _ = starting_network(options, recipe)
    config = overridden(recipe.config if recipe else TrainConfig(), options)
    check_range(config, options.lowest, options.highest, options.points)
    data = _images(options, recipe, model)
    points = []
    with progress_bar("range test") as progress:
        for point in lr_range(
            data, config, start, lowest=options.lowest, highest=options.highest, n_points=options.points
        ):
            points.append(point)
            progress(len(points), options.points)
    suggestion = suggest_rate(points)
    if options.json:
        # JSON has no NaN, so the last loss is left out if it is not a number.
        shown = [{"lr": p.lr, "loss": p.loss} for p in points if math.isfinite(p.loss)]
        print_json({"points": shown, "suggestion": suggestion})
        return
    for point in points:
        print(f"{point.lr:.3g}\t{point.loss:.4f}\t{point.smoothed:.4f}")
    if suggestion:
        print(f"suggestion\t{suggestion:g}")
    elif sum(math.isfinite(point.loss) for point in points) < FEWEST_POINTS:
        print(f"no suggestion: too few points ({FEWEST_POINTS} are needed)")
    else:
        print("no suggestion: the loss never falls")


def _images(options: argparse.Namespace, recipe: Recipe | None, model: ModelConfig) -> ImageSet:
    """Load the images that a run would train on; those of a recipe if one is named."""
    if recipe is None:
        return load_data(options, model)
    with progress_bar("reading images") as progress:
        data, problems = load_recipe(recipe.train, model, options.data, progress)
    report(problems)
    report_notes(data.notes)
    return data
