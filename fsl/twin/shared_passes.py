"""One forward pass at a time for many threads: what they ask for meanwhile shares the next pass.

Several passes at once would slow each other down, as each uses all cores. A network takes four large pictures
of four threads in one pass a third faster than in four.

All passes are made by one thread. Where torch makes them, OpenMP gives each thread that computes a team of
its own. With more threads in all teams than cores, they sleep between the pieces of a pass: on two cores, a
pass of the ``photos`` network takes 47 ms then, as long as on one core, instead of 32.
"""

from __future__ import annotations

import threading
from collections import Counter, deque
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from fsl.base.types import PixelArray
from fsl.twin.inference import batch_size, embed_images
from fsl.twin.network import TwinNetwork

_IDLE_SECONDS = 60.0


@dataclass(eq=False)
class _Request:
    """What one thread asks for.

    Attributes:
        twin: the network.
        images: uint8 ``(N, S, S, 3)``, at most as many as fit into one pass.
        done: set when there are embeddings, or an error.
        embeddings: float32 ``(N, D)`` once it is done.
        error: why it could not be done.
    """

    twin: TwinNetwork
    images: PixelArray
    done: threading.Event = field(default_factory=threading.Event)
    embeddings: Tensor | None = None
    error: Exception | None = None


class SharedPasses:
    """Run forward passes for several threads.

    Args:
        alone: held during each pass, and by everything else that must not compute at the same time.

    Attributes:
        alone: the same.
        sizes: how many passes there were so far, by their number of images.
    """

    def __init__(self, alone: AbstractContextManager[object]) -> None:
        self.alone = alone
        self.sizes: Counter[int] = Counter()
        self._changed = threading.Condition()
        self._waiting: deque[_Request] = deque()
        self._thread: threading.Thread | None = None

    def embed(self, twin: TwinNetwork, images: PixelArray) -> Tensor:
        """Embed images; see ``fsl.twin.inference.embed_images``.

        Args:
            twin: the network, in ``eval`` mode.
            images: uint8 ``(N, S, S, 3)``, S the network's input size.

        Returns:
            float32 ``(N, D)`` on the CPU.

        Raises:
            DeviceMemoryError: the GPU has no room for a single image.
        """
        step = batch_size(twin)
        parts = [
            self._embed(_Request(twin, images[start : start + step])) for start in range(0, len(images), step)
        ]
        return torch.cat(parts) if parts else torch.empty(0, twin.embedding_dim)

    def _embed(self, request: _Request) -> Tensor:
        with self._changed:
            self._waiting.append(request)
            if self._thread is None:
                self._thread = threading.Thread(target=self._make_passes, name="passes", daemon=True)
                self._thread.start()
            self._changed.notify()
        request.done.wait()
        if request.embeddings is None:
            assert request.error is not None
            raise request.error
        return request.embeddings

    def _make_passes(self) -> None:
        """Make passes until nobody has asked for a while."""
        while self._is_asked():
            with self.alone:
                taken = self._take()
                self.sizes[sum(len(request.images) for request in taken)] += 1
                _make_pass(taken)
            del taken  # its pictures are not kept until somebody asks again

    def _is_asked(self) -> bool:
        """Wait for a request; without one, let the next one start another thread."""
        with self._changed:
            if not self._changed.wait_for(lambda: len(self._waiting) > 0, _IDLE_SECONDS):
                self._thread = None
            return self._thread is not None

    def _take(self) -> list[_Request]:
        """Take the longest waiting request, and others of the same network that fit into the same pass."""
        with self._changed:
            twin = self._waiting[0].twin
            room, taken, left = batch_size(twin), list[_Request](), deque[_Request]()
            for request in self._waiting:
                fits = request.twin is twin and (not taken or len(request.images) <= room)
                (taken if fits else left).append(request)
                room -= len(request.images) if fits else 0
            self._waiting = left
            return taken


def _make_pass(requests: list[_Request]) -> None:
    """Do several requests at once, and wake their threads."""
    try:
        images = np.concatenate([request.images for request in requests])
        found = embed_images(requests[0].twin, images)
        sizes = [len(request.images) for request in requests]
        for request, rows in zip(requests, torch.split(found, sizes), strict=True):
            request.embeddings = rows
    except Exception as error:  # noqa: BLE001 - raised again in each thread that asked
        for request in requests:
            request.error = error
    finally:
        for request in requests:
            request.done.set()
