"""Colour profiles written from the ICC specification, and the numbers of a colour in other spaces."""

from __future__ import annotations

import struct

import numpy as np

SRGB_TO_XYZ = np.array(
    [[0.43607, 0.38515, 0.14307], [0.22249, 0.71687, 0.06061], [0.01392, 0.09708, 0.71410]]
)
DISPLAY_P3 = np.array(
    [[0.51512, 0.29198, 0.15710], [0.24120, 0.69225, 0.06657], [-0.00105, 0.04189, 0.78407]]
)
ADOBE_RGB = np.array([[0.60974, 0.20528, 0.14919], [0.31111, 0.62567, 0.06322], [0.01947, 0.06087, 0.74457]])
PROPHOTO = np.array([[0.79767, 0.13519, 0.03134], [0.28804, 0.71188, 0.00009], [0.0, 0.0, 0.82491]])
"""Linear RGB to XYZ at D50, as published with these spaces."""
SPACES = {
    "Display P3": (DISPLAY_P3, 0.0),
    "Adobe RGB": (ADOBE_RGB, 563 / 256),
    "ProPhoto": (PROPHOTO, 461 / 256),
    "sRGB with a gamma of 1.0": (SRGB_TO_XYZ, 1.0),
}


def rgb_icc(to_xyz: np.ndarray, gamma: float) -> bytes:
    """Return an ICC profile of three primaries and one gamma, 0 for the curve of sRGB."""
    tags = {b"wtpt": _xyz((0.9642, 1.0, 0.8249))}
    tags |= {name: _xyz(column) for name, column in zip((b"rXYZ", b"gXYZ", b"bXYZ"), to_xyz.T, strict=True)}
    return _icc(b"RGB ", {**tags, **dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), _curve(gamma))})


def grey_icc(gamma: float) -> bytes:
    """Return an ICC profile of greys with one gamma."""
    return _icc(b"GRAY", {b"wtpt": _xyz((0.9642, 1.0, 0.8249)), b"kTRC": _curve(gamma)})


def from_srgb(pixels: np.ndarray, to_xyz: np.ndarray, gamma: float) -> np.ndarray:
    """Return sRGB pixels ``(..., 3)``, uint8, as the numbers of the same colours in another space."""
    light = (_linear(pixels / 255.0) @ (np.linalg.inv(to_xyz) @ SRGB_TO_XYZ).T).clip(0.0, 1.0)
    if gamma:
        return (light ** (1 / gamma) * 255).round().astype(np.uint8)
    curved = np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)
    return (curved * 255).round().astype(np.uint8)


def _linear(values: np.ndarray) -> np.ndarray:
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def _xyz(values: tuple[float, float, float] | np.ndarray) -> bytes:
    return b"XYZ " + bytes(4) + b"".join(struct.pack(">i", round(v * 65536)) for v in values)


def _curve(gamma: float) -> bytes:
    if gamma:
        return b"curv" + bytes(4) + struct.pack(">IH", 1, round(gamma * 256))
    steps = (_linear(np.arange(1024) / 1023) * 65535).round().astype(">u2")
    return b"curv" + bytes(4) + struct.pack(">I", 1024) + steps.tobytes()


def _icc(space: bytes, tags: dict[bytes, bytes]) -> bytes:
    words = b"desc" + bytes(4) + struct.pack(">I", 5) + b"test\0" + bytes(4 + 4 + 2 + 1 + 67)
    tags = {b"desc": words, b"cprt": b"text" + bytes(4) + b"none\0", **tags}
    table, body, start = struct.pack(">I", len(tags)), b"", 128 + 4 + 12 * len(tags)
    for key, content in tags.items():
        table += key + struct.pack(">II", start + len(body), len(content))
        body += content + bytes(-len(content) % 4)
    head = struct.pack(">I4sI4s4s4s", start + len(body), bytes(4), 0x02400000, b"mntr", space, b"XYZ ")
    head += struct.pack(">6H", 2024, 1, 1, 0, 0, 0) + b"acsp" + bytes(28)
    return (head + struct.pack(">3i", 63190, 65536, 54061)).ljust(128, b"\0") + table + body
