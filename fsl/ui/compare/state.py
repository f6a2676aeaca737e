"""What the Compare page remembers of a browser session, under one key of its own. Nothing goes to disk."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

import streamlit as st

from fsl.data.listing import Problem
from fsl.errors import DataError
from fsl.ui.budget import Holding, refuse_beyond_budget
from fsl.ui.intake import take_files
from fsl.ui.memo import Memo
from fsl.ui.pictures import StoredPicture

Side = Literal["references", "probes"]
Strictness = float | Literal["equal"]
"""A false-accept rate in (0, 1], or that at which both errors are equal."""
EQUAL: Literal["equal"] = "equal"

_USUAL_STRICTNESS = 0.01
MOST_PICTURES = 500
_KEY = "few_shot_lab_compare"
_REMEMBERED = 16


@dataclass
class CompareState:
    """The page's pictures and settings.

    Attributes:
        references: pictures of one person or thing, no content twice.
        probes: pictures to compare with them, likewise.
        network: name of the checkpoint; "" = the default one.
        strictness: how often different ones may be called the same.
        threshold: the threshold of a network without measured rates, in [0, 1].
        middle: the share of each picture's sides that is compared, from its middle, 0.3 to 1.
        selected: digest of the probe whose details are shown.
        drops: how often each side's drop zone was emptied; part of its key.
        note: what the last drop did, "" for nothing to say.
        problems: files of the last drop that could not be used.
        examples: how many examples were loaded; the seed of the next one.
        memo: results of this page.
    """

    references: tuple[StoredPicture, ...] = ()
    probes: tuple[StoredPicture, ...] = ()
    network: str = ""
    strictness: Strictness = _USUAL_STRICTNESS
    threshold: float = 0.5
    middle: float = 1.0
    selected: str = ""
    drops: dict[Side, int] = field(default_factory=lambda: {"references": 0, "probes": 0})
    note: str = ""
    problems: tuple[Problem, ...] = ()
    examples: int = 0
    memo: Memo = field(default_factory=lambda: Memo(_REMEMBERED))

    def pictures(self, side: Side) -> tuple[StoredPicture, ...]:
        """Of one side."""
        return self.references if side == "references" else self.probes

    def holdings(self) -> Iterator[Holding]:
        """What the pictures take of the session's memory."""
        yield from (picture.holding for picture in (*self.references, *self.probes))

    def put(self, side: Side, pictures: Sequence[StoredPicture]) -> None:
        """Replace one side's pictures; of equal ones the first is kept.

        Raises:
            DataError: they are too many, or there is no room for them.
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
        refuse_beyond_budget(self, [picture.holding for picture in (*unique, *other)])
        if side == "references":
            self.references = unique
        else:
            self.probes = unique

    def take(self, side: Side, files: Sequence[tuple[str, bytes]]) -> None:
        """Add dropped files; what is no picture is named.

        Raises:
            DataError: they are too many.
        """
        found, problems = take_files(files)
        before = self.pictures(side)
        self.put(side, [*before, *found])
        twice = len(before) + len(found) - len(self.pictures(side))
        self.problems = tuple(problems)
        self.note = "A picture was there already; each is kept once." if twice else ""

    def remove(self, side: Side, digest: str) -> None:
        """Take one picture away."""
        self.put(side, [picture for picture in self.pictures(side) if picture.digest != digest])


def compare_state() -> CompareState:
    """This browser session's."""
    state: CompareState = st.session_state.setdefault(_KEY, CompareState())
    return state


def hand_over(reference: StoredPicture, probe: StoredPicture, network: str) -> None:
    """Put one pair on the Compare page, in place of what is there, to be compared as it is.

    Args:
        reference: the known picture.
        probe: the one to compare with it.
        network: name of the network to compare by, as the pages list it.
    """
    state = compare_state()
    state.put("references", [reference])
    state.put("probes", [probe])
    state.network, state.selected = network, probe.digest
    state.strictness, state.middle = _USUAL_STRICTNESS, 1.0
    state.note, state.problems = "", ()
