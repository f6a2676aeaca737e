"""What the Compare page keeps for a browser session, and other pages may use. Nothing goes to disk."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, NamedTuple

import streamlit as st

from fsl.base.errors import DataError
from fsl.data.intake.listing import Problem
from fsl.ui.shared.budget import refuse_beyond_budget
from fsl.ui.shared.holders import Holding
from fsl.ui.shared.intake import take_files
from fsl.ui.shared.memo import Memo
from fsl.ui.shared.per_session import per_session
from fsl.ui.shared.pictures import StoredPicture
from fsl.ui.shared.settings import Setting
from fsl.ui.shared.tab_memory import TabState
from fsl.ui.shared.undo import History, Removal
from fsl.ui.shared.wording import said_twice
from fsl.ui.shared.work import Latest

Side = Literal["references", "probes"]
Sides = tuple[tuple[StoredPicture, ...], tuple[StoredPicture, ...]]
"""The pictures of both sides: references, probes."""
_SIDE_NAMES: dict[Side, str] = {"references": "known pictures", "probes": "pictures to compare"}
Strictness = float | Literal["equal"]
"""A false-accept rate in (0, 1], or "equal" for the threshold with equal errors."""
EQUAL: Literal["equal"] = "equal"

FALSE_ACCEPTS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5)
"""False-accept rates to choose from."""
MOST_PICTURES = 500
_REMEMBERED = 16
_PREVIEWS = 32

STRICTNESS: Setting[Strictness] = Setting(
    "compare_strictness",
    "How strict?",
    0.01,
    options={rate: str(rate) for rate in (*FALSE_ACCEPTS, EQUAL)},
    parameter="rate",
)
THRESHOLD = Setting("compare_threshold", "The same from this similarity", 0.5, "", (0.0, 1.0, 0.01))
"""Limit for a network without measured error rates."""
MIDDLE = Setting(
    "compare_middle",
    "Compare only the middle of each picture",
    100,
    "For photos with wide margins: what is compared should fill the picture.",
    (30, 100, 5),
)
"""Share of each picture's sides that is compared, in percent; not by networks that find faces."""
WHOLE = Setting(
    "compare_whole",
    "Compare whole pictures where no face is found",
    False,
    "The network knows only upright faces, and its error rates were measured on them. About a whole picture "
    "it can only guess.",
)
ALIGNED = Setting(
    "compare_aligned",
    "Show aligned faces",
    False,
    "The faces as the network sees them: cut out and turned upright.",
)


class JudgedBy(NamedTuple):
    """How pairs are judged.

    Attributes:
        network: name of the checkpoint, "" for the default one.
        strictness: value of ``STRICTNESS``.
        threshold: value of ``THRESHOLD``.
        middle: value of ``MIDDLE``.
    """

    network: str
    strictness: Strictness
    threshold: float
    middle: int


