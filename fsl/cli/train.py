"""``train``: train or fine-tune a twin network, and print its events as JSON lines."""

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
from typing import get_args

import fsl
from fsl.base.errors import SettingsError
from fsl.cli.common import add_data_options, is_first_process, progress_bar, report, report_notes
from fsl.cli.output import add_json_option
from fsl.cli.train_settings import add_settings, overridden
from fsl.config import FINE_TUNE_VIEWS, TIMM, ModelConfig, TrainConfig
from fsl.data.catalogue import absolute_key, open_source
from fsl.data.imageset import single_images_note
from fsl.data.intake.listing import Problem
from fsl.data.intake.splits import list_from_anywhere
from fsl.data.query import DataSpec
from fsl.training.best import little_to_gain
from fsl.training.distributed import ProcessGroup, join_process_group
from fsl.training.events import Evaluation, Pause, Step, to_json
from fsl.training.hold_out import seen_before
from fsl.training.recipes import RECIPES, Recipe
from fsl.training.run import follow_training, run_training, with_start
from fsl.training.run_data import TrainingData, load_training_data
from fsl.training.run_observers import VARIABLE, LogTo, chosen_logs, observed
from fsl.training.run_spec import RunSpec
from fsl.twin.backbones.build import BACKBONES, build_backbone
from fsl.twin.header import CheckpointInfo, seen_among
from fsl.twin.network import TwinNetwork

