"""What one picture may cost, whatever it holds: 2 seconds of the processor and 300 MB in all.

The numbers here leave room for what surrounds the decoder: the caller's copy of the file, starting another
worker, and shrinking the picture.
"""

from __future__ import annotations

CPU_SECONDS = 1.4
"""Processor time of a worker for one picture, all its threads together; then it is ended."""
WALL_SECONDS = 120
"""Time by the clock after which a worker is ended, as one that waits for something never to come."""
MEMORY_BYTES = 245 * 2**20
"""Memory of a worker for one picture, and of the caller for its file, beside what both held before."""
SMALL_MEMORY_BYTES = 90 * 2**20
"""Memory of a worker whose picture is not large; large pictures are decoded one at a time."""
LARGE_BYTES = 50 * 2**20
"""A picture that takes more than this decoded counts as large."""


def memory_for(file_bytes: int, is_large: bool) -> int:
    """Return how many bytes a worker may take for a picture, its own copy of the file included.

    Args:
        file_bytes: size of the file, which the caller holds as well.
        is_large: whether the picture was given its turn as a large one.
    """
    return MEMORY_BYTES - file_bytes if is_large else SMALL_MEMORY_BYTES + file_bytes
