"""Every kind of picture: pixel values against what was written, not against Pillow's own reading."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import ExifTags, Image

from fsl.base.errors import ImageReadError
from fsl.data.images.bounds import DecodeLimits
from fsl.data.images.colour import grey_range, shrink_to_rgb
from fsl.data.images.decode import decode_image
from fsl.data.images.signatures import IMAGE_SUFFIXES

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:PIL")

RNG = np.random.default_rng(7)
NOISE = RNG.integers(0, 256, (6, 9, 3), dtype=np.uint8)


def encoded(image: Image.Image, image_format: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, image_format, **options)
    return buffer.getvalue()


def smooth(width: int, height: int) -> Image.Image:
    """A picture that survives lossy compression."""
    x, y = np.meshgrid(np.linspace(0, 200, width), np.linspace(0, 200, height))
    return Image.fromarray(np.stack([x, y, 255 - (x + y) / 2], axis=-1).astype(np.uint8))


def decoded(data: bytes, **limits: int) -> np.ndarray:
    image = decode_image(data, "some file", DecodeLimits(**limits))
    assert image.mode == "RGB"
    return np.asarray(image)


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def hand_made_png(
    width: int, height: int, bits: int, colour: int, rows: list[bytes], *extra: tuple[bytes, bytes]
) -> bytes:
    """A PNG put together by hand from its specification: an oracle that Pillow's writer has no part in."""
    header = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0)
    body = b"".join(chunk(kind, content) for kind, content in extra)
    pixels = zlib.compress(b"".join(b"\0" + row for row in rows))
    end = chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + body + end


EVERY_MODE = ["1", "L", "P", "RGB", "RGBA", "CMYK", "YCbCr", "LAB", "HSV", "I", "F", "LA", "PA", "RGBX"]
EVERY_MODE += ["RGBa", "La", "I;16", "I;16L", "I;16B", "I;16N"]

# --- formats


@pytest.mark.parametrize("image_format", ["PNG", "BMP", "GIF", "TIFF", "PPM"])
def test_lossless_formats_keep_every_pixel(image_format: str) -> None:
    assert np.array_equal(decoded(encoded(Image.fromarray(NOISE), image_format)), NOISE)


def test_lossless_webp_keeps_every_pixel() -> None:
    assert np.array_equal(decoded(encoded(Image.fromarray(NOISE), "WEBP", lossless=True)), NOISE)


@pytest.mark.parametrize("image_format", ["JPEG", "WEBP", "AVIF"])
def test_lossy_formats_come_close(image_format: str) -> None:
    picture = smooth(64, 48)
    difference = decoded(encoded(picture, image_format)).astype(int) - np.asarray(picture)
    assert abs(difference).max() < 24


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"P1\n2 1\n1 0\n", [0, 255]),
        (b"P2\n# a comment\n3 1\n10\n0 5 10\n", [0, 128, 255]),
        (b"P4\n8 1\n\x0f", [255] * 4 + [0] * 4),
        (b"P5\n2 1\n255\n\x07\xf0", [7, 240]),
        (b"P5\n2 1\n65535\n" + struct.pack(">HH", 257 * 9, 65535), [9, 255]),
        (b"P5\n2 1\n1023\n" + struct.pack(">HH", 0, 1023), [0, 255]),
        (b"P5\n2 1\n65535\n" + struct.pack(">HH", 0, 257), [0, 1]),
    ],
)
def test_netpbm(text: bytes, expected: list[int]) -> None:
    assert abs(decoded(text)[0, :, 0].astype(int) - expected).max() <= 1


def test_a_float_map_is_scaled_from_0_to_1() -> None:
    data = b"Pf\n3 1\n-1.0\n" + struct.pack("<fff", 0.0, 0.5, 1.0)
    assert decoded(data)[0, :, 1].tolist() == [0, 128, 255]


def test_a_phones_multi_picture_file_gives_its_photo() -> None:
    photo, extra = smooth(32, 24), Image.new("RGB", (8, 8))
    data = encoded(photo, "MPO", save_all=True, append_images=[extra])
    assert decoded(data).shape == (24, 32, 3)


