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


def test_filling_keeps_an_empty_class_that_a_correction_names() -> None:
    start, _ = Workspace.fresh().with_class("new").with_pictures(None, [A])
    filled, _ = start.corrected([A.digest], 2).filled({"pear": [B]}, [C])
    assert [card.name for card in filled.classes] == ["new", "pear"]
    assert filled.to_learn() == {2: [A]}


def test_contradictions_are_found() -> None:
    both, _ = Workspace.fresh().with_pictures(0, [A])
    both, _ = both.with_pictures(1, [A])
    assert both.shared_pictures() == [("a", "Class 1", "Class 2")]
    assert both.names_used_twice() == []
    assert both.renamed(1, "Class 1").names_used_twice() == ["Class 1"]


def labelled() -> Workspace:
    """Two classes with a picture each, and queries B and C: B is of the first class, C of none."""
    start, _ = Workspace.fresh().with_pictures(0, [A])
    start, _ = start.with_pictures(None, [B, C])
    return start.corrected([B.digest, "digest of no query"], 0).corrected([C.digest], None)


def test_corrections_are_kept_for_queries_alone_and_go_with_their_class() -> None:
    start = labelled()
    assert start.corrections == {B.digest: 0, C.digest: None}
    assert start.corrected([B.digest], 1).corrections == {B.digest: 1, C.digest: None}
    assert start.uncorrected([C.digest]).corrections == {B.digest: 0}
    assert start.without_class(0).corrections == {C.digest: None}
    assert start.without_picture(None, B.digest).corrections == {C.digest: None}
    with pytest.raises(KeyError):
        start.corrected([B.digest], 7)


def test_what_was_corrected_joins_its_class_and_stays_a_query() -> None:
    start = labelled()
    assert start.to_learn() == {0: [B]}
    learned = start.learned()
    assert learned.card(0).pictures == (A, B)
    assert learned.queries == (B, C)
    assert learned.to_learn() == {}
    assert learned.corrections == start.corrections


def test_learning_and_correcting_can_be_taken_back_and_what_came_since_stays() -> None:
    start = labelled()
    learned = start.learned()
    later, _ = learned.corrected([C.digest], 1).with_pictures(1, [C])
    back = later.with_back(start, learned)
    assert back.card(0).pictures == (A,)
    assert back.card(1).pictures == (C,)
    assert back.corrections == {B.digest: 0, C.digest: 1}

    bulk = start.corrected([B.digest, C.digest], 1)
    changed = bulk.corrected([B.digest], None)
    assert changed.with_back(start, bulk).corrections == {B.digest: None, C.digest: None}

    gone = start.without_class(0)
    assert gone.with_back(start, gone).corrections == start.corrections
    cleared = start.cleared(None)
    assert cleared.with_back(start, cleared).corrections == start.corrections
