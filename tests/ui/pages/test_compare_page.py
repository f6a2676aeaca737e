"""The Compare page through Streamlit's own test runner."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import Any

import pytest
import streamlit as st
from PIL import Image
from streamlit.testing.v1 import AppTest

from bench.recalibrate import write_header
from fsl.base.errors import DataError
from fsl.fewshot import explain
from fsl.fewshot.pair_calibration import pair_rates
from fsl.twin import checkpoint as checkpoints
from fsl.twin import checkpoint_files
from fsl.ui.pages.compare.threshold import stops
from fsl.ui.shared.compare_state import EQUAL, CompareState
from fsl.ui.shared.memo import Memo
from fsl.ui.shared.pictures import StoredPicture
from tests.helpers.embeddings import pair_scores
from tests.helpers.networks import save_small_checkpoint
from tests.helpers.pages import grid, new_browser
from tests.helpers.pictures import picture
from tests.helpers.waiting import until


@pytest.fixture(scope="module")
def measured_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network with error rates, one without, one of people, and one for fruit."""
    folder = tmp_path_factory.mktemp("measured")
    save_small_checkpoint(folder, "bare")
    rates = pair_rates(pair_scores(n_classes=20, gap=2.0), "made-up val")
    for name in ("with-rates", "my-run", "fruits"):
        save_small_checkpoint(folder, name)
        path = folder / f"{name}.safetensors"
        subject: checkpoints.Subject = "person" if name == "my-run" else "thing"
        write_header(path, path, replace(checkpoint_files.read_info(path), pairs=rates, subject=subject))
    return folder


@pytest.fixture
def page(measured_folder: Path, monkeypatch: pytest.MonkeyPatch) -> AppTest:
    monkeypatch.setenv("FSL_CHECKPOINT_DIR", str(measured_folder))
    st.cache_resource.clear()
    return new_browser("pages/compare.py", network="with-rates")


def state(page: AppTest) -> CompareState:
    held: CompareState = page.session_state["few_shot_lab_compare"]
    return held


def drop(page: AppTest, side: str, *files: tuple[str, bytes]) -> None:
    number = state(page).drops[side]  # type: ignore[index]
    uploads = [(name, data, "image/png") for name, data in files]
    page.file_uploader(key=f"compare_drop_{side}_{number}").set_value(uploads).run()
    assert not page.exception


def shown(page: AppTest) -> str:
    elements = [*page.markdown, *page.caption, *page.info, *page.warning, *page.error, *page.header]
    return "\n".join(element.value.replace("\\", "").replace("\u2060", "") for element in elements)


def fill(page: AppTest) -> None:
    known = [("known.png", picture((250, 0, 0)), "image/png")]
    page.file_uploader(key=f"compare_drop_references_{state(page).drops['references']}").set_value(known)
    drop(page, "probes", ("alike.png", picture((245, 5, 0))), ("other.png", picture((0, 0, 250))))


