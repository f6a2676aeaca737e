"""Files are written whole, whatever their names."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from fsl.base.files import write_atomically

NAMES = st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=255)


@settings(max_examples=60, deadline=None)
@given(NAMES.filter(lambda name: name not in (".", "..") and len(name.encode()) <= 255))
@example("a" * 255)
@example("\u00e9" * 127)
@example("\U0001f34e" * 63)
def test_a_file_may_have_any_name_that_the_system_takes(name: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for content in (b"first", b"second"):
            write_atomically(Path(folder, name), content)
            assert [(path.name, path.read_bytes()) for path in Path(folder).iterdir()] == [(name, content)]


@pytest.mark.parametrize("name", ["[a]*.csv", "n" * 251 + ".csv"])
def test_what_a_killed_process_left_is_removed_an_hour_later(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    left: set[Path] = set()
    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", lambda _: left.update(tmp_path.iterdir()))
        write_atomically(tmp_path / name, b"1")
    (temporary,) = left
    for age, remains in ((1_000, True), (4_000, False)):
        temporary.write_bytes(b"half")
        date = (tmp_path / name).stat().st_mtime - age
        os.utime(temporary, (date, date))
        write_atomically(tmp_path / name, b"2")
        assert temporary.exists() == remains
