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
    """Return the app on its Learn page, not yet drawn."""
    return app.switch_page("pages/learn.py")


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


def test_next_and_back_walk_through_all_steps_and_each_leads_on(learn: AppTest) -> None:
    assert list(STEPS) == list(LEARN_STEPS)
    learn.run()
    for number, (key, step) in enumerate(STEPS.items()):
        if number:
            learn.button(key="learn_next").click().run()
        assert not learn.exception
        assert not learn.error
        assert learn.pills(key="learn_step_choice").value == key
        links = {link.proto.label: link.proto for link in learn.get("page_link")}
        link = links[step.link_label]
        assert f"pages/{link.page}.py" == step.page
        assert dict(parse_qsl(link.query_string)) == step.settings
    learn.button(key="learn_back").click().run()
    learn.switch_page("pages/classify.py").run()
    learn.switch_page("pages/learn.py").run()
    assert learn.pills(key="learn_step_choice").value == list(LEARN_STEPS)[-2]  # the page remembers


def test_an_unknown_step_is_the_first(learn: AppTest) -> None:
    assert at(learn, "<b>nonsense</b>").pills(key="learn_step_choice").value == next(iter(LEARN_STEPS))


def test_the_riddle_is_answered_by_reader_and_network(learn: AppTest) -> None:
    at(learn, "idea")
    assert "says" not in shown(learn)
    kinds = {tile["id"] for tile in grid(learn, "riddle_kinds")["tiles"]}
    outcomes = {}
    for guess in sorted(kinds):
        state(learn).guess = guess
        text = shown(learn.run())
        found = re.search(r"\*\*(Yes,|Not that one:) it is the (.+?)\.\*\*", text)
        assert found is not None
        outcomes[guess] = found[1]
        answer = found[2]
        assert "4-way 1-shot" in text
        assert ("You have just solved" in text) == (found[1] == "Yes,")
        said = re.search(r"The network saw the same 5 pictures and says \*\*(.+?)\*\*", text)
        assert said is not None
        assert said[1] in kinds
    assert answer in kinds
    assert outcomes == {guess: "Yes," if guess == answer else "Not that one:" for guess in kinds}


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
    at(learn.switch_page("pages/learn.py"), "twin")
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
    assert len(outputs) == 8
    assert all(0 <= output <= 1 for output in outputs)
    limit = float(re.search(r"above its limit of ([\d.]+)", shown(learn))[1])  # type: ignore[index]
    right = sum((output > limit) == bool(label) for label, output in zip(labels, outputs, strict=True))
    assert right > 4  # the first batch shows a network that has learned something
    assert f"gets **{right} of 8** pairs right" in shown(learn)
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
    learn.slider(key="learn_ways").set_value(3)
    learn.slider(key="learn_shots").set_value(4).run()
    tiles = grid(learn, "episode_examples")["tiles"]
    assert len(tiles) == 12
    assert len({tile["title"] for tile in tiles}) == 3
    similarities = [tile["bar"] for tile in tiles]
    assert similarities == sorted(similarities, reverse=True)
    assert f"Nearest: **{tiles[0]['title']}**" in shown(learn)
    learn.button(key="episode_many").click().run()
    measured = next(
        line for line in shown(learn).splitlines() if "in 500 tasks of 3 ways and 4 shots" in line
    )
    learn.run()
    assert measured in shown(learn)  # it stays


def test_the_reader_bets_and_then_plays_the_runs_from_their_start(learn: AppTest) -> None:
    at(learn, "rate")
    assert "stalled" not in shown(learn)
    learn.segmented_control(key="learn_bet").set_value(1e-4).run()
    text = shown(learn)
    assert "Not that one: it is 0.1." in text
    assert "ln 2, the answer 1/2 to every pair" in text
    assert "Try a lower rate: 0.01." in text
    assert "drawn fruit, 60% of the kinds" in text
    learn.segmented_control(key="learn_bet").set_value(0.1).run()
    assert "Right: it is 0.1." in shown(learn)
    player = component_data(learn, "learn_rate_player")
    assert player["steps"][0] == 0
    curve = component_data(learn, "learn_rate_curve")
    assert (curve["player"], curve["reveal"]) == (player["player"], True)
    low, high = (component_data(learn, f"learn_rate_map_{rate}") for rate in ("0.0001", "0.1"))
    assert len(low["labels"]) * 2 == len(low["xyz"]) == len(high["xyz"])
    assert low["motion"]["captions"][0].startswith("before training · test accuracy")
    assert low["motion"]["captions"][-1].startswith("learning · test accuracy 9")
    assert high["motion"]["captions"][-1] == "stalled · test accuracy 20%"
    assert set(high["motion"]["frames"][-1]) == {0}  # it has fallen onto a point


def test_the_limit_decides_who_is_let_in(learn: AppTest) -> None:
    at(learn, "faces")
    learn.slider(key="learn_limit").set_value(0.0).run()
    assert "0 false rejects" in shown(learn)
    assert "same ✗" in {tile["title"] for tile in grid(learn, "faces_others")["tiles"]}
    learn.slider(key="learn_limit").set_value(1.0).run()
    assert "0 false accepts" in shown(learn)
