"""A colour profile for CMYK whose colours are known: inks that take away light in proportion."""

from __future__ import annotations

import itertools
import struct

import numpy as np

_STEPS = 5
_PRIMARIES_AT_D50 = np.array(
    [[0.4361, 0.3851, 0.1431], [0.2225, 0.7169, 0.0606], [0.0139, 0.0971, 0.7142]]
)  # of sRGB
_WHITE = np.array([0.9642, 1, 0.8249])
_ONE, _WHITE_POINT = 65536, (63190, 65536, 54061)


def srgb_of_inks(inks: np.ndarray) -> np.ndarray:
    """Return the sRGB values (0..255) of inks (0..255)."""
    light = _light(inks / 255)
    return 255 * np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)


def cmyk_icc() -> bytes:
    """Return the profile, with a table from inks to Lab (lut8Type of ICC.1:2001)."""
    grid = itertools.product(np.linspace(0, 1, _STEPS), repeat=4)
    table = b"".join(_lab_bytes(np.array(inks)) for inks in grid)
    same = bytes(range(256))
    matrix = struct.pack(">9i", _ONE, 0, 0, 0, _ONE, 0, 0, 0, _ONE)
    to_lab = b"mft1" + bytes(4) + struct.pack(">4B", 4, 3, _STEPS, 0) + matrix + 4 * same + table + 3 * same
    tags = {
        b"desc": b"desc" + struct.pack(">II", 0, 2) + b"x\0" + bytes(78),
        b"cprt": b"text" + bytes(4) + b"none\0",
        b"wtpt": b"XYZ " + bytes(4) + struct.pack(">3i", *_WHITE_POINT),
        b"A2B0": to_lab,
        b"A2B1": to_lab,
    }
    listed, body, start = struct.pack(">I", len(tags)), b"", 128 + 4 + 12 * len(tags)
    for name, content in tags.items():
        listed += name + struct.pack(">II", start + len(body), len(content))
        body += content + bytes(-len(content) % 4)
    head = struct.pack(">I4sI4s4s4s", start + len(body), bytes(4), 0x02400000, b"prtr", b"CMYK", b"Lab ")
    head += struct.pack(">6H", 2024, 1, 1, 0, 0, 0) + b"acsp" + bytes(28) + struct.pack(">3i", *_WHITE_POINT)
    return head.ljust(128, b"\0") + listed + body


def _light(shares: np.ndarray) -> np.ndarray:
    return (1 - shares[:3]) * (1 - shares[3])


def _lab_bytes(shares: np.ndarray) -> bytes:
    x, y, z = np.cbrt(np.maximum(_PRIMARIES_AT_D50 @ _light(shares) / _WHITE, 1e-6))
    lab = np.array([(116 * y - 16) * 2.55, 500 * (x - y) + 128, 200 * (y - z) + 128])
    return bytes(lab.round().clip(0, 255).astype(np.uint8))