def test_the_name_does_not_decide_what_a_file_is() -> None:
    image = decode_image(encoded(Image.fromarray(NOISE), "PNG"), "holiday.jpg")
    assert np.array_equal(np.asarray(image), NOISE)


def test_suffixes_are_lower_case_with_a_dot() -> None:
    assert all(suffix == suffix.lower() and suffix.startswith(".") for suffix in IMAGE_SUFFIXES)
    assert {".jpg", ".jpeg", ".png", ".pgm", ".webp"} <= IMAGE_SUFFIXES


# --- modes


def test_sixteen_bit_grey_is_scaled_not_clipped() -> None:
    values = [0, 257, 32896, 65535, 300, 65278]
    data = hand_made_png(6, 1, 16, 0, [struct.pack(">6H", *values)])
    assert decoded(data)[0, :, 0].tolist() == [round(v / 257) for v in values]


@pytest.mark.parametrize(("byte_order", "inverted"), [("<", False), (">", False), ("<", True)])
def test_sixteen_bit_tiff(byte_order: str, inverted: bool) -> None:
    values = [0, 257, 32896, 65535]
    expected = [255 - v // 257 if inverted else v // 257 for v in values]
    assert decoded(hand_made_tiff(byte_order, 16, values, inverted))[0, :, 0].tolist() == expected


def hand_made_tiff(order: str, bits: int, values: list[int], white_is_zero: bool) -> bytes:
    """One row of 16-bit grey, uncompressed, from the TIFF specification."""
    pixels = struct.pack(f"{order}{len(values)}H", *values)
    fields = [(256, len(values)), (257, 1), (258, bits), (259, 1), (262, 0 if white_is_zero else 1)]
    fields += [(273, 8 + 2 + 12 * 9 + 4), (277, 1), (278, 1), (279, len(pixels))]
    table = b"".join(struct.pack(f"{order}HHIHH", tag, 3, 1, value, 0) for tag, value in fields)
    start = b"II*\0" if order == "<" else b"MM\0*"
    directory = struct.pack(f"{order}H", len(fields)) + table + struct.pack(f"{order}I", 0)
    return start + struct.pack(f"{order}I", 8) + directory + pixels


def test_a_kind_of_tiff_that_pillow_does_not_know() -> None:
    data = hand_made_tiff(">", 16, [0] * 40, True)
    with pytest.raises(ImageReadError, match="save it as PNG or JPEG"):
        decode_image(data, "x")


def test_twelve_bit_tiff_uses_its_own_range() -> None:
    packed = bytes([0xFF, 0xF8, 0x00, 0x00, 0x00, 0x00])  # 4095, 2048, 0, 0
    data = bytearray(hand_made_tiff("<", 12, [0] * 4, False))
    data[-8:] = packed + b"\0\0"
    assert decoded(bytes(data))[0, :, 0].tolist() == [255, 128, 0, 0]


@pytest.mark.parametrize("mode", ["I;16", "I;16L", "I;16B", "I;16N"])
def test_every_sixteen_bit_mode(mode: str) -> None:
    image = Image.new(mode, (2, 1))
    image.putpixel((0, 0), 65535)
    image.putpixel((1, 0), 257 * 100)
    assert np.asarray(shrink_to_rgb(image, 10))[0].tolist() == [[255] * 3, [100] * 3]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([0, 100, 255], [0, 100, 255]),
        ([0, 257 * 40, 65535], [0, 40, 255]),
        ([-100, 0, 100], [0, 128, 255]),
        ([0, 2**30, 2**31 - 1], [0, 128, 255]),
        ([7, 7, 7], [7, 7, 7]),
        ([-5, -5, -5], [128, 128, 128]),
    ],
)
def test_thirty_two_bit_integers(values: list[int], expected: list[int]) -> None:
    image = Image.fromarray(np.array([values], dtype=np.int32))
    assert image.mode == "I"
    assert abs(decoded(encoded(image, "TIFF"))[0, :, 2].astype(int) - expected).max() <= 1


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([0.0, 0.25, 1.0], [0, 64, 255]),
        ([0.0, 99.6, 200.0], [0, 100, 200]),
        ([-1.0, 0.0, 1.0], [0, 128, 255]),
        ([np.nan, 0.0, 1.0], [0, 0, 255]),
        ([np.inf, -np.inf, 0.5], [255, 0, 128]),
        ([np.nan, np.nan, np.nan], [0, 0, 0]),
        ([1e30, 2e30, 3e30], [0, 128, 255]),
    ],
)
def test_floats(values: list[float], expected: list[int]) -> None:
    image = Image.fromarray(np.array([values], dtype=np.float32))
    assert image.mode == "F"
    assert abs(decoded(encoded(image, "TIFF"))[0, :, 0].astype(int) - expected).max() <= 1


