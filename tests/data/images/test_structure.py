"""Checks of a file's structure: usual files pass, any bytes come to an end, bombs are not called plain."""

from __future__ import annotations

import io
import struct
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import ExifTags, Image

from fsl.base.errors import ImageReadError
from fsl.data.images.bounds import PictureRefused
from fsl.data.images.decode import decode_image
from fsl.data.images.structure.formats import is_plain
from fsl.data.images.structure.jpeg import measure_jpeg
from fsl.data.images.structure.tags import exif_is_small, first_tags
from tests.hostile.costly import exif, progressive, tiff

FORMATS = {"JPEG": "JPEG", "PNG": "PNG", "GIF": "GIF", "BMP": "BMP", "WebP": "WEBP", "TIFF": "TIFF"}
FORMATS |= {"PPM": "PPM", "AVIF": "AVIF", "HEIC": "HEIF"}


def stored(image: Image.Image, image_format: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, image_format, **options)
    return buffer.getvalue()


@cache
def small(image_format: str) -> bytes:
    pixels = np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)
    return stored(Image.fromarray(pixels), image_format)


def photo(width: int = 640, height: int = 480) -> Image.Image:
    return Image.radial_gradient("L").resize((width, height)).convert("RGB")


@pytest.mark.parametrize("subsampling", [0, 1, 2])
@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"optimize": True, "quality": 100}])
def test_usual_jpegs_are_plain_and_measured_as_they_are(options: dict[str, object], subsampling: int) -> None:
    data = stored(photo(), "JPEG", subsampling=subsampling, **options)
    found = measure_jpeg(data)
    assert is_plain("JPEG", data)
    assert (found.width, found.height, found.bits, found.has_end) == (640, 480, 8, True)
    chroma = {0: 1.0, 1: 0.5, 2: 0.25}[subsampling]
    assert found.coefficients == 640 * 480 * (1 + 2 * chroma)
    assert found.passes == data.count(b"\xff\xda")  # a real one: no 0xFFDA in its tables


def test_photos_with_metadata_of_cameras_are_plain() -> None:
    details = Image.Exif()
    details[ExifTags.Base.Orientation] = 6
    details[ExifTags.Base.MakerNote] = bytes(20_000)
    for image_format in ("JPEG", "PNG"):
        data = stored(photo(), image_format, exif=details, icc_profile=bytes(3_000))
        assert is_plain(image_format, data)


def test_what_may_cost_much_is_not_plain() -> None:
    bomb = exif(400, 60_000)
    assert not exif_is_small(bomb)
    inner = struct.pack("<4sIHHHIII", b"II*\0", 8, 1, 0x8769, 4, 1, 26, 0) + bomb[8:]
    assert not exif_is_small(inner)
    assert not is_plain("JPEG", stored(photo(), "JPEG", exif=b"Exif\0\0" + bomb))
    assert not is_plain("PNG", stored(photo(), "PNG", exif=b"Exif\0\0" + bomb))
    assert not is_plain("JPEG", stored(photo(6_000, 5_000), "JPEG"))
    assert not is_plain("PNG", stored(Image.new("1", (6_000, 5_000)), "PNG"))
    assert not is_plain("JPEG", progressive(5_000, 14))
    assert not is_plain("JPEG", small("JPEG")[:-2])
    for image_format in ("GIF", "BMP", "WebP", "TIFF", "PPM", "AVIF", "HEIC"):
        assert not is_plain(image_format, small(FORMATS[image_format]))


def test_the_first_table_of_tags_is_read_as_pillow_reads_it() -> None:
    data = tiff(30, 20, bytes(600), {273: (4, [8, 308]), 278: (4, 10), 279: (4, [300, 300])})
    with Image.open(io.BytesIO(data)) as image:
        expected = {number: image.tag_v2[number] for number in image.tag_v2}
    found = {tag.number: tuple(tag.values(data, 9)) for tag in first_tags(data)}
    assert found == {n: v if isinstance(v, tuple) else (v,) for n, v in expected.items()}


@settings(max_examples=150, deadline=5_000)
@given(st.sampled_from(sorted(FORMATS)), st.data())
def test_any_change_of_a_file_is_read_or_refused_in_words(name: str, data: st.DataObject) -> None:
    """Half of the changes are near the start, where sizes and counts are."""
    whole = bytearray(small(FORMATS[name]))
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, min(len(whole), 160) - 1) | st.integers(0, len(whole) - 1))
        piece = data.draw(st.binary(min_size=1, max_size=8))
        whole[place : place + len(piece)] = piece
    try:
        assert is_plain(name, bytes(whole)) in (True, False)
    except PictureRefused as refusal:
        assert str(refusal)
    try:
        assert decode_image(bytes(whole), "x").mode == "RGB"
    except ImageReadError as error:
        assert error.reason


@settings(max_examples=300, deadline=400)
@given(st.sampled_from(sorted(FORMATS)), st.integers(2, 40), st.binary(max_size=400), st.integers(1, 2_000))
def test_the_checks_end_on_any_bytes(name: str, kept: int, tail: bytes, times: int) -> None:
    """A start that is right, and then the same bytes again and again."""
    try:
        assert is_plain(name, small(FORMATS[name])[:kept] + tail * times) in (True, False)
    except PictureRefused as refusal:
        assert str(refusal)
