"""Pictures as people bring them: from phones, cameras, microscopes and tools that leave things out."""

from __future__ import annotations

import io
import struct
import zlib
from contextlib import nullcontext

import numpy as np
import pillow_heif
import pytest
from PIL import ExifTags, Image, ImageCms, TiffImagePlugin

from fsl.base.errors import ImageReadError
from fsl.data.images.bounds import DEFAULT_LIMITS, PictureRefused
from fsl.data.images.decode import decode_here, decode_image
from tests.helpers.cmyk_profile import cmyk_icc, srgb_of_inks
from tests.helpers.colour_spaces import SPACES, from_srgb, grey_icc, rgb_icc

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:PIL")


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def heic(image: Image.Image, **options: object) -> bytes:
    buffer = io.BytesIO()
    pillow_heif.from_pillow(image).save(buffer, quality=-1, chroma=444, **options)
    return buffer.getvalue()


def decoded(data: bytes) -> np.ndarray:
    return np.asarray(decode_image(data, "some file")).astype(int)


def smooth(width: int = 64, height: int = 48) -> Image.Image:
    x, y = np.meshgrid(np.linspace(0, 200, width), np.linspace(0, 200, height))
    return Image.fromarray(np.stack([x, y, 255 - (x + y) / 2], axis=-1).astype(np.uint8))


def patch(colour: np.ndarray, side: int = 32) -> Image.Image:
    return Image.fromarray(np.tile(colour.astype(np.uint8), (side, side, 1)))


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png(image: Image.Image, *chunks: bytes) -> bytes:
    """Return a PNG with chunks put behind its header."""
    plain = encoded(image, "PNG")
    return plain[:33] + b"".join(chunks) + plain[33:]


# --- HEIC, and brands of the container that it shares with AVIF


def test_a_phones_photo_in_8_and_10_bits() -> None:
    expected = np.asarray(smooth())
    assert abs(decoded(heic(smooth())) - expected).mean() < 3
    wide = (expected.astype(np.uint16) * 257).astype("<u2")
    ten = pillow_heif.from_bytes("RGB;16", (64, 48), wide.tobytes())
    buffer = io.BytesIO()
    ten.save(buffer, quality=90)
    assert pillow_heif.open_heif(buffer.getvalue(), convert_hdr_to_8bit=False).info["bit_depth"] > 8
    assert abs(decoded(buffer.getvalue()) - expected).mean() < 3


@pytest.mark.parametrize("orientation", [3, 6])
def test_a_heic_is_turned_upright_once(orientation: int) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    upright = np.rot90(np.asarray(smooth()), 2 if orientation == 3 else -1)
    found = decoded(heic(smooth(), exif=exif.tobytes()))
    assert found.shape == upright.shape
    assert abs(found - upright).mean() < 3


