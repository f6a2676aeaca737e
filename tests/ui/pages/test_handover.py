"""From page to page with one click or one link: nothing to upload, choose or set twice."""

from __future__ import annotations

import shutil
from pathlib import Path
from urllib.parse import parse_qsl

import pytest
from streamlit.testing.v1 import AppTest

from fsl.training.run_folder import public_name
from tests.helpers.pages import drop, fill, map_data, shown, start, state, wait_until_over
from tests.helpers.pictures import picture


@pytest.fixture
def compare(app: AppTest) -> AppTest:
    """The app on its Compare page, with its example."""
    app.switch_page("pages/compare.py").run()
    app.button(key="compare_example").click().run()
    assert not app.exception
    return app


def address_of(page: AppTest) -> dict[str, str]:
    """The settings in the page's address."""
    return {
        name: values[0] if isinstance(values, list) else values for name, values in page.query_params.items()
    }


def follow(page: AppTest, label: str) -> AppTest:
    """Click a link with settings."""
    path, _, settings = links(page)[label].partition("?")
    page.switch_page(f"pages/{path}.py")
    for name, value in parse_qsl(settings):
        page.query_params[name] = value
    page.run()
    assert not page.exception
    return page


def links(page: AppTest) -> dict[str, str]:
    """Where the page's links with settings lead, by their words."""
    return {
        link.proto.label: f"{link.proto.page}?{link.proto.query_string}"
        for link in page.get("page_link")
        if link.proto.query_string
    }


def drop_two_classes(page: AppTest) -> None:
    """Drop two red and two blue pictures as classes."""
    for number, colour in enumerate(["red", "blue"]):
        drop(page, f"class_{number}", *[(f"{number}{i}.png", picture(colour, 20 + i)) for i in range(2)])


def test_a_link_sets_network_rule_and_limit(page: AppTest) -> None:
    fill(page)
    page.query_params["network"] = "small-two"
    page.query_params["rule"] = "max"
    page.query_params["limit"] = "0.33"
    page.run()
    assert not page.exception
    assert page.selectbox(key="checkpoint").value == "small-two"
    assert page.selectbox(key="rule").value == "max"
    assert page.slider(key="threshold").value == 0.33


def test_the_address_follows_the_settings(page: AppTest) -> None:
    fill(page)
    page.selectbox(key="checkpoint").set_value("small-two").run()
    page.slider(key="threshold").set_value(0.5).run()
    assert address_of(page) == {"network": "small-two", "limit": "0.50"}
    page.run()
    assert page.selectbox(key="checkpoint").value == "small-two"


def test_nonsense_in_an_address_changes_nothing(page: AppTest) -> None:
    fill(page)
    before = (page.selectbox(key="checkpoint").value, page.slider(key="threshold").value)
    for name, value in {"network": "<b>no</b>", "rule": "worst", "limit": "nan"}.items():
        page.query_params[name] = value
    page.run()
    assert not page.exception
    assert (page.selectbox(key="checkpoint").value, page.slider(key="threshold").value) == before


def test_fine_tuning_is_one_click_from_the_classes(page: AppTest) -> None:
    drop_two_classes(page)
    drop(page, "queries", ("new.png", picture("red", 30)))
    address = links(page)["Fine-tune on the Train page"]
    assert address == "training?preset=fine-tune&start=small"
    page.switch_page("pages/training.py")
    page.query_params["preset"] = "fine-tune"
    page.query_params["start"] = "small"
    page.run()
    assert not page.exception
    assert page.selectbox(key="start").value == "small"
    assert page.selectbox(key="data").value == "the classes of the Classify page"
    assert page.pills(key="preset").value == "fine-tune"


