"""One input of the hostile corpus."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Hostile:
    """A file as somebody might drop it.

    Attributes:
        kind: the class of input it stands for, for the table of results.
        name: the file's name; distinct within a kind.
        data: its content.
        good: whether it must be accepted (True), must be refused (False) or may be either (None), as when a
            flipped bit may or may not have hit what matters. Of an archive: whether it opens at all.
        keeps: of an archive, the names of the files in it that are fine and must be kept.
    """

    kind: str
    name: str
    data: bytes
    good: bool | None = None
    keeps: tuple[str, ...] = ()