def test_a_refused_drop_is_said_until_the_next_one(page: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(page)
    monkeypatch.setattr("fsl.ui.shared.compare_state.MOST_PICTURES", 2)
    drop(page, "probes", ("third.png", picture((0, 250, 0))))
    assert "at most 2 pictures a side; nothing was added" in shown(page)
    page.run()
    assert "nothing was added" in shown(page)
    assert len(state(page).probes) == 2
    drop(page, "probes", ("again.png", picture((0, 0, 250))))
    assert "nothing was added" not in shown(page)
    assert "again.png was there already" in shown(page)


def test_the_empty_page_says_what_to_do(page: AppTest) -> None:
    assert not page.exception
    assert "Add a picture of the one you know" in shown(page)
    page.selectbox(key="compare_network").set_value("bare").run()
    assert "No error rates were measured for this network" in shown(page)


def test_a_network_of_people_comes_with_a_notice_whatever_its_name(page: AppTest) -> None:
    assert "decide nothing about anyone" not in shown(page)
    page.selectbox(key="compare_network").set_value("my-run").run()
    text = shown(page)
    assert "Let it decide nothing about anyone" in text
    assert "nothing is kept on disk" in text
    assert "pairs of different people would be called the same" in text


def test_pictures_in_answers_with_error_rates_out(page: AppTest) -> None:
    fill(page)
    text = shown(page)
    assert "1 of 2 pictures counts as the same" in text
    assert "Same: similarity" in text
    assert "made-up val" in text
    beside_the_answer, beside_the_slider = (
        line for line in text.splitlines() if "1 in 100 pairs of different things would be called" in line
    )
    assert beside_the_slider.startswith("At this limit")
    assert beside_the_answer.startswith("alike.png: pictures with a similarity of 0.91")
    pair = [tile["name"] for tile in grid(page, "compare_pair")["tiles"]]
    assert pair == ["known.png", "alike.png"]


def test_a_stricter_limit_turns_more_away(page: AppTest) -> None:
    fill(page)
    page.select_slider(key="compare_strictness").set_value(0.5).run()
    before = shown(page)
    assert "50 in 100 pairs of different things would be called the same" in before
    page.select_slider(key="compare_strictness").set_value(0.001).run()
    after = shown(page)
    assert "A rate this low is not certain" in after
    assert page.select_slider(key="compare_strictness").value == 0.001


def test_the_limit_where_both_errors_are_equal_is_one_of_the_stops(
    page: AppTest, measured_folder: Path
) -> None:
    fill(page)
    rates = checkpoint_files.read_info(measured_folder / "with-rates.safetensors").pairs
    assert rates is not None
    order = stops(rates)
    thresholds = [rates.threshold if one == EQUAL else rates.threshold_at(one) for one in order]
    assert thresholds == sorted(thresholds, reverse=True)
    page.select_slider(key="compare_strictness").set_value(EQUAL).run()
    assert not page.exception
    assert f"Similarity {rates.threshold:.2f} and above" in shown(page)
    assert rates.false_accept(rates.threshold) == pytest.approx(rates.equal_error_rate, abs=0.01)


def test_moving_the_limit_compares_nothing_again(page: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    state(page).memo = Memo(2)  # room for the answers and one explanation
    fill(page)
    page.button(key="compare_why_show").click().run()
    monkeypatch.setattr("fsl.fewshot.faces.compare", None)  # comparing now would fail
    for strictness in (0.001, 0.5):
        page.select_slider(key="compare_strictness").set_value(strictness).run()
    assert not page.error
    assert "Green parts make the two more similar" in shown(page)  # and forgets no explanation


def test_chances_are_held_against_what_happened(page: AppTest) -> None:
    assert "Do the chances come true?" in [expander.label for expander in page.expander]
    page.selectbox(key="compare_network").set_value("bare").run()
    assert not page.expander


def test_bad_files_are_named_and_the_rest_kept(page: AppTest) -> None:
    drop(page, "probes", ("<b>x</b>.png", b"no picture"), ("good.png", picture("red")))
    assert len(state(page).probes) == 1
    assert "<b>x</b>.png" in shown(page)
    drop(page, "probes", ("again.png", picture("red")))
    assert "again.png was there already; each picture is kept once" in shown(page)
    assert len(state(page).probes) == 1


def test_why_is_shown_when_asked_for(page: AppTest) -> None:
    fill(page)
    assert "Green parts make the two more similar" not in shown(page)
    page.button(key="compare_why_show").click().run()
    assert not page.exception
    assert "Green parts make the two more similar" in shown(page)


def test_maps_that_were_given_up_for_another_pair_are_made_anew(
    page: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    finish, in_steps = Event(), explain.explain_in_steps

    def endless(*given: Any) -> Iterator[explain.ExplanationStep]:
        rough = next(in_steps(*given))
        while not finish.wait(0.01):
            yield rough
        yield replace(rough, share=1.0)

    monkeypatch.setattr(explain, "explain_in_steps", endless)
    fill(page)
    first, second = state(page).probes
    for probe in (first, second):
        state(page).selected = probe.digest
        page.run().button(key="compare_why_show").click().run()
        assert "Green parts make the two more similar" in shown(page)
    state(page).selected = first.digest
    page.run()
    assert "Green parts make the two more similar" not in shown(page)  # its maps were never finished
    page.button(key="compare_why_show").click().run()
    assert "Green parts make the two more similar" in shown(page)
    work = page.session_state["why_current"].work
    finish.set()
    until(lambda: work.is_over)
    assert work.has_result


def test_why_is_tried_again_after_it_failed(page: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> Iterator[explain.ExplanationStep]:
        raise DataError("no room")

    fill(page)
    with monkeypatch.context() as patch:
        patch.setattr(explain, "explain_in_steps", fail)
        page.button(key="compare_why_show").click().run()
        assert page.run().error[0].value == "no room"  # until the button is pressed again
    page.button(key="compare_why_show").click().run()
    assert "Green parts make the two more similar" in shown(page)
    assert not page.error


def test_margins_can_be_left_out(page: AppTest) -> None:
    """A red picture in a wide blue frame is like a red one only without the frame."""
    framed = Image.new("RGB", (40, 40), (0, 0, 250))
    framed.paste((250, 0, 0), (10, 10, 30, 30))
    buffer = io.BytesIO()
    framed.save(buffer, "PNG")
    drop(page, "references", ("red.png", picture((250, 0, 0))))
    drop(page, "probes", ("framed.png", buffer.getvalue()))
    assert "Different: similarity" in shown(page)
    page.slider(key="compare_middle").set_value(50).run()
    assert not page.exception
    assert "Same: similarity" in shown(page)
    assert "Crop: the middle 50%" in [block.proto.popover.label for block in page.get("popover")]


def test_undo_brings_back_the_network_the_limit_and_the_crop_with_the_pictures(page: AppTest) -> None:
    def judged_by() -> tuple[str, float, int]:
        now = page.session_state
        return state(page).network, now["compare_strictness"], now["compare_middle"]

    drop(page, "references", ("a.png", picture("red")))
    drop(page, "probes", ("b.png", picture("blue")))
    page.select_slider(key="compare_strictness").set_value(0.1).run()
    page.slider(key="compare_middle").set_value(80).run()
    page.button(key="compare_example").click().run()
    page.select_slider(key="compare_strictness").set_value(0.02).run()
    page.slider(key="compare_middle").set_value(60).run()
    assert judged_by() == ("fruits", 0.02, 60)
    page.button(key="compare_undo").click().run()
    assert judged_by() == ("with-rates", 0.1, 80)
    assert page.selectbox(key="compare_network").value == "with-rates"
    page.button(key="compare_redo").click().run()
    assert judged_by() == ("fruits", 0.02, 60)


def test_the_example_fills_both_sides(page: AppTest) -> None:
    page.button(key="compare_example").click().run()
    assert not page.exception
    assert (len(state(page).references), len(state(page).probes)) == (1, 7)
    assert page.selectbox(key="compare_network").value == "fruits"
    page.button(key="compare_clear_probes").click().run()
    assert state(page).probes == ()
    assert "Add a picture to compare with it" in shown(page)


def test_of_equal_pictures_the_first_is_kept_where_it_is(page: AppTest) -> None:
    first, second = (StoredPicture.from_bytes(picture(c), f"{c}.png") for c in ("red", "blue"))
    state(page).replace_all((), [first, second, replace(first, name="again.png")])
    assert [probe.name for probe in state(page).probes] == ["red.png", "blue.png"]


def test_a_network_that_is_not_there_is_told(page: AppTest) -> None:
    fill(page)
    state(page).network = "gone"
    page.run()
    assert "The network gone is not installed here" in shown(page)
    assert not page.exception


def test_a_network_of_timm_is_used_as_on_the_page_that_handed_over(
    page: AppTest, measured_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in = checkpoints.load(measured_folder / "bare.safetensors")
    asked: list[str] = []

    def load(name: str) -> checkpoints.Checkpoint:
        asked.append(name)
        return replace(stand_in, info=replace(stand_in.info, name=name))

    monkeypatch.setattr("fsl.load", load)
    fill(page)
    state(page).network = "timm:resnet50"
    page.run()
    assert not page.exception
    assert page.selectbox(key="compare_network").value == "timm:resnet50"
    assert asked == ["timm:resnet50"]
    assert "No error rates were measured" in shown(page)


def test_pictures_are_kept_over_a_page_change(page: AppTest) -> None:
    fill(page)
    page.switch_page("pages/classify.py").run()
    page.switch_page("pages/compare.py").run()
    assert "1 of 2 pictures counts as the same" in shown(page)


def test_a_pair_of_the_classify_page_is_explained_and_handed_over(page: AppTest) -> None:
    page.switch_page("pages/classify.py").run()
    for place, colour in (("class_0", "red"), ("class_1", "blue"), ("queries", (250, 5, 5))):
        key = f"drop_{place}_{page.session_state['few_shot_lab'].drops[place]}"
        upload = (f"{place}.png", picture(colour), "image/png")  # type: ignore[arg-type]
        page.file_uploader(key=key).set_value([upload]).run()
    assert not page.exception
    page.button(key="pair_why_show").click().run()
    assert "Green parts make the two more similar" in shown(page)
    page.session_state["compare_middle"] = 50
    page.button(key="pair_compare").click().run()
    assert page.session_state["compare_middle"] == 100  # the answer there was about the whole pictures
    assert [p.name for p in state(page).references] == ["class_0.png"]
    assert [p.name for p in state(page).probes] == ["queries.png"]
    page.switch_page("pages/compare.py").run()
    assert "Same: similarity" in shown(page)


def test_the_camera_counts_from_its_opening(page: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(st, "rerun", lambda **_: None)  # the test runner draws no dialog by itself
    page.button(key="compare_camera_probes").click().run()
    photo = ("seen.jpg", picture((250, 0, 0)), "image/jpeg")
    page.camera_input(key="camera_compare_probes_0").set_value(photo)
    page.button(key="compare_camera_probes").click().run()
    assert [said.value for said in page.success] == ["1 photo taken so far. Take more, or press Done."]
    assert [probe.name for probe in state(page).probes] == ["photo 1.jpg"]
    page.button(key="compare_camera_probes").click().run()
    assert page.camera_input(key="camera_compare_probes_1")
    assert not page.success
