"""One evaluation: what was asked for, and what is known of it so far."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from fsl.config import EpisodeConfig
from fsl.data.catalogue import Source
from fsl.data.intake.listing import Problem
from fsl.ui.shared.work import Work

if TYPE_CHECKING:
    from fsl.base.types import IntArray
    from fsl.fewshot.accuracy_grid import GridCell
    from fsl.fewshot.answers import Answers, Contender
    from fsl.twin.checkpoint import Checkpoint

_GRID_EPISODES = 200


@dataclass(frozen=True, eq=False)
class Request:
    """What to evaluate.

    Attributes:
        source: the pictures.
        classes: name of one of the source's class lists, "" for all classes.
        per_class: maximum number of pictures of each class.
        names: names of the networks and baselines.
        config: the episodes, as requested.
    """

    source: Source
    classes: str
    per_class: int
    names: tuple[str, ...]
    config: EpisodeConfig


@dataclass(frozen=True, eq=False)
class Pictures:
    """The pictures that all networks and baselines are tested on.

    Attributes:
        labels: int64 ``(N,)``.
        class_names: C names.
        names: N file names.
        thumbnails: N ``data:`` URIs.
        problems: files that could not be used.
        notes: sentences about how the pictures were read.
    """

    labels: IntArray
    class_names: tuple[str, ...]
    names: tuple[str, ...]
    thumbnails: tuple[str, ...]
    problems: tuple[Problem, ...]
    notes: tuple[str, ...] = ()


@dataclass
class Job:
    """One evaluation. Its work fills in the results; the page sets what is looked at.

    Attributes:
        request: what was asked for.
        work: the thread that evaluates; it has no result of its own.
        config: the episodes that these pictures allow.
        notes: sentences about what was changed or left out.
        pictures: the pictures, once loaded.
        checkpoints: the networks and baselines, in order.
        contenders: the same with their embeddings.
        answers: the answers of each contender so far.
        seconds: time spent on episodes.
        is_stopped: whether a person stopped it; the server does so, too, if the tab is long disconnected.
        grids: the ways-by-shots grids that were asked for, by contender.
        looked_at: the contender whose details are shown.
        reference: the contender that the others are compared with.
        mistake: the confusion whose pictures are shown: (true class, predicted class).
    """

    request: Request
    work: Work[None] = field(init=False)
    config: EpisodeConfig = field(default_factory=EpisodeConfig)
    notes: tuple[str, ...] = ()
    pictures: Pictures | None = None
    checkpoints: tuple[Checkpoint, ...] = ()
    contenders: tuple[Contender, ...] = ()
    answers: tuple[Answers, ...] = ()
    seconds: float = 0.0
    is_stopped: bool = False
    grids: dict[str, Work[list[GridCell]]] = field(default_factory=dict)
    looked_at: str = ""
    reference: str = ""
    mistake: tuple[int, int] | None = None

    @property
    def n_done(self) -> int:
        """Number of episodes answered."""
        return self.answers[0].n_episodes if self.answers else 0

    @property
    def grid_config(self) -> EpisodeConfig:
        """The episodes of each cell of a grid: fewer of them, with one query per class."""
        return replace(self.config, n_episodes=min(_GRID_EPISODES, self.config.n_episodes), n_query=1)

    def measured_grid(self, name: str) -> list[GridCell] | None:
        """Return the cells of a contender's grid, or None if it was not measured."""
        work = self.grids.get(name)
        return work.result() if work is not None and work.has_result else None

    def checkpoint(self, name: str) -> Checkpoint:
        """Return the network or baseline of that name."""
        return next(c for one, c in zip(self.contenders, self.checkpoints, strict=True) if one.name == name)

    def stop(self) -> None:
        """Stop the evaluation because a person asked for it."""
        self.is_stopped = True
        self.work.cancel()

    def cancel(self) -> None:
        """Stop all its work."""
        self.work.cancel()
        for grid in self.grids.values():
            grid.cancel()
