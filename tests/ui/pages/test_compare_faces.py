"""Faces on the pages, with a stand-in detector for which each coloured square is a face."""

from __future__ import annotations

import io
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import streamlit as st
from PIL import Image
from streamlit.testing.v1 import AppTest

from bench.recalibrate import write_header
from fsl.fewshot.pair_calibration import pair_rates
from fsl.twin import checkpoint_files
from fsl.twin.checkpoint import load
from fsl.twin.faces.align import TEMPLATE
from fsl.twin.faces.detect import Face
from fsl.ui.pages.compare.sides import show_side
from fsl.ui.shared import found_faces
from fsl.ui.shared.compare_state import CompareState, Side
from tests.helpers.embeddings import pair_scores
from tests.helpers.networks import save_small_checkpoint
from tests.helpers.pages import drop_all, grid, new_browser

SIDE, STEP = 40, 60
GREY = (128, 128, 128)
Colour = tuple[int, int, int]
RED, BLUE, GREEN = (250, 0, 0), (0, 0, 250), (0, 250, 0)


def photo(*people: Colour) -> bytes:
    """A grey photo with a coloured square for each person."""
    image = Image.new("RGB", (STEP * max(1, len(people)), 50), GREY)
    for number, colour in enumerate(people):
        image.paste(colour, (STEP * number, 0, STEP * number + SIDE, SIDE))
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture
def looked_at(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """The sizes of the pictures that the stand-in looked at."""
    looked: list[tuple[int, int]] = []

    def people_in(image: Image.Image) -> list[Face]:
        looked.append(image.size)
        corners = [x for x in range(0, image.width, STEP) if image.getpixel((x + 20, 20)) != GREY]
        scaled = TEMPLATE * (SIDE / 150)
        return [Face((x - 3.0, 0.0, x + SIDE, SIDE), scaled + np.array([x, 0]), 0.9) for x in corners]

    def main_face(image: Image.Image) -> Face | None:
        return next(iter(people_in(image)), None)

    monkeypatch.setattr("fsl.twin.faces.detect.people_in", people_in)
    monkeypatch.setattr("fsl.twin.faces.detect.main_face", main_face)
    monkeypatch.setattr("fsl.twin.faces.prepare.main_face", main_face)
    for known in (found_faces._FOUND, found_faces._HAS_FACE):
        known.clear()
    return looked


@pytest.fixture
def page(tmp_path: Path, looked_at: list[tuple[int, int]], monkeypatch: pytest.MonkeyPatch) -> AppTest:
    save_small_checkpoint(tmp_path, "people")
    path = tmp_path / "people.safetensors"
    info = checkpoint_files.read_info(path)
    rates = pair_rates(pair_scores(n_classes=20, gap=2.0), "made-up val")
    write_header(
        path, path, replace(info, pairs=rates, subject="person", model=replace(info.model, fit="face"))
    )
    monkeypatch.setenv("FSL_CHECKPOINT_DIR", str(tmp_path))
    st.cache_resource.clear()
    return new_browser("pages/compare.py", network="people")


def drop(page: AppTest, side: str, *files: tuple[str, bytes]) -> None:
    state: Any = page.session_state["few_shot_lab_compare"]
    uploads = [(name, data, "image/png") for name, data in files]
    page.file_uploader(key=f"compare_drop_{side}_{state.drops[side]}").set_value(uploads).run()
    deadline = time.monotonic() + 60
    while state.looking.work is not None and time.monotonic() < deadline:
        state.looking.work.wait(1)
        page.run()
    assert not page.exception


def tiles(page: AppTest, key: str = "compare_answers") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = grid(page, key)["tiles"]
    return found


def shown(page: AppTest) -> str:
    elements: Sequence[Any] = [*page.markdown, *page.caption, *page.info, *page.warning, *page.error]
    return "\n".join(element.value.replace("\\", "").replace("\u2060", "") for element in elements)


def test_a_group_photo_says_whether_and_where_she_is(page: AppTest) -> None:
    drop(page, "references", ("known.png", photo(RED)))
    drop(page, "probes", ("group.png", photo(BLUE, RED, GREEN)), ("others.png", photo(BLUE, GREEN)))
    with_her, without = tiles(page)
    assert (with_her["title"], with_her["note"].split("\n")[1]) == ("same", "face 2 of 3")
    assert without["title"] == "different"
    assert with_her["marks"]["chosen"] == 1
    assert with_her["marks"]["boxes"] == [[0, 0, 40, 40], [57, 0, 100, 40], [117, 0, 160, 40]]
    assert "Face 2 of 3 is the most similar. With 3 faces, a false match is up to 3 times" in shown(page)
    assert tiles(page, "compare_references")[0]["marks"]["boxes"] == [[0, 0, 40, 40]]


def test_each_picture_is_looked_at_once(page: AppTest, looked_at: list[tuple[int, int]]) -> None:
    drop(page, "references", ("known.png", photo(RED)))
    drop(page, "probes", ("group.png", photo(BLUE, RED)))
    assert sorted(looked_at) == [(60, 50), (120, 50)]
    page.select_slider(key="compare_strictness").set_value(0.5).run()
    drop(page, "probes", ("other.png", photo(BLUE, GREEN, RED)))
    assert sorted(looked_at) == [(60, 50), (120, 50), (180, 50)]


def test_a_face_found_while_the_page_is_drawn_is_marked(
    page: AppTest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoint = load(tmp_path / "people.safetensors")

    def draw_then_find(state: CompareState, side: Side, finds_faces: bool = False) -> bool:
        is_camera = show_side(state, side, finds_faces)
        for picture in state.references:
            found_faces.find_and_embed(checkpoint, picture)  # another thread is that quick at times
        return is_camera

    monkeypatch.setattr("fsl.ui.pages.compare.page.show_side", draw_then_find)
    drop(page, "references", ("known.png", photo(RED)))
    assert tiles(page, "compare_references")[0]["marks"]["boxes"] == [[0, 0, 40, 40]]


def test_of_a_reference_with_several_people_one_is_chosen(page: AppTest) -> None:
    drop(page, "references", ("two.png", photo(BLUE, RED)))
    drop(page, "probes", ("red.png", photo(RED)))
    assert tiles(page)[0]["title"] == "different"  # the most prominent one is meant at first
    assert "two.png shows 2 people. Who is it?" in shown(page)
    state: Any = page.session_state["few_shot_lab_compare"]
    digest = state.references[0].digest
    people = grid(page, f"compare_people_{digest[:16]}")
    assert (len(people["tiles"]), people["selected"]) == (2, "0")
    state.people[digest] = 1  # what a click on the second tile does
    page.run()
    assert tiles(page)[0]["title"] == "same"
    assert tiles(page, "compare_references")[0]["marks"]["chosen"] == 1


def test_a_picture_without_a_face_has_no_answer_until_asked_for(page: AppTest) -> None:
    drop(page, "references", ("known.png", photo(RED)))
    drop(page, "probes", ("empty.png", photo()), ("red.png", photo(RED)))
    empty, red = tiles(page)
    assert (empty["title"], empty["bar"], red["title"]) == ("No face found", None, "same")
    assert "No face was found in empty.png; it is not compared." in shown(page)
    assert "empty.png has no answer" in shown(page)
    page.toggle(key="compare_whole").set_value(True).run()
    assert not page.exception
    assert tiles(page)[0]["title"] == "different"
    assert tiles(page)[0]["note"].endswith("no face")
    assert "the error rates say nothing about that" in shown(page)


def test_a_reference_without_a_face_leaves_no_answer(page: AppTest) -> None:
    drop(page, "references", ("empty.png", photo()))
    drop(page, "probes", ("red.png", photo(RED)))
    assert tiles(page, "compare_references")[0]["title"] == "No face found"
    assert tiles(page)[0]["title"] == ""
    assert "compare_why_show" not in [button.key for button in page.button]


def test_who_shows_things_to_the_network_for_faces_is_led_to_another(page: AppTest, tmp_path: Path) -> None:
    save_small_checkpoint(tmp_path, "things")
    drop(page, "references", ("mug.png", photo()))
    drop(page, "probes", ("cup.png", photo()), ("one face.png", photo(RED)))
    page.button(key="compare_things").click().run()
    assert not page.exception
    assert page.selectbox(key="compare_network").value == "things"
    assert {tile["title"] for tile in tiles(page)} <= {"same", "different"}


def test_aligned_faces_are_shown_when_asked_for_and_explained(page: AppTest) -> None:
    drop(page, "references", ("known.png", photo(RED)))
    drop(page, "probes", ("group.png", photo(BLUE, RED)))
    before = [tile["src"] for tile in tiles(page, "compare_pair")]
    page.toggle(key="compare_aligned").set_value(True).run()
    pair = tiles(page, "compare_pair")
    assert all(tile["marks"] is None for tile in pair)
    assert {tile["src"] for tile in pair}.isdisjoint(before)
    page.button(key="compare_why_show").click().run()
    assert not page.exception
    assert len(tiles(page, "compare_why_pair")) == 2


def test_the_crop_is_for_networks_that_find_no_faces(page: AppTest) -> None:
    assert not page.get("popover")


def test_classify_names_the_pictures_without_a_face(page: AppTest) -> None:
    page.switch_page("pages/classify.py").run()
    drop_all(
        page,
        class_0=[("red.png", photo(RED))],
        class_1=[("blue.png", photo(BLUE))],
        queries=[("empty.png", photo())],
    )
    assert not page.exception
    assert "No face was found in empty.png. It is taken whole." in shown(page)
