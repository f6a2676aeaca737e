"""Hostile and huge files: refused before they are decoded, or decoded in little memory."""

from __future__ import annotations

import io
import struct
import subprocess
import sys
import time
import warnings
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFile

from fsl.base.errors import ImageReadError
from fsl.data.images.bounds import DecodeLimits, PictureRefused
from fsl.data.images.decode import decode_image
from fsl.data.images.structure.jpeg import measure_jpeg


def png_header(width: int, height: int) -> bytes:
    """A PNG that promises a size and then holds next to nothing."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return (
            struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
        )

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"\0" * 500)) + chunk(b"IEND", b"")


def jpeg_header(width: int, height: int) -> bytes:
    small = io.BytesIO()
    Image.new("RGB", (8, 8)).save(small, "JPEG")
    data = bytearray(small.getvalue())
    frame = data.index(b"\xff\xc0")
    data[frame + 5 : frame + 9] = struct.pack(">HH", height, width)
    return bytes(data)


BOMBS = {
    "PNG": png_header(30000, 30000),
    "PNG of the greatest size": png_header(2**31 - 1, 2**31 - 1),
    "JPEG": jpeg_header(65000, 65000),
    "GIF": b"GIF89a"
    + struct.pack("<HH", 60000, 60000)
    + b"\xf0\0\0"
    + bytes(6)
    + b","
    + struct.pack("<4HB", 0, 0, 60000, 60000, 0)
    + b"\x02\x01\x00\x00;",
    "BMP": b"BM" + struct.pack("<IHHIIiiHHIIiiII", 100, 0, 0, 54, 40, 40000, 40000, 1, 24, 0, 0, 0, 0, 0, 0),
    "WebP": b"RIFF"
    + struct.pack("<I", 30)
    + b"WEBPVP8X"
    + struct.pack("<I", 10)
    + b"\0\0\0\0"
    + (16382).to_bytes(3, "little")
    + (16382).to_bytes(3, "little")
    + bytes(8),
    "PPM": b"P6\n50000 50000\n255\n" + bytes(100),
    "PGM whose header lies by much": b"P5\n999999999 999999999\n255\n" + bytes(100),
}


@pytest.mark.parametrize("kind", BOMBS)
def test_a_lying_header_is_refused_at_once(kind: str) -> None:
    start = time.perf_counter()
    with pytest.raises(ImageReadError) as caught:
        decode_image(BOMBS[kind], "bomb")
    assert time.perf_counter() - start < 1.0
    assert kind == "WebP" or "million" in caught.value.reason


def test_the_pixel_message_has_both_numbers() -> None:
    with pytest.raises(ImageReadError) as caught:
        decode_image(png_header(20000, 20000), "wall.png")
    assert str(caught.value) == (
        "wall.png: the picture has 400 million pixels; at most 100 million are accepted"
    )


def test_a_promise_within_the_limit_that_is_not_kept() -> None:
    with pytest.raises(ImageReadError):
        decode_image(png_header(9000, 9000), "bomb")


def test_too_many_bytes() -> None:
    with pytest.raises(ImageReadError, match=r"the file has 2\.0 MB; at most 1 MB are accepted"):
        decode_image(bytes(2 * 2**20), "long", DecodeLimits(max_bytes=2**20))


def test_our_limits_hold_both_ways() -> None:
    data = io.BytesIO()
    Image.new("1", (1000, 1000)).save(data, "PNG")
    assert decode_image(data.getvalue(), "x", DecodeLimits(max_pixels=1_000_000)).size == (1000, 1000)
    with pytest.raises(ImageReadError):
        decode_image(data.getvalue(), "x", DecodeLimits(max_pixels=999_999))


def test_a_picture_between_pillows_limit_and_ours_gives_no_warning() -> None:
    """95 million pixels, above where Pillow warns; all zero, so small when packed."""
    data = io.BytesIO()
    Image.new("1", (10000, 9500), 1).save(data, "PNG")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        image = decode_image(data.getvalue(), "scan.png")
    assert image.size == (1024, 973)
    assert image.getextrema() == ((255, 255),) * 3


MEASURE = """
import resource, sys
from fsl.data.images.decode import decode_image
data = open(sys.argv[1], "rb").read()
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
image = decode_image(data, "large")
after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(image.width, image.height, (after - before) / 1024)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="peak memory is counted in other units elsewhere")
@pytest.mark.parametrize(
    ("mode", "image_format", "most_megabytes"), [("RGB", "JPEG", 80), ("1", "PNG", 160), ("P", "PNG", 160)]
)
def test_a_large_picture_takes_little_memory(
    tmp_path: Path, mode: str, image_format: str, most_megabytes: int
) -> None:
    """60 megapixels are 180 MB as plain RGB; the decoder must stay well below."""
    file = tmp_path / "large"
    Image.new(mode, (10000, 6000)).save(file, image_format)
    command = [sys.executable, "-c", MEASURE, str(file)]
    root = Path(__file__).parents[3]
    result = subprocess.run(command, capture_output=True, text=True, cwd=root, timeout=60, check=True)
    width, height, megabytes = result.stdout.split()
    assert (width, height) == ("1024", "614")
    assert float(megabytes) < most_megabytes


