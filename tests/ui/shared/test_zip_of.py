"""The zip of a page's own pictures is read as the same classes again, whatever they are called."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from hypothesis import example, given, settings
from hypothesis import strategies as st

from fsl.data.intake.layout import natural_key
from fsl.data.intake.listing import ImageEntry, Listing
from fsl.data.intake.paths import display_text
from fsl.data.intake.zips import list_zip
from fsl.data.source import listing_source
from fsl.ui.shared.sources import zip_of
from tests.helpers.pictures import picture

CONTENTS = [picture(colour, 4) for colour in ("red", "green", "blue", "white")]
NAMES = st.lists(st.text(min_size=1, max_size=12).map(display_text), min_size=1, max_size=5, unique=True)


@settings(max_examples=60, deadline=None)
@given(NAMES, st.text(max_size=10))
@example(["a/b", "a_b", "c"], "1.HEIC")
@example([".x", "..", "b"], "")
@example(["__MACOSX", "b", "c"], ".hidden")
@example(["train", "test", "val"], "project.json")
@example(["CON", "con", "Con", "a" * 300, " ", "."], "a/b")
@example(["few-shot-lab-classes.json", "苹果", "\\", "x.zip"], "x.zip")
def test_any_names_come_back(names: Sequence[str], file_name: str) -> None:
    entries = [
        ImageEntry(name, f"{n}/{file_name}", partial(CONTENTS.__getitem__, place))
        for n, name in enumerate(names)
        for place in range(2 + n % 3)
    ]
    source = listing_source("mine", "Mine", Listing(tuple(entries), ()))
    again = list_zip(zip_of(source), "my-classes.zip")
    assert again.problems == again.notes == ()
    assert again.class_names == tuple(sorted(names, key=natural_key))
    for name in names:
        read = [entry.read() for entry in again.entries if entry.class_name == name]
        assert read == [entry.read() for entry in entries if entry.class_name == name]