def test_one_bit_is_black_and_white() -> None:
    data = hand_made_png(8, 1, 1, 0, [bytes([0b10110001])])
    assert decoded(data)[0, :, 0].tolist() == [255, 0, 255, 255, 0, 0, 0, 255]


def test_palette() -> None:
    palette = bytes([10, 20, 30, 200, 100, 50])
    data = hand_made_png(2, 1, 8, 3, [b"\x01\x00"], (b"PLTE", palette))
    assert decoded(data)[0].tolist() == [[200, 100, 50], [10, 20, 30]]


def test_cmyk_jpeg_and_tiff() -> None:
    inks = np.zeros((16, 16, 4), np.uint8)
    inks[:, 8:] = [255, 0, 0, 0]  # the left half bare paper, the right half cyan
    image = Image.fromarray(inks, mode="CMYK")
    for data in (encoded(image, "JPEG", quality=95), encoded(image, "TIFF")):
        pixels = decoded(data).astype(int)
        assert abs(pixels[8, 3] - [255, 255, 255]).max() < 6
        assert abs(pixels[8, 12] - [0, 255, 255]).max() < 6


def test_lab_hsv_and_ycbcr() -> None:
    red = Image.new("RGB", (4, 4), (200, 30, 40))
    for mode in ("HSV", "YCbCr", "LAB"):
        pixel = np.asarray(shrink_to_rgb(red.convert(mode), 10))[0, 0].astype(int)
        assert abs(pixel - [200, 30, 40]).max() <= 4, mode
    assert abs(decoded(encoded(red.convert("LAB"), "TIFF"))[0, 0].astype(int) - [200, 30, 40]).max() <= 4


@pytest.mark.parametrize("mode", EVERY_MODE)
@pytest.mark.parametrize("max_side", [3, 1000])
def test_every_mode_of_pillow_converts(mode: str, max_side: int) -> None:
    image = shrink_to_rgb(Image.new(mode, (40, 20)), max_side)
    assert (image.mode, image.size) == ("RGB", (3, 2) if max_side == 3 else (40, 20))


def test_large_pictures_are_converted_in_bands_alike() -> None:
    """A picture over several bands, with a last band and last blocks that are not full."""
    values = RNG.integers(0, 256, (2503, 3001), dtype=np.uint8)
    whole = np.asarray(shrink_to_rgb(Image.fromarray(values), 100))
    step = 3001 // 200
    rows, columns = 2503 // step, 3001 // step
    blocks = values[: rows * step, : columns * step].reshape(rows, step, columns, step).mean(axis=(1, 3))
    assert whole.shape == (83, 100, 3)
    assert abs(float(whole.mean()) - float(blocks.mean())) < 0.5
    assert grey_range(Image.fromarray(values.astype(np.float32))).white == 255.0


# --- transparency, on white


def on_white(colour: list[int], alpha: int) -> list[int]:
    return [round((c * alpha + 255 * (255 - alpha)) / 255) for c in colour]


def assert_close(pixels: np.ndarray, expected: list[list[int]]) -> None:
    assert abs(pixels.astype(int) - np.array(expected)).max() <= 1


def test_rgba_and_grey_with_alpha() -> None:
    data = hand_made_png(3, 1, 8, 6, [bytes([9, 8, 7, 0, 200, 0, 0, 128, 1, 2, 3, 255])])
    assert_close(decoded(data)[0], [[255] * 3, on_white([200, 0, 0], 128), [1, 2, 3]])
    data = hand_made_png(3, 1, 8, 4, [bytes([9, 0, 100, 64, 5, 255])])
    assert_close(decoded(data)[0], [[255] * 3, on_white([100] * 3, 64), [5] * 3])


