"""The Learn page through Streamlit's own test runner."""

from __future__ import annotations

import json
import re
from urllib.parse import parse_qsl

import pytest
from streamlit.testing.v1 import AppTest

from fsl.ui.pages.learn.page import STEPS
from fsl.ui.pages.learn.state import LearnState
from fsl.ui.shared.page_links import LEARN_STEPS
from tests.helpers.pages import component_data, drop, grid, shown
from tests.helpers.pictures import picture


@pytest.fixture
def learn(app: AppTest) -> AppTest:
    """The app on its Learn page, drawn once."""
    app.switch_page("pages/learn.py").run()
    return app


def at(page: AppTest, step: str) -> AppTest:
    page.query_params["step"] = step
    page.run()
    assert not page.exception
    return page


def state(page: AppTest) -> LearnState:
    held: LearnState = page.session_state["few_shot_lab_learn"]
    return held


def html_of(page: AppTest) -> str:
    return " ".join(element.proto.body for element in page.get("html"))


@pytest.mark.parametrize("step", LEARN_STEPS)
def test_every_step_stands_and_leads_on(learn: AppTest, step: str) -> None:
    at(learn, step)
    assert not learn.error
    assert state(learn).step == step
    doors = {link.proto.label: link.proto for link in learn.get("page_link")}
    door = doors[STEPS[step].link_label]
    assert f"pages/{door.page}.py" == STEPS[step].page
    assert dict(parse_qsl(door.query_string)) == STEPS[step].settings


def test_next_and_back_walk_through_all_and_the_page_remembers(learn: AppTest) -> None:
    for step in list(LEARN_STEPS)[1:]:
        learn.button(key="learn_next").click().run()
        assert state(learn).step == step
    learn.button(key="learn_back").click().run()
    learn.switch_page("pages/classify.py").run()
    learn.switch_page("pages/learn.py").run()
    assert state(learn).step == list(LEARN_STEPS)[-2]


def test_an_unknown_step_is_the_first(learn: AppTest) -> None:
    assert state(at(learn, "<b>nonsense</b>")).step == next(iter(LEARN_STEPS))


def test_the_riddle_is_answered_by_reader_and_network(learn: AppTest) -> None:
    at(learn, "idea")
    assert "says" not in shown(learn)
    state(learn).guess = grid(learn, "riddle_kinds")["tiles"][0]["id"]
    learn.run()
    text = shown(learn)
    assert "4-way 1-shot" in text
    assert "The network, which saw the same 5 pictures, says" in text
    assert "Yes: it is the" in text or "No: it is the" in text


def test_the_drawn_sum_is_the_similarity(learn: AppTest) -> None:
    at(learn, "twin")
    before = html_of(learn)
    assert len(re.findall(r"embedding: \d+ numbers", before)) == 2
    state(learn).left = grid(learn, "twin_left")["tiles"][1]["id"]
    learn.run()
    # The right picture is the same one now: no difference, so the sum is nothing.
    assert "sum +0.00" in html_of(learn)
    assert "sum +0.00" not in before


def test_pictures_of_the_classify_page_can_be_chosen(learn: AppTest) -> None:
    learn.switch_page("pages/classify.py").run()
    drop(learn, "class_0", ("<i>mine</i>.png", picture("red")))
    learn.switch_page("pages/learn.py").run()
    at(learn, "twin")
    tiles = grid(learn, "twin_left")["tiles"]
    state(learn).left = next(tile["id"] for tile in tiles if tile["name"] == "<i>mine</i>.png")
    learn.run()
    assert "&lt;i&gt;mine&lt;/i&gt;.png" in html_of(learn)
    assert "<i>mine" not in html_of(learn)


def test_a_batch_is_drawn_with_labels_and_outputs(learn: AppTest) -> None:
    at(learn, "pairs")
    code = learn.code[0].value
    labels = json.loads(code.splitlines()[0].partition("=")[2])
    outputs = json.loads(code.splitlines()[1].partition("=")[2])
    assert sorted(labels) == [0] * 4 + [1] * 4
    assert all(0 <= output <= 1 for output in outputs)
    assert html_of(learn).count("1 different") == 4
    learn.button(key="learn_batch").click().run()
    assert learn.code[0].value != code


def test_the_loss_follows_the_slider(learn: AppTest) -> None:
    at(learn, "loss")
    learn.slider(key="learn_difference").set_value(0.0).run()
    assert html_of(learn).count("loss 0.69") == 2
    learn.pills(key="learn_loss").set_value("contrastive").run()
    learn.slider(key="learn_distance").set_value(1.5).run()
    assert "leaves them as they are" in html_of(learn)  # different, and further apart than the margin


def test_ways_and_shots_make_the_episode(learn: AppTest) -> None:
    at(learn, "episode")
    learn.slider(key="learn_ways").set_value(3).run()
    learn.slider(key="learn_shots").set_value(4).run()
    tiles = grid(learn, "episode_examples")["tiles"]
    assert len(tiles) == 12
    assert len({tile["title"] for tile in tiles}) == 3
    notes = [float(tile["note"].split()[0]) for tile in tiles]
    assert notes == sorted(notes, reverse=True)
    assert f"Nearest: **{tiles[0]['title']}**" in shown(learn)
    learn.button(key="episode_many").click().run()
    assert "in 500 tasks of 3 ways and 4 shots" in shown(learn)
    learn.run()
    assert "in 500 tasks of 3 ways and 4 shots" in shown(learn)  # it stays


def test_the_reader_bets_before_the_curves_and_the_clock_can_be_stopped(learn: AppTest) -> None:
    at(learn, "rate")
    assert "stalled" not in shown(learn)
    learn.segmented_control(key="learn_bet").set_value(1e-4).run()
    text = shown(learn)
    assert "No: it is 0.1." in text
    assert "ln 2, the answer 1/2 to every pair" in text
    assert "pictures that this program draws, 60% of the kinds" in text
    learn.segmented_control(key="learn_bet").set_value(0.1).run()
    assert "Right: it is 0.1." in shown(learn)
    assert max(x for line in component_data(learn, "learn_rate_curve")["lines"] for x in line["x"]) == 300
    learn.slider(key="learn_batches").set_value(15).run()
    text = shown(learn)
    assert text.count("Too few batches so far to judge by (15).") == 2
    assert "times its start (0.608)" in text
    assert max(x for line in component_data(learn, "learn_rate_curve")["lines"] for x in line["x"]) == 15


def test_the_limit_decides_who_is_let_in(learn: AppTest) -> None:
    at(learn, "faces")
    learn.slider(key="learn_limit").set_value(0.0).run()
    assert "0 false rejects" in shown(learn)
    assert "same ✗" in {tile["title"] for tile in grid(learn, "faces_others")["tiles"]}
    learn.slider(key="learn_limit").set_value(1.0).run()
    assert "0 false accepts" in shown(learn)
