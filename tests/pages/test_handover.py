"""From page to page with one click or one link: nothing to upload, choose or set twice."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from tests.pages.helpers import picture
from tests.pages.test_classify_page import drop, fill, state
from tests.pages.test_embeddings_page import map_data


def links(page: AppTest) -> dict[str, str]:
    """Where the page's links with settings lead, by their words."""
    return {
        link.proto.label: f"{link.proto.page}?{link.proto.query_string}"
        for link in page.get("page_link")
        if link.proto.query_string
    }


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
    address = {
        name: values[0] if isinstance(values, list) else values for name, values in page.query_params.items()
    }
    assert address == {"network": "small-two", "limit": "0.50"}
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
    for number, colour in enumerate(["red", "blue"]):
        drop(page, f"class_{number}", *[(f"{number}{i}.png", picture(colour, 20 + i)) for i in range(2)])
    drop(page, "queries", ("new.png", picture("red", 30)))
    address = links(page)["Fine-tune on these classes"]
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
    for number, colour in enumerate(["red", "blue"]):
        drop(page, f"class_{number}", *[(f"{number}{i}.png", picture(colour, 20 + i)) for i in range(2)])
    assert links(page)["Fine-tune on these classes"] == "training?preset=fine-tune&start=mine"


def test_a_link_opens_a_map(app: AppTest) -> None:
    app.run()
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
