"""The check of the examples on the Classify page: what it shows, and what can be done about it."""

import json
import time

import pytest
from streamlit.testing.v1 import AppTest

from fsl.index.nearest import nearest_by_lists
from tests.helpers.pages import drop_all, grid, reloaded, shown, state
from tests.helpers.pictures import COLOURS, noisy_png


def noisy(colour: str, *seeds: int) -> list[tuple[str, bytes]]:
    return [(f"{colour}-{seed}.png", noisy_png(COLOURS[colour], seed)) for seed in seeds]


def checked(page: AppTest) -> AppTest:
    """Open the check and wait for its findings."""
    page.button(key="check_toggle").click().run()
    deadline = time.monotonic() + 60
    while "checked" not in shown(page) and time.monotonic() < deadline:
        page.run()
    assert "checked" in shown(page)
    return page


def test_a_wrong_label_is_found_moved_and_brought_back(page: AppTest) -> None:
    odd = ("odd.png", noisy_png(COLOURS["blue"], 77))
    drop_all(page, class_0=[*noisy("red", *range(6)), odd], class_1=noisy("blue", *range(10, 16)))
    checked(page)
    assert "13 pictures of 2 classes checked: 1 label that is likely wrong" in shown(page)
    assert "Labelled **Class 1**, looks like **Class 2**" in shown(page)
    assert [tile["name"] for tile in grid(page, "classify_check_suspects")["tiles"]] == ["odd.png"]
    page.button(key="classify_check_move").click().run()
    assert [len(card.pictures) for card in state(page).workspace.classes] == [6, 7]
    state(page).bring_back()
    assert [len(card.pictures) for card in state(page).workspace.classes] == [7, 6]


def test_a_label_that_is_right_is_not_doubted_again(page: AppTest) -> None:
    odd = ("odd.png", noisy_png(COLOURS["blue"], 77))
    drop_all(page, class_0=[*noisy("red", *range(6)), odd], class_1=noisy("blue", *range(10, 16)))
    checked(page)
    page.button(key="classify_check_right").click().run()
    assert "Nothing suspicious was found" in shown(page)
    assert "Nothing suspicious was found" in shown(checked(reloaded(page, "pages/classify.py")))


def test_copies_across_classes_are_shown_first_and_one_can_go(
    page: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As from 30,000 pictures on, by lists, as `fsl check` does."""
    asked = []
    monkeypatch.setattr("fsl.index.nearest.LISTS_FROM", 2)
    by_lists = nearest_by_lists
    monkeypatch.setattr(
        "fsl.index.nearest.nearest_by_lists", lambda rows, k: asked.append(k) or by_lists(rows, k)
    )
    red, blue = noisy("red", *range(6)), noisy("blue", *range(10, 16))
    drop_all(page, class_0=[*red, ("again.png", blue[0][1])], class_1=blue)
    checked(page)
    assert len(asked) == 2  # by miniatures and by embeddings
    assert "1 picture that is there more than once" in shown(page)
    assert "one label is wrong" in shown(page)
    shown_copies = grid(page, "classify_check_copies_0")["tiles"]
    assert {tile["title"] for tile in shown_copies} == {"Class 1", "Class 2"}
    saved = page.get("download_button")
    assert any("Save the list" in json.dumps(one.proto.label) for one in saved)
