"""The Embeddings page through Streamlit's own test runner."""

from __future__ import annotations

import json
import re
import shutil
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from fsl.charts.maps import CLASS_COLOURS, CLASS_SYMBOLS
from fsl.config import ModelConfig, TrainConfig
from fsl.training.run_folder import VISITOR
from fsl.training.snapshots import FOLDER, IMAGES
from fsl.twin import checkpoint as checkpoints
from fsl.ui.components.declare import joined
from fsl.ui.pages.embeddings.state import MapState
from tests.helpers.pages import fill, grid, map_data, shown
from tests.helpers.pictures import picture, zipped


@pytest.fixture
def maps(app: AppTest, monkeypatch: pytest.MonkeyPatch) -> AppTest:
    """The app on its Embeddings page, drawn once, with no named data sets."""
    monkeypatch.delenv("FSL_DATA_DIR", raising=False)
    app.switch_page("pages/embeddings.py").run()
    return app


def state(page: AppTest) -> MapState:
    held: MapState = page.session_state["few_shot_lab_embeddings"]
    return held


def drop_folder(page: AppTest, *files: tuple[str, bytes]) -> None:
    uploads = [(name, data, "image/png") for name, data in files]
    page.file_uploader(key=f"map_folder_{state(page).drops}").set_value(uploads).run()
    assert not page.exception


def colours(each: int = 5) -> list[tuple[str, bytes]]:
    """Red, green and blue pictures, so many of each."""
    return [
        (f"top/{name}/{i}.png", picture((*(200 + 9 * i if axis == slot else 10 for axis in range(3)),)))
        for slot, name in enumerate(("red", "green", "blue"))
        for i in range(each)
    ]


def metrics(page: AppTest) -> dict[str, str]:
    return {metric.label: metric.value for metric in page.metric}


def test_the_empty_page_explains_and_offers(maps: AppTest) -> None:
    assert not maps.exception
    assert "lie close together on the map" in shown(maps)
    assert maps.button(key="map_start_rendered").label == "Drawn fruit"
    assert not maps.metric


def test_an_example_in_one_click(maps: AppTest) -> None:
    maps.button(key="map_start_digits").click().run()
    assert not maps.exception
    maps.number_input(key="map_number_digits").set_value(30).run()
    assert not maps.exception
    assert len(map_data(maps)["names"]) == 30
    assert set(metrics(maps)) == {
        "Nearest neighbour correct",
        "Silhouette",
        "Same-class similarity",
        "Other-class similarity",
        "Trustworthiness",
    }


def test_a_folder_is_mapped_measured_and_searched(maps: AppTest) -> None:
    drop_folder(maps, *colours())
    assert metrics(maps)["Nearest neighbour correct"] == "100%"
    assert len(map_data(maps)["xyz"]) == 30
    maps.text_input(key="map_search").set_value("GREEN").run()
    assert "5 pictures found" in shown(maps)
    assert len(map_data(maps)["bright"]) == 5
    maps.text_input(key="map_search").set_value("nothing like it").run()
    assert "No picture matches." in shown(maps)

    maps.button(key="map_remove").click().run()
    assert not maps.exception
    assert not list(state(maps).holdings())
    assert maps.button(key="map_start_rendered")  # the empty page again


def test_all_that_was_found_can_be_laid_out(maps: AppTest) -> None:
    drop_folder(maps, *colours(27))
    maps.text_input(key="map_search").set_value("red").run()
    assert (len(grid(maps, "map_found")["tiles"]), grid(maps, "map_found")["hidden"]) == (24, 3)
    state(maps).found_shown += 240  # as its button does; AppTest has no click on a component
    maps.run()
    assert (len(grid(maps, "map_found")["tiles"]), grid(maps, "map_found")["hidden"]) == (27, 0)
    maps.text_input(key="map_search").set_value("blue").run()
    assert grid(maps, "map_found")["hidden"] == 3