def test_a_network_goes_by_its_files_name_wherever_it_is_handed_on(
    page: AppTest, checkpoint_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("small", "mine"):  # the header of both says "small"
        shutil.copy(checkpoint_folder / "small.safetensors", tmp_path / f"{name}.safetensors")
    monkeypatch.setenv("FSL_CHECKPOINT_DIR", str(tmp_path))
    state(page).use_network("mine")
    drop_two_classes(page)
    assert links(page)["Fine-tune on the Train page"] == "training?preset=fine-tune&start=mine"


def test_a_link_opens_a_map(app: AppTest) -> None:
    app.switch_page("pages/embeddings.py")
    app.query_params["source"] = "digits"
    app.query_params["network"] = "small-two"
    app.run()
    assert not app.exception
    assert app.selectbox(key="map_source_choice").value == "digits"
    assert app.selectbox(key="map_network").value == "small-two"
    assert len(map_data(app, "map_small-two")["names"]) == 300


def test_no_link_makes_the_server_download_a_network(page: AppTest) -> None:
    page.query_params["network"] = "timm:resnet50"
    page.run()
    assert state(page).checkpoint == ""


def test_a_comparison_is_kept_in_the_address_and_shown_on_the_map(compare: AppTest) -> None:
    compare.query_params["network"] = "small-two"
    compare.query_params["rate"] = "0.05"
    compare.run()
    assert compare.selectbox(key="compare_network").value == "small-two"
    assert compare.session_state["compare_strictness"] == 0.05
    assert address_of(compare) == {"network": "small-two", "rate": "0.05"}
    for name, value in {"network": "timm:resnet50", "rate": "2"}.items():
        compare.query_params[name] = value
    compare.run()
    assert address_of(compare) == {"network": "small-two", "rate": "0.05"}
    follow(compare, "Show on the map")
    shown_map = map_data(compare, "map_small-two")
    assert len(shown_map["names"]) == 8
    assert compare.selectbox(key="map_source_choice").value == "compare"


def test_what_made_way_on_the_compare_page_can_be_brought_back(compare: AppTest) -> None:
    def held() -> tuple[list[str], list[str]]:
        now = compare.session_state["few_shot_lab_compare"]
        return [p.digest for p in now.references], [p.digest for p in now.probes]

    first = held()
    compare.button(key="compare_example").click().run()
    second = held()
    assert second != first
    compare.button(key="compare_undo").click().run()
    assert held() == first
    compare.button(key="compare_redo").click().run()
    assert held() == second
    compare.button(key="compare_clear_probes").click().run()
    assert held() == (second[0], [])
    compare.button(key="compare_undo").click().run()
    assert held() == second


def test_an_evaluation_is_kept_in_the_address_and_shown_on_the_map(app: AppTest) -> None:
    app.switch_page("pages/evaluate.py")
    asked = {"source": "rendered", "network": "small-two,absent", "way": "3", "shot": "2", "seed": "-1"}
    for name, value in asked.items():
        app.query_params[name] = value
    app.run()
    assert not app.exception
    assert app.selectbox(key="ev_source").value == "rendered"
    assert app.multiselect(key="ev_networks").value == ["small-two"]
    assert [app.number_input(key=f"ev_{name}").value for name in ("way", "shot", "seed")] == [3, 2, 0]
    app.number_input(key="ev_shot").set_value(1).run()
    assert address_of(app) == {
        **asked,
        "network": "small-two",
        "shot": "1",
        "seed": "0",
    }
    app.number_input(key="ev_episodes").set_value(10).run()
    app.button(key="ev_start").click().run()
    assert links(app)["Show on the map"] == "embeddings?source=rendered&network=small-two"


def test_a_trained_network_is_used_everywhere_with_one_click(
    page: AppTest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FSL_RUNS_DIR", str(tmp_path / "runs"))
    monkeypatch.setenv("FSL_CHECKPOINT_DIR", str(tmp_path / "mine"))
    page.switch_page("pages/training.py").run()
    (run,) = start(page, [1e-3])
    wait_until_over(page)
    page.button(key=f"use_{run.id}").click().run()
    assert not page.exception
    name = f"rate 0.001 {public_name(run.id)} (20 batches)"
    assert f"Kept as “{name}”" in shown(page)
    for label in ("Classify", "Compare", "Embeddings", "Evaluate"):
        assert dict(parse_qsl(links(page)[label].partition("?")[2])) == {"network": name}
    follow(page, "Evaluate")
    assert page.multiselect(key="ev_networks").value == [name]


def test_a_network_that_is_not_there_is_not_replaced_unsaid(page: AppTest) -> None:
    page.switch_page("pages/training.py")
    page.query_params["preset"] = "fine-tune"
    page.query_params["start"] = "<b>gone</b>"
    page.run()
    assert not page.exception
    assert "The network <b>gone</b> is not installed;" in shown(page)
    assert page.selectbox(key="start").value == "from scratch"
