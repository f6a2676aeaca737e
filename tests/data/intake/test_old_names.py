"""Names of files in zips: old character sets, and the Unicode Path field."""

from __future__ import annotations

import struct
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fsl.data.intake import old_names
from fsl.data.intake.layout import natural_key
from fsl.data.intake.zips import list_zip

OLD_NAMES = [
    ("gbk", ["苹果", "香蕉"]),
    ("gbk", ["红色汽车", "狗", "猫"]),
    ("gb18030", ["苹果", "㐀"]),  # the second has four bytes
    ("cp932", ["ソース", "表"]),
    ("cp932", ["りんご", "バナナ", "予定表"]),
    ("cp950", ["蘋果", "香蕉", "功能"]),
    ("cp950", ["許蓋功", "水果"]),
    ("cp949", ["사과", "바나나"]),
    ("cp949", ["고양이", "강아지", "딸기"]),
    ("cp1252", ["café", "naïve"]),
    ("cp1252", ["Äpfel", "Müsli", "Straße"]),
    ("cp850", ["Müller", "crème"]),
    ("cp437", ["Äpfel", "Birnen"]),
    ("cp850", ["pão", "maçã"]),
    ("cp437", ["café", "jalapeño"]),
    ("cp866", ["яблоко", "груша"]),
    ("cp1251", ["Яблоко", "собаки"]),
    ("koi8_r", ["яблоко", "кошка"]),
    ("cp1253", ["μήλο", "γάτα"]),
    ("cp737", ["μήλο", "γάτα"]),
    ("cp1255", ["תפוח", "כלב"]),
    ("cp1250", ["jabłko", "gruszka żółta"]),
]


def old_zip(names: list[str], charset: str, field: str = "") -> bytes:
    """Return a zip whose names are in an old character set, and maybe in UTF-8 in the field 0x7075."""
    body, directory = b"", b""
    for name in names:
        raw = name.encode(charset)
        checksum = zlib.crc32(raw) + (field == "of another name")
        path = {"fits": name, "escapes": f"../{name}"}.get(field, "wrong/1.png")
        content = struct.pack("<BL", 1, checksum % 2**32) + path.encode()
        extra = struct.pack("<HH", 0x7075, len(content)) + content if field else b""
        sizes = (zlib.crc32(b"x"), 1, 1, len(raw), len(extra))
        head = struct.pack("<HHHHHLLLHH", 20, 0, 0, 0, 33, *sizes)
        directory += b"PK\1\2" + struct.pack("<H", 20) + head
        directory += struct.pack("<HHHLL", 0, 0, 0, 32, len(body)) + raw + extra
        body += b"PK\3\4" + head + raw + extra + b"x"
    end = struct.pack("<HHHHLLH", 0, 0, len(names), len(names), len(directory), len(body), 0)
    return body + directory + b"PK\5\6" + end


@pytest.mark.parametrize(("charset", "names"), OLD_NAMES)
@pytest.mark.parametrize("field", ["", "of another name"])
def test_names_in_old_character_sets(charset: str, names: list[str], field: str) -> None:
    files = [f"{name}/{n}.png" for name in names for n in (1, 2)]
    listing = list_zip(old_zip(files, charset, field), "old.zip")
    assert listing.class_names == tuple(sorted(names, key=natural_key))
    assert sorted(entry.name for entry in listing.entries) == sorted(files)
    assert {entry.read() for entry in listing.entries} == {b"x"}
    (note,) = listing.notes
    assert note.startswith("The names in old.zip are in an old character set")


@pytest.mark.parametrize(
    ("charset", "word"), [("cp932", "りんご"), ("cp1251", "Яблоко"), ("cp949", "고양이")]
)
def test_of_very_many_names_some_are_judged(charset: str, word: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each character of each set is looked at, so all names of a large zip would take minutes."""
    judged = []
    likelihood = old_names._likelihood
    monkeypatch.setattr(
        old_names, "_likelihood", lambda text, name: judged.append(len(text)) or likelihood(text, name)
    )
    files = [f"{word}{n % 7}/{f'{word} ' * 12}{n}.png" for n in range(2_000)]
    texts, found = old_names.decode_names([file.encode(charset) for file in files])
    assert (texts, found) == (files, charset)
    assert max(judged) <= 10_000


def test_the_unicode_path_field_is_taken_and_judged_like_any_path() -> None:
    names = ["苹果/1.png", "香蕉/1.png"]
    listing = list_zip(old_zip(names, "gbk", "fits"))
    assert ([entry.name for entry in listing.entries], listing.notes) == (names, ())
    listing = list_zip(old_zip(names, "gbk", "escapes"))
    assert [problem.reason for problem in listing.problems] == ["its path leads out of the folder"] * 2


TWO_BYTES = {
    charset: [
        text
        for lead in range(0x81, 0xFF)
        for text in [bytes([lead, 0x5C]).decode(charset, "ignore")]
        if len(text) == 1 and text != "\\" and text.isalpha()
    ]
    for charset in ("gbk", "cp932", "cp950")
}


@settings(max_examples=60, deadline=None)
@given(st.sampled_from([*TWO_BYTES]), st.lists(st.integers(0, 10**6), min_size=1, max_size=6))
def test_half_a_character_is_never_a_slash(charset: str, numbers: list[int]) -> None:
    every = TWO_BYTES[charset]
    name = "".join(every[number % len(every)] for number in numbers)
    (entry,) = list_zip(old_zip([f"{name}/1.png"], charset)).entries
    assert entry.name.count("/") == 1
