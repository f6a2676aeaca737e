"""TIFFs with 9 to 16 bits a colour, however their pixels are laid out."""

from __future__ import annotations

import zlib
from itertools import accumulate

import numpy as np
import pytest

from fsl.data.images.decode import decode_image
from tests.hostile.costly import LONG, SHORT, TIFF_DATA_START, tiff


@pytest.mark.parametrize("bits", [10, 12, 16])
@pytest.mark.parametrize("alpha", ["", "opaque", "of no meaning"])
def test_colours_of_few_bits_in_pieces_and_planes_keep_their_contrast(bits: int, alpha: str) -> None:
    """TIFFs in strips, in tiles and with a plane for each colour, compressed or not."""
    x, y = np.meshgrid(np.linspace(0, 200, 64), np.linspace(0, 200, 48))
    picture = np.stack([x, y, 255 - (x + y) / 2], axis=-1).astype(np.uint8)
    wide = np.rint(picture / 255.0 * (2**bits - 1)).astype("<u2")
    if alpha:
        wide = np.dstack([wide, np.full(wide.shape[:2], 65535, "<u2")])
    planes = wide.transpose(2, 0, 1)
    strips = [wide[top : top + 8].tobytes() for top in range(0, 48, 8)]
    tiles = [wide[y : y + 16, x : x + 32].tobytes() for y in (0, 16, 32) for x in (0, 32)]
    halves = [plane[top : top + 24].tobytes() for plane in planes for top in (0, 24)]
    pieces = {
        "strips": (strips, {278: (LONG, 8)}),
        "tiles": (tiles, {322: (LONG, 32), 323: (LONG, 16)}),
        "planes": (halves, {278: (LONG, 24), 284: (SHORT, 2)}),
        "packed planes": (
            [zlib.compress(one) for one in halves],
            {278: (LONG, 24), 284: (SHORT, 2), 259: (SHORT, 8)},
        ),
    }
    colour = {262: (SHORT, 2), 277: (SHORT, len(planes)), 258: (SHORT, [16] * len(planes))}
    if alpha:
        colour[338] = (SHORT, 2 if alpha == "opaque" else 0)
    for kind, (some, tags) in pieces.items():
        places = list(accumulate(map(len, some), initial=TIFF_DATA_START))[:-1]
        where = {324 if kind == "tiles" else 273: (LONG, places)}
        where |= {325 if kind == "tiles" else 279: (LONG, list(map(len, some)))}
        data = tiff(64, 48, b"".join(some), {**colour, **tags, **where}, bits=16)
        assert abs(decoded(data) - picture).max() <= 2, kind
    ppm = b"P6\n64 48\n65535\n" + wide[..., :3].astype(">u2").tobytes()
    assert abs(decoded(ppm) - picture).max() <= 2


def decoded(data: bytes) -> np.ndarray:
    return np.asarray(decode_image(data, "some file")).astype(int)
