"""How much a session may still upload."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from fsl.base.lru import LruCache
from fsl.data.intake.server_limits import MAX_BYTES, MAX_PICTURES, SERVER_BYTES, SERVER_IS_FULL
from fsl.ui.shared.holders import held_bytes

MAX_FILES = 2 * MAX_PICTURES
"""Uploaded files of a session that may wait for its page."""
_refusals: LruCache[str, str] = LruCache(100)


@dataclass(frozen=True)
class Room:
    """What may still be uploaded.

    Attributes:
        session: bytes, before the session holds too much.
        server: bytes, before all sessions together hold too much.
        files: number of files of the session.
    """

    session: int
    server: int
    files: int

    def refusal(self, of_session: int, of_all: int) -> str:
        """Return why there is no room for so many bytes, "" if there is.

        Args:
            of_session: bytes that arrive for the session.
            of_all: bytes that arrive for all sessions.
        """
        if self.files < 1:
            return f"At most {MAX_FILES:,} files can be uploaded at once. Drop a zip of them instead."
        if of_session > self.session:
            return (
                f"Your pages hold at most {MAX_BYTES / 2**20:,.0f} MB together, and this file would exceed "
                "that. Remove what you no longer need, on any page."
            )
        return SERVER_IS_FULL if of_all > self.server else ""


def note_refusal(session: str, why: str) -> None:
    """Remember why a session's file was refused; its upload field only shows the number of the error."""
    _refusals.put(session, why)


def latest_refusal(session: str) -> str:
    """Return why the session's latest refused file was refused, "" if none was."""
    return _refusals.get(session) or ""


def room_of(session: str, waiting: Mapping[str, Sequence[int]]) -> Room:
    """Return what a session may still upload.

    Args:
        session: id of the session.
        waiting: sizes of the uploaded files that the pages have not taken yet, by session.
    """
    held = held_bytes()
    own = waiting.get(session, ())
    return Room(
        MAX_BYTES - held.get(session, 0) - sum(own),
        SERVER_BYTES - sum(held.values()) - sum(map(sum, waiting.values())),
        MAX_FILES - len(own),
    )
