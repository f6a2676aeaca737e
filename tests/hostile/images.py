"""Hostile pictures: cut, flipped, mislabelled, enormous, odd, and fine ones with hostile names."""

from __future__ import annotations

import io
import random
import struct
import zlib
from collections.abc import Iterator
from functools import cache

import numpy as np
from PIL import ExifTags, Image
from pillow_heif import register_heif_opener

from tests.hostile.inputs import Hostile

register_heif_opener()
FORMATS: dict[str, dict[str, object]] = {
    "JPEG": {},
    "PNG": {},
    "GIF": {},
    "BMP": {},
    "WEBP": {},
    "TIFF": {},
    "PPM": {},
    "AVIF": {},
    "HEIF": {},
}
MODES: dict[str, tuple[str, ...]] = {
    "PNG": ("1", "L", "LA", "P", "RGB", "RGBA", "I;16"),
    "TIFF": ("1", "L", "LA", "P", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr", "LAB", "I", "F", "I;16", "I;16B"),
    "JPEG": ("L", "RGB", "CMYK", "YCbCr"),
    "GIF": ("1", "L", "P", "RGB", "RGBA"),
    "WEBP": ("RGB", "RGBA"),
}
NAMES = (
    "<b>bold<b> <script>alert(1)<_script>.png",
    "![x](http:__example.com_x.png).png",
    "[a link](javascript:alert(1)).png",
    "$\\frac{1}{2}$ :smile: `code` ~~gone~~.png",
    "line\nbreak\r\tand tab.png",
    "\x1b[31mred\x1b[0m \x07bell.png",
    "\u202egnp.exe.png",
    "-rf --csv=x.png",
    '=HYPERLINK("http:__example.com").png',
    "%s%n{0}{name!r}.png",
    "'; drop table pictures; --.png",
    "a" * 240 + ".png",
    "CON.png",
    " spaces at both ends .png",
    "\U0001f34e\u0301\u200d\u2028.png",
    "not utf-8 \udcff\udcfe.png",
)


def encoded(image: Image.Image, image_format: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, image_format, **options)
    return buffer.getvalue()


def picture(seed: int = 0, width: int = 40, height: int = 30) -> Image.Image:
    """A smooth picture with some noise, different for each seed."""
    rng = np.random.default_rng(seed)
    x, y = np.meshgrid(np.linspace(0, 200, width), np.linspace(0, 200, height))
    plain = np.stack([x, y, 255 - (x + y) / 2], axis=-1) * 0.8
    return Image.fromarray(
        (plain + rng.uniform(0, 50, 3) + rng.normal(0, 2, plain.shape)).clip(0, 255).astype(np.uint8)
    )


@cache
def images() -> tuple[Hostile, ...]:
    """All of them. Encoding takes seconds, so they are kept for later calls."""
    kinds = (_cut, _flipped, _wrong_suffix, _no_images, _modes, _animated, _metadata, _shapes, _bombs, _names)
    return tuple(one for kind in kinds for one in kind())


def _names() -> Iterator[Hostile]:
    for number, name in enumerate(NAMES):
        yield Hostile("odd name", name, encoded(picture(900 + number), "PNG"), True)


def _cut() -> Iterator[Hostile]:
    for image_format, options in FORMATS.items():
        data = encoded(picture(), image_format, **options)
        for share in (0.005, 0.02, 0.1, 0.25, 0.5, 0.75, 0.9):
            yield Hostile(
                "cut off", f"cut at {share:.1%}.{image_format.lower()}", data[: int(len(data) * share)], False
            )
        yield Hostile("cut off", f"last byte gone.{image_format.lower()}", data[:-1])


def _flipped() -> Iterator[Hostile]:
    for image_format, options in FORMATS.items():
        data = encoded(picture(), image_format, **options)
        for seed in range(10):
            rng = random.Random(f"{image_format} {seed}")
            flipped = bytearray(data)
            for _ in range(1 + seed % 3):
                # Half of them near the start, where the headers are.
                place = rng.randrange(min(len(data), 120) if seed % 2 else len(data))
                flipped[place] ^= 1 << rng.randrange(8)
            yield Hostile("bits flipped", f"flipped {seed}.{image_format.lower()}", bytes(flipped))


def _wrong_suffix() -> Iterator[Hostile]:
    for number, image_format in enumerate(FORMATS):
        wrong = "jpg" if image_format != "JPEG" else "png"
        data = encoded(picture(100 + number), image_format)
        yield Hostile("wrong extension", f"really {image_format}.{wrong}", data, True)


def _no_images() -> Iterator[Hostile]:
    contents = {
        "empty.png": b"",
        "one byte.png": b"\x89",
        "text.png": b"Dear all,\nthis is no picture.\n",
        "page.jpg": b"<!DOCTYPE html><html><script>alert(1)</script>",
        "drawing.png": b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>',
        "paper.png": b"%PDF-1.7\n%\xe2\xe3",
        "eps.png": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(/etc/passwd) run",
        "phone.png": b"\0\0\0\x18ftypheic\0\0\0\0mif1heic",
        "film.png": b"\0\0\0\x18ftypisom\0\0\0\0",
        "program.png": b"MZ\x90\0" + bytes(200),
        "archive.png": b"PK\x03\x04" + bytes(60),
        "pointer.png": b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n",
        "pickle.png": b"\x80\x04\x95cposix\nsystem\n",
        "noise.png": random.Random(0).randbytes(4000),
        "zeros.png": bytes(4000),
        "only a signature.png": b"\x89PNG\r\n\x1a\n",
        "only a start.jpg": b"\xff\xd8\xff\xe0",
        "too many bytes.png": b"\x89PNG\r\n\x1a\n" + bytes(65 * 2**20),
    }
    for name, data in contents.items():
        yield Hostile("no picture", name, data, False)


def _modes() -> Iterator[Hostile]:
    for image_format, modes in MODES.items():
        for mode in modes:
            image = picture().convert("L") if mode.startswith("I;16") else picture()
            yield Hostile(
                "every mode",
                f"{mode.replace(';', ' ')}.{image_format.lower()}",
                encoded(image.convert(mode), image_format),
                True,
            )


def _animated() -> Iterator[Hostile]:
    frames = [picture(seed, 16, 12) for seed in range(4)]
    for image_format in ("GIF", "PNG", "WEBP", "TIFF", "MPO", "AVIF"):
        data = encoded(frames[0], image_format, save_all=True, append_images=frames[1:])
        yield Hostile("animated", f"four frames.{image_format.lower()}", data, True)
    many = [Image.new("L", (2, 2), number % 256) for number in range(500)]
    yield Hostile(
        "animated", "500 frames.gif", encoded(many[0], "GIF", save_all=True, append_images=many[1:]), True
    )
    yield Hostile(
        "animated", "500 pages.tiff", encoded(many[0], "TIFF", save_all=True, append_images=many[1:]), True
    )


def _metadata() -> Iterator[Hostile]:
    for image_format in ("JPEG", "PNG", "WEBP"):
        suffix = image_format.lower()
        for orientation in range(1, 9):
            exif = Image.Exif()
            exif[ExifTags.Base.Orientation] = orientation
            data = encoded(picture(orientation), image_format, exif=exif)
            yield Hostile("EXIF orientation", f"orientation {orientation}.{suffix}", data, True)
        broken = {
            "empty": b"Exif\0\0",
            "rubbish": b"Exif\0\0rubbish",
            "offset outside": b"Exif\0\0II*\0\xff\xff\xff\xff",
            "loop": b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x87\x69\0\x04\0\0\0\x01\0\0\0\x08\0\0\0\x08",
            "orientation 99": b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x63\0\0\0\0\0\0",
            "zeros": bytes(50),
            "count lies": b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\xff\xff\xff\xff\0\0\0\x08\0\0\0\0",
        }
        for name, exif_bytes in broken.items():
            data = encoded(picture(20), image_format, exif=exif_bytes)
            yield Hostile("corrupt EXIF", f"{name}.{suffix}", data, True)
        for name, profile in {"text": b"no profile", "zeros": bytes(200), "long": b"\xff" * 60_000}.items():
            data = encoded(picture(30), image_format, icc_profile=profile)
            yield Hostile("corrupt ICC", f"{name}.{suffix}", data, True)


def _shapes() -> Iterator[Hostile]:
    for size in ((1, 20_000), (20_000, 1), (1, 1), (3, 9_000)):
        for image_format in ("PNG", "JPEG", "TIFF", "BMP"):
            data = encoded(Image.new("RGB", size, (9, 99, 9)), image_format)
            yield Hostile("odd shape", f"{size[0]}x{size[1]}.{image_format.lower()}", data, True)
    no_pixels = {
        "png": png(0, 0),
        "no width.png": png(0, 9),
        "gif": b"GIF89a" + bytes(4) + b"\x80\0\0" + bytes(6) + b"," + bytes(9) + b"\x02\0;",
        "bmp": b"BM"
        + struct.pack("<IHHIIiiHHIIiiII", 60, 0, 0, 54, 40, 0, 0, 1, 24, 0, 0, 0, 0, 0, 0)
        + bytes(6),
        "ppm": b"P6\n0 0\n255\n",
        "pgm": b"P5\n0 5\n255\n",
    }
    for name, data in no_pixels.items():
        yield Hostile("no pixels", f"zero.{name}", data, False)


def _bombs() -> Iterator[Hostile]:
    small = encoded(Image.new("RGB", (8, 8)), "JPEG")
    frame = small.index(b"\xff\xc0")
    refused = {
        "30000x30000.png": png(30_000, 30_000),
        "greatest.png": png(2**31 - 1, 2**31 - 1),
        "65000x65000.jpg": small[: frame + 5] + struct.pack(">HH", 65_000, 65_000) + small[frame + 9 :],
        "60000x60000.gif": b"GIF89a"
        + struct.pack("<HH", 60_000, 60_000)
        + b"\xf0\0\0"
        + bytes(6)
        + b","
        + struct.pack("<4HB", 0, 0, 60_000, 60_000, 0)
        + b"\x02\x01\0\0;",
        "40000x40000.bmp": b"BM"
        + struct.pack("<IHHIIiiHHIIiiII", 100, 0, 0, 54, 40, 40_000, 40_000, 1, 24, 0, 0, 0, 0, 0, 0),
        "16383x16383.webp": b"RIFF"
        + struct.pack("<I", 30)
        + b"WEBPVP8X"
        + struct.pack("<I", 10)
        + bytes(4)
        + (16_382).to_bytes(3, "little") * 2
        + bytes(8),
        "50000x50000.ppm": b"P6\n50000 50000\n255\n" + bytes(100),
        "many digits.ppm": b"P6\n" + b"9" * 5000 + b" 1\n255\n",
        "promise not kept.png": png(9_000, 9_000),
        "many passes.jpg": jpeg_of_many_passes(),
        "loop.tiff": b"II*\0\x08\0\0\0\x01\0\0\x01\x03\0\x01\0\0\0\x05\0\0\0\x08\0\0\0",
        "tags.tiff": b"II*\0\x08\0\0\0\xff\xff" + b"\0\x01\x04\0\xff\xff\xff\xff\x08\0\0\0" * 3000,
    }
    for name, data in refused.items():
        yield Hostile("decompression bomb", name, data, False)
    allowed = {
        "9900x9900.png": encoded(Image.new("1", (9_900, 9_900)), "PNG", compress_level=1),
        "7000x7000 colour.png": encoded(Image.new("RGB", (7_000, 7_000)), "PNG", compress_level=1),
        "8000x8000.gif": encoded(Image.new("L", (8_000, 8_000)), "GIF"),
        "9000x9000.tiff": encoded(Image.new("L", (9_000, 9_000)), "TIFF", compression="tiff_lzw"),
        "3400x3400.webp": encoded(
            Image.new("RGB", (3_400, 3_400)), "WEBP", lossless=True, quality=0, method=0
        ),
    }
    for name, data in allowed.items():
        yield Hostile("decompression bomb", name, data, True)
    texts = {"text": b"zTXt", "profile": b"iCCP"}
    packed = b"name\0\0" + zlib.compress(bytes(200 * 2**20), 9)
    for name, kind in texts.items():
        yield Hostile("decompression bomb", f"{name} of 200 MB.png", png(4, 4, (kind, packed)))


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png(width: int, height: int, *extra: tuple[bytes, bytes]) -> bytes:
    """A PNG that states a size and holds next to no pixels."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    between = b"".join(chunk(kind, content) for kind, content in extra)
    pixels = chunk(b"IDAT", zlib.compress(b"\0" * 500))
    return b"\x89PNG\r\n\x1a\n" + header + between + pixels + chunk(b"IEND", b"")


def jpeg_of_many_passes(passes: int = 5_000) -> bytes:
    """A progressive JPEG whose last pass is repeated: few bytes, and each pass visits every block anew."""
    data = encoded(Image.new("L", (4_000, 4_000), 128), "JPEG", progressive=True)
    start, end = data.rindex(b"\xff\xda"), data.rindex(b"\xff\xd9")
    return data[:start] + data[start:end] * passes + data[end:]
