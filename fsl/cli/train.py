"""``train``: train or fine-tune a twin network; events as JSON lines on stdout."""

from __future__ import annotations

import argparse
import json
import shlex
import signal
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Event
from typing import Any

import fsl
from fsl.base.errors import SettingsError
from fsl.cli.common import add_data_options, add_json_option, is_first_process, progress_bar, report
from fsl.cli.train_settings import add_settings, overridden
from fsl.config import TIMM, ModelConfig, TrainConfig
from fsl.data.catalogue import absolute_key, open_source
from fsl.data.intake.listing import Problem
from fsl.data.intake.splits import list_from_anywhere
from fsl.data.query import DataSpec
from fsl.training.events import Evaluation, Step, to_json
from fsl.training.hold_out import seen_before
from fsl.training.recipes import RECIPES, Recipe
from fsl.training.run_data import TrainingData, load_training_data
from fsl.training.runs import follow_training, inherited, run_training
from fsl.twin.backbones.build import BACKBONES, build_backbone
from fsl.twin.distributed import Team, join_team
from fsl.twin.header import seen_among
from fsl.twin.network import TwinNetwork

_HOLD_OUT = 0.2
_OF_THE_DATA = ("part", "classes", "validation", "hold_out", "hold_out_of")  # which a recipe brings


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of this command to its parser."""
    add_data_options(parser)
    parser.add_argument("--run-dir", required=True, type=Path, metavar="DIR", help="the run folder to write")
    parser.add_argument("--recipe", choices=sorted(RECIPES), help="settings of a checkpoint that ships")
    parser.add_argument("--resume", action="store_true", help="go on with the run in --run-dir")
    add_network_options(parser)
    parser.add_argument(
        "--validation", metavar="FILE[:LIST]", help="classes of --data to test on (as --classes)"
    )
    parser.add_argument(
        "--hold-out", type=float, help=f"else this share of the classes (default: {_HOLD_OUT})"
    )
    parser.add_argument(
        "--hold-out-of",
        choices=["classes", "images"],
        help="hold out whole classes, or images of each (default: classes)",
    )
    add_settings(parser)
    add_json_option(parser, "events as JSON lines, which is how it is anyway")


def add_network_options(parser: argparse.ArgumentParser) -> None:
    """``--start``, ``--backbone`` and ``--image-size``."""
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
    """What the options and the recipe come to."""

    source: DataSpec
    data: TrainingData
    start: ModelConfig | TwinNetwork
    config: TrainConfig
    about: dict[str, Any]


def run(options: argparse.Namespace) -> None:
    """Train; a first Ctrl-C stops after the batch, leaving a loadable checkpoint.

    Under ``torchrun`` every process reads the data and trains; the first one writes and prints.
    """
    with join_team(options.device or "auto") as team:
        plan = _plan(options)
        with stop_on_interrupt() as stop:
            if team.is_first:
                _train(plan, options, team, stop)
            else:
                follow_training(
                    options.run_dir,
                    plan.data.train,
                    plan.config,
                    plan.start,
                    team,
                    about=plan.about,
                    resume=options.resume,
                    should_stop=stop.is_set,
                    source=plan.source.to_json(),
                )


def _train(plan: _Plan, options: argparse.Namespace, team: Team, stop: Event) -> None:
    with progress_bar("training") as progress:
        for event in run_training(
            options.run_dir,
            plan.data.train,
            plan.config,
            plan.start,
            about=plan.about,
            validation=plan.data.validation,
            resume=options.resume,
            should_stop=stop.is_set,
            source=plan.source.to_json(),
            team=team,
        ):
            if isinstance(event, Step | Evaluation) and not sys.stdout.isatty():  # there the events show it
                progress(event.step, plan.config.steps)
            print(json.dumps(to_json(event)), flush=True)


@contextmanager
def stop_on_interrupt() -> Iterator[Event]:
    """An event that the first Ctrl-C sets, or whoever ends the process kindly; a second one breaks it off."""
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
    start, model, of_start = starting_network(options, recipe)
    config = overridden(recipe.config if recipe else TrainConfig(), options)
    if _start(options):  # whoever goes on with a trained network wants to know whether it got better
        config = replace(config, evaluate_first=True)
    source = DataSpec(
        # As whoever resumes the run may be in another folder.
        data=absolute_key(options.data),
        part=options.part or "",
        classes=list_from_anywhere(options.classes) if options.classes else "",
        validation=list_from_anywhere(options.validation) if options.validation else "",
        hold_out=_HOLD_OUT if options.hold_out is None else options.hold_out,
        hold_out_of=options.hold_out_of or "classes",
        recipe=options.recipe or "",
    )
    problems: list[Problem] = []
    with progress_bar("reading images") as progress:
        data = load_training_data(source, model, config.seed, problems.extend, progress, keep=False)
    report(problems)
    _warn_of_seen(options.data, of_start, data)
    about: dict[str, Any] = {
        "start": "",
        **of_start,
        **({"title": recipe.title, "licence": recipe.licence, "subject": recipe.subject} if recipe else {}),
        "recipe": options.recipe or "",
        "data": data.words,
        "validation": data.validation_words,
        "classes": list(data.train.class_names),
        "command": "python -m fsl " + shlex.join(_public(sys.argv[1:])),
        "seed": config.seed,
    }
    return _Plan(source, data, start, config, about)


def _warn_of_seen(name: str, of_start: Mapping[str, Any], data: TrainingData) -> None:
    """Say so where the network to start from was trained on what this run is tested on."""
    tested = data.validation.class_names if data.validation else ()
    seen = seen_among(of_start.get("start_classes", ()), tested, open_source(name).known_as)
    if seen and is_first_process():
        print(seen_before(str(of_start["start"]), len(seen), len(tested)), file=sys.stderr)


def chosen_recipe(options: argparse.Namespace) -> Recipe | None:
    """The recipe that the options name, if any.

    Raises:
        SettingsError: they name classes beside it, which it brings itself.
    """
    if not options.recipe:
        return None
    given = [name for name in _OF_THE_DATA if getattr(options, name, None) is not None]
    if given:
        shown = ", ".join(f"--{name.replace('_', '-')}" for name in given)
        raise SettingsError(
            f"The recipe {options.recipe} brings its own classes and test; leave out {shown}."
        )
    return RECIPES[options.recipe]


def starting_network(
    options: argparse.Namespace, recipe: Recipe | None
) -> tuple[ModelConfig | TwinNetwork, ModelConfig, dict[str, Any]]:
    """What to train from, its architecture, and what the new network has from it (``inherited``).

    Raises:
        SettingsError: the options contradict each other, or there is no such backbone.
        CheckpointError: there is no such checkpoint.
        FslError: the weights of a network of timm cannot be downloaded.
    """
    start = _start(options)
    if start:
        if options.image_size or (options.start and options.backbone):
            raise SettingsError(
                f"{start} brings its own architecture; leave out --image-size, and --backbone beside --start."
            )
        checkpoint = fsl.load(start, "cpu")
        return checkpoint.twin, checkpoint.info.model, inherited(_without_folder(start), checkpoint.info)
    model = recipe.model if recipe else ModelConfig()
    if options.backbone:
        model = replace(model, backbone=options.backbone, widths=())
        build_backbone(model)  # refuses what there is not before any picture is read
    if options.image_size:
        model = replace(model, image_size=options.image_size)
    return model, model, {}


def _start(options: argparse.Namespace) -> str:
    """The network that training goes on from; "" where it begins from scratch.

    A network of timm without its pretrained weights would be no more than a slow architecture.
    """
    named = options.start or options.backbone or ""
    return named if options.start or named.startswith(TIMM) else ""


def _public(arguments: list[str]) -> list[str]:
    """The arguments with the folders of this machine left out: a header is read by others."""
    cleaned = []
    for argument in arguments:
        option, equals, value = argument.partition("=") if argument.startswith("--") else ("", "", argument)
        cleaned.append(f"{option}{equals}{_without_folder(value)}")
    return cleaned


def _without_folder(path: str) -> str:
    return Path(path).name if Path(path).is_absolute() else path
