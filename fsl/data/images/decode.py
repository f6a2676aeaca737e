"""Decode an image file that a user brings into an upright RGB picture of bounded size.

Every file that is uploaded, unpacked from a zip or named on the command line goes through
:func:`decode_image`. Whatever is wrong with it is raised as an :class:`~fsl.base.errors.ImageReadError`.
"""

from __future__ import annotations

import io
import re
import threading
import warnings
from collections.abc import Callable
from contextlib import nullcontext
from functools import partial

from PIL import ExifTags, Image
from PIL.ImageFile import ImageFile
from PIL.TiffImagePlugin import BITSPERSAMPLE, PHOTOMETRIC_INTERPRETATION, TiffImageFile

from fsl.base.errors import ImageReadError
from fsl.data.images.bit_depth import has_few_bits, scaled_up, stored_as, with_16_bits
from fsl.data.images.bounds import (
    DEFAULT_LIMITS,
    LARGE_BYTES,
    MEMORY_BYTES,
    MOST_PIXELS_OF_HEAVY_FORMATS,
    DecodeLimits,
    PictureRefused,
)
from fsl.data.images.colour import GreyRange, grey_range, is_wide, shrink_to_rgb
from fsl.data.images.jpeg_end import endings_to_try, lacks_end_mark
from fsl.data.images.memory import decoded_bytes
from fsl.data.images.planes import has_planes, joined_planes
from fsl.data.images.png import chunks_before_pixels, without_extras
from fsl.data.images.profiles import conversion_to_srgb
from fsl.data.images.signatures import ACCEPTED_FORMATS, find_reader, looks_like
from fsl.data.images.structure.formats import is_plain
from fsl.data.images.webp import with_true_size
from fsl.data.images.workers import ARE_AVAILABLE, Turn, decode_in_worker

# Pillow warns about odd metadata on the terminal, where the user of a page does not look. The filter is set
# once, because filters that change around each call would race between decoding threads.
warnings.filterwarnings("ignore", module=r"PIL\.")

_CUT_OFF = re.compile(
    r"truncat|unexpected end|not enough|buffer is not large|cannot read that much|EOF", re.I
)
_UNUSUAL = re.compile(r"unknown|unsupported|not (supported|installed)|cannot handle", re.I)

# Neither a damaged profile or text of a PNG nor a wrong size in a WebP's header must cost the picture.
_REPAIRS = {"PNG": without_extras, "WebP": with_true_size}
# Pillow's readers of these formats take 9 to 15 bytes a pixel.
_HUNGRY_FORMATS = frozenset({"WEBP", "AVIF", "HEIF"})
# A JPEG is decoded at no less than this multiple of the target size. A little below 2, the 4,000 or 4,032
# pixels of most phones are halved in less than half the time.
_DRAFT_FACTOR = 1.9
_MAX_SAMPLE_VALUE = 281  # of TIFF
_ONE_LARGE_AT_A_TIME = threading.Lock()

