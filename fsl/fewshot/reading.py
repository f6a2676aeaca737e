"""Many pictures from files, decoded by several threads ahead of the network that waits for them."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace

from PIL import Image

from fsl.config import ModelConfig
from fsl.data.listing import Problem
from fsl.data.resize import to_square
from fsl.errors import ImageReadError
from fsl.fewshot.support import NamedImage

# Pictures decoded but not yet asked for: enough for the next batch, and no more than a few megabytes.
AHEAD = 128
Reader = tuple[str, Callable[[], bytes]]


def read_pictures(readers: Sequence[Reader], model: ModelConfig) -> Iterator[NamedImage | Problem]:
    """Decode pictures and bring them to the network's input size, in order, a bounded number ahead.

    Args:
        readers: a name and what gives the file's bytes, each; called from other threads.
        model: gives size and fit.

    Yields:
        a picture of the network's size, or what is wrong with it.
    """
    with ThreadPoolExecutor(min(8, os.cpu_count() or 1), thread_name_prefix="decode") as pool:
        waiting: deque[Future[NamedImage | Problem]] = deque()
        for reader in readers:
            waiting.append(pool.submit(_read, reader, model))
            if len(waiting) > AHEAD:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _read(reader: Reader, model: ModelConfig) -> NamedImage | Problem:
    name, read = reader
    try:
        picture = NamedImage.from_bytes(read(), name)
    except ImageReadError as error:
        return Problem(error.name, error.reason)
    return replace(picture, image=Image.fromarray(to_square(picture.image, model.image_size, model.fit)))
