"""An evaluation from its request to the answers: load, embed once, answer part by part. No layout here."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from PIL import Image

from fsl.base.errors import DataError
from fsl.base.text import count
from fsl.config import EpisodeConfig
from fsl.data.catalogue import Source
from fsl.data.intake.listing import Problem
from fsl.fewshot.error_rate_text import too_good
from fsl.ui.pages.evaluate.sources import load_pictures
from fsl.ui.pages.evaluate.state import EvaluateState
from fsl.ui.shared import core
from fsl.ui.shared.embed_set import embed_set
from fsl.ui.shared.pictures import thumbnail_uri
from fsl.ui.shared.resources import COMPUTE, Choice, load_baseline, load_checkpoint
from fsl.ui.shared.sources import progress_text

if TYPE_CHECKING:
    from torch import Tensor

    from fsl.base.types import IntArray
    from fsl.data.imageset import ImageSet
    from fsl.fewshot.accuracy_grid import GridCell
    from fsl.fewshot.answers import Answers, Contender
    from fsl.twin.checkpoint import Checkpoint

_GRID_EPISODES = 200
Say = Callable[[float, str], None]


@dataclass(frozen=True, eq=False)
class Request:
    """What is to be evaluated.

    Attributes:
        source: the pictures.
        classes: name of one of its class lists, "" for all.
        per_class: pictures of each class at most.
        names: the contenders: names of checkpoints and baselines.
        config: the episodes, as wished.
    """

    source: Source
    classes: str
    per_class: int
    names: tuple[str, ...]
    config: EpisodeConfig


@dataclass(frozen=True, eq=False)
class Pictures:
    """What all contenders look at.

    Attributes:
        labels: int64 ``(N,)``.
        class_names: C names.
        names: N file names.
        thumbnails: N ``data:`` URIs.
        problems: files that could not be used.
    """

    labels: IntArray
    class_names: tuple[str, ...]
    names: tuple[str, ...]
    thumbnails: tuple[str, ...]
    problems: tuple[Problem, ...]


@dataclass
class Job:
    """One evaluation.

    Attributes:
        request: what was asked for.
        running: whether it is to go on.
        fault: why it could not, "" for nothing.
        config: the episodes as they can be made of these pictures.
        notes: what was changed or left out, as sentences.
        pictures: as above, once loaded.
        begun: parts of each contender's embeddings, so that a click while they are made loses nothing.
        checkpoints: the contenders' networks, in order.
        contenders: with their embeddings.
        parts: the rest of the evaluation.
        answers: of each contender so far.
        seconds: spent on episodes.
        grids: cells of the ways-by-shots grid, by contender.
        grids_begun: of those that are being measured, the cells so far and what gives the others.
        looked_at: the contender whose details are shown.
        reference: the contender that the others are compared with.
        mistake: the confusion whose pictures are shown: true class, answered class.
    """

    request: Request
    running: bool = True
    fault: str = ""
    config: EpisodeConfig = field(default_factory=EpisodeConfig)
    notes: tuple[str, ...] = ()
    pictures: Pictures | None = None
    begun: dict[str, dict[int, Tensor]] = field(default_factory=dict)
    checkpoints: tuple[Checkpoint, ...] = ()
    contenders: tuple[Contender, ...] = ()
    parts: Iterator[tuple[Answers, ...]] | None = None
    answers: tuple[Answers, ...] = ()
    seconds: float = 0.0
    grids: dict[str, list[GridCell]] = field(default_factory=dict)
    grids_begun: dict[str, tuple[list[GridCell], Iterator[GridCell]]] = field(default_factory=dict)
    looked_at: str = ""
    reference: str = ""
    mistake: tuple[int, int] | None = None

    @property
    def n_done(self) -> int:
        """Episodes answered."""
        return self.answers[0].n_episodes if self.answers else 0

    def step(self) -> bool:
        """Answer the next part of the episodes; whether there was one."""
        assert self.parts is not None
        began = time.perf_counter()
        with COMPUTE:  # a run that was broken off may ask as well: no later part is to come before an earlier
            answers = next(self.parts, None)
            self.answers = answers or self.answers
        self.seconds += time.perf_counter() - began
        if answers is None:
            self.running = False
        return answers is not None


def prepare(state: EvaluateState, job: Job, installed: list[Choice], say: Say) -> None:
    """Load networks and pictures and embed them, from memory where they were before.

    Args:
        state: holds the memory.
        job: is filled in.
        installed: the checkpoints there are.
        say: shows progress: a share and a sentence.

    Raises:
        FslError: a network or the pictures cannot be used.
    """
    request = job.request
    say(0.0, "Loading the networks")
    checkpoints = {name: _checkpoint(name, installed) for name in request.names}
    embedded: dict[str, Tensor] = {}
    # The largest pictures first: the thumbnails are made of them.
    for name in sorted(request.names, key=lambda name: -checkpoints[name].info.model.image_size):
        pictures, embedded[name] = _embedded(state, job, checkpoints[name], say)
        job.pictures = job.pictures or pictures
    assert job.pictures is not None
    job.config = core.fit_to_images(request.config, job.pictures.labels)
    job.notes = (
        *_smaller_test(request.config, job.config),
        *_trained_on(request.source, job.pictures, checkpoints),
    )
    job.checkpoints = tuple(checkpoints.values())
    contenders = []
    for name, checkpoint in checkpoints.items():
        rule = checkpoint.info.rule
        temperature = checkpoint.info.calibration(rule).temperature
        sides = embedded[name]
        contenders.append(core.Contender(name, checkpoint.twin, sides[0], rule, temperature, sides[-1]))
    job.contenders = tuple(contenders)
    job.looked_at = job.reference = contenders[0].name
    job.parts = core.stream_answers(contenders, job.pictures.labels, job.config)


def _checkpoint(name: str, installed: list[Choice]) -> Checkpoint:
    choice = next((choice for choice in installed if choice.name == name), None)
    return load_checkpoint(choice) if choice else load_baseline(name, installed)


def _embedded(state: EvaluateState, job: Job, checkpoint: Checkpoint, say: Say) -> tuple[Pictures, Tensor]:
    """The pictures and their embeddings, as ``embed_set`` has them."""
    request, name = job.request, checkpoint.info.name
    inputs = (request.source.key, request.classes, request.per_class, checkpoint.digest)

    def compute() -> tuple[Pictures, Tensor]:
        model = checkpoint.info.model
        images, problems = load_pictures(
            request.source,
            model,
            request.classes,
            request.per_class,
            lambda done, total: say(done / max(1, total), progress_text(request.source, done, total)),
        )
        if job.pictures is None:
            job.pictures = _pictures(images, problems)
        if job.pictures.names != images.names:
            raise DataError("The pictures changed while they were being read. Evaluate again.")
        embedded = embed_set(
            checkpoint,
            images.images,
            lambda done, total: say(done / total, f"{name} looks at the pictures: {done:,} of {total:,}"),
            job.begun.setdefault(name, {}),
        )
        job.begun.pop(name, None)  # the run that was broken off may have come to its end as well
        return job.pictures, embedded

    return state.memo.remember(inputs, compute)


def _pictures(images: ImageSet, problems: tuple[Problem, ...]) -> Pictures:

    thumbnails = tuple(thumbnail_uri(Image.fromarray(pixels)) for pixels in images.images)
    return Pictures(images.labels, images.class_names, images.names, thumbnails, problems)


def _smaller_test(wished: EpisodeConfig, fitted: EpisodeConfig) -> list[str]:
    """What the pictures did not suffice for."""
    notes = []
    if fitted.n_query < wished.n_query:
        asked = count(fitted.n_query, "question")
        notes.append(f"{asked} per class instead of {wished.n_query}: there are no more pictures.")
    if fitted.n_way < wished.n_way:
        notes.append(
            f"{fitted.n_way} classes to choose from instead of {wished.n_way}: no more have enough pictures."
        )
    return notes


def _trained_on(source: Source, pictures: Pictures, checkpoints: dict[str, Checkpoint]) -> list[str]:
    """A warning for every network that was trained on classes it is tested on."""
    notes = []
    for name, checkpoint in checkpoints.items():
        seen = checkpoint.info.trained_on(pictures.class_names, source.known_as)
        if seen:
            notes.append(too_good(name, len(seen), len(pictures.class_names)))
    return notes


def grid_config(job: Job) -> EpisodeConfig:
    """The tests of each square of the grid: not so many, and one question a class."""
    return replace(job.config, n_episodes=min(_GRID_EPISODES, job.config.n_episodes), n_query=1)


def measure_grid(
    job: Job, name: str, ways: tuple[int, ...], shots: tuple[int, ...]
) -> Iterator[list[GridCell]]:
    """The ways-by-shots grid of one contender, a cell at a time; where it was broken off, it goes on.

    Args:
        job: with its answers.
        name: of the contender.
        ways: the rows.
        shots: the columns.

    Yields:
        the cells so far, after each; ``job.grids`` has them all at the end.
    """
    assert job.pictures is not None
    if name not in job.grids_begun:
        contender = next(one for one in job.contenders if one.name == name)
        rest = core.accuracy_grid(contender, job.pictures.labels, ways, shots, grid_config(job))
        job.grids_begun[name] = [], rest
    cells, rest = job.grids_begun[name]
    while True:
        try:
            with COMPUTE:
                cell = next(rest, None)
                cells += [cell] if cell else []
        except Exception:
            job.grids_begun.pop(name, None)
            raise
        if cell is None:
            break
        yield cells
    job.grids[name] = cells
    job.grids_begun.pop(name, None)  # a run that a click broke off may end at the same time
