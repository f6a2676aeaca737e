"""Values in the sessions' states that hold pictures or zips, and how much memory each session's take."""

from __future__ import annotations

import threading
import time
import weakref
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

_COUNTED_AGAIN_SECONDS = 0.5


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


def bytes_of(holdings: Iterable[Holding]) -> int:
    """Return how many bytes they take together."""
    return sum({one.content: one.n_bytes for one in holdings}.values())


def lasting(holder: Holder) -> Iterable[Holding]:
    """Return what a value holds, without what it keeps for undo only."""
    return holder.lasting() if isinstance(holder, Undoing) else holder.holdings()


_lock = threading.Lock()
_holders: defaultdict[str, dict[int, weakref.ref[Holder]]] = defaultdict(dict)
_counted: dict[str, tuple[float, int]] = {}
"""By session: when its bytes were counted, and how many they were."""


def note_holders(session: str, holders: Iterable[Holder]) -> None:
    """Remember which values of a session hold pictures, as long as they exist; one of them is to change."""
    with _lock:
        new = {id(holder): weakref.ref(holder) for holder in holders}
        for other, held in _holders.items():  # after a reload, they belong to another session
            for key in new.keys() & held.keys():
                del held[key]
                _counted.pop(other, None)
        _counted.pop(session, None)
        _holders[session].update(new)


def held_bytes() -> dict[str, int]:
    """Return how many bytes each session holds, without what it keeps for undo; up to half a second old."""
    now = time.monotonic()
    with _lock:
        for session in list(_holders):
            known = [(key, ref, ref()) for key, ref in _holders[session].items()]
            alive = [holder for _, _, holder in known if holder is not None]
            _holders[session] = {key: ref for key, ref, holder in known if holder is not None}
            if not alive:
                del _holders[session]
                _counted.pop(session, None)
            elif now - _counted.get(session, (-1e9, 0))[0] > _COUNTED_AGAIN_SECONDS:
                _counted[session] = (now, bytes_of(one for holder in alive for one in lasting(holder)))
        return {session: n_bytes for session, (_, n_bytes) in _counted.items()}
