"""What the Embeddings page remembers of a browser session, under one key of its own."""

from __future__ import annotations

from collections.abc import Container, Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from fsl.ui.pages.embeddings.settings import MOVING, WORDS
from fsl.ui.shared.collection import Collection
from fsl.ui.shared.folder_drop import Drop
from fsl.ui.shared.holders import Holding
from fsl.ui.shared.memo import Memo
from fsl.ui.shared.per_session import per_session
from fsl.ui.shared.tab_memory import TabState
from fsl.ui.shared.work import Latest, Work

if TYPE_CHECKING:
    from fsl.ui.pages.embeddings.compute import Mapped
    from fsl.ui.pages.embeddings.moving import MovingRun

_REMEMBERED = 8
UPLOAD = "upload"
"""Key of the source that was uploaded."""
FIRST_SHOWN, FIRST_FOUND = 60, 24  # pictures of a group, and of those found


@dataclass(frozen=True, eq=False)
class PendingUpload:
    """An upload whose pictures are being read."""

    drop: Drop
    work: Work[Collection]


@dataclass
class MapState(TabState):
    """What the Embeddings page holds besides its settings.

    Attributes:
        followed: the picture followed through the runs, -1 for none.
        moving_runs: moving maps made so far, by run.
        moving_work: the latest work on each of them.
        source: key of the source of the pictures, "" before one is chosen.
        upload: what was dropped last.
        pending: the upload that is being read; None if there is none.
        drops: how often the drop zones were emptied; part of their keys.
        fault: what was wrong with the last drop, "" for nothing.
        networks: the first network's name and the second's; "" = the default one, and none.
        selected: the chosen picture, -1 for none.
        group: the pictures inside the last box or lasso.
        found_shown: how many of the pictures found are shown.
        shown: how many pictures of the group are shown.
        of: key of the collection that ``selected`` and ``group`` belong to.
        read: the data set read last; several would fill the memory.
        maps: the work on the maps shown.
        memo: results of this page.
    """

    followed: int = -1
    moving_runs: dict[str, MovingRun] = field(default_factory=dict)
    moving_work: dict[str, Work[MovingRun | None]] = field(default_factory=dict)
    source: str = ""
    upload: Collection | None = None
    pending: PendingUpload | None = None
    drops: int = 0
    fault: str = ""
    networks: tuple[str, str] = ("", "")
    selected: int = -1
    group: tuple[int, ...] = ()
    found_shown: int = FIRST_FOUND
    shown: int = FIRST_SHOWN
    of: str = ""
    read: Latest[Collection] = field(default_factory=Latest)
    maps: Latest[list[Mapped]] = field(default_factory=Latest)
    memo: Memo = field(default_factory=lambda: Memo(_REMEMBERED))

    def forget_notices(self) -> None:
        """Forget what the page says about the last change."""
        self.fault = ""

    def copied(self) -> MapState:
        """Return a copy for another tab, without the work that is under way."""
        shared = replace(self, moving_runs=dict(self.moving_runs), moving_work={}, pending=None)
        return replace(shared, read=Latest(), maps=Latest())

    def forget_results(self) -> None:
        """Forget what can be computed again."""
        self.memo, self.read, self.maps = Memo(_REMEMBERED), Latest(), Latest()
        self.moving_runs, self.moving_work = {}, {}

    def holdings(self) -> Iterator[Holding]:
        """Yield how much of the session's memory a person's own pictures take."""
        if self.upload is not None:
            yield from (picture.holding for picture in self.upload.pictures)
        if self.pending is not None:
            files = self.pending.drop.files
            yield Holding(id(files), sum(len(data) for _, data in files))

    def forget_moving(self, but: Container[str]) -> None:
        """Give up the moving maps of all runs but those, by their ids."""
        for run_id in [run_id for run_id in self.moving_work if run_id not in but]:
            self.moving_work.pop(run_id).cancel()
            self.moving_runs.pop(run_id, None)

    def follow_none(self) -> None:
        """Stop following a picture through the runs."""
        self.followed = -1

    def look_at(self, collection: Collection) -> None:
        """Forget what was chosen in another collection."""
        if self.of != collection.key:
            self.of, self.selected, self.group = collection.key, -1, ()
            WORDS.put("")


def choose(state: MapState, source: str) -> None:
    """Show the source of that key from now on."""
    state.source = source
    MOVING.put(False)
    state.fault = ""


map_state = per_session("few_shot_lab_embeddings", MapState)
"""The Embeddings page's state of this browser session."""
