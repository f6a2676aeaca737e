"""Find the colour space that a picture states, and convert its colours to sRGB.

A profile (ICC) goes first, then what the format itself states: chunks of a PNG, the colour box of HEIC and
AVIF, and the EXIF data of cameras, which mark Adobe RGB without a profile. A profile that is damaged, or made
for another kind of picture, is passed over: it must not cost the picture.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Callable
from functools import lru_cache

import numpy as np
from PIL import ExifTags, Image, ImageCms
from PIL.ImageFile import ImageFile

from fsl.base.types import Float64Array
from fsl.data.images.png import chunks_before_pixels

Conversion = Callable[[Image.Image], Image.Image]

_MOST_PROFILE_BYTES = 4 * 2**20
# Colours that differ by no more than this are sRGB already, up to rounding in the profile.
_SAME_LEVELS = 2
_SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
_MODE_OF_SPACE = {"RGB": "RGB", "GRAY": "L", "CMYK": "CMYK"}
_GREY_MODES = frozenset({"1", "L", "LA", "La", "I", "F", "I;16", "I;16L", "I;16B", "I;16N"})

_D65 = (0.3127, 0.3290)
_SRGB_PRIMARIES = (*_D65, 0.640, 0.330, 0.300, 0.600, 0.150, 0.060)
_ADOBE_RGB_PRIMARIES = (*_D65, 0.640, 0.330, 0.210, 0.710, 0.150, 0.060)
_PRIMARIES_OF_CODE = {
    4: (0.310, 0.316, 0.670, 0.330, 0.210, 0.710, 0.140, 0.080),
    5: (*_D65, 0.640, 0.330, 0.290, 0.600, 0.150, 0.060),
    6: (*_D65, 0.630, 0.340, 0.310, 0.595, 0.155, 0.070),
    7: (*_D65, 0.630, 0.340, 0.310, 0.595, 0.155, 0.070),
    9: (*_D65, 0.708, 0.292, 0.170, 0.797, 0.131, 0.046),
    11: (0.314, 0.351, 0.680, 0.320, 0.265, 0.690, 0.150, 0.060),
    12: (*_D65, 0.680, 0.320, 0.265, 0.690, 0.150, 0.060),
}
"""White point and primaries by their number in ITU-T H.273; those of sRGB need no conversion."""
_GAMMA_OF_CODE = {4: 2.2, 5: 2.8, 8: 1.0}
_SDR_CURVES = frozenset({1, 2, 4, 5, 6, 8, 13, 14, 15})
_ADOBE_GAMMA = 563 / 256
_COLOUR_BOX, _BOXES = b"colrnclx", 2**16
_SRGB_GAMMA = 2.2


def conversion_to_srgb(image: ImageFile, data: bytes) -> Conversion | None:
    """Return the conversion of a picture's colours to sRGB; None if there is nothing to convert.

    Returns:
        a function of an RGB picture, or of a CMYK one if the image is CMYK, that returns an RGB picture.
    """
    try:
        profile = stated_profile(image, data)
        if profile is None or len(profile) > _MOST_PROFILE_BYTES:
            return None
        found = _transform(profile)
    except Exception:  # noqa: BLE001 - lcms and Pillow raise nearly anything on damaged metadata
        return None
    if found is None:
        return None
    mode, transform = found
    if mode != ("CMYK" if image.mode == "CMYK" else "L" if image.mode in _GREY_MODES else "RGB"):
        return None

    def convert(picture: Image.Image) -> Image.Image:
        channels = picture.getchannel(0) if mode == "L" else picture
        converted: Image.Image | None = ImageCms.applyTransform(channels, transform)
        return picture if converted is None else converted

    return convert


def stated_profile(image: ImageFile, data: bytes) -> bytes | None:
    """Return the picture's colour profile, or one that means what its format states instead."""
    icc = image.info.get("icc_profile")
    if isinstance(icc, bytes) and icc:
        return icc
    if image.format == "PNG":
        return _of_png(chunks_before_pixels(data)) or _of_exif(image)
    if image.format in ("HEIF", "AVIF"):
        place = data.find(_COLOUR_BOX, 0, _BOXES)
        if place > 0:
            return _of_codes(*struct.unpack(">HH", data[place + 8 : place + 12]))
    if image.format == "BMP":
        return _of_bmp(data)
    if image.format == "GIF":
        return _of_gif(data)
    return _of_exif(image)