def test_a_heic_has_the_bounds_of_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    data = heic(smooth())
    with pytest.raises(ImageReadError, match=r"cut off|damaged"):
        decode_image(data[: len(data) // 2], "half")
    monkeypatch.setattr("fsl.data.images.decode.MOST_PIXELS_OF_HEAVY_FORMATS", 64 * 48 - 1)
    monkeypatch.setattr(pillow_heif.HeifImageFile, "load", lambda _: pytest.fail("it was decoded"))
    with pytest.raises(PictureRefused, match="of this format at most"):
        decode_here(data, DEFAULT_LIMITS, nullcontext)


BRANDS = {
    "AVIF": [
        [b"avif"],
        [b"mif1", b"avif"],
        [b"mif1", b"miaf", b"MA1B", b"avif"],
        [b"mif1"],
    ],
    "HEIC": [[b"heic"], [b"mif1", b"heic"], [b"heix", b"mif1"], [b"mif1"]],
}


@pytest.mark.parametrize(
    ("kind", "brands"), [(kind, some) for kind, every in BRANDS.items() for some in every]
)
def test_any_of_the_brands_may_say_what_it_is(kind: str, brands: list[bytes]) -> None:
    data = encoded(smooth(), "AVIF", quality=100) if kind == "AVIF" else heic(smooth())
    room = int.from_bytes(data[:4], "big") - 16
    data = data[:8] + brands[0] + bytes(4) + b"".join(brands)[:room].ljust(room, b"x") + data[16 + room :]
    assert abs(decoded(data) - np.asarray(smooth())).mean() < 4


# --- files that lack a formality


@pytest.mark.parametrize(
    "options", [{}, {"progressive": True}, {"restart_marker_blocks": 2}, {"subsampling": 0}]
)
@pytest.mark.parametrize("extra", [b"", b"\xff", b"\0" * 20])
def test_a_jpeg_without_its_end_mark_is_whole(options: dict[str, object], extra: bytes) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (70, 90, 3), dtype=np.uint8)
    data = encoded(Image.fromarray(noise), "JPEG", **options)
    assert np.array_equal(decoded(data[:-2] + extra), decoded(data))
    for length in [*range(len(data) - 60, len(data) - 3, 3), len(data) // 2, len(data) // 3]:
        with pytest.raises(ImageReadError, match="cut off"):
            decode_image(data[:length], "cut")


def test_a_progressive_jpeg_without_its_last_passes_is_refused() -> None:
    data = encoded(smooth(), "JPEG", progressive=True, quality=95)
    scans = [place for place in range(len(data)) if data[place : place + 2] == b"\xff\xda"]
    for scan in scans[1:]:
        with pytest.raises(ImageReadError, match="cut off"):
            decode_image(data[:scan], "cut")


@pytest.mark.parametrize("options", [{"lossless": True}, {"quality": 80}, {"exif": b"Exif\0\0MM\0*"}])
def test_a_webp_whose_header_states_another_size_is_whole(options: dict[str, object]) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (41, 57, 3), dtype=np.uint8)
    data = encoded(Image.fromarray(noise), "WEBP", **options)
    for stated in (0, len(data) - 9, len(data) - 10, len(data) + 500, 2**32 - 1):
        lying = data[:4] + stated.to_bytes(4, "little") + data[8:]
        assert np.array_equal(decoded(lying), decoded(data))
        with pytest.raises(ImageReadError):
            decode_image(lying[: len(data) // 2], "cut")


def test_a_webp_may_lack_the_byte_that_pads_it() -> None:
    data = b""
    for side in range(40, 60):
        data = encoded(Image.new("RGB", (side, side), (side, 9, 200)), "WEBP", lossless=True)
        if data[16] % 2:
            break
    assert data[16] % 2
    assert np.array_equal(decoded(data[:-1]), decoded(data))


# --- 9 to 14 bits in 16


def tiff(values: np.ndarray, **tags: int) -> bytes:
    info = TiffImagePlugin.ImageFileDirectory_v2()
    if "most" in tags:
        info[281] = tags["most"]
        info.tagtype[281] = 3
    return encoded(Image.fromarray(values), "TIFF", tiffinfo=info)


@pytest.mark.parametrize("bits", [9, 10, 12, 14])
def test_greys_of_few_bits_keep_their_contrast(bits: int) -> None:
    grey = np.asarray(smooth().convert("L"))
    wide = np.rint(grey / 255.0 * (2**bits - 1)).astype(np.uint16)
    pictures = {
        "PNG": encoded(Image.fromarray(wide), "PNG"),
        "PNG with sBIT": png(Image.fromarray(wide), chunk(b"sBIT", bytes([bits]))),
        "TIFF": tiff(wide),
        "big-endian TIFF": encoded(Image.frombytes("I;16B", (64, 48), wide.astype(">u2").tobytes()), "TIFF"),
        "TIFF with a maximum": tiff(wide // 3, most=(2**bits - 1) // 3),
        "32-bit TIFF": encoded(Image.fromarray(wide.astype(np.int32)), "TIFF"),
        "float TIFF": encoded(Image.fromarray(wide.astype(np.float32)), "TIFF"),
        "PGM": b"P5\n64 48\n%d\n" % (2**bits - 1) + wide.astype(">u2").tobytes(),
        "PGM with the largest maximum": b"P5\n64 48\n65535\n" + wide.astype(">u2").tobytes(),
    }
    for kind, data in pictures.items():
        assert abs(decoded(data)[..., 0] - grey).max() <= 2, kind


def test_scaled_greys_with_few_significant_bits_use_all_16() -> None:
    """As the PNG standard would have it: sBIT says what the values had before they were scaled."""
    scaled = (np.asarray(smooth().convert("L")).astype(np.uint16) * 257) & 0xFFC0
    data = png(Image.fromarray(scaled), chunk(b"sBIT", b"\x0a"))
    assert abs(decoded(data)[..., 0] - np.asarray(smooth().convert("L"))).max() <= 1


@pytest.mark.parametrize("bits", [10, 12, 16])
@pytest.mark.parametrize("alpha", ["", "of the same bits", "of all bits"])
@pytest.mark.parametrize("channels", [1, 3])
def test_values_of_few_bits_keep_their_contrast(bits: int, alpha: str, channels: int) -> None:
    picture = np.asarray(smooth())[..., :channels]
    wide = np.rint(picture / 255.0 * (2**bits - 1)).astype(np.uint16)
    if alpha:
        most = 65535 if alpha == "of all bits" else 2**bits - 1
        wide = np.dstack([wide, np.full(wide.shape[:2], most, np.uint16)])
    rows = b"".join(b"\0" + row.tobytes() for row in wide.astype(">u2"))
    header = struct.pack(">IIBBBBB", 64, 48, 16, (2 if channels == 3 else 0) + 4 * bool(alpha), 0, 0, 0)
    data = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    assert abs(decoded(b"\x89PNG\r\n\x1a\n" + data) - picture).max() <= 2


# --- colour spaces

COLOUR = np.array([[[200, 110, 80]]])
WRITERS = {
    "PNG": {},
    "JPEG": {"quality": 100, "subsampling": 0},
    "WEBP": {"lossless": True},
    "TIFF": {},
    "AVIF": {"quality": 100},
}


@pytest.mark.parametrize("space", SPACES)
@pytest.mark.parametrize("kind", [*WRITERS, "HEIC", "BMP", "GIF"])
def test_a_profile_is_converted_in_every_format(kind: str, space: str) -> None:
    icc, image = rgb_icc(*SPACES[space]), patch(from_srgb(COLOUR, *SPACES[space]))
    if kind == "HEIC":
        data = heic(image, icc_profile=icc, icc_profile_type="prof", save_nclx_profile=False)
    elif kind == "BMP":
        pixels = np.asarray(image)[::-1, :, ::-1].tobytes()
        head = (
            struct.pack("<IiiHHIIiiII", 124, 32, 32, 1, 24, 0, len(pixels), 0, 0, 0, 0) + bytes(16) + b"DEBM"
        )
        head = head.ljust(112, b"\0") + struct.pack("<II", 124 + len(pixels), len(icc)) + bytes(4)
        data = b"BM" + struct.pack("<IHHI", 138 + len(pixels) + len(icc), 0, 0, 138) + head + pixels + icc
    elif kind == "GIF":
        plain = encoded(image.quantize(4), "GIF")
        blocks = b"".join(bytes([len(b)]) + b for b in (icc[i : i + 255] for i in range(0, len(icc), 255)))
        start = 13 + 3 * 2 ** ((plain[10] & 7) + 1)
        data = plain[:start] + b"!\xff\x0bICCRGBG1012" + blocks + b"\0" + plain[start:]
    else:
        data = encoded(image, kind, icc_profile=icc, **WRITERS[kind])
    assert abs(decoded(data)[16, 16] - COLOUR[0, 0]).max() <= (6 if kind in ("HEIC", "AVIF") else 3)


def stated(kind: str) -> bytes:
    """Return a picture of ``COLOUR`` whose format, and no profile, states the space."""
    space = "Adobe RGB" if kind in ("gAMA and cHRM", "EXIF 2", "EXIF R03") else "Display P3"
    image = patch(from_srgb(COLOUR, *SPACES[space]))
    if kind == "gAMA and cHRM":
        primaries = (31270, 32900, 64000, 33000, 21000, 71000, 15000, 6000)
        gamma = chunk(b"gAMA", struct.pack(">I", round(100_000 * 256 / 563)))
        return png(image, gamma, chunk(b"cHRM", struct.pack(">8I", *primaries)))
    if kind == "cICP":
        return png(image, chunk(b"cICP", bytes([12, 13, 0, 1])))
    if kind == "AVIF":
        data = encoded(image, "AVIF", quality=100)
        place = data.index(b"colrnclx") + 8
        return data[:place] + struct.pack(">HH", 12, 13) + data[place + 4 :]
    if kind == "HEIC":
        return heic(image, color_primaries=12, transfer_characteristics=13)
    exif = Image.Exif()
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.ColorSpace] = 2 if kind == "EXIF 2" else 0xFFFF
    if kind == "EXIF R03":
        exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.IFD.Interop] = {1: "R03"}
    return encoded(image, "JPEG", quality=100, subsampling=0, exif=exif)


@pytest.mark.parametrize("kind", ["gAMA and cHRM", "cICP", "AVIF", "HEIC", "EXIF 2", "EXIF R03"])
def test_what_the_format_states_counts_without_a_profile(kind: str) -> None:
    assert abs(decoded(stated(kind))[16, 16] - COLOUR[0, 0]).max() <= 6


@pytest.mark.parametrize("bits", [8, 16])
def test_a_grey_profile(bits: int) -> None:
    light = np.arange(256) / 255
    stored = (light * (2**bits - 1)).round().astype(np.uint8 if bits == 8 else np.uint16)[None]
    expected = np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055) * 255
    found = decoded(encoded(Image.fromarray(stored), "PNG", icc_profile=grey_icc(1.0)))
    assert abs(found[0, :, 1] - expected).max() <= 3


@pytest.mark.parametrize("inks", [(0, 0, 0, 0), (255, 0, 0, 0), (0, 0, 0, 128), (128, 64, 191, 64)])
def test_inks_are_converted_by_their_profile(inks: tuple[int, ...]) -> None:
    image, icc = Image.new("CMYK", (32, 32), inks), cmyk_icc()
    for data in (
        encoded(image, "JPEG", quality=100, icc_profile=icc),
        encoded(image, "TIFF", icc_profile=icc),
    ):
        assert abs(decoded(data)[5, 5] - srgb_of_inks(np.array(inks))).max() <= 4


def test_the_profile_of_a_cmyk_picture_that_is_none_leaves_it_as_it_is() -> None:
    inks = Image.new("CMYK", (32, 32), (255, 0, 0, 0))
    for icc in (rgb_icc(*SPACES["Display P3"]), b"no profile"):
        assert decoded(encoded(inks, "JPEG", quality=95, icc_profile=icc))[16, 16].tolist() == [0, 255, 255]


def test_the_usual_profile_changes_nothing() -> None:
    noise = np.random.default_rng(1).integers(0, 256, (40, 40, 3), dtype=np.uint8)
    icc = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    assert np.array_equal(decoded(encoded(Image.fromarray(noise), "PNG", icc_profile=icc)), noise)
    usual = (chunk(b"gAMA", struct.pack(">I", 45455)), chunk(b"sRGB", b"\0"))
    for chunks in (usual, usual[:1]):
        assert np.array_equal(decoded(png(Image.fromarray(noise), *chunks)), noise)


PROFILE = rgb_icc(*SPACES["Display P3"])


@pytest.mark.parametrize("kind", WRITERS)
@pytest.mark.parametrize(
    "icc", [b"\0", PROFILE[:200], PROFILE[:-300], b"x" * 5000, PROFILE[:36] + b"abcd" + PROFILE[40:]]
)
def test_a_damaged_profile_does_not_cost_the_picture(kind: str, icc: bytes) -> None:
    data = encoded(smooth(), kind, icc_profile=icc, **WRITERS[kind])
    assert abs(decoded(data) - np.asarray(smooth())).mean() < 20


@pytest.mark.parametrize(
    "extra",
    [
        chunk(b"iCCP", b"x\0\0" + zlib.compress(bytes(3 * 2**20))),
        chunk(b"iCCP", b"x\0\7" + zlib.compress(PROFILE)),
        chunk(b"iCCP", b""),
        chunk(b"iCCP", b"x\0\0" + zlib.compress(PROFILE))[:-1] + b"?",
        chunk(b"cHRM", bytes(32)),
        chunk(b"gAMA", bytes(4)),
        chunk(b"sBIT", b""),
    ],
)
def test_a_damaged_chunk_about_colours_does_not_cost_the_picture(extra: bytes) -> None:
    assert np.array_equal(decoded(png(smooth(), extra)), np.asarray(smooth()))
