"""The memory of requests and support sets, within what the server may hold."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from fsl.api.errors import try_again
from fsl.data.intake.server_limits import SERVER_BYTES, SERVER_IS_FULL

_LOOK_AGAIN_SECONDS = 0.5
_RETRY_SECONDS = 10


class Memory:
    """Counts bytes; safe to use from several threads.

    Args:
        elsewhere: returns how many bytes the same server holds for its pages.
        most: bytes that everything together may take.
    """

    def __init__(self, elsewhere: Callable[[], int] = lambda: 0, most: int = SERVER_BYTES) -> None:
        self._elsewhere = elsewhere
        self._most = most
        self._lock = threading.Lock()
        self._held = 0
        self._looked, self._held_elsewhere = -_LOOK_AGAIN_SECONDS, 0

    @property
    def held(self) -> int:
        """Return how many bytes requests and support sets take now."""
        return self._held

    @contextmanager
    def holding(self) -> Iterator[Holding]:
        """Yield an empty holding, which is released at the end."""
        holding = Holding(self)
        try:
            yield holding
        finally:
            holding.release()

    def change(self, n_bytes: int) -> None:
        """Count more bytes, or fewer.

        Raises:
            ApiError: 503, there is no room for more.
        """
        now = time.monotonic()
        if n_bytes > 0 and now - self._looked >= _LOOK_AGAIN_SECONDS:
            self._looked, self._held_elsewhere = now, self._elsewhere()
        with self._lock:
            if n_bytes > 0 and self._held + n_bytes + self._held_elsewhere > self._most:
                raise try_again(SERVER_IS_FULL, _RETRY_SECONDS)
            self._held += n_bytes


class Holding:
    """Counts what one request or support set takes."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self.n_bytes = 0

    def take(self, n_bytes: int) -> None:
        """Count more bytes.

        Raises:
            ApiError: 503, there is no room for them.
        """
        self._memory.change(n_bytes)
        self.n_bytes += n_bytes

    def release(self) -> None:
        """Give all bytes back."""
        self._memory.change(-self.n_bytes)
        self.n_bytes = 0
