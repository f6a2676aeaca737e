"""Classes and queries as immutable values."""

from __future__ import annotations

import pytest

from fsl.ui.shared.workspace import Workspace
from tests.helpers.pages import stored

A, B, C = stored("a"), stored("b"), stored("c")


def test_a_fresh_one_has_two_empty_classes() -> None:
    fresh = Workspace.fresh()
    assert [card.name for card in fresh.classes] == ["Class 1", "Class 2"]
    assert fresh.is_empty


def test_changes_leave_the_old_one_as_it_was() -> None:
    fresh = Workspace.fresh()
    changed, twice = fresh.with_pictures(0, [A, B])
    assert twice == []
    assert fresh.is_empty
    assert changed.card(0).pictures == (A, B)
    assert changed.without_picture(0, A.digest).card(0).pictures == (B,)
    assert changed.cleared(0).is_empty


def test_the_same_content_is_kept_once_within_a_place() -> None:
    once, _ = Workspace.fresh().with_pictures(None, [A])
    again, twice = once.with_pictures(None, [stored("a"), B])
    assert twice == ["a"]
    assert again.queries == (A, B)


def test_ids_are_never_used_twice() -> None:
    changed = Workspace.fresh().without_class(1).with_class("new")
    assert [card.id for card in changed.classes] == [0, 2]
    with pytest.raises(KeyError):
        changed.card(1)


def test_renaming_collapses_spaces_and_ignores_blanks() -> None:
    fresh = Workspace.fresh()
    assert fresh.renamed(0, "  ripe \n pear ").card(0).name == "ripe pear"
    assert fresh.renamed(0, "  ").card(0).name == "Class 1"


def test_filling_joins_classes_of_the_same_name_and_replaces_empty_ones() -> None:
    start, _ = Workspace.fresh().renamed(0, "pear").with_pictures(0, [A])
    filled, twice = start.filled({"pear": [A, B], "apple": [C]}, [C])
    assert [(card.name, card.pictures) for card in filled.classes] == [("pear", (A, B)), ("apple", (C,))]
    assert filled.queries == (C,)
    assert twice == ["a"]


def test_filling_with_one_class_leaves_room_for_another() -> None:
    filled, _ = Workspace.fresh().filled({"pear": [A]}, [])
    assert [bool(card.pictures) for card in filled.classes] == [True, False]


def test_contradictions_are_found() -> None:
    both, _ = Workspace.fresh().with_pictures(0, [A])
    both, _ = both.with_pictures(1, [A])
    assert both.shared_pictures() == [("a", "Class 1", "Class 2")]
    assert both.names_used_twice() == []
    assert both.renamed(1, "Class 1").names_used_twice() == ["Class 1"]
