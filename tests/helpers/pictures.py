"""Pictures of plain colours, as files and as examples."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from fsl.fewshot.pictures import NamedImage
    from fsl.fewshot.support import SupportSet

Colour = tuple[int, int, int]
COLOURS: dict[str, Colour] = {
    "red": (220, 30, 30),
    "green": (30, 200, 40),
    "blue": (30, 60, 230),
    "grey": (128, 128, 128),
}
# A class name that a spreadsheet would read as a formula is among those of the commands.
COMMAND_COLOURS: dict[str, Colour] = {
    "red": (220, 30, 30),
    "green": (30, 200, 40),
    "=blue": (30, 60, 230),
    "grey": (120, 120, 120),
}


def picture(colour: str | Colour, size: int = 24) -> bytes:
    """Return a PNG of one colour."""
    buffer = io.BytesIO()
    Image.new("RGB", (size, size), colour).save(buffer, "PNG")
    return buffer.getvalue()


def noisy_png(colour: Colour, seed: int = 0) -> bytes:
    """Return a PNG of one colour with noise, so that no two seeds give the same pixels."""
    noise = np.random.default_rng(seed).normal(0, 6, (20, 20, 3))
    buffer = io.BytesIO()
    Image.fromarray((np.array(colour) + noise).clip(0, 255).astype(np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


def named_image(colour: str, seed: int = 0) -> NamedImage:
    """Return a noisy picture of one of ``COLOURS``, named after it."""
    from fsl.fewshot.pictures import NamedImage

    return NamedImage.from_bytes(noisy_png(COLOURS[colour], seed), f"{colour}-{seed}.png")


def support_set(
    colours: Sequence[str] = ("red", "green", "blue"), shots: Sequence[int] = (2, 1, 3)
) -> SupportSet:
    """Return a support set with a class per colour."""
    from fsl.fewshot.support import SupportSet

    return SupportSet.from_classes(
        {
            c: [named_image(c, 10 * i + k) for k in range(n)]
            for i, (c, n) in enumerate(zip(colours, shots, strict=True))
        }
    )


def zipped(**files: bytes) -> bytes:
    """Return a zip of PNG files; two underscores in a name stand for a slash."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, data in files.items():
            archive.writestr(name.replace("__", "/") + ".png", data)
    return out.getvalue()
