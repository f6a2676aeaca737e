"""Limits on what all pages of one browser session, and all sessions of the server, may hold together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import chain

import streamlit as st

from fsl.base.errors import DataError
from fsl.data.intake.server_limits import MAX_BYTES, MAX_PICTURES, SERVER_BYTES, SERVER_IS_FULL
from fsl.ui.components.session import session_id
from fsl.ui.shared.holders import Holder, Holding, Undoing, bytes_of, held_bytes, lasting, note_holders

_OURS = "few_shot_lab"
_ELSEWHERE = "Remove what you no longer need, on any page, or use the command line: python -m fsl."


def refuse_beyond_budget(holder: Holder, new: Iterable[Holding]) -> None:
    """Refuse new content that does not fit beside what the other pages hold.

    Pictures that other pages keep only for undo are dropped first.

    Args:
        holder: the value that would hold the new content.
        new: everything it would hold then, instead of what it holds now.

    Raises:
        DataError: there would be too many pictures or bytes in this session, or in all together.
    """
    wanted = {one.content: one for one in new}
    holders = _own_holders()
    others = [value for value in holders if value is not holder]
    _refuse_beyond_server(holders, others, wanted)
    if not _exceeded(chain.from_iterable(other.holdings() for other in others), wanted):
        return
    if exceeded := _exceeded(chain.from_iterable(map(lasting, others)), wanted):
        raise DataError(f"Your pages hold at most {exceeded} together; nothing was added. {_ELSEWHERE}")
    for other in others:
        if isinstance(other, Undoing):
            other.forget_undo()


def note_session() -> None:
    """Have everything that this session holds counted, before it takes more."""
    note_holders(session_id(), _own_holders())


def _own_holders() -> list[Holder]:
    return [
        value
        for key, value in st.session_state.items()
        if str(key).startswith(_OURS) and isinstance(value, Holder)
    ]


def _refuse_beyond_server(
    holders: Iterable[Holder], others: Iterable[Holder], wanted: Mapping[int, Holding]
) -> None:
    """Refuse to let this session grow beyond what all sessions may hold.

    Raises:
        DataError: they would hold too much.
    """
    before = bytes_of(chain.from_iterable(map(lasting, holders)))
    after = bytes_of(chain(chain.from_iterable(map(lasting, others)), wanted.values()))
    elsewhere = sum(n_bytes for other, n_bytes in held_bytes().items() if other != session_id())
    note_holders(session_id(), holders)
    if after > before and elsewhere + after > SERVER_BYTES:
        raise DataError(SERVER_IS_FULL)


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
