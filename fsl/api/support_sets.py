"""Support sets that clients made and use again: kept for a while, a bounded number of them."""

from __future__ import annotations

import secrets
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fsl.api.errors import ApiError, try_again
from fsl.api.memory import Holding

if TYPE_CHECKING:
    from fsl.api.answers import Classes


@dataclass
class _Stored:
    classes: Classes
    holding: Holding
    expires: float


class SupportSets:
    """Support sets by their ids; safe to use from several threads.

    Args:
        most: how many are kept at once.
        kept_seconds: how long one is kept after its last use.
    """

    def __init__(self, most: int, kept_seconds: float) -> None:
        self._most = most
        self.kept_seconds = kept_seconds
        self._clock = time.monotonic
        self._lock = threading.Lock()
        self._stored: dict[str, _Stored] = {}
        self._timer: threading.Timer | None = None

    def __len__(self) -> int:
        """Return how many there are."""
        with self._lock:
            self._drop_expired()
            return len(self._stored)

    def refuse_if_full(self) -> None:
        """Refuse another one.

        Raises:
            ApiError: 503, there are as many as may be kept.
        """
        with self._lock:
            self._refuse_if_full()

    def add(self, classes: Classes, holding: Holding) -> str:
        """Keep a support set, and return the id under which it is found: 128 random bits.

        Args:
            holding: its memory, released when the set is dropped.

        Raises:
            ApiError: 503, there are as many as may be kept.
        """
        name = secrets.token_urlsafe(16)
        with self._lock:
            self._refuse_if_full()
            self._stored[name] = _Stored(classes, holding, self._clock() + self.kept_seconds)
        self._drop_later()
        return name

    def get(self, name: str, missing: int = 404) -> Classes:
        """Return a support set, and keep it for longer; ``missing`` is the status if there is none.

        Raises:
            ApiError: there is none of that id, or no longer.
        """
        with self._lock:
            self._drop_expired()
            found = self._stored.get(name)
            if found is None:
                raise self._no_such(missing)
            found.expires = self._clock() + self.kept_seconds
            return found.classes

    def remove(self, name: str) -> None:
        """Drop a support set.

        Raises:
            ApiError: 404, there is none of that id.
        """
        with self._lock:
            self._drop_expired()
            found = self._stored.pop(name, None)
        if found is None:
            raise self._no_such(404)
        found.holding.release()

    def _drop_later(self) -> None:
        """Look again when the next one may have expired: also an idle server gives memory back."""
        with self._lock:
            self._drop_expired()
            if self._timer is not None:
                self._timer.cancel()
            if self._stored:
                seconds = min(one.expires for one in self._stored.values()) - self._clock()
                self._timer = threading.Timer(max(1.0, seconds), self._drop_later)
                self._timer.daemon = True
                self._timer.start()

    def _refuse_if_full(self) -> None:
        self._drop_expired()
        if len(self._stored) >= self._most:
            soonest = min(one.expires for one in self._stored.values()) - self._clock()
            raise try_again(
                f"The server keeps {self._most} support sets, and no more. Delete one "
                "(DELETE /api/support/ID), or try again when one has expired.",
                soonest,
            )

    def _drop_expired(self) -> None:
        now = self._clock()
        for name in [name for name, one in self._stored.items() if one.expires <= now]:
            self._stored.pop(name).holding.release()

    def _no_such(self, status: int) -> ApiError:
        minutes = f"{self.kept_seconds / 60:g} minutes"
        return ApiError(
            status,
            f"There is no support set of this id. One is dropped {minutes} after its last use, and when the "
            "server restarts. Make it again with POST /api/support.",
        )