@pytest.mark.parametrize("key", ["rendered", "digits"])
def test_as_many_pictures_are_shown_as_were_asked_for(maps: AppTest, key: str) -> None:
    maps.button(key=f"map_start_{key}").click().run()
    maps.number_input(key=f"map_number_{key}").set_value(53).run()
    assert not maps.exception
    labels = map_data(maps)["labels"]
    assert len(labels) == 53
    assert np.ptp(np.bincount(labels)) == 1


def test_a_network_that_is_not_there_is_told(maps: AppTest) -> None:
    drop_folder(maps, *colours(2))
    state(maps).networks = ("gone", "")
    maps.run()
    assert "The network gone is not installed here; small is used instead" in shown(maps)
    state(maps).networks = ("small", "gone")
    maps.run()
    assert "The network gone is not installed here, so only one map is shown." in shown(maps)
    assert "used instead" not in shown(maps)


def test_no_link_makes_the_server_download_a_network(maps: AppTest) -> None:
    maps.query_params["network"] = "timm:resnet50"
    maps.run()
    assert state(maps).networks == ("", "")


def test_a_network_of_timm_comes_along_from_the_classify_page(
    maps: AppTest, checkpoint_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in = checkpoints.load(checkpoint_folder / "small.safetensors")
    monkeypatch.setattr("fsl.load", lambda name: replace(stand_in, info=replace(stand_in.info, name=name)))
    drop_folder(maps, *colours(2))
    state(maps).networks = ("timm:resnet50", "small")
    maps.run()
    assert not maps.exception
    assert maps.selectbox(key="map_network").value == "timm:resnet50"
    assert map_data(maps, "map_timm:resnet50")["collection"] == map_data(maps)["collection"]


def test_two_files_of_one_network_side_by_side(
    maps: AppTest, checkpoint_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("small", "old"):  # the header of both says "small"
        shutil.copy(checkpoint_folder / "small.safetensors", tmp_path / f"{name}.safetensors")
    monkeypatch.setenv("FSL_CHECKPOINT_DIR", str(tmp_path))
    drop_folder(maps, *colours(2))
    maps.selectbox(key="map_network").set_value("small").run()
    maps.selectbox(key="map_second").set_value("old").run()
    assert not maps.exception
    assert len(maps.metric) == 10
    assert map_data(maps, "map_old")["xyz"] == map_data(maps)["xyz"]


def test_settings_change_the_map_without_embedding_again(
    maps: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    drop_folder(maps, *colours())
    first = map_data(maps)
    monkeypatch.setattr("fsl.fewshot.embed.embed_images", None)  # embedding now would fail
    maps.radio(key="map_method").set_value("pca").run()
    assert not maps.error
    assert "of the variance between" in shown(maps)
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
    assert metrics(maps)["Nearest neighbour correct"] == "–"
    assert not maps.error


def test_bad_files_are_named_and_a_hopeless_folder_says_so(maps: AppTest) -> None:
    drop_folder(maps, *colours(2), ("top/red/bad<b>.png", b"no picture"))
    assert "bad<b>.png" in shown(maps)
    drop_folder(maps, ("top/red/bad.png", b"no picture"))
    assert "no picture in it that can be read" in maps.error[0].value.replace("\\", "")
    assert metrics(maps)["Nearest neighbour correct"] == "100%"


def test_two_networks_side_by_side(maps: AppTest) -> None:
    drop_folder(maps, *colours(2))
    maps.selectbox(key="map_second").set_value("small-two").run()
    assert not maps.exception
    assert map_data(maps, "map_small-two")["collection"] == map_data(maps)["collection"]
    assert len(maps.metric) == 10


def test_the_pictures_are_checked(maps: AppTest) -> None:
    """Pictures of one colour are blank, and there is nothing to do about them here but to look."""
    drop_folder(maps, *colours())
    maps.toggle(key="map_checking").set_value(True).run()
    deadline = time.monotonic() + 60
    while "checked" not in shown(maps) and time.monotonic() < deadline:
        maps.run()
    assert not maps.error
    assert "classes checked" in shown(maps)
    assert maps.query_params["check"] in ("1", ["1"])


def test_pictures_without_a_class_are_not_called_checked(maps: AppTest) -> None:
    flat = zipped(**{f"{i}.png": picture((200, 9, 9)) for i in range(3)})
    maps.file_uploader(key="map_zip_0").upload("flat.zip", flat, "application/zip").run()
    maps.toggle(key="map_checking").set_value(True).run()
    assert "Only pictures of a class are checked" in shown(maps)
    assert "Nothing suspicious" not in shown(maps)


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


def test_colours_and_symbols_are_the_same_on_the_map_and_in_files() -> None:
    script = joined(["scatter_parts/symbols.js"], ".js")

    def listed(name: str) -> list[str]:
        found = re.search(rf"const {name} = \[(.*?)\];", script, re.DOTALL)
        assert found is not None
        return re.findall(r'"(.+?)"', found[1])

    assert listed("COLOURS") == list(CLASS_COLOURS)
    plotly = {"triangle": "triangle-up", "plus": "cross", "down": "triangle-down", "cross": "x"}
    assert [plotly.get(shape, shape) for shape in listed("SHAPES")] == list(CLASS_SYMBOLS)


def record_run(
    folder: Path, n_frames: int, learns: bool = True, head: str = "absolute", seed: int = 0
) -> None:
    """A run folder as the Train page leaves it, with recorded embeddings of 18 pictures."""
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(3), 6)
    centres, noise = rng.normal(size=(3, 8))[labels], rng.normal(size=(18, 8))
    frames = folder / FOLDER
    frames.mkdir(parents=True)
    settings = {
        "train": TrainConfig(steps=40).to_json(),
        "model": ModelConfig(head=head).to_json(),  # type: ignore[arg-type]
        "about": {"name": f"run *{folder.name}*"},
    }
    (folder / "config.json").write_text(json.dumps(settings), encoding="utf-8")
    np.savez(
        frames / IMAGES,
        thumbnails=np.zeros((18, 32, 32, 3), np.uint8),
        labels=labels,
        class_names=np.array(["one", "two", "<b>three"]),
        names=np.array([f"{i}.png" for i in range(18)]),
    )
    for number in range(n_frames):
        moved = noise + (4 * number if learns else 0) * centres
        np.save(frames / f"{10 * number}.npy", moved.astype(np.float16))


@pytest.fixture
def runs(maps: AppTest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AppTest:
    """The Embeddings page, with two recorded runs."""
    monkeypatch.setenv("FSL_RUNS_DIR", str(tmp_path))
    record_run(tmp_path / "learns", 3)
    record_run(tmp_path / "stalls", 3, learns=False)
    return maps


def accuracies(data: dict[str, Any]) -> list[int]:
    return [int(text.split("correct ")[1].split("%")[0]) for text in data["motion"]["captions"]]


def test_runs_are_offered_and_one_click_shows_their_movement(runs: AppTest) -> None:
    runs.segmented_control(key="map_mode").set_value("A network while it learns").run()
    assert not runs.exception
    runs.button(key="map_watch_learns").click().run()
    assert not runs.exception
    assert runs.query_params["run"] in ("learns", ["learns"])  # as AppTest likes it
    data = map_data(runs, "motion_learns")
    assert data["motion"]["steps"] == [0, 10, 20]
    assert [len(frame) for frame in data["motion"]["frames"]] == [36, 36, 36]
    assert max(abs(value) for frame in data["motion"]["frames"] for value in frame) <= 1
    assert accuracies(data)[-1] == 100
    assert "<b>three" in data["classes"]


def test_somebody_elses_run_is_shown_only_to_who_opens_its_link(runs: AppTest, tmp_path: Path) -> None:
    record_run(tmp_path / "private", 3)
    (tmp_path / "private" / VISITOR).write_text("0123456789abcdef", encoding="utf-8")
    runs.segmented_control(key="map_mode").set_value("A network while it learns").run()
    options = runs.multiselect(key="map_runs").options
    assert len(options) == 2
    assert not any("private" in option for option in options)
    assert not any("private" in text.value for text in runs.markdown)
    assert "map_watch_private" not in {button.key for button in runs.button}
    runs.query_params["run"] = "private"
    runs.run()
    assert map_data(runs, "motion_private")["motion"]["steps"] == [0, 10, 20]


def test_a_link_shows_runs_side_by_side(runs: AppTest) -> None:
    runs.query_params["run"] = "learns,stalls"
    runs.run()
    assert not runs.exception
    learns, stalls = map_data(runs, "motion_learns"), map_data(runs, "motion_stalls")
    assert learns["sheet"] == stalls["sheet"]
    first, *_, last = accuracies(learns)
    assert last > first
    assert len(set(accuracies(stalls))) == 1
    runs.segmented_control(key="map_mode").set_value("Pictures by a network").run()
    assert "run" not in runs.query_params


def test_a_link_to_a_network_leaves_the_runs_that_were_watched(runs: AppTest) -> None:
    runs.query_params["run"] = "learns"
    runs.run()
    runs.query_params.clear()
    runs.query_params["network"] = "small"  # as the Train page links to a kept network
    runs.run()
    assert state(runs).networks == ("small", "")
    assert not runs.segmented_control(key="map_mode").value
    assert "run" not in runs.query_params


def test_new_moments_are_added_to_a_map_that_is_there(
    runs: AppTest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs.query_params["run"] = "learns"
    runs.run()
    before = map_data(runs, "motion_learns")["motion"]["frames"]
    made = state(runs).moving_runs["learns"].frames
    (tmp_path / "learns" / FOLDER / "0.npy").write_bytes(b"read once only")
    np.save(tmp_path / "learns" / FOLDER / "30.npy", np.random.default_rng(1).normal(size=(18, 8)))
    runs.run()
    after = map_data(runs, "motion_learns")["motion"]
    assert after["steps"] == [0, 10, 20, 30]
    assert after["frames"][:3] == before
    assert state(runs).moving_runs["learns"].frames[:3] == made
    (tmp_path / "learns" / FOLDER / "10.npy").unlink()  # thinned out, as a long run does
    runs.run()
    assert map_data(runs, "motion_learns")["motion"]["frames"] == [after["frames"][i] for i in (0, 2, 3)]
    assert not runs.warning


def test_runs_that_are_gone_damaged_or_recorded_nothing_say_so(runs: AppTest, tmp_path: Path) -> None:
    runs.query_params["run"] = "../elsewhere"
    runs.run()
    assert "no run" in runs.warning[0].value.replace("\\", "")
    record_run(tmp_path / "empty", 0)
    (tmp_path / "empty" / FOLDER / IMAGES).unlink()
    runs.query_params["run"] = "empty"
    runs.run()
    assert "--snapshots" in runs.warning[0].value.replace("\\", "")
    (tmp_path / "learns" / FOLDER / "10.npy").write_bytes(b"damaged")
    runs.query_params["run"] = "learns"
    runs.run()
    assert "damaged" in runs.warning[0].value
    assert not runs.exception


def test_without_runs_the_page_says_where_to_start_one(
    maps: AppTest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FSL_RUNS_DIR", str(tmp_path / "none"))
    maps.segmented_control(key="map_mode").set_value("A network while it learns").run()
    assert not maps.exception
    assert "Start one" in maps.info[0].value


def test_a_picture_and_its_nearest_go_to_the_compare_page(maps: AppTest) -> None:
    drop_folder(maps, *colours(3))
    state(maps).selected = 4
    maps.run()
    chosen = state(maps).upload
    assert chosen is not None
    maps.button(key="map_compare").click().run()
    assert not maps.exception
    held = maps.session_state["few_shot_lab_compare"]
    assert [p.digest for p in held.probes] == [chosen.pictures[4].digest]
    assert held.references[0].digest in {p.digest for p in chosen.pictures} - {chosen.pictures[4].digest}