@lru_cache(maxsize=16)
def _transform(profile: bytes) -> tuple[str, ImageCms.ImageCmsTransform] | None:
    """Return the mode that a profile is for and the way to sRGB, or None if it is sRGB or of another kind."""
    opened = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    mode = _MODE_OF_SPACE.get(opened.profile.xcolor_space.strip())
    if mode is None:
        return None
    flags = ImageCms.Flags.BLACKPOINTCOMPENSATION
    if mode == "L":
        flags |= ImageCms.Flags.NOOPTIMIZE  # lcms would take a few steps for the curve, off by 10 levels
    intent = ImageCms.Intent.RELATIVE_COLORIMETRIC
    transform = ImageCms.buildTransform(opened, _SRGB, mode, "RGB", intent, flags)
    if mode == "CMYK":
        return mode, transform
    probe = _probe(mode)
    converted = ImageCms.applyTransform(probe, transform)
    assert converted is not None
    difference = np.asarray(converted).astype(int) - np.asarray(probe.convert("RGB"))
    return None if np.abs(difference).max() <= _SAME_LEVELS else (mode, transform)


def _probe(mode: str) -> Image.Image:
    """Return a picture of colours from all over the space."""
    if mode == "L":
        return Image.fromarray(np.arange(256, dtype=np.uint8)[None])
    levels = np.linspace(0, 255, 9).astype(np.uint8)
    return Image.fromarray(np.stack(np.meshgrid(levels, levels, levels), axis=-1).reshape(1, -1, 3))


def _of_png(chunks: dict[bytes, bytes]) -> bytes | None:
    """Return the profile that cICP, or gAMA and cHRM mean; sRGB overrules the latter."""
    if len(code := chunks.get(b"cICP", b"")) == 4:
        return _of_codes(code[0], code[1])
    if b"sRGB" in chunks or not {b"gAMA", b"cHRM"} & set(chunks):
        return None
    gamma, primaries = _SRGB_GAMMA, _SRGB_PRIMARIES
    if len(stated := chunks.get(b"gAMA", b"")) == 4 and (value := int.from_bytes(stated, "big")):
        gamma = 100_000 / value
    if len(stated := chunks.get(b"cHRM", b"")) == 32:
        primaries = tuple(value / 100_000 for value in struct.unpack(">8I", stated))
    if not 0.2 < gamma < 5:
        return None
    if np.abs(np.subtract(primaries, _SRGB_PRIMARIES)).max() < 0.005 and abs(gamma - _SRGB_GAMMA) < 0.05:
        return None  # what most programs write for sRGB
    return rgb_profile(primaries, gamma)


def _of_codes(primaries: int, curve: int) -> bytes | None:
    """Return the profile of numbers of ITU-T H.273; None for those of sRGB, and for high dynamic range."""
    if curve not in _SDR_CURVES or (primaries not in _PRIMARIES_OF_CODE and curve not in _GAMMA_OF_CODE):
        return None
    return rgb_profile(_PRIMARIES_OF_CODE.get(primaries, _SRGB_PRIMARIES), _GAMMA_OF_CODE.get(curve))


def _of_exif(image: ImageFile) -> bytes | None:
    """Return the profile of Adobe RGB if the EXIF data states that: by its number, or as R03 with 65535."""
    if image.format == "PNG" and "exif" not in image.info:
        return None  # Pillow would load the pixels to look for it behind them
    exif = image.getexif()
    inner = exif.get_ifd(ExifTags.IFD.Exif)
    space = inner.get(ExifTags.Base.ColorSpace)
    index = exif.get_ifd(ExifTags.IFD.Interop).get(ExifTags.Interop.InteropIndex, "")
    is_r03 = index[:3] in ("R03", b"R03")
    if space == 2 or (space in (0xFFFF, None) and is_r03):
        return rgb_profile(_ADOBE_RGB_PRIMARIES, _ADOBE_GAMMA)
    return None