def test_many_threads_give_what_one_gives() -> None:
    rng = np.random.default_rng(1)
    files = []
    for image_format in ("JPEG", "PNG", "GIF", "WEBP", "TIFF", "BMP") * 10:
        buffer = io.BytesIO()
        Image.fromarray(rng.integers(0, 256, (40, 50, 3), dtype=np.uint8)).save(buffer, image_format)
        files.append(buffer.getvalue())
    alone = [decode_image(data, "x", DecodeLimits(max_side=16)).tobytes() for data in files]
    with ThreadPoolExecutor(8) as pool:
        together = pool.map(lambda data: decode_image(data, "x", DecodeLimits(max_side=16)).tobytes(), files)
        assert list(together) == alone


def test_pillows_settings_are_left_alone() -> None:
    before = Image.MAX_IMAGE_PIXELS
    with pytest.raises(ImageReadError):
        decode_image(BOMBS["PNG"], "bomb")
    assert before == Image.MAX_IMAGE_PIXELS
    assert ImageFile.LOAD_TRUNCATED_IMAGES is False


def jpeg(passes: int = 1, **options: object) -> bytes:
    """A small JPEG whose last pass is stored several times."""
    buffer = io.BytesIO()
    Image.new("RGB", (64, 64), (9, 99, 9)).save(buffer, "JPEG", **options)
    data = buffer.getvalue()
    start, end = data.rindex(b"\xff\xda"), data.rindex(b"\xff\xd9")
    return data[:start] + data[start:end] * passes + data[end:]


def test_passes_are_counted_where_the_decoder_finds_them() -> None:
    usual = measure_jpeg(jpeg(progressive=True)).passes
    assert measure_jpeg(jpeg()).passes == 1
    assert 5 <= usual <= 15
    assert measure_jpeg(jpeg(30, progressive=True)).passes == usual + 29
    with pytest.raises(PictureRefused, match="more than 200 passes"):
        measure_jpeg(jpeg(500, progressive=True))
    # Neither in the thumbnail inside the metadata, nor behind the end, where phones put a film.
    assert measure_jpeg(jpeg(exif=b"Exif\0\0" + jpeg(500)[:60_000])).passes == 1
    assert measure_jpeg(jpeg() + b"\xff\xda" * 500).passes == 1


def test_a_jpeg_of_very_many_passes_is_refused_and_a_progressive_one_is_not() -> None:
    assert decode_image(jpeg(progressive=True), "x").size == (64, 64)
    with pytest.raises(ImageReadError, match="more than 200 passes"):
        decode_image(jpeg(300, progressive=True), "x")


def test_a_large_webp_is_refused_before_it_is_decoded() -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (8_000, 6_000)).save(buffer, "WEBP", lossless=True, quality=0, method=0)
    with pytest.raises(ImageReadError, match="48 million pixels; of this format at most 40 million"):
        decode_image(buffer.getvalue(), "x")
