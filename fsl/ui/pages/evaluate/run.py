"""The work of an evaluation: load the pictures, embed each once, answer the episodes. No Streamlit."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING

from PIL import Image

from fsl.base.errors import DataError
from fsl.base.text import count
from fsl.config import EpisodeConfig
from fsl.data.catalogue import Source
from fsl.data.intake.listing import Problem
from fsl.data.intake.server_limits import MAX_BYTES
from fsl.data.query import ImageQuery
from fsl.fewshot.error_rate_text import too_good
from fsl.ui.pages.evaluate.job import Job, Pictures, Request
from fsl.ui.shared import core
from fsl.ui.shared.embedding import embed_set
from fsl.ui.shared.memo import Memo
from fsl.ui.shared.pictures import thumbnail_uri
from fsl.ui.shared.resources import COMPUTE, Choice, load_baseline, load_checkpoint
from fsl.ui.shared.sources import progress_text
from fsl.ui.shared.work import ReportProgress, Work

if TYPE_CHECKING:
    from torch import Tensor

    from fsl.data.imageset import ImageSet
    from fsl.fewshot.accuracy_grid import GridCell
    from fsl.twin.checkpoint import Checkpoint


def start_job(request: Request, memo: Memo, installed: list[Choice]) -> Job:
    """Start an evaluation.

    Args:
        request: what to evaluate.
        memo: keeps pictures and embeddings for later evaluations.
        installed: the installed checkpoints.
    """
    job = Job(request)
    job.work = Work(partial(_evaluate, job, memo, installed))
    return job


def start_grid(job: Job, name: str, ways: tuple[int, ...], shots: tuple[int, ...]) -> Work[list[GridCell]]:
    """Start to measure the accuracy of one contender for each number of ways and shots.

    Args:
        job: a finished evaluation.
        name: name of the contender.
        ways: the rows.
        shots: the columns.
    """
    job.grids[name] = Work(partial(_measure_grid, job, name, ways, shots))
    return job.grids[name]


def _measure_grid(
    job: Job, name: str, ways: tuple[int, ...], shots: tuple[int, ...], report: ReportProgress
) -> list[GridCell]:
    assert job.pictures is not None
    contender = next(one for one in job.contenders if one.name == name)
    rest = core.accuracy_grid(contender, job.pictures.labels, ways, shots, job.grid_config)
    cells: list[GridCell] = []
    n_cells = len(ways) * len(shots)
    while True:
        report(len(cells) / n_cells, f"{len(cells)} of {n_cells}")
        with COMPUTE:
            cell = next(rest, None)
        if cell is None:
            return cells
        cells.append(cell)


def _evaluate(job: Job, memo: Memo, installed: list[Choice], report: ReportProgress) -> None:
    _prepare(job, memo, installed, report)
    assert job.pictures is not None
    parts = core.stream_answers(job.contenders, job.pictures.labels, job.config)
    while True:
        total = job.config.n_episodes
        report(job.n_done / total, f"{job.n_done:,} of {total:,} tests")
        started = time.perf_counter()
        with COMPUTE:
            answers = next(parts, None)
        job.seconds += time.perf_counter() - started
        if answers is None:
            return
        job.answers = answers


def _prepare(job: Job, memo: Memo, installed: list[Choice], report: ReportProgress) -> None:
    """Load the networks and the pictures, embed the pictures, and fit the episodes to them."""
    request = job.request
    report(0.0, "Loading the networks")
    checkpoints = {name: _checkpoint(name, installed) for name in request.names}
    embedded: dict[str, Tensor] = {}
    # The largest pictures first: the thumbnails are made of them.
    for name in sorted(request.names, key=lambda name: -checkpoints[name].info.model.image_size):
        pictures, embedded[name] = _embedded(memo, job, checkpoints[name], report)
        job.pictures = job.pictures or pictures
    assert job.pictures is not None
    job.config = _fitted(request, job.pictures)
    job.notes = (
        *job.pictures.notes,
        *_smaller_test(request, job.config),
        *_left_out(job.pictures, job.config),
        *_trained_on(request.source, job.pictures, checkpoints),
    )
    job.checkpoints = tuple(checkpoints.values())
    contenders = []
    for name, checkpoint in checkpoints.items():
        rule = checkpoint.info.rule
        temperature = checkpoint.info.calibration(rule).temperature
        sides = embedded[name]
        contenders.append(core.Contender(name, checkpoint.twin, sides[0], rule, temperature, sides[-1]))
    job.looked_at = job.reference = contenders[0].name
    job.contenders = tuple(contenders)


def _checkpoint(name: str, installed: list[Choice]) -> Checkpoint:
    choice = next((choice for choice in installed if choice.name == name), None)
    return load_checkpoint(choice) if choice else load_baseline(name, installed)


def _embedded(
    memo: Memo, job: Job, checkpoint: Checkpoint, report: ReportProgress
) -> tuple[Pictures, Tensor]:
    """Return the pictures and their embeddings as ``embed_set`` gives them, from the memo if possible."""
    request, source, name = job.request, job.request.source, checkpoint.info.name
    inputs = (source.key, request.classes, request.per_class, checkpoint.digest)

    def compute() -> tuple[Pictures, Tensor]:
        model = checkpoint.info.model
        query = ImageQuery(
            model.image_size,
            model.fit,
            classes=source.class_list(request.classes) if request.classes else (),
            per_class=request.per_class,
            most_bytes=MAX_BYTES,
        )
        images, problems = source.load(
            query, lambda done, total: report(done / max(1, total), progress_text(source, done, total))
        )
        if job.pictures is None:
            job.pictures = _pictures(images, problems)
        if job.pictures.names != images.names:
            raise DataError("The pictures changed while they were being read. Evaluate again.")
        embedded = embed_set(
            checkpoint,
            images.images,
            lambda done, total: report(done / total, f"{name} is embedding pictures: {done:,} of {total:,}"),
        )
        return job.pictures, embedded

    return memo.remember(inputs, compute)


def _pictures(images: ImageSet, problems: tuple[Problem, ...]) -> Pictures:
    thumbnails = tuple(thumbnail_uri(Image.fromarray(pixels)) for pixels in images.images)
    return Pictures(images.labels, images.class_names, images.names, thumbnails, problems, images.notes)


def _fitted(request: Request, pictures: Pictures) -> EpisodeConfig:
    """Return the episodes that the pictures allow.

    Raises:
        DataError: they allow none.
    """
    needed = request.config.n_shot + 1
    if needed > request.per_class:
        raise DataError(
            f"A test needs {needed} pictures of a class: {request.config.n_shot} to show and 1 to ask about. "
            f"“Pictures per class” under “More settings” is {request.per_class}: raise it, or ask for fewer "
            "examples (shots)."
        )
    return core.fit_to_images(request.config, pictures.labels)


def _smaller_test(request: Request, fitted: EpisodeConfig) -> list[str]:
    """Return a sentence for each setting that the pictures do not allow."""
    requested, notes = request.config, []
    if fitted.n_query < requested.n_query:
        asked = count(fitted.n_query, "question")
        is_cut = fitted.n_shot + fitted.n_query >= request.per_class
        why = (
            f"at most {request.per_class} of its pictures are used (“Pictures per class”)"
            if is_cut
            else "the classes have no more pictures"
        )
        notes.append(f"{asked} per class instead of {requested.n_query}: {why}.")
    if fitted.n_way < requested.n_way:
        notes.append(
            f"{fitted.n_way} classes to choose from instead of {requested.n_way}: "
            "no more classes have enough pictures."
        )
    return notes


def _left_out(pictures: Pictures, config: EpisodeConfig) -> list[str]:
    """Return a sentence that names the classes that are never asked about."""
    small = core.too_small(pictures.labels, pictures.class_names, config)
    if not small:
        return []
    text = core.left_out_text(small, len(pictures.class_names), config)
    return [text[:1].upper() + text[1:]]


def _trained_on(source: Source, pictures: Pictures, checkpoints: dict[str, Checkpoint]) -> list[str]:
    """Return a warning for each network that was trained on classes it is tested on."""
    notes = []
    for name, checkpoint in checkpoints.items():
        seen = checkpoint.info.trained_on(pictures.class_names, source.known_as)
        if seen:
            notes.append(too_good(name, len(seen), len(pictures.class_names)))
    return notes
