"""Limits on what all pages of one browser session may hold together."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Protocol, runtime_checkable

import streamlit as st

from fsl.base.errors import DataError
from fsl.data.intake.zip_gate import ImportLimits

_OURS = "few_shot_lab"
_ELSEWHERE = "Remove what you no longer need, on any page, or use the command line: python -m fsl."


def _limit(name: str, usual: int) -> int:
    """Return a limit from the environment variable, or the usual one if it is not a positive number."""
    text = os.environ.get(name, "")
    return int(text) if text.isdecimal() and int(text) > 0 else usual


MAX_PICTURES = _limit("FSL_SESSION_PICTURES", 5_000)
MAX_BYTES = _limit("FSL_SESSION_MB", 1_024) * 2**20
PAGE_LIMITS = ImportLimits(max_entries=5 * MAX_PICTURES, max_unpacked_bytes=MAX_BYTES)
"""Limits for a zip that a page unpacks."""


@dataclass(frozen=True)
class Holding:
    """One object in a session's memory.

    Attributes:
        content: ``id`` of the object; one that two pages hold counts once.
        n_bytes: its size.
        n_pictures: the number of pictures it stands for; 0 for a zip and for resized copies.
    """

    content: int
    n_bytes: int
    n_pictures: int = 0


@runtime_checkable
class Holder(Protocol):
    """A value in the session's state that holds pictures or zips."""

    def holdings(self) -> Iterable[Holding]:
        """Return everything it holds."""


@runtime_checkable
class Undoing(Holder, Protocol):
    """A holder that also keeps removed pictures, so that the removal can be undone."""

    def lasting(self) -> Iterable[Holding]:
        """Return what it holds apart from that."""

    def forget_undo(self) -> None:
        """Forget the removed pictures."""


def refuse_beyond_budget(holder: Holder, new: Iterable[Holding]) -> None:
    """Refuse new content that does not fit beside what the other pages hold.

    Pictures that other pages keep only for undo are dropped first.

    Args:
        holder: the value that would hold the new content.
        new: everything it would hold then, instead of what it holds now.

    Raises:
        DataError: there would be too many pictures or bytes.
    """
    wanted = {one.content: one for one in new}
    others = [
        value
        for key, value in st.session_state.items()
        if str(key).startswith(_OURS) and isinstance(value, Holder) and value is not holder
    ]
    if not _exceeded(chain.from_iterable(other.holdings() for other in others), wanted):
        return
    lasting = (other.lasting() if isinstance(other, Undoing) else other.holdings() for other in others)
    if exceeded := _exceeded(chain.from_iterable(lasting), wanted):
        raise DataError(f"Your pages hold at most {exceeded} together; nothing was added. {_ELSEWHERE}")
    for other in others:
        if isinstance(other, Undoing):
            other.forget_undo()


def _exceeded(others: Iterable[Holding], wanted: Mapping[int, Holding]) -> str:
    """Return the limit that everything together would exceed, "" for none."""
    held = {one.content: one for one in others} | dict(wanted)
    if sum(one.n_pictures for one in held.values()) > MAX_PICTURES:
        return f"{MAX_PICTURES:,} pictures"
    if sum(one.n_bytes for one in held.values()) > MAX_BYTES:
        return f"{MAX_BYTES / 2**20:,.0f} MB"
    return ""


def unread(n_pictures: int, n_bytes: int = 0) -> Holding:
    """Return a holding for pictures that have not been read yet.

    Args:
        n_pictures: number of pictures.
        n_bytes: their size, as far as known.
    """
    return Holding(-1, n_bytes, n_pictures)


def decoded(n_pictures: int, size: int) -> Holding:
    """Return a holding for pictures that will be read at a network's input size.

    Args:
        n_pictures: number of pictures.
        size: side of each in pixels.
    """
    return Holding(-1, n_pictures * size * size * 3)
