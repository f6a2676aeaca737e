"""``train``: train or fine-tune a twin network; events as JSON lines on stdout."""

from __future__ import annotations

import argparse
import json
import shlex
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Event
from typing import Any

import fsl
from fsl.cli.common import Progress, add_data_options, load_data, report
from fsl.config import ModelConfig, TrainConfig
from fsl.data.imageset import ImageSet
from fsl.errors import SettingsError
from fsl.training.events import Evaluation, Step, to_json
from fsl.training.recipes import RECIPES, Recipe, Source
from fsl.training.runs import run_training
from fsl.training.sources import hold_out_classes, load_source, load_sources
from fsl.twin.backbones import BACKBONES
from fsl.twin.network import TwinNetwork

# Options that replace one field of TrainConfig each.
OVERRIDES: dict[str, tuple[str, type]] = {
    "--lr": ("learning_rate", float),
    "--steps": ("steps", int),
    "--seed": ("seed", int),
    "--pairing": ("pairing", str),
    "--loss": ("loss", str),
    "--schedule": ("schedule", str),
    "--optimiser": ("optimiser", str),
    "--batch-classes": ("batch_classes", int),
    "--batch-images": ("batch_images", int),
    "--batch-pairs": ("batch_pairs", int),
    "--evaluate-every": ("evaluate_every", int),
    "--device": ("device", str),
    "--precision": ("precision", str),
}


def add_parser(commands: Any) -> None:
    """Add the command."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "train", help="train or fine-tune a checkpoint", description=__doc__
    )
    add_data_options(parser)
    parser.add_argument("--run-dir", required=True, type=Path, metavar="DIR", help="the run folder to write")
    parser.add_argument("--recipe", choices=sorted(RECIPES), help="settings of a checkpoint that ships")
    parser.add_argument("--resume", action="store_true", help="go on with the run in --run-dir")
    parser.add_argument("--start", metavar="NAME|FILE", help="fine-tune this checkpoint")
    parser.add_argument("--backbone", choices=sorted(BACKBONES), help="architecture to train from scratch")
    parser.add_argument("--image-size", type=int, metavar="PIXELS", help="side of the network's input")
    parser.add_argument(
        "--validation", metavar="FILE[:LIST]", help="classes of --data to test on (as --classes)"
    )
    parser.add_argument(
        "--hold-out", type=float, default=0.2, help="else this share of the classes (default: %(default)s)"
    )
    for option, (field, kind) in OVERRIDES.items():
        parser.add_argument(option, dest=field, type=kind, help=f"sets {field}")
    parser.add_argument("--json", action="store_true", help="events as JSON lines, which is how it is anyway")
    parser.set_defaults(run=run)


@dataclass(frozen=True)
class _Plan:
    """What the options and the recipe come to."""

    data: ImageSet
    validation: ImageSet | None
    start: ModelConfig | TwinNetwork
    config: TrainConfig
    about: dict[str, Any]


def run(options: argparse.Namespace) -> None:
    """Train; a first Ctrl-C stops after the batch, leaving a loadable checkpoint."""
    plan = _plan(options)
    with stop_on_interrupt() as stop, Progress("training") as progress:
        for event in run_training(
            options.run_dir,
            plan.data,
            plan.config,
            plan.start,
            about=plan.about,
            validation=plan.validation,
            resume=options.resume,
            should_stop=stop.is_set,
        ):
            if isinstance(event, Step | Evaluation):
                progress(event.step, plan.config.steps)
            print(json.dumps(to_json(event)), flush=True)


@contextmanager
def stop_on_interrupt() -> Iterator[Event]:
    """An event that the first Ctrl-C sets; the second one interrupts as usual."""
    stop = Event()
    before = signal.getsignal(signal.SIGINT)

    def request_stop(*_: object) -> None:
        stop.set()
        signal.signal(signal.SIGINT, before)
        print("fsl: stopping after this batch; press Ctrl-C again to break off.", file=sys.stderr)

    signal.signal(signal.SIGINT, request_stop)
    try:
        yield stop
    finally:
        signal.signal(signal.SIGINT, before)


def _plan(options: argparse.Namespace) -> _Plan:
    recipe = RECIPES[options.recipe] if options.recipe else None
    start, model = _start(options, recipe)
    config = recipe.config if recipe else TrainConfig()
    given = {field: getattr(options, field) for field, _ in OVERRIDES.values()}
    config = replace(config, **{field: value for field, value in given.items() if value is not None})
    data, validation, split, held_out = _load(options, recipe, model, config.seed)
    about: dict[str, Any] = {
        "title": recipe.title if recipe else "",
        "licence": recipe.licence if recipe else "",
        "recipe": options.recipe or "",
        "data": split,
        "validation": held_out,
        "classes": list(data.class_names),
        "command": "python -m fsl " + shlex.join(_public(sys.argv[1:])),
        "seed": config.seed,
        "start": options.start or "",
    }
    return _Plan(data, validation, start, config, about)


def _start(
    options: argparse.Namespace, recipe: Recipe | None
) -> tuple[ModelConfig | TwinNetwork, ModelConfig]:
    if options.start:
        if options.backbone or options.image_size:
            raise SettingsError("--start brings its own architecture; leave out --backbone and --image-size.")
        checkpoint = fsl.load(options.start, "cpu")
        return checkpoint.twin, checkpoint.info.model
    model = recipe.model if recipe else ModelConfig()
    if options.backbone:
        model = replace(model, backbone=options.backbone, widths=())
    if options.image_size:
        model = replace(model, image_size=options.image_size)
    return model, model


def _load(
    options: argparse.Namespace, recipe: Recipe | None, model: ModelConfig, seed: int
) -> tuple[ImageSet, ImageSet | None, str, str]:
    """Training set, validation set, and in words what each is."""
    if recipe:
        return (
            load_sources(recipe.train, model, report, options.data),
            load_source(recipe.validation, model, report, options.data),
            "; ".join(_words(source) for source in recipe.train),
            _words(recipe.validation),
        )
    shown = Path(options.data).name
    data = load_data(options.data, options.part, options.classes, model.image_size, model.fit)
    if options.validation:
        validation_set = load_data(
            options.data, options.part, options.validation, model.image_size, model.fit
        )
        seen = set(validation_set.class_names)
        kept = [name for name in data.class_names if name not in seen]
        words = Path(options.validation).name
        return data.select_classes(kept), validation_set, f"{shown} without {words}", f"{shown} {words}"
    data, held_out = hold_out_classes(data, options.hold_out, seed)
    words = f"{shown}, {options.hold_out:g} of the classes held out, seed {seed}"
    return data, held_out, words, f"the classes held out of {shown}" if held_out else ""


def _words(source: Source) -> str:
    without = f" without {', '.join(source.without)}" if source.without else ""
    return f"{source.data} {source.classes}{without}".strip()


def _public(arguments: list[str]) -> list[str]:
    """The arguments with the folders of this machine left out: a header is read by others."""
    return [Path(a).name if Path(a).is_absolute() else a for a in arguments]
