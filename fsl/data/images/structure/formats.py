"""Choose the check of a file's structure by its format."""

from __future__ import annotations

from collections.abc import Callable

from fsl.data.images.structure.blocks import check_bmp, check_boxes, check_gif, check_ppm, check_webp
from fsl.data.images.structure.jpeg import is_plain_jpeg
from fsl.data.images.structure.png import is_plain_png
from fsl.data.images.structure.tiff import check_tiff

_PLAIN: dict[str, Callable[[bytes], bool]] = {"JPEG": is_plain_jpeg, "PNG": is_plain_png}
_CHECKS: dict[str, Callable[[bytes], None]] = {
    "GIF": check_gif,
    "WebP": check_webp,
    "TIFF": check_tiff,
    "AVIF": check_boxes,
    "HEIC": check_boxes,
    "PPM": check_ppm,
    "BMP": check_bmp,
}


def is_plain(format_name: str, data: bytes) -> bool:
    """Return whether a picture is plainly harmless, so that it needs no worker.

    Args:
        format_name: as ``find_reader`` gives it.

    Raises:
        PictureRefused: no program writes a file like it.
    """
    if format_name in _PLAIN:
        return _PLAIN[format_name](data)
    if format_name in _CHECKS:
        _CHECKS[format_name](data)
    return False