def _of_bmp(data: bytes) -> bytes | None:
    """Return the profile embedded in a bitmap of version 5."""
    header = data[14:138]
    if len(header) < 124 or header[0] != 124 or header[56:60] != b"DEBM":
        return None
    start, length = struct.unpack("<II", header[112:120])
    return data[14 + start : 14 + start + length]


def _of_gif(data: bytes) -> bytes | None:
    """Return the profile in a GIF's application extension."""
    place = data.find(b"!\xff\x0bICCRGBG1012", 0, _BOXES) + 14
    if place < 14:
        return None
    profile = b""
    while place < len(data) and data[place] and len(profile) < _MOST_PROFILE_BYTES:
        profile += data[place + 1 : place + 1 + data[place]]
        place += 1 + data[place]
    return profile


@lru_cache(maxsize=16)
def rgb_profile(chromaticities: tuple[float, ...], gamma: float | None) -> bytes:
    """Return an ICC profile (version 2) of a white point, three primaries and one curve.

    Args:
        chromaticities: x and y of white, red, green and blue.
        gamma: exponent from values to light; None for the curve of sRGB.

    Raises:
        ValueError: there is no such space; numpy's LinAlgError is one.
    """
    columns = _primaries_at_d50(np.array(chromaticities).reshape(4, 2))
    tags = {
        b"desc": b"desc" + struct.pack(">II", 0, 2) + b"x\0" + bytes(78),
        b"cprt": b"text" + bytes(4) + b"none\0",
        b"wtpt": _xyz_tag((0.9642, 1.0, 0.8249)),
        **{
            name: _xyz_tag(column)
            for name, column in zip((b"rXYZ", b"gXYZ", b"bXYZ"), columns.T, strict=True)
        },
        **dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), _curve_tag(gamma)),
    }
    table, body, start = struct.pack(">I", len(tags)), b"", 128 + 4 + 12 * len(tags)
    for name, content in tags.items():
        table += name + struct.pack(">II", start + len(body), len(content))
        body += content + bytes(-len(content) % 4)
    head = struct.pack(">I4sI4s4s4s", start + len(body), bytes(4), 0x02400000, b"mntr", b"RGB ", b"XYZ ")
    head += struct.pack(">6H4s28x3i", 2024, 1, 1, 0, 0, 0, b"acsp", 63190, 65536, 54061)
    return head.ljust(128, b"\0") + table + body


def _primaries_at_d50(xy: Float64Array) -> Float64Array:
    """Return the XYZ of the primaries as columns ``(3, 3)``, seen in the light of profiles (Bradford)."""
    if not (xy > 0).all():
        raise ValueError("a chromaticity is not positive")
    white, *primaries = np.column_stack([xy[:, 0] / xy[:, 1], np.ones(4), (1 - xy.sum(1)) / xy[:, 1]])
    columns = np.column_stack(primaries)
    columns = columns * np.linalg.solve(columns, white)
    cone = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
    scale = np.diag(cone @ np.array([0.9642, 1.0, 0.8249]) / (cone @ white))
    adapted: Float64Array = np.linalg.inv(cone) @ scale @ cone @ columns
    return adapted


def _xyz_tag(values: tuple[float, float, float] | Float64Array) -> bytes:
    return b"XYZ " + bytes(4) + struct.pack(">3i", *(round(float(value) * 65536) for value in values))


def _curve_tag(gamma: float | None) -> bytes:
    if gamma is not None:
        return b"curv" + bytes(4) + struct.pack(">IH", 1, round(gamma * 256))
    values = np.linspace(0, 1, 1024)
    light = np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
    return b"curv" + bytes(4) + struct.pack(">I", 1024) + (light * 65535).round().astype(">u2").tobytes()
