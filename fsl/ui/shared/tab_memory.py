"""What a tab of the browser gets back after a reload, a lost connection or a second visit.

The server keeps it in memory, found by a secret of the tab together with the cookie of the browser.
Nothing is written to disk. Pictures and workspaces are immutable, so two tabs share them instead of copying.
"""

from __future__ import annotations

import hashlib
import secrets
import threading
import time
from collections.abc import Callable, Container, Iterator, Mapping
from copy import copy
from dataclasses import dataclass, field
from typing import Self

from fsl.base.environment import whole_number
from fsl.data.intake.server_limits import MAX_BYTES
from fsl.ui.shared.holders import Holder, Holding

KEPT = (
    "few_shot_lab",  # Classify: classes, pictures, queries, settings, answers
    "few_shot_lab_fine_tune",
    "few_shot_lab_check_classify",  # Check my data, on Classify and on Embeddings
    "few_shot_lab_check_map",
    "few_shot_lab_compare",
    "few_shot_lab_embeddings",
    "few_shot_lab_evaluate",
    "few_shot_lab_training",
    "few_shot_lab_training_own",
    "few_shot_lab_learn",
    "few_shot_lab_settings",  # the settings of all pages
)
"""Keys of the session's state that a tab gets back; each value is a :class:`TabState`."""


KEPT_SECONDS = 60 * whole_number("FSL_KEPT_MINUTES", 30)
"""How long a tab that nobody looks at is kept; 0 keeps none."""
MAX_LEFT_BYTES = 2**20 * whole_number("FSL_KEPT_MB", 2_048)
"""What all tabs that nobody looks at may hold together; the tabs left longest go first."""
_LEAST_BYTES = 64 * 2**10  # a tab without pictures takes some memory, too


class TabState:
    """A value in the session's state that outlives the session."""

    def copied(self) -> Self:
        """Return a copy for another tab; it shares what is immutable, and no work that is under way."""
        return copy(self)

    def forget_results(self) -> None:
        """Forget what can be computed again, as nobody has looked at the tab for minutes."""

    def forget_notices(self) -> None:
        """Forget what the page says about the last change, because the page was left."""


@dataclass
class _Tab:
    """One tab.

    Attributes:
        visitor: name of the browser.
        session: id of the Streamlit session that shows it, or showed it last.
        values: what it holds, by key.
        left: ``time.monotonic()`` when it was first seen without a browser; None while one shows it.
        is_resting: whether its session is over and its results are forgotten.
    """

    visitor: str
    session: str
    values: Mapping[str, TabState]
    left: float | None = None
    is_resting: bool = False

    def holdings(self) -> Iterator[Holding]:
        """Yield everything it holds."""
        for value in self.values.values():
            if isinstance(value, Holder):
                yield from value.holdings()


@dataclass(frozen=True)
class Recalled:
    """What a tab gets back.

    Attributes:
        secret: the tab's secret from now on.
        values: what it holds, by key; empty if nothing is known of it.
        from_session: the session that showed it last, "" for none or if it goes on.
    """

    secret: str
    values: Mapping[str, TabState] = field(default_factory=dict)
    from_session: str = ""


class TabMemory:
    """All tabs of all browsers. Safe to use from several threads."""

    def __init__(self) -> None:
        self.server = secrets.token_hex(8)
        """Identifies this process: a tab that stored another value was cut off by a restart."""
        self._tabs: dict[str, _Tab] = {}
        self._lock = threading.Lock()

    def recall(
        self, visitor: str, secret: str, session: str, is_connected: Callable[[str], bool]
    ) -> Recalled:
        """Give a tab what it held; it belongs to another session from now on.

        A tab that was duplicated has the secret of one that is still open: it gets a copy and a secret of its
        own, so that the two go separate ways.

        Args:
            visitor: name of the browser.
            secret: what the tab stored, "" for nothing.
            session: id of the session that shows it now.
            is_connected: returns whether a browser is connected to the session of that id.
        """
        with self._lock:
            tab = self._tabs.get(_place(visitor, secret)) if secret else None
            if tab is None:
                return Recalled(secrets.token_hex(16))
            if tab.session != session and is_connected(tab.session):
                copies = {key: value.copied() for key, value in tab.values.items()}
                return Recalled(secrets.token_hex(16), copies)
            before, tab.session = tab.session, session
            tab.left, tab.is_resting = None, False
            return Recalled(secret, tab.values, before)

    def keep(self, visitor: str, secret: str, session: str, values: Mapping[str, TabState]) -> bool:
        """Keep what a session holds; return False if another session has taken the tab over."""
        if KEPT_SECONDS == 0:
            return True
        with self._lock:
            tab = self._tabs.setdefault(_place(visitor, secret), _Tab(visitor, session, values))
            if tab.session != session:
                return False
            tab.values = values
            return True

    def knows(self, visitor: str) -> bool:
        """Return whether any tab of that browser is kept."""
        with self._lock:
            return any(tab.visitor == visitor for tab in self._tabs.values())

    def __len__(self) -> int:
        return len(self._tabs)

    def sweep(self, is_connected: Callable[[str], bool], known: Container[str]) -> int:
        """Forget tabs that were left too long ago, and those that take too much room.

        Args:
            is_connected: returns whether a browser is connected to the session of that id.
            known: ids of the sessions that Streamlit still has.

        Returns:
            the number of tabs forgotten.
        """
        now = time.monotonic()
        with self._lock:
            for tab in self._tabs.values():
                if is_connected(tab.session):
                    tab.left = None
                elif tab.left is None:
                    tab.left = now
                if tab.left is not None and not tab.is_resting and tab.session not in known:
                    tab.is_resting = True
                    for value in tab.values.values():
                        value.forget_results()
            too_many = self._too_many(now)
            for place in too_many:
                del self._tabs[place]
        return len(too_many)

    def _too_many(self, now: float) -> list[str]:
        """Return the places of the tabs to forget: too old, or too much beside those left later."""
        too_many, contents = list[str](), set[int]()
        total, by_visitor = 0, dict[str, int]()
        left = {place: tab for place, tab in self._tabs.items() if tab.left is not None}
        for place, tab in sorted(left.items(), key=lambda item: item[1].left or 0.0, reverse=True):
            new = {one.content: one.n_bytes for one in tab.holdings() if one.content not in contents}
            size = _LEAST_BYTES + sum(new.values())
            of_visitor = by_visitor.get(tab.visitor, 0) + size
            is_old = now - (tab.left or 0.0) >= KEPT_SECONDS
            if is_old or total + size > MAX_LEFT_BYTES or of_visitor > MAX_BYTES:
                too_many.append(place)
                continue
            contents |= new.keys()
            total += size
            by_visitor[tab.visitor] = of_visitor
        return too_many


def _place(visitor: str, secret: str) -> str:
    return hashlib.sha256(f"{visitor} {secret}".encode()).hexdigest()


MEMORY = TabMemory()
"""The tabs of this process."""
