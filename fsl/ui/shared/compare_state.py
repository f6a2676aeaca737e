"""What the Compare page keeps for a browser session, and other pages may use. Nothing goes to disk."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

import streamlit as st

from fsl.base.errors import DataError
from fsl.data.intake.listing import Problem
from fsl.ui.shared.budget import Holding, refuse_beyond_budget
from fsl.ui.shared.intake import take_files
from fsl.ui.shared.memo import Memo
from fsl.ui.shared.pictures import StoredPicture
from fsl.ui.shared.settings import Setting
from fsl.ui.shared.wording import said_twice
from fsl.ui.shared.work import Latest

Side = Literal["references", "probes"]
Strictness = float | Literal["equal"]
"""A false-accept rate in (0, 1], or "equal" for the threshold with equal errors."""
EQUAL: Literal["equal"] = "equal"

FALSE_ACCEPTS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5)
"""False-accept rates to choose from."""
MOST_PICTURES = 500
_KEY = "few_shot_lab_compare"
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


@dataclass
class CompareState:
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
        former: both sides before they were cleared or replaced; None if there is nothing to undo.
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
    former: tuple[tuple[StoredPicture, ...], tuple[StoredPicture, ...]] | None = None
    examples: int = 0
    memo: Memo = field(default_factory=lambda: Memo(_REMEMBERED))
    previews: Memo = field(default_factory=lambda: Memo(_PREVIEWS))
    looking: Latest[bool] = field(default_factory=Latest)
    people: dict[str, int] = field(default_factory=dict)

    def pictures(self, side: Side) -> tuple[StoredPicture, ...]:
        """Return the pictures of one side."""
        return self.references if side == "references" else self.probes

    def holdings(self) -> Iterator[Holding]:
        """Return what the pictures take of the session's memory."""
        yield from self.lasting()
        yield from (picture.holding for side in self.former or () for picture in side)

    def lasting(self) -> Iterator[Holding]:
        """Return the same without what is kept only for undo."""
        yield from (picture.holding for picture in (*self.references, *self.probes))

    def put(self, side: Side, pictures: Sequence[StoredPicture]) -> None:
        """Replace the pictures of one side, without duplicates.

        Raises:
            DataError: there are too many pictures, or no room for them.
        """
        first: dict[str, StoredPicture] = {}
        for picture in pictures:
            first.setdefault(picture.digest, picture)
        unique = tuple(first.values())
        if len(unique) > MOST_PICTURES:
            raise DataError(
                f"This page holds at most {MOST_PICTURES} pictures a side; nothing was added. "
                "For more use the command line: python -m fsl compare."
            )
        other = self.probes if side == "references" else self.references
        new = [picture.holding for picture in (*unique, *other)]
        former = [picture.holding for before in self.former or () for picture in before]
        try:
            refuse_beyond_budget(self, [*new, *former])
        except DataError:
            refuse_beyond_budget(self, new)
            self.former = None  # no room for undo as well
        if side == "references":
            self.references = unique
        else:
            self.probes = unique

    def take(self, side: Side, files: Sequence[tuple[str, bytes]]) -> None:
        """Add dropped files to one side; files that are no pictures become problems.

        Raises:
            DataError: there are too many pictures.
        """
        found, problems = take_files(files)
        before = self.pictures(side)
        self.put(side, [*before, *found])
        kept = {picture.digest: picture for picture in reversed([*before, *found])}
        twice = [picture.name for picture in found if kept[picture.digest] is not picture]
        self.note, self.fault, self.problems = said_twice(twice), "", tuple(problems)

    def replace_all(self, references: Sequence[StoredPicture], probes: Sequence[StoredPicture]) -> None:
        """Replace the pictures of both sides; this can be undone.

        Raises:
            DataError: there are too many pictures, or no room for them beside the former ones.
        """
        before = self.references, self.probes
        self.former = before if any(before) else None
        self.references, self.probes = (), ()
        try:
            self.put("references", references)
            self.put("probes", probes)
        except DataError:
            (self.references, self.probes), self.former = before, None
            raise
        self.selected, self.note, self.fault, self.problems = "", "", "", ()

    def forget_undo(self) -> None:
        """Drop what is kept for undo, because another page needs the room."""
        self.former = None

    def bring_back(self) -> None:
        """Undo the last clearing or replacing; this can be undone in turn."""
        if self.former is not None:
            self.replace_all(*self.former)

    def remove(self, side: Side, digest: str) -> None:
        """Remove one picture."""
        self.put(side, [picture for picture in self.pictures(side) if picture.digest != digest])


def compare_state() -> CompareState:
    """Return the state of this browser session."""
    state: CompareState = st.session_state.setdefault(_KEY, CompareState())
    return state


def hand_over(reference: StoredPicture, probe: StoredPicture, network: str) -> None:
    """Replace the Compare page's pictures by one pair, to be compared without a crop.

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