_HOLD_OUT = 0.2
_DATA_OPTIONS = ("part", "classes", "validation", "hold_out", "hold_out_of")  # a recipe sets these itself


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of this command to its parser."""
    add_data_options(parser)
    parser.add_argument("--run-dir", required=True, type=Path, metavar="DIR", help="the run folder to write")
    parser.add_argument(
        "--recipe", choices=sorted(RECIPES), help="train as one of the shipped checkpoints was"
    )
    parser.add_argument("--resume", action="store_true", help="resume the run in --run-dir")
    add_network_options(parser)
    parser.add_argument(
        "--validation", metavar="FILE[:LIST]", help="classes of --data to test on (as --classes)"
    )
    parser.add_argument(
        "--hold-out",
        type=float,
        help=f"without --validation, share of the classes to test on (default: {_HOLD_OUT})",
    )
    parser.add_argument(
        "--hold-out-of",
        choices=["classes", "images"],
        help="hold out whole classes, or images of each (default: classes)",
    )
    add_settings(parser)
    parser.add_argument(
        "--log-to",
        action="append",
        choices=get_args(LogTo),
        help=f"log the run there as well; an extra to install (default: what {VARIABLE} names)",
    )
    add_json_option(parser, "print events as JSON lines (always the case)")


def add_network_options(parser: argparse.ArgumentParser) -> None:
    """Add ``--start``, ``--backbone`` and ``--image-size``."""
    parser.add_argument("--start", metavar="NAME|FILE", help="fine-tune this checkpoint")
    parser.add_argument(
        "--backbone",
        metavar="NAME",
        help=f"architecture to train from scratch: {', '.join(BACKBONES)}, or several joined by +; or "
        f"{TIMM}NAME, a network of timm to fine-tune from its pretrained weights",
    )
    parser.add_argument("--image-size", type=int, metavar="PIXELS", help="side of the network's input")


@dataclass(frozen=True)
class _Plan:
    """The run that the options and the recipe describe."""

    spec: RunSpec
    data: TrainingData
    start: ModelConfig | TwinNetwork


def run(options: argparse.Namespace) -> None:
    """Train; a first Ctrl-C stops after the batch, leaving a loadable checkpoint.

    Under ``torchrun`` every process reads the data and trains; the process of rank 0 writes and prints.
    """
    chosen_logs(options.log_to)  # refuses one that is not installed before any image is read
    with join_process_group(options.device or "auto") as group:
        plan = _plan(options)
        with stop_on_interrupt() as stop:
            if group.is_main:
                _train(plan, options, group, stop)
            else:
                follow_training(
                    options.run_dir,
                    plan.spec,
                    plan.data,
                    plan.start,
                    group,
                    resume=options.resume,
                    should_stop=stop.is_set,
                )


def _train(plan: _Plan, options: argparse.Namespace, group: ProcessGroup, stop: Event) -> None:
    model = plan.start if isinstance(plan.start, ModelConfig) else plan.start.config
    events = run_training(
        options.run_dir,
        plan.spec,
        plan.data,
        plan.start,
        resume=options.resume,
        should_stop=stop.is_set,
        group=group,
    )
    logs = chosen_logs(options.log_to)
    with progress_bar("training") as progress:
        for event in observed(events, logs, options.run_dir, plan.spec.config, model):
            if isinstance(event, Pause):
                continue
            if isinstance(event, Step | Evaluation) and not sys.stdout.isatty():  # else the events show it
                progress(event.step, plan.spec.config.steps)
            print(json.dumps(to_json(event)), flush=True)
            if isinstance(event, Evaluation) and (told := little_to_gain(event, plan.spec.start or "")):
                print(f"fsl: {told}", file=sys.stderr)


@contextmanager
def stop_on_interrupt() -> Iterator[Event]:
    """Yield an event that the first Ctrl-C or SIGTERM sets; a second one ends the process at once."""
    stop = Event()
    kinds = (signal.SIGINT, signal.SIGTERM)
    before = {kind: signal.getsignal(kind) for kind in kinds}

    def request_stop(kind: int, _: object) -> None:
        stop.set()
        signal.signal(kind, before[signal.Signals(kind)])
        if is_first_process():
            print("fsl: stopping after this batch; press Ctrl-C again to break off.", file=sys.stderr)

    for kind in kinds:
        signal.signal(kind, request_stop)
    try:
        yield stop
    finally:
        for kind in kinds:
            signal.signal(kind, before[kind])


def _plan(options: argparse.Namespace) -> _Plan:
    recipe = chosen_recipe(options)
    start, model, header = starting_network(options, recipe)
    config = overridden(recipe.config if recipe else TrainConfig(), options)
    if header:  # shows whether fine-tuning made the network better
        config = replace(config, evaluate_first=True)
        if options.cached_views is None and config.trainable in ("last", "head"):
            config = replace(config, cached_views=FINE_TUNE_VIEWS)
    source = _data_spec(options)
    problems: list[Problem] = []
    with progress_bar("reading images") as progress:
        data = load_training_data(source, model, config.seed, problems.extend, progress, keep=False)
    report(problems)
    report_notes((*data.train.notes, *single_images_note(data.train)))
    spec = RunSpec(
        config,
        source,
        start="",
        recipe=options.recipe or "",
        data=data.words,
        validation=data.validation_words,
        classes=tuple(data.train.class_names),
        command="python -m fsl " + shlex.join(_public(sys.argv[1:])),
    )
    if header:
        spec = with_start(spec, _without_folder(_start(options) or ""), header)
    if recipe:
        spec = replace(spec, title=recipe.title, licence=recipe.licence, subject=recipe.subject)
    _warn_of_seen_classes(options.data, spec, data)
    return _Plan(spec, data, start)


def _data_spec(options: argparse.Namespace) -> DataSpec:
    """Return where the images are; absolute, because the run may be resumed from another folder."""
    return DataSpec(
        data=absolute_key(options.data),
        part=options.part or "",
        classes="" if options.classes is None else list_from_anywhere(options.classes),
        validation="" if options.validation is None else list_from_anywhere(options.validation),
        hold_out=_HOLD_OUT if options.hold_out is None else options.hold_out,
        hold_out_of=options.hold_out_of or "classes",
        recipe=options.recipe or "",
    )


def _warn_of_seen_classes(name: str, spec: RunSpec, data: TrainingData) -> None:
    """Print a warning if the network to start from has learned classes that this run tests on."""
    tested = data.validation.class_names if data.validation else ()
    seen = seen_among(spec.start_classes or (), tested, open_source(name).known_as)
    if seen and is_first_process():
        print(seen_before(str(spec.start), len(seen), len(tested)), file=sys.stderr)


def chosen_recipe(options: argparse.Namespace) -> Recipe | None:
    """Return the recipe that the options name, if any.

    Raises:
        SettingsError: the options also choose the classes, which the recipe does.
    """
    if not options.recipe:
        return None
    given = [name for name in _DATA_OPTIONS if getattr(options, name, None) is not None]
    if given:
        shown = ", ".join(f"--{name.replace('_', '-')}" for name in given)
        raise SettingsError(
            f"The recipe {options.recipe} brings its own classes and test; leave out {shown}."
        )
    return RECIPES[options.recipe]


def starting_network(
    options: argparse.Namespace, recipe: Recipe | None
) -> tuple[ModelConfig | TwinNetwork, ModelConfig, CheckpointInfo | None]:
    """Return what to train from, its architecture, and its checkpoint's header if it is a trained network.

    Raises:
        SettingsError: the options contradict each other, or there is no such backbone.
        CheckpointError: there is no such checkpoint.
        FslError: the weights of a network of timm cannot be downloaded.
    """
    start = _start(options)
    if start is not None:
        two = options.start is not None and options.backbone is not None
        if two or options.image_size is not None:
            raise SettingsError(
                f"{start} brings its own architecture; leave out --image-size, and --backbone beside --start."
            )
        checkpoint = fsl.load(start, "cpu")
        return checkpoint.twin, checkpoint.info.model, checkpoint.info
    model = recipe.model if recipe else ModelConfig()
    if options.backbone is not None:
        model = replace(model, backbone=options.backbone, widths=())
        build_backbone(model)  # refuses an unknown backbone before any image is read
    if options.image_size is not None:
        model = replace(model, image_size=options.image_size)
    return model, model, None


def _start(options: argparse.Namespace) -> str | None:
    """Return the name of the network to start from; None to train from scratch.

    timm networks always start from their pretrained weights: without them they are only slow.
    """
    start: str | None = options.start
    backbone: str = options.backbone or ""
    return backbone if start is None and backbone.startswith(TIMM) else start


def _public(arguments: list[str]) -> list[str]:
    """Return the arguments without folders of this machine, because other people read the header."""
    cleaned = []
    for argument in arguments:
        option, equals, value = argument.partition("=") if argument.startswith("--") else ("", "", argument)
        cleaned.append(f"{option}{equals}{_without_folder(value)}")
    return cleaned


def _without_folder(path: str) -> str:
    return Path(path).name if Path(path).is_absolute() else path