def test_sixteen_bit_with_alpha() -> None:
    row = struct.pack(">4H", 257 * 100, 65535, 0, 0)
    assert_close(decoded(hand_made_png(2, 1, 16, 4, [row]))[0], [[100] * 3, [255] * 3])
    row = struct.pack(">4H", 257 * 10, 257 * 20, 257 * 30, 257 * 128)
    assert_close(decoded(hand_made_png(1, 1, 16, 6, [row]))[0], [on_white([10, 20, 30], 128)])


@pytest.mark.parametrize(
    ("bits", "colour", "row", "key", "expected"),
    [
        (8, 0, bytes([50, 60]), struct.pack(">H", 50), [255, 60]),
        (1, 0, bytes([0b01000000]), struct.pack(">H", 0), [255, 255]),
        (1, 0, bytes([0b01000000]), struct.pack(">H", 1), [0, 255]),
        (2, 0, bytes([0b01100000]), struct.pack(">H", 1), [255, 170]),
        (4, 0, bytes([0x3A]), struct.pack(">H", 3), [255, 170]),
        (16, 0, struct.pack(">HH", 1000, 257 * 70), struct.pack(">H", 1000), [255, 70]),
        (8, 2, bytes([1, 2, 3, 9, 9, 9]), struct.pack(">3H", 1, 2, 3), [255, 9]),
        (
            16,
            2,
            struct.pack(">6H", 257, 514, 771, *[257 * 9] * 3),
            struct.pack(">3H", 257, 514, 771),
            [255, 9],
        ),
    ],
)
def test_a_transparent_colour(bits: int, colour: int, row: bytes, key: bytes, expected: list[int]) -> None:
    data = hand_made_png(2, 1, bits, colour, [row], (b"tRNS", key))
    assert decoded(data)[0, :, 0].tolist() == expected


@pytest.mark.parametrize("alphas", [b"\x00", b"\xff\x00", b"\x80\x40", b"\x80" * 300])
def test_a_palette_with_transparency(alphas: bytes) -> None:
    palette = bytes([10, 20, 30, 200, 100, 50])
    data = hand_made_png(2, 1, 8, 3, [b"\x00\x01"], (b"PLTE", palette), (b"tRNS", alphas))
    alpha = [*alphas[:2], 255][:2]
    assert_close(decoded(data)[0], [on_white([10, 20, 30], alpha[0]), on_white([200, 100, 50], alpha[1])])


def test_premultiplied_alpha() -> None:
    image = Image.new("RGBA", (1, 1), (200, 100, 0, 128))
    assert_close(np.asarray(shrink_to_rgb(image.convert("RGBa"), 9))[0], [on_white([200, 100, 0], 128)])


def test_shrinking_weighs_colours_by_their_alpha() -> None:
    """Half red, half transparent green: the green must not shine through."""
    pixels = np.zeros((400, 400, 4), np.uint8)
    pixels[:, :200] = [255, 0, 0, 255]
    pixels[:, 200:] = [0, 255, 0, 0]
    small = decoded(encoded(Image.fromarray(pixels), "PNG"), max_side=1)
    assert_close(small[0], [[255, 128, 128]])


# --- animation


@pytest.mark.parametrize("image_format", ["GIF", "PNG", "WEBP", "TIFF"])
def test_the_first_frame_of_an_animation(image_format: str) -> None:
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "lime", "blue")]
    options = {"lossless": True} if image_format == "WEBP" else {}
    data = encoded(frames[0], image_format, save_all=True, append_images=frames[1:], **options)
    assert decoded(data)[4, 4].tolist() == [255, 0, 0]


def test_a_transparent_gif_is_on_white() -> None:
    image = Image.new("P", (2, 1))
    image.putpalette([0, 0, 0, 200, 0, 0])
    image.putpixel((1, 0), 1)
    assert decoded(encoded(image, "GIF", transparency=0))[0].tolist() == [[255] * 3, [200, 0, 0]]


# --- orientation

