"""Recognise a file by its first bytes: choose Pillow's reader, or say what else it looks like.

The short list here takes the place of ``PIL.Image.open``: formats that start other programs (EPS) or hold no
photos (FITS, ...) are never tried, and the file's name does not matter.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable

from PIL import (
    AvifImagePlugin,
    BmpImagePlugin,
    GifImagePlugin,
    JpegImagePlugin,
    PngImagePlugin,
    PpmImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)
from PIL.ImageFile import ImageFile
from pillow_heif import HeifImageFile

Opener = Callable[[io.BytesIO], ImageFile]

_JPEG_SUFFIXES = {".jpg", ".jpeg", ".jpe", ".jfif", ".mpo"}
_OTHER_SUFFIXES = {".png", ".apng", ".gif", ".bmp", ".webp", ".tif", ".tiff", ".avif"}
_HEIC_SUFFIXES = {".heic", ".heif", ".hif"}
_NETPBM_SUFFIXES = {".pbm", ".pgm", ".ppm", ".pnm", ".pfm"}

IMAGE_SUFFIXES: frozenset[str] = frozenset(
    _JPEG_SUFFIXES | _OTHER_SUFFIXES | _HEIC_SUFFIXES | _NETPBM_SUFFIXES
)
"""Usual endings of image files, in lower case, with the dot; what a file is, its content tells."""

ACCEPTED_FORMATS = "JPEG, PNG, HEIC, WebP, AVIF, GIF, BMP, TIFF or PPM/PGM"
"""The accepted formats, for messages."""

# A phone's multi-picture JPEG (MPO) opens as a plain JPEG: its first picture is the photo.
_READERS: tuple[tuple[str, re.Pattern[bytes], Opener], ...] = (
    ("JPEG", re.compile(rb"\xff\xd8\xff"), JpegImagePlugin.JpegImageFile),
    ("PNG", re.compile(rb"\x89PNG\r\n\x1a\n"), PngImagePlugin.PngImageFile),
    ("GIF", re.compile(rb"GIF8[79]a"), GifImagePlugin.GifImageFile),
    ("WebP", re.compile(rb"RIFF.{4}WEBP", re.DOTALL), WebPImagePlugin.WebPImageFile),
    ("TIFF", re.compile(rb"II[*+]\x00|MM\x00[*+]"), TiffImagePlugin.TiffImageFile),
    ("PPM", re.compile(rb"P[1-6f]\s+[#\d]"), PpmImagePlugin.PpmImageFile),
    # The size of the second header tells a bitmap from a text that begins with these letters.
    (
        "BMP",
        re.compile(rb"BM.{12}[\x0c\x10\x28\x34\x38\x40\x6c\x7c]\x00{3}", re.DOTALL),
        BmpImagePlugin.BmpImageFile,
    ),
)

# AVIF and HEIC share a container, and name what is in it in a list of brands, general ones often first.
_AVIF_BRANDS = frozenset({b"avif", b"avis"})
_HEIC_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"})
_GENERAL_BRANDS = frozenset({b"mif1", b"mif2", b"mif3", b"msf1", b"miaf"})
_LIST_OF_BRANDS = 1024
_ITEM_LIST = 4096

_LOOKS_LIKE: tuple[tuple[re.Pattern[bytes], str], ...] = (
    (re.compile(rb"%PDF"), "a PDF"),
    (re.compile(rb"PK(\x03\x04|\x05\x06|\x07\x08)"), "a zip or an office document"),
    (re.compile(rb"\x1f\x8b|7z\xbc\xaf|Rar!|BZh|\xfd7zXZ"), "a compressed archive"),
    (re.compile(rb".{4}ftyp|.{4}moov|\x1aE\xdf\xa3|RIFF.{4}AVI ", re.DOTALL), "a video"),
    (re.compile(rb"8BPS"), "a Photoshop file: save it as PNG or JPEG first"),
    (re.compile(rb"%!PS|\xc5\xd0\xd3\xc6"), "a PostScript file: save it as PNG first"),
    (re.compile(rb"\x00\x00[\x01\x02]\x00"), "an icon file: save it as PNG first"),
    (re.compile(rb"\x00\x00\x00\x0cjP  |\xff\x4f\xff\x51"), "a JPEG 2000: save it as JPEG or PNG first"),
    (re.compile(rb"\x00{2}\x00\x0cJXL |\xff\x0a"), "a JPEG XL: save it as JPEG or PNG first"),
    (re.compile(rb"MZ|\x7fELF|\xcf\xfa\xed\xfe"), "a program"),
    (re.compile(rb"ID3|OggS|fLaC|RIFF.{4}WAVE", re.DOTALL), "a sound file"),
    (re.compile(rb"version https://git-lfs"), "a Git LFS pointer: the file itself was not downloaded"),
    (re.compile(rb"\s*(<\?xml[^>]*>\s*)?(<!--.*?-->\s*)?<svg", re.DOTALL | re.IGNORECASE), "an SVG drawing"),
    (re.compile(rb"\s*<(!doctype html|html)", re.IGNORECASE), "a web page"),
)


def find_reader(data: bytes) -> tuple[str, Opener] | None:
    """Return the format's name and Pillow's reader for it, or None if the file has no accepted format.

    Args:
        data: the file, or at least its first 4 KB.
    """
    head = data[:64]
    for name, pattern, opener in _READERS:
        if pattern.match(head):
            return name, opener
    brands = _brands(data)
    if not brands & (_AVIF_BRANDS | _HEIC_BRANDS | _GENERAL_BRANDS):
        return None
    if brands & _AVIF_BRANDS:
        return "AVIF", AvifImagePlugin.AvifImageFile
    if not brands & _HEIC_BRANDS and b"av01" in data[:_ITEM_LIST]:
        return "AVIF", _open_unmarked_avif
    return "HEIC", HeifImageFile


def _brands(data: bytes) -> set[bytes]:
    """Return the brands of a file of the ISO base media format; empty for other files."""
    if data[4:8] != b"ftyp":
        return set()
    end = min(int.from_bytes(data[:4], "big"), _LIST_OF_BRANDS)
    return {data[8:12], *(data[place : place + 4] for place in range(16, end, 4))}


def _open_unmarked_avif(file: io.BytesIO) -> ImageFile:
    """Open an AVIF that names general brands alone; the reader insists on its own."""
    data = file.getvalue()
    return AvifImagePlugin.AvifImageFile(io.BytesIO(data[:8] + b"avif" + bytes(4) + b"avif" + data[20:]))


def usual_suffix(data: bytes) -> str:
    """Return the usual ending of a picture's format, by its content: ".jpg"; ".img" for no picture."""
    found = find_reader(data)
    if found is None:
        return ".img"
    return ".jpg" if found[0] == "JPEG" else f".{found[0].lower()}"


def looks_like(data: bytes) -> str | None:
    """Return what a file that is no accepted image seems to be ("a PDF"), or None."""
    head = data[:512]
    for pattern, words in _LOOKS_LIKE:
        if pattern.match(head):
            return words
    if head and not any(byte < 9 or 13 < byte < 32 for byte in head):
        return "a text file"
    return None
