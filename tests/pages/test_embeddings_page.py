"""The Embeddings page through Streamlit's own test runner."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from fsl.ui.components.scatter import _SCRIPTS
from fsl.ui.embeddings.state import MapState
from tests.pages.helpers import picture
from tests.pages.test_classify_page import fill, shown


@pytest.fixture
def maps(app: AppTest, monkeypatch: pytest.MonkeyPatch) -> AppTest:
    """The app on its Embeddings page, drawn once, with no named data sets."""
    monkeypatch.delenv("FSL_DATA_DIR", raising=False)
    app.run()
    app.switch_page("pages/embeddings.py").run()
    return app


def state(page: AppTest) -> MapState:
    held: MapState = page.session_state["few_shot_lab_embeddings"]
    return held


def drop_folder(page: AppTest, *files: tuple[str, bytes]) -> None:
    uploads = [(name, data, "image/png") for name, data in files]
    page.file_uploader(key=f"map_folder_{state(page).uploads}").set_value(uploads).run()
    assert not page.exception


def colours(each: int = 5) -> list[tuple[str, bytes]]:
    """Red, green and blue pictures, so many of each."""
    return [
        (f"top/{name}/{i}.png", picture((*(200 + 9 * i if axis == slot else 10 for axis in range(3)),)))
        for slot, name in enumerate(("red", "green", "blue"))
        for i in range(each)
    ]


def map_data(page: AppTest, key: str = "map_small") -> dict[str, Any]:
    """What the map component was sent."""
    for element in page.get("bidi_component"):
        if element.proto.component_name.endswith("few_shot_lab_map") and key in element.proto.id:
            data: dict[str, Any] = json.loads(element.proto.json)
            return data
    raise AssertionError(f"no map {key}")


def metrics(page: AppTest) -> dict[str, str]:
    return {metric.label: metric.value for metric in page.metric}


def test_the_empty_page_explains_and_offers(maps: AppTest) -> None:
    assert not maps.exception
    assert "lies close together" in shown(maps)
    assert maps.button(key="map_start_drawn").label == "Drawn fruit"
    assert not maps.metric


def test_an_example_in_one_click(maps: AppTest) -> None:
    maps.button(key="map_start_digits").click().run()
    assert not maps.exception
    maps.number_input(key="map_number").set_value(30).run()
    assert not maps.exception
    assert len(map_data(maps)["names"]) == 30
    assert set(metrics(maps)) == {
        "Nearest is right",
        "Classes apart",
        "Alike within",
        "Alike between",
        "Map is faithful",
    }


def test_a_folder_is_mapped_measured_and_searched(maps: AppTest) -> None:
    drop_folder(maps, *colours())
    assert metrics(maps)["Nearest is right"] == "100%"
    assert len(map_data(maps)["xyz"]) == 30
    maps.text_input(key="map_search").set_value("GREEN").run()
    assert "5 pictures found" in shown(maps)
    assert len(map_data(maps)["bright"]) == 5
    maps.text_input(key="map_search").set_value("nothing like it").run()
    assert "0 pictures found" in shown(maps)


def test_settings_change_the_map_without_embedding_again(
    maps: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    drop_folder(maps, *colours())
    first = map_data(maps)
    monkeypatch.setattr("fsl.fewshot.support.embed_images", None)  # embedding now would fail
    maps.radio(key="map_method").set_value("pca").run()
    assert not maps.error
    assert "of all differences" in shown(maps)
    assert map_data(maps)["layout"] != first["layout"]
    maps.radio(key="map_metric").set_value("euclidean").run()
    maps.radio(key="map_dimensions").set_value(3).run()
    assert not maps.error
    assert map_data(maps)["dims"] == 3
    assert len(map_data(maps)["xyz"]) == 45
    assert map_data(maps)["collection"] == first["collection"]


def test_few_pictures_say_why_pca_is_used(maps: AppTest) -> None:
    drop_folder(maps, *colours(2))
    assert "6 are shown by PCA" in shown(maps)


def test_one_class_only_has_dashes_for_numbers(maps: AppTest) -> None:
    drop_folder(maps, *[file for file in colours(3) if "/red/" in file[0]])
    assert metrics(maps)["Nearest is right"] == "–"
    assert not maps.error


def test_bad_files_are_named_and_a_hopeless_folder_says_so(maps: AppTest) -> None:
    drop_folder(maps, *colours(2), ("top/red/bad<b>.png", b"no picture"))
    assert "bad<b>.png" in shown(maps)
    drop_folder(maps, ("top/red/bad.png", b"no picture"))
    assert "no picture in it that can be read" in maps.error[0].value.replace("\\", "")
    assert metrics(maps)["Nearest is right"] == "100%"


def test_two_networks_side_by_side(maps: AppTest) -> None:
    drop_folder(maps, *colours(2))
    maps.selectbox(key="map_second").set_value("small-two").run()
    assert not maps.exception
    assert map_data(maps, "map_small-two")["collection"] == map_data(maps)["collection"]
    assert len(maps.metric) == 10


def test_a_chosen_picture_shows_its_neighbours(maps: AppTest) -> None:
    drop_folder(maps, *colours())
    state(maps).selected = 7
    state(maps).group = (0, 1, 7)
    maps.run()
    assert "Most similar" in shown(maps)
    assert "3 pictures selected:" in shown(maps)
    data = map_data(maps)
    assert data["selected"] == 7
    assert len(data["neighbours"]) == 4
    maps.button(key="map_close").click().run()
    assert "Click a picture" in shown(maps)
    maps.button(key="map_clear_group").click().run()
    assert "selected:" not in shown(maps)


def test_the_classify_pages_pictures_come_here(page: AppTest) -> None:
    fill(page)
    page.button(key="open_map").click().run()
    assert not page.exception
    page.switch_page("pages/embeddings.py").run()
    data = map_data(page)
    assert data["labels"] == [0, 0, 1, 1, -1]
    assert data["selected"] == 4
    assert {a for a, _ in data["links"]} == {4}
    assert {b for _, b in data["links"]} == {0, 1}


def test_names_reach_the_map_as_data_only(maps: AppTest) -> None:
    files = [(name.replace("red", "<img src=x>"), data) for name, data in colours(2)]
    drop_folder(maps, *files)
    assert "<img src=x>" in map_data(maps)["classes"]


def test_colours_are_the_same_on_the_map_and_in_files() -> None:
    from fsl.charts import CLASS_COLOURS

    folder = Path(__file__).resolve().parents[2] / "fsl/ui/components/scatter_parts"
    script = (folder / _SCRIPTS[0]).read_text(encoding="utf-8")
    assert [colour for colour in CLASS_COLOURS if f'"{colour}"' not in script] == []