UPRIGHT = np.arange(6, dtype=np.uint8).reshape(2, 3) * 40 + 10
STORED: dict[int, Callable[[np.ndarray], np.ndarray]] = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.T,
    6: lambda a: np.rot90(a, 1),
    7: lambda a: a[::-1, ::-1].T,
    8: lambda a: np.rot90(a, -1),
}
"""How a camera stores an upright picture for each orientation, from the EXIF table (row 0, column 0)."""


def with_orientation(value: int) -> Image.Exif:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = value
    return exif


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("image_format", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_the_picture_is_turned_upright_once(orientation: int, image_format: str) -> None:
    big = np.kron(UPRIGHT, np.ones((16, 16), np.uint8))
    stored = Image.fromarray(np.ascontiguousarray(STORED[orientation](big)))
    data = encoded(stored, image_format, exif=with_orientation(orientation))
    pixels = decoded(data)[8::16, 8::16, 0].astype(int)
    assert pixels.shape == UPRIGHT.shape
    assert abs(pixels - UPRIGHT).max() < 12


@pytest.mark.parametrize(
    "exif", [b"Exif\0\0", b"Exif\0\0rubbish", b"Exif\0\0II*\0\xff\xff\xff\xff", b"\0" * 50]
)
@pytest.mark.parametrize("image_format", ["JPEG", "PNG", "WEBP"])
def test_broken_metadata_does_not_cost_the_picture(exif: bytes, image_format: str) -> None:
    data = encoded(smooth(16, 8), image_format, exif=exif, icc_profile=b"no profile at all")
    assert decoded(data).shape == (8, 16, 3)


@pytest.mark.parametrize("value", [0, 9, 99])
def test_an_unknown_orientation_is_left_alone(value: int) -> None:
    assert decoded(encoded(smooth(16, 8), "JPEG", exif=with_orientation(value))).shape == (8, 16, 3)


# --- size


@pytest.mark.parametrize("size", [(1, 20000), (20000, 1), (3, 9000), (5000, 7)])
@pytest.mark.parametrize("image_format", ["PNG", "JPEG"])
def test_extreme_shapes(size: tuple[int, int], image_format: str) -> None:
    image = decode_image(encoded(Image.new("RGB", size, (10, 200, 30)), image_format), "thin")
    assert max(image.size) == 1024
    assert min(image.size) >= 1
    assert abs(np.asarray(image).astype(int) - [10, 200, 30]).max() < 8


@pytest.mark.parametrize("image_format", ["PNG", "JPEG"])
def test_large_pictures_shrink_in_proportion(image_format: str) -> None:
    picture = smooth(1500, 900)
    small = decoded(encoded(picture, image_format), max_side=100)
    assert small.shape == (60, 100, 3)
    expected = np.asarray(picture).reshape(60, 15, 100, 15, 3).mean(axis=(1, 3))
    assert abs(small - expected).max() < 6


def test_small_pictures_are_not_enlarged() -> None:
    assert decoded(encoded(Image.new("RGB", (3, 2)), "PNG")).shape == (2, 3, 3)


# --- files that are refused

CUT = {
    "JPEG": {},
    "progressive JPEG": {"progressive": True},
    "PNG": {},
    "GIF": {},
    "BMP": {},
    "WEBP": {},
    "TIFF": {},
    "LZW TIFF": {"compression": "tiff_lzw"},
    "PPM": {},
    "AVIF": {},
}


@pytest.mark.parametrize("kind", CUT)
def test_a_cut_file_is_refused_or_whole(kind: str) -> None:
    """Cut anywhere, a file gives an error, or, when only its trailer is gone, exactly the picture."""
    data = encoded(smooth(40, 30), kind.split()[-1], **CUT[kind])
    whole = decoded(data)
    for length in {*range(0, len(data), max(1, len(data) // 150)), *range(len(data) - 25, len(data))}:
        try:
            pixels = decoded(data[:length])
        except ImageReadError as error:
            assert error.reason
        else:
            assert length > len(data) - 25
            assert np.array_equal(pixels, whole)


def test_a_phones_photo_is_read_at_half_its_size_and_looks_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    noise = RNG.normal(0, 12, (3024, 4032, 1))
    photo = Image.fromarray((np.asarray(smooth(4032, 3024)) + noise).clip(0, 255).astype(np.uint8))
    data = encoded(photo, "JPEG", quality=90)
    sizes = []

    def noting(image: Image.Image, *options: object) -> Image.Image:
        sizes.append(image.size)
        return shrink_to_rgb(image, *options)

    monkeypatch.setattr("fsl.data.images.decode.shrink_to_rgb", noting)
    found = decoded(data)
    assert sizes == [(2016, 1512)]
    in_full = np.asarray(Image.open(io.BytesIO(data)).resize((1024, 768), Image.Resampling.BOX))
    assert found.shape == in_full.shape
    assert np.abs(found.astype(int) - in_full).mean() < 1.5


def test_a_cut_large_jpeg_is_refused_though_read_at_reduced_scale() -> None:
    data = encoded(smooth(3000, 2000), "JPEG")
    with pytest.raises(ImageReadError, match="cut off"):
        decoded(data[: len(data) // 2], max_side=100)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "the file is empty"),
        (b"%PDF-1.7 ...", "looks like a PDF"),
        (b"PK\x03\x04....", "looks like a zip"),
        (b"\0\0\0\x18ftypheic\0\0\0\0" + bytes(99), "this HEIC is"),
        (b"\0\0\0\x18ftypisom\0\0\0\0", "looks like a video"),
        (b"8BPS\0\x01", "Photoshop"),
        (b"<!DOCTYPE html><html>", "a web page"),
        (b'<?xml version="1.0"?>\n<svg xmlns="...">', "an SVG drawing"),
        (b"%!PS-Adobe-3.0 EPSF-3.0", "PostScript"),
        (b"MZ\x90\0", "a program"),
        (b"Dear all,\nthis is a letter.", "a text file"),
        (b"version https://git-lfs.github.com/spec/v1\noid", "Git LFS"),
        (b"\x13\x37\x00\x01\x02", "this is not an image; JPEG"),
        (b"\x89PNG\r\n\x1a\n", "cut off"),
    ],
)
def test_the_reason_names_what_it_is(data: bytes, reason: str) -> None:
    with pytest.raises(ImageReadError) as caught:
        decode_image(data, "apples/1.jpg")
    assert reason in caught.value.reason
    assert str(caught.value).startswith("apples/1.jpg: ")


def test_a_damaged_png_says_so() -> None:
    data = bytearray(encoded(Image.fromarray(NOISE), "PNG"))
    data[20] ^= 0xFF  # the header's width, whose checksum no longer fits
    with pytest.raises(ImageReadError, match="damaged or incomplete"):
        decode_image(bytes(data), "x")


def test_a_picture_without_pixels() -> None:
    with pytest.raises(ImageReadError):
        decode_image(b"P5\n0 5\n255\n", "x")


SEEDS = [encoded(smooth(20, 14), kind.split()[-1], **options) for kind, options in CUT.items()]
SEEDS.append(hand_made_png(2, 1, 8, 3, [b"\0\1"], (b"PLTE", bytes(6)), (b"tRNS", b"\x80\x40")))


@settings(max_examples=150, deadline=None)
@given(data=st.binary(max_size=200), start=st.sampled_from([b"", *(seed[:16] for seed in SEEDS)]))
def test_random_bytes_only_ever_raise_image_read_error(data: bytes, start: bytes) -> None:
    assert_picture_or_refusal(start + data)


@settings(max_examples=300, deadline=None)
@given(
    seed=st.sampled_from(SEEDS),
    edits=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), min_size=1, max_size=8),
)
def test_damaged_files_only_ever_raise_image_read_error(seed: bytes, edits: list[tuple[float, int]]) -> None:
    damaged = bytearray(seed)
    for place, value in edits:
        damaged[int(place * len(damaged))] = value
    assert_picture_or_refusal(bytes(damaged))


def assert_picture_or_refusal(data: bytes) -> None:
    try:
        image = decode_image(data, "some.png", DecodeLimits(max_pixels=1_000_000, max_side=64))
    except ImageReadError as error:
        assert error.name == "some.png"
        assert error.reason
    else:
        assert image.mode == "RGB"
        assert 1 <= min(image.size) <= max(image.size) <= 64