_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""The rotation or flip that makes a picture of each EXIF orientation upright; others need none."""


def decode_image(data: bytes, name: str, limits: DecodeLimits = DEFAULT_LIMITS) -> Image.Image:
    """Decode an image file to an upright RGB picture of at most ``limits.max_side`` pixels a side.

    File size and pixel count are checked before anything is decoded, and a JPEG is decoded at reduced scale.
    The EXIF orientation is applied, colours become sRGB, transparency is laid on white, 16-bit and float
    values are scaled to 8 bits, and an animation gives its first frame. Threads may call this at the same
    time; large pictures are decoded one at a time to bound the memory.

    Args:
        data: the whole file; its content decides the format, not its name.
        name: the file's name as the user knows it, for the message.
        limits: largest file and picture.

    Raises:
        ImageReadError: the file is empty, too large, incomplete, damaged or no image of an accepted format.
    """
    try:
        _check_bytes(data, limits)
        if _is_plain(data) or not ARE_AVAILABLE:
            return decode_here(data, limits, _turn_of_thread)
        try:
            return decode_in_worker(data, limits, _turn_of_thread)
        except OSError:  # no process can be started here
            return decode_here(data, limits, _turn_of_thread)
    except PictureRefused as refusal:
        raise ImageReadError(name, str(refusal)) from refusal


def decode_here(data: bytes, limits: DecodeLimits, turn: Turn) -> Image.Image:
    """Decode as :func:`decode_image` does, in this process and without its limits on time.

    Args:
        limits: largest file and picture.
        turn: gives the context in which a large picture is decoded.

    Raises:
        PictureRefused: the picture cannot be read; says why.
    """
    try:
        return _decode(data, limits, turn)
    except PictureRefused:
        raise
    except MemoryError as error:
        raise PictureRefused("it takes too much memory to decode") from error
    except Image.DecompressionBombError as error:
        raise PictureRefused(f"the picture is too large; {_pixel_limit(limits)}") from error
    except Exception as error:  # Pillow's readers raise nearly anything on a damaged file
        raise PictureRefused(_reason(error)) from error


def _turn_of_thread() -> threading.Lock:
    return _ONE_LARGE_AT_A_TIME


def _is_plain(data: bytes) -> bool:
    """Return whether a file can be decoded in this process; what is no picture is refused here as well."""
    found = find_reader(data)
    return found is None or is_plain(found[0], data)


def _decode(data: bytes, limits: DecodeLimits, turn: Turn) -> Image.Image:
    """Decode as :func:`decode_here` does, but let Pillow's exceptions through."""
    if not lacks_end_mark(data):
        return _decode_whole(data, limits, turn)
    completed = endings_to_try(data)
    if completed is None:
        raise PictureRefused("the file is cut off")
    one = _decode_whole(completed[0], limits, turn)
    if _decode_whole(completed[1], limits, nullcontext).tobytes() != one.tobytes():
        raise PictureRefused("the file is cut off")
    return one


def _decode_whole(data: bytes, limits: DecodeLimits, turn: Turn) -> Image.Image:
    with _open(data) as image:
        _check_pixels(image, limits)
        to_srgb = conversion_to_srgb(image, data)
        grey_of = _grey_range_stated(image, data)
        _repair_transparency(image)
        _draft(image, limits.max_side)
        stored = stored_as(image)
        with turn() if _check_memory(image, data) > LARGE_BYTES else nullcontext():
            loaded = _load(image, data, stored, limits.max_side)
            upright = _TURNS.get(_orientation(image))
            grey = grey_of(loaded) if is_wide(loaded) else None
            keep_inks = to_srgb is not None and image.mode == "CMYK"
            small = shrink_to_rgb(loaded, limits.max_side, grey, keep_inks)
    small = small if to_srgb is None else to_srgb(small)
    turned = small if upright is None else small.transpose(upright)
    # A copy holds the pixels alone: neither the file's bytes nor, without its info, the metadata.
    plain = turned.copy()
    plain.info = {}
    return plain


def _load(image: ImageFile, data: bytes, stored: str, max_side: int) -> Image.Image:
    """Load the pixels. Values with 16 bits per colour are scaled to the bits that the picture uses."""
    if has_planes(image):
        return joined_planes(image, data, max_side)
    image.load()
    return scaled_up(image, _open(data), stored) if has_few_bits(image, stored) else image


def _reason(error: Exception, what: str = "the file") -> str:
    """Say what an exception of Pillow means to the user."""
    if _CUT_OFF.search(str(error)):
        return f"{what} is cut off"
    if _UNUSUAL.search(str(error)):
        return f"{what} is of a kind that cannot be read here: save it as PNG or JPEG first"
    return f"{what} is damaged or incomplete"


def _check_bytes(data: bytes, limits: DecodeLimits) -> None:
    if not data:
        raise PictureRefused("the file is empty")
    if len(data) > limits.max_bytes:
        size, most = len(data) / 2**20, limits.max_bytes / 2**20
        raise PictureRefused(f"the file has {size:,.1f} MB; at most {most:,.4g} MB are accepted")


def _open(data: bytes) -> ImageFile:
    """Open the file, which reads only its header."""
    found = find_reader(data)
    if found is None:
        guess = looks_like(data)
        hint = f" (it looks like {guess})" if guess else ""
        raise PictureRefused(f"this is not an image{hint}; {ACCEPTED_FORMATS} are read")
    format_name, opener = found
    try:
        try:
            return with_16_bits(opener(io.BytesIO(data)))
        except (SyntaxError, ValueError, IndexError, OSError):
            if format_name not in _REPAIRS:
                raise
            return opener(io.BytesIO(_REPAIRS[format_name](data)))
    except (SyntaxError, IndexError, TypeError, KeyError, EOFError) as error:
        if len(data) < 100:
            raise PictureRefused("the file is cut off") from error
        raise PictureRefused(_reason(error, f"this {format_name}")) from error


