"""The home page through Streamlit's own test runner."""

from __future__ import annotations

import threading

import pytest
from streamlit.testing.v1 import AppTest

from fsl.ui.shared.frame import PAGES
from fsl.ui.shared.page_links import LEARN_STEPS
from fsl.ui.shared.resources import WarmUp, warm_up
from tests.helpers.networks import LIMIT
from tests.helpers.pages import grid, shown


@pytest.fixture
def home(app: AppTest) -> AppTest:
    """The app on its home page, after torch was loaded."""
    app.run()
    assert warm_up().done.wait(timeout=60)
    app.run()
    assert not app.exception
    return app


def test_an_answer_is_there_without_a_click(home: AppTest) -> None:
    tiles = {tile["title"]: tile for tile in grid(home, "home_examples")["tiles"]}
    similarities = {name: tile["bar"] for name, tile in tiles.items()}
    assert len(similarities) == 4
    best = max(similarities, key=similarities.__getitem__)
    (headline,) = [line for line in shown(home).splitlines() if line.startswith("## ")]
    if similarities[best] >= LIMIT:
        assert headline.startswith(f"## Most like {best}: ")
    else:
        assert headline == "## Unknown: none of your classes"
    assert "Your pictures are not sent to any other service" in shown(home)


def test_another_picture_has_another_answer_and_opens_on_the_classify_page(home: AppTest) -> None:
    queries = grid(home, "home_queries")["tiles"]
    before = grid(home, "home_examples")["tiles"]
    home.session_state["few_shot_lab_home_picture"] = queries[1]["id"]
    home.run()
    assert grid(home, "home_queries")["selected"] == queries[1]["id"]
    assert grid(home, "home_examples")["tiles"] != before
    home.button(key="home_open").click().run()
    assert not home.exception
    workspace = home.session_state["few_shot_lab"].workspace
    assert [len(card.pictures) for card in workspace.classes] == [1] * 4
    assert [query.digest for query in workspace.queries] == [query["id"] for query in queries]
    assert home.session_state["few_shot_lab"].selected == queries[1]["id"]


def test_nothing_moves_when_the_answer_arrives(app: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Until torch is there each example has caption and bar already, and a skeleton the answer's room."""
    loading = WarmUp(threading.Event())
    monkeypatch.setattr("fsl.ui.pages.home.example.warm_up", lambda: loading)
    app.run()
    assert not app.exception
    assert len(app.get("skeleton")) == 1
    assert {(tile["note"], tile["bar"]) for tile in grid(app, "home_examples")["tiles"]} == {("…", 0)}
    loading.done.set()
    app.run()
    assert not app.get("skeleton")
    assert "…" not in {tile["note"] for tile in grid(app, "home_examples")["tiles"]}


def test_the_answer_comes_if_torch_is_loaded_while_the_page_is_drawn(
    app: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = WarmUp(threading.Event())

    def loaded_after_a_look() -> WarmUp:
        looked = WarmUp(threading.Event())
        if state.done.is_set():
            looked.done.set()
        state.done.set()
        return looked

    monkeypatch.setattr("fsl.ui.pages.home.example.warm_up", loaded_after_a_look)
    monkeypatch.setattr("fsl.ui.pages.home.page.warm_up", lambda: WarmUp(state.done))
    app.run()
    assert not app.exception
    assert not app.get("skeleton")


def test_every_page_and_step_has_a_door(home: AppTest) -> None:
    links = [link.proto for link in home.get("page_link")]
    pages = {link.page for link in links}
    assert {page.partition("/")[2][:-3] for page in PAGES if "/" in page} <= pages
    steps = {link.query_string for link in links if link.page == "learn"}
    assert {f"step={step}" for step in LEARN_STEPS} <= steps
