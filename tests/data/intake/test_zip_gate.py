"""The gate that every zip passes: nothing else opens one, and no list of files costs much."""

from __future__ import annotations

import ast
import io
import tempfile
import zipfile
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fsl.base.errors import DataError, ImageReadError
from fsl.data.intake.array_gate import check_arrays
from fsl.data.intake.zip_gate import ImportLimits, check_room, open_zip, read_member
from fsl.data.intake.zips import list_zip
from tests.hostile.archives import GOOD, list_of_files, zipped

ROOT = Path(__file__).resolve().parents[3]


def test_nothing_else_opens_a_zip_for_reading() -> None:
    """Each call of ``ZipFile`` outside of the gate names the mode "w"."""
    opened = {
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in (ROOT / "fsl").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("ZipFile")
        if not (len(node.args) > 1 and ast.unparse(node.args[1]) == "'w'")
    }
    assert opened == set()


@settings(max_examples=200, deadline=500)
@given(st.data())
def test_a_changed_list_of_files_is_read_or_refused_in_words(data: st.DataObject) -> None:
    whole = bytearray(zipped(GOOD))
    start = whole.index(b"PK\x01\x02")
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(start, len(whole) - 1))
        piece = data.draw(st.binary(min_size=1, max_size=8))
        whole[place : place + len(piece)] = piece
    try:
        with open_zip(bytes(whole), "x.zip") as archive:
            for info in archive.infolist():
                try:
                    assert len(read_member(archive, info, "one")) <= info.file_size
                except ImageReadError as error:
                    assert error.reason == "this part of the zip is damaged"
    except DataError as error:
        assert str(error).startswith("x.zip: ")


def test_a_name_that_is_not_in_utf8_costs_its_own_file_only() -> None:
    names = ("é/1.png", "good/1.png", "good/2.png")
    data = zipped(dict.fromkeys(names, b"content")).replace("é".encode(), b"\xe9\xe9")
    listing = list_zip(data, "x.zip")
    readable = [entry for entry in listing.entries if entry.name in names]
    assert [(entry.name, entry.read()) for entry in readable] == [(name, b"content") for name in names[1:]]
    assert len(listing.entries) == 3


def test_the_list_that_is_checked_is_the_list_that_is_read() -> None:
    """Two last records: whichever the reader goes by, its list has passed the check."""
    small = zipped(GOOD)
    for data in (list_of_files(150_000) + small, small + list_of_files(150_000)):
        try:
            with open_zip(data, "two.zip") as archive:
                assert len(archive.infolist()) <= 100_000
        except DataError as error:
            assert "more than 100,000 files" in str(error) or "damaged" in str(error)


def test_room_is_counted_for_what_the_zip_weighs() -> None:
    infos = [zipfile.ZipInfo(f"{n}.png") for n in range(10)]
    for info in infos:
        info.file_size = 30 * 2**20
    assert check_room(infos, 300 * 2**20, "x.zip") == 300 * 2**20
    assert check_room(infos, 16 * 2**20, "x.zip") == 300 * 2**20
    with pytest.raises(DataError, match=r"x\.zip: .* 300 MB, which is 300 times its size"):
        check_room(infos, 2**20, "x.zip")
    with pytest.raises(DataError, match="at most 200 MB are accepted"):
        check_room(infos, 300 * 2**20, "x.zip", ImportLimits(max_unpacked_bytes=200 * 2**20))


@settings(max_examples=100, deadline=500)
@given(st.integers(0, 200), st.binary(min_size=1, max_size=6))
def test_arrays_of_any_header_are_checked_without_taking_their_memory(place: int, piece: bytes) -> None:
    file = io.BytesIO()
    np.save(file, np.arange(12).reshape(3, 4))
    whole = bytearray(file.getvalue())
    whole[place : place + len(piece)] = piece
    with tempfile.TemporaryDirectory() as folder, suppress(ValueError, EOFError, OSError):
        path = Path(folder, "changed.npy")
        path.write_bytes(bytes(whole))
        check_arrays(path, 2**20)
        assert np.load(path, allow_pickle=False).nbytes <= len(whole)
