"""What one picture may cost, whatever it holds: 2 seconds of the processor and 300 MB in all.

The numbers here leave room for what surrounds the decoder: the caller's copy of the file, starting another
worker, and shrinking the picture.
"""

from __future__ import annotations

from dataclasses import dataclass

CPU_SECONDS = 1.4
"""Processor time of a worker for one picture, all its threads together; then it is ended."""
WALL_SECONDS = 120
"""Time by the clock after which a worker is ended: it waits for something that never comes."""
MEMORY_BYTES = 245 * 2**20
"""Memory of a worker for one picture, its copy of the file and the caller's copy included."""
LARGE_BYTES = 50 * 2**20
"""A picture that takes more than this decoded counts as large."""
MOST_PIXELS_OF_HEAVY_FORMATS = 40_000_000
"""Of WebP, AVIF and HEIC, whose readers take much more time and memory for a pixel than others."""
WEBP_BYTES_A_PIXEL = 20
"""The canvas as it is, as it was, and as Pillow takes it over, and the coded picture."""


@dataclass(frozen=True)
class DecodeLimits:
    """Limits of ``fsl.data.images.decode.decode_image``.

    Attributes:
        max_bytes: largest size of the file.
        max_pixels: largest width times height as stored in the file; WebP, AVIF and HEIC, which take more,
            are limited to 40 million as well.
        max_side: longest side of the decoded picture in pixels; larger pictures are scaled down.
    """

    max_bytes: int = 64 * 2**20
    max_pixels: int = 100_000_000
    max_side: int = 1024


DEFAULT_LIMITS = DecodeLimits()


class PictureRefused(Exception):  # noqa: N818 - not an error of the program: the reason a file is refused
    """The reason, as a clause, why a picture is refused; ``decode_image`` adds the file's name."""