@dataclass
class CompareState(TabState):
    """The page's pictures and settings.

    Attributes:
        references: pictures of one person or thing, without duplicates.
        probes: pictures to compare with them, without duplicates.
        network: name of the checkpoint, "" for the default one.
        selected: digest of the probe whose details are shown.
        drops: how often each side's drop zone was emptied; part of its key.
        note: sentence about the last drop, "" for none.
        fault: why the last drop was refused, "" if it was not.
        problems: files of the last drop that could not be used.
        history: removals that can be undone, step by step.
        examples: number of examples loaded so far; the seed of the next one.
        memo: the latest results of the page.
        previews: the latest large pictures and aligned faces, as ``data:`` URIs.
        looking: the search for faces.
        people: which face of a reference is meant, by the digest of its picture; 0 unless it stands here.
    """

    references: tuple[StoredPicture, ...] = ()
    probes: tuple[StoredPicture, ...] = ()
    network: str = ""
    selected: str = ""
    drops: dict[Side, int] = field(default_factory=lambda: {"references": 0, "probes": 0})
    note: str = ""
    fault: str = ""
    problems: tuple[Problem, ...] = ()
    history: History[Sides, JudgedBy] = field(default_factory=History)
    examples: int = 0
    memo: Memo = field(default_factory=lambda: Memo(_REMEMBERED))
    previews: Memo = field(default_factory=lambda: Memo(_PREVIEWS))
    looking: Latest[bool] = field(default_factory=Latest)
    people: dict[str, int] = field(default_factory=dict)

    def forget_notices(self) -> None:
        """Forget what the page says about the last change."""
        self.tell()

    def copied(self) -> CompareState:
        """Return a copy for another tab."""
        return replace(self, drops=dict(self.drops), people=dict(self.people), looking=Latest())

    def forget_results(self) -> None:
        """Forget what can be computed again."""
        self.memo, self.previews = Memo(_REMEMBERED), Memo(_PREVIEWS)

    def pictures(self, side: Side) -> tuple[StoredPicture, ...]:
        """Return the pictures of one side."""
        return self.references if side == "references" else self.probes

    def holdings(self) -> Iterator[Holding]:
        """Return what the pictures take of the session's memory."""
        yield from self.lasting()
        yield from _holdings(self.history.contents())

    def lasting(self) -> Iterator[Holding]:
        """Return the same without what is kept only for undo."""
        yield from _holdings([self._sides])

    @property
    def _sides(self) -> Sides:
        return self.references, self.probes

    def _put(self, sides: Sides, history: History[Sides, JudgedBy]) -> None:
        if any(len(pictures) > MOST_PICTURES for pictures in sides):
            raise DataError(
                f"This page holds at most {MOST_PICTURES} pictures a side; nothing was added. "
                "For more use the command line: python -m fsl compare."
            )
        while True:
            try:
                refuse_beyond_budget(self, _holdings([sides, *history.contents()]))
                break
            except DataError:
                if not history:
                    raise
                history = history.without_oldest()  # no room for undo as well
        (self.references, self.probes), self.history = sides, history

    def take(self, side: Side, files: Sequence[tuple[str, bytes]]) -> None:
        """Add dropped files to one side; files that are no pictures become problems.

        Raises:
            DataError: there are too many pictures.
        """
        found, problems = take_files(files)
        before = self.pictures(side)
        self._put(self._with(side, [*before, *found]), self.history.with_change())
        kept = {picture.digest: picture for picture in reversed([*before, *found])}
        twice = [picture.name for picture in found if kept[picture.digest] is not picture]
        self.tell(said_twice(twice), problems=problems)

    def replace_all(self, references: Sequence[StoredPicture], probes: Sequence[StoredPicture]) -> None:
        """Replace the pictures of both sides; this can be undone.

        Raises:
            DataError: there are too many pictures, or no room for them beside the former ones.
        """
        before = self._sides
        history = self.history.with_change()
        if any(before):
            history = self.history.with_removal(
                Removal("the previous pictures", before, None, self._judged_by)
            )
        self._put((_without_duplicates(references), _without_duplicates(probes)), history)
        self.selected = ""
        self.tell()

    def tell(self, note: str = "", fault: str = "", problems: Sequence[Problem] = ()) -> None:
        """Replace what the page says about the last change."""
        self.note, self.fault, self.problems = note, fault, tuple(problems)

    def forget_undo(self) -> None:
        """Drop what is kept for undo, because another page needs the room."""
        self.history = History()

    def bring_back(self) -> None:
        """Undo the latest removal and keep what was added since; call it again for the one before.

        If both sides were replaced, the network, the limit and the crop come back, too.
        """
        if self.history.removals:
            self._restore(*self.history.undo(self._sides, self._judged_by, _with_back))

    def remove_again(self) -> None:
        """Do again what was undone last."""
        if self.history.undone:
            self._restore(*self.history.redo(self._judged_by))

    @property
    def _judged_by(self) -> JudgedBy:
        return JudgedBy(self.network, STRICTNESS.value, THRESHOLD.value, MIDDLE.value)

    def _restore(self, sides: Sides, judged_by: JudgedBy, history: History[Sides, JudgedBy]) -> None:
        self._put(sides, history)
        self.network = judged_by.network
        STRICTNESS.put(judged_by.strictness)
        THRESHOLD.put(judged_by.threshold)
        MIDDLE.put(judged_by.middle)
        self.tell()

    def remove(self, side: Side, digest: str) -> None:
        """Remove one picture; this can be undone."""
        pictures = self.pictures(side)
        name = next((picture.name for picture in pictures if picture.digest == digest), "")
        self._remove(side, [picture for picture in pictures if picture.digest != digest], name)

    def clear(self, side: Side) -> None:
        """Remove the pictures of one side; this can be undone."""
        self._remove(side, (), f"the {_SIDE_NAMES[side]}")
        self.selected = ""

    def _remove(self, side: Side, left: Sequence[StoredPicture], what: str) -> None:
        before, after = self._sides, self._with(side, left)
        if after != before:
            self._put(after, self.history.with_removal(Removal(what, before, after, self._judged_by)))
            self.tell()

    def _with(self, side: Side, pictures: Sequence[StoredPicture]) -> Sides:
        unique = _without_duplicates(pictures)
        return (unique, self.probes) if side == "references" else (self.references, unique)


def _without_duplicates(pictures: Sequence[StoredPicture]) -> tuple[StoredPicture, ...]:
    first: dict[str, StoredPicture] = {}
    for picture in pictures:
        first.setdefault(picture.digest, picture)
    return tuple(first.values())


def _with_back(now: Sides, before: Sides, after: Sides) -> Sides:
    """Put back what a removal took, beside what came since."""
    merged = []
    for here, former, kept in zip(now, before, after, strict=True):
        stayed = {picture.digest for picture in kept}
        merged.append(_without_duplicates([*here, *(one for one in former if one.digest not in stayed)]))
    return merged[0], merged[1]


def _holdings(all_sides: Iterable[Sides]) -> Iterator[Holding]:
    yield from (picture.holding for sides in all_sides for pictures in sides for picture in pictures)


compare_state = per_session("few_shot_lab_compare", CompareState)
"""The state of this browser session."""


def hand_over(reference: StoredPicture, probe: StoredPicture, network: str) -> None:
    """Open the Compare page with one pair instead of its pictures, without a crop.

    Args:
        reference: the known picture.
        probe: the picture to compare with it.
        network: name of the network, as the pages list it.
    """
    state = compare_state()
    state.replace_all([reference], [probe])
    state.network = network
    STRICTNESS.put(STRICTNESS.default)
    MIDDLE.put(MIDDLE.default)
    st.switch_page("pages/compare.py")
