"""What one session may hold, all its pages together."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Protocol, runtime_checkable

import streamlit as st

from fsl.base.errors import DataError
from fsl.data.intake.listing import ImportLimits

_OURS = "few_shot_lab"
_ELSEWHERE = "Take away what is no longer needed (on any page), or use the command line: python -m fsl."


def _limit(name: str, usual: int) -> int:
    """A limit that whoever runs the server may set in the environment."""
    text = os.environ.get(name, "")
    return int(text) if text.isdecimal() and int(text) > 0 else usual


MAX_PICTURES = _limit("FSL_SESSION_PICTURES", 5_000)
MAX_BYTES = _limit("FSL_SESSION_MB", 1_024) * 2**20
PAGE_LIMITS = ImportLimits(max_unpacked_bytes=MAX_BYTES)
"""What a zip may hold that a page unpacks."""


@dataclass(frozen=True)
class Holding:
    """One thing in a session's memory.

    Attributes:
        content: ``id`` of what the memory is taken by; held by two pages, it counts once.
        n_bytes: its size.
        n_pictures: how many pictures it is on a page; 0 for a zip and for pictures of a network's size.
    """

    content: int
    n_bytes: int
    n_pictures: int = 0


@runtime_checkable
class Holder(Protocol):
    """A value in a session's state that holds pictures, zips and the like."""

    def holdings(self) -> Iterable[Holding]:
        """All of them."""


@runtime_checkable
class Undoing(Holder, Protocol):
    """A holder that keeps what was taken away, so that it can be brought back."""

    def lasting(self) -> Iterable[Holding]:
        """What it holds besides."""

    def forget_undo(self) -> None:
        """Keep it no longer."""


def refuse_beyond_budget(holder: Holder, new: Iterable[Holding]) -> None:
    """Refuse what would not fit beside that which the other pages hold.

    What they keep only to bring it back makes way first.

    Args:
        holder: who wants to hold it.
        new: all that it would hold then, in place of what it holds now.

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
    """The limit that all of it together would not keep to, "" for none."""
    held = {one.content: one for one in others} | dict(wanted)
    if sum(one.n_pictures for one in held.values()) > MAX_PICTURES:
        return f"{MAX_PICTURES:,} pictures"
    if sum(one.n_bytes for one in held.values()) > MAX_BYTES:
        return f"{MAX_BYTES / 2**20:,.0f} MB"
    return ""


def unread(n_pictures: int, n_bytes: int = 0) -> Holding:
    """Pictures that are to be read, before any is.

    Args:
        n_pictures: how many.
        n_bytes: their size, as far as it is known.
    """
    return Holding(-1, n_bytes, n_pictures)


def decoded(n_pictures: int, size: int) -> Holding:
    """Pictures that are to be read as a network takes them.

    Args:
        n_pictures: how many.
        size: side of each in pixels.
    """
    return Holding(-1, n_pictures * size * size * 3)