def _check_pixels(image: ImageFile, limits: DecodeLimits) -> None:
    width, height = image.size
    if width < 1 or height < 1:
        raise PictureRefused("the picture has no pixels")
    count = f"the picture has {width * height / 1e6:,.4g} million pixels"
    if width * height > limits.max_pixels:
        raise PictureRefused(f"{count}; {_pixel_limit(limits)}")
    if image.format in _HUNGRY_FORMATS and width * height > MOST_PIXELS_OF_HEAVY_FORMATS:
        raise PictureRefused(
            f"{count}; of this format at most {MOST_PIXELS_OF_HEAVY_FORMATS / 1e6:g} million are accepted"
        )


def _pixel_limit(limits: DecodeLimits) -> str:
    return f"at most {limits.max_pixels / 1e6:,.4g} million are accepted"


def _check_memory(image: ImageFile, data: bytes) -> int:
    """Return the memory that decoding takes, in bytes; refuse a picture that takes too much."""
    needed, most = decoded_bytes(image, data), MEMORY_BYTES - len(data)
    if needed > most:
        raise PictureRefused(
            f"decoding it takes {needed / 2**20:,.0f} MB of memory; at most {most / 2**20:,.0f} MB are "
            "allowed: save it smaller, or as JPEG"
        )
    return needed


def _draft(image: ImageFile, max_side: int) -> None:
    """Let the JPEG decoder skip detail that shrinking would discard; other formats ignore this.

    The size requested has the picture's proportions, because Pillow goes by the side that shrinks least and
    would decode a long thin picture in full.
    """
    part = _DRAFT_FACTOR * max_side / max(image.size)
    if part < 1.0:
        image.draft(None, (max(1, int(image.width * part)), max(1, int(image.height * part))))


def _orientation(image: Image.Image) -> int:
    """Return the EXIF orientation, 1 to 8; 1 if there is none or the metadata is broken."""
    try:
        value = image.getexif().get(ExifTags.Base.Orientation, 1)
    except Exception:  # noqa: BLE001 - broken metadata must not cost the picture
        return 1
    return value if isinstance(value, int) else 1


def _grey_range_stated(image: ImageFile, data: bytes) -> Callable[[Image.Image], GreyRange]:
    """Return what finds the grey range of the loaded image, with what the file's header states."""
    if image.format == "PPM" and image.mode == "I" and stored_as(image) != "I;16B":
        return lambda _: GreyRange(0.0, 65535.0)  # Pillow scales any smaller maximum to this
    white, is_inverted = 0.0, False
    if isinstance(image, TiffImageFile) and image.mode.startswith("I;16"):
        stated = image.tag_v2.get(_MAX_SAMPLE_VALUE, 0)
        stated = stated[0] if isinstance(stated, tuple) and stated else stated
        has_twelve = image.tag_v2.get(BITSPERSAMPLE, (16,))[0] == 12
        white = 4095.0 if has_twelve else float(stated) if isinstance(stated, int) else 0.0
        is_inverted = image.tag_v2.get(PHOTOMETRIC_INTERPRETATION) == 0
    elif image.format == "PNG" and (bits := chunks_before_pixels(data).get(b"sBIT")):
        white = 2.0 ** bits[0] - 1
    return partial(grey_range, stated_white=white, is_inverted=is_inverted)


def _repair_transparency(image: ImageFile) -> None:
    """Scale a PNG's transparent colour like its pixels; Pillow leaves it on the scale of the file.

    Call this before the pixels are loaded, because only the unread tile says how they are stored.
    """
    key = image.info.get("transparency")
    if key is None or image.format != "PNG" or not image.tile:
        return
    stored = image.tile[0].args
    if isinstance(key, bytes):
        image.info["transparency"] = key[:256]
    elif stored == "RGB;16B" and isinstance(key, tuple):
        image.info["transparency"] = tuple(value >> 8 for value in key)
    elif stored in ("L;2", "L;4") and isinstance(key, int):
        image.info["transparency"] = min(255, key * (85 if stored == "L;2" else 17))
