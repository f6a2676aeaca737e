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

Opener = Callable[[io.BytesIO], ImageFile]

_JPEG_SUFFIXES = {".jpg", ".jpeg", ".jpe", ".jfif", ".mpo"}
_OTHER_SUFFIXES = {".png", ".apng", ".gif", ".bmp", ".webp", ".tif", ".tiff", ".avif"}
_NETPBM_SUFFIXES = {".pbm", ".pgm", ".ppm", ".pnm", ".pfm"}

IMAGE_SUFFIXES: frozenset[str] = frozenset(_JPEG_SUFFIXES | _OTHER_SUFFIXES | _NETPBM_SUFFIXES)
"""Endings of image files in a folder or zip, in lower case, with the dot."""

ACCEPTED_FORMATS = "JPEG, PNG, GIF, BMP, WebP, TIFF, AVIF or PPM/PGM"
"""The accepted formats, for messages."""

# A phone's multi-picture JPEG (MPO) opens as a plain JPEG: its first picture is the photo.
_READERS: tuple[tuple[str, re.Pattern[bytes], Opener], ...] = (
    ("JPEG", re.compile(rb"\xff\xd8\xff"), JpegImagePlugin.JpegImageFile),
    ("PNG", re.compile(rb"\x89PNG\r\n\x1a\n"), PngImagePlugin.PngImageFile),
    ("GIF", re.compile(rb"GIF8[79]a"), GifImagePlugin.GifImageFile),
    ("WebP", re.compile(rb"RIFF.{4}WEBP", re.DOTALL), WebPImagePlugin.WebPImageFile),
    ("TIFF", re.compile(rb"II[*+]\x00|MM\x00[*+]"), TiffImagePlugin.TiffImageFile),
    ("AVIF", re.compile(rb".{4}ftypavi[fs]", re.DOTALL), AvifImagePlugin.AvifImageFile),
    ("PPM", re.compile(rb"P[1-6f]\s"), PpmImagePlugin.PpmImageFile),
    ("BMP", re.compile(rb"BM"), BmpImagePlugin.BmpImageFile),
)

_LOOKS_LIKE: tuple[tuple[re.Pattern[bytes], str], ...] = (
    (re.compile(rb"%PDF"), "a PDF"),
    (re.compile(rb"PK(\x03\x04|\x05\x06|\x07\x08)"), "a zip or an office document"),
    (re.compile(rb"\x1f\x8b|7z\xbc\xaf|Rar!|BZh|\xfd7zXZ"), "a compressed archive"),
    (
        re.compile(rb".{4}ftyp(hei[cfsxm]|hev[cx]|mif1|msf1)", re.DOTALL),
        "a HEIC photo: save it as JPEG first",
    ),
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
    """Return the format's name and Pillow's reader for it, or None if the file has no accepted format."""
    head = data[:64]
    for name, pattern, opener in _READERS:
        if pattern.match(head):
            return name, opener
    return None


def looks_like(data: bytes) -> str | None:
    """Return what a file that is no accepted image seems to be ("a PDF"), or None."""
    head = data[:512]
    for pattern, words in _LOOKS_LIKE:
        if pattern.match(head):
            return words
    if head and not any(byte < 9 or 13 < byte < 32 for byte in head):
        return "a text file"
    return None
