"""Pictures that are there more than once."""

from __future__ import annotations

from fsl.data.copies import copies_notes, exact_copies


def test_groups_of_the_same_content() -> None:
    assert exact_copies("abcabd") == [(0, 3), (1, 4)]
    assert exact_copies([]) == exact_copies([b"1", b"2"]) == []


def test_copies_within_and_across_classes_are_told_apart() -> None:
    names = ["x/1", "x/2", "y/1", "y/2", "y/3"]
    (note,) = copies_notes(names, [name[0] for name in names], "aabca")
    assert "x/1 = x/2 = y/3" in note
    assert "one label is wrong" in note
    assert "flatters" not in note
    (note,) = copies_notes(names, [name[0] for name in names], "abccd")
    assert "flatters every test (y/1 = y/2)" in note
    assert copies_notes(names, names, "abcde") == ()
