"""The Classify page through Streamlit's own test runner."""

from __future__ import annotations

import io
import zipfile
from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

import fsl
from fsl.base.errors import FslError
from fsl.data.download import Answer
from fsl.fewshot.classify import Prediction
from fsl.fewshot.linear_probe import MethodComparison
from fsl.fewshot.project import Project, ProjectImage, project_bytes
from fsl.twin.checkpoint import from_twin
from fsl.ui.pages.classify import drop_steps
from fsl.ui.shared.intake import take_listing
from tests.helpers.networks import LIMIT
from tests.helpers.pages import drop, drop_all, fill, grid, shown, state
from tests.helpers.pictures import picture, zipped
from tests.helpers.waiting import until


def test_the_empty_page_says_what_to_do(page: AppTest) -> None:
    assert not page.exception
    assert "Add pictures to two classes." in shown(page)
    assert page.button(key="example_drawn_welcome").label == "Drawn fruit"


def test_pictures_in_answers_out(page: AppTest) -> None:
    page.text_input(key="class_name_0").set_value("red").run()
    fill(page)
    text = shown(page)
    assert "Most like red: " in text
    assert f"(limit {LIMIT:.2f})" in text
    assert "4 of 4 of your own pictures are recognised" in text


def test_a_limit_above_all_makes_it_unknown_and_can_be_reset(page: AppTest) -> None:
    fill(page)
    page.slider(key="threshold").set_value(1.0).run()
    assert "Nothing here is similar enough: the best match, Class 1," in shown(page)
    assert "You moved the limit" in shown(page)
    page.button(key="reset_threshold").click().run()
    assert page.slider(key="threshold").value == LIMIT
    assert "Most like Class 1" in shown(page)
    assert "5% of the pictures that belonged to a class were called unknown" in shown(page)


def test_rule_and_network_change_the_answer_without_embedding_again(
    page: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(page)
    with monkeypatch.context() as patch:
        patch.setattr("fsl.fewshot.embed.embed_images", None)  # embedding now would fail
        for rule in ("max", "prototype"):
            page.selectbox(key="rule").set_value(rule).run()
            assert state(page).rule == rule
            assert "Most like Class 1" in shown(page)
            assert ("together" in {one.key for one in page.toggle}) == (rule == "prototype")
        asked: list[Prediction] = []
        patch.setattr(
            "fsl.fewshot.together.answered_together", lambda *given: asked.extend(given[3]) or asked
        )
        page.toggle(key="together").set_value(True).run()
        assert [one.query for one in asked] == [query.name for query in state(page).workspace.queries]
        page.toggle(key="together").set_value(False).run()
    page.selectbox(key="checkpoint").set_value("small-two").run()
    assert state(page).checkpoint == "small-two"
    assert not page.error


def test_every_zip_of_a_drop_is_taken_and_the_pictures_too(page: AppTest) -> None:
    first = zipped(lemon__1=picture("yellow"), lemon__2=picture("gold"))
    second = zipped(plum__1=picture("purple"), pear__1=picture("green"))
    files = [("keep.png", picture("red")), ("a.zip", first), ("bad.zip", b"no zip"), ("b.zip", second)]
    drop(page, "class_0", *files)
    held = {card.name: len(card.pictures) for card in state(page).workspace.classes}
    assert held == {"Class 1": 1, "lemon": 2, "plum": 1, "pear": 1}
    assert "a.zip: Added 1 new class." in shown(page)
    assert "b.zip: Added 2 new classes." in shown(page)
    assert "bad.zip: this is not a zip" in shown(page)


def test_what_is_dropped_beside_a_project_is_named(page: AppTest) -> None:
    project = Project(classes=(("red", (ProjectImage("r.png", picture("red")),)), ("blue", ())))
    drop(page, "class_0", ("keep.png", picture("green")), ("project.zip", project_bytes(project)))
    assert [card.name for card in state(page).workspace.classes] == ["red", "blue"]
    assert "keep.png: it was dropped together with a project" in shown(page)


def test_two_classes_of_one_name_are_complained_of_once(page: AppTest) -> None:
    fill(page)
    page.text_input(key="class_name_1").set_value("Class 1").run()
    assert "Two classes are called Class 1." in shown(page)
    page.button(key="clear_queries").click().run()
    assert shown(page).count("Two classes are called") == 1


def fill_with_five_each(page: AppTest) -> None:
    places = {"queries": [("q.png", picture((235, 5, 5)))]}
    for number, channel in enumerate((0, 2)):
        colours = [[5 + 10 * shot, 5 + 12 * shot, 5 + 9 * shot] for shot in range(5)]
        for colour in colours:
            colour[channel] = 250
        places[f"class_{number}"] = [(f"{number}{i}.png", picture(tuple(c))) for i, c in enumerate(colours)]
    drop_all(page, **places)


def test_the_linear_probe_is_offered_from_five_pictures_on(page: AppTest) -> None:
    fill(page)
    assert not any("quick" in option for option in page.selectbox(key="rule").options)
    assert "Best method." not in shown(page)
    fill_with_five_each(page)
    text = shown(page)
    assert "Recognised of 14 pictures, with one picture hidden at a time: " in text
    assert "the quick classifier" in text
    page.selectbox(key="rule").set_value("quick").run()
    assert state(page).rule == "quick"
    assert "Most like Class 1" in shown(page)
    page.menu_button(key="class_menu_1").click_index(1).run()
    drop(page, "class_1", ("b1.png", picture((0, 0, 250))))
    assert "Most like Class 1" in shown(page)  # by the network's own rule: too few are left
    assert page.selectbox(key="rule").value != "quick"


def test_a_better_method_is_one_click_away(page: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    found = MethodComparison({"mean": 6, "max": 5, "prototype": 7, "quick": 10}, 10, 10, "prototype", "quick")
    monkeypatch.setattr("fsl.fewshot.linear_probe.compare_methods", lambda *_: found)
    fill_with_five_each(page)
    assert "The quick classifier does best here, 3 pictures (30 in 100) ahead of" in shown(page)
    assert "; that may be chance" in shown(page)
    page.button(key="use_best").click().run()
    assert state(page).rule == "quick"
    assert not [button for button in page.button if button.key == "use_best"]


def test_a_network_that_cannot_be_had_leaves_the_default_one(
    page: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(page)
    monkeypatch.setattr("fsl.twin.load.pretrained_checkpoint", _offline)
    page.selectbox(key="timm_name").set_value("resnet50.a1_in1k").run()
    page.button(key="use_timm").click().run()
    assert "connect to the internet" in shown(page)
    assert "small answers instead" in shown(page)
    assert "Most like Class 1" in shown(page)
    assert state(page).checkpoint == ""


def type_timm_name(page: AppTest, name: str) -> None:
    box = page.selectbox(key="timm_name")
    box.options.append(name)  # Streamlit's own test runner knows only what is listed
    box.set_value(name).run()
    assert not page.exception


def test_a_typed_network_of_timm_tells_its_size_before_it_is_downloaded(page: AppTest) -> None:
    pytest.importorskip("timm", reason="an extra")
    fill(page)
    type_timm_name(page, "resnet18")
    assert "resnet18: 47 MB to download" in shown(page)
    assert not page.button(key="use_timm").disabled
    type_timm_name(page, "resnet5")
    assert "no pretrained weights for 'resnet5'" in shown(page)
    assert page.button(key="use_timm").disabled


def test_a_network_of_timm_answers_and_calls_nothing_unknown(
    page: AppTest, monkeypatch: pytest.MonkeyPatch, checkpoint_folder: Path
) -> None:
    fill(page)
    made = fsl.load(str(checkpoint_folder / "small.safetensors"), "cpu")
    info = replace(made.info, name="timm:resnet50.a1_in1k", title="", calibrations=())
    monkeypatch.setattr(
        "fsl.twin.load.pretrained_checkpoint", lambda name, device: from_twin(made.twin, info)
    )
    page.selectbox(key="timm_name").set_value("resnet50.a1_in1k").run()
    page.button(key="use_timm").click().run()
    assert state(page).checkpoint == "timm:resnet50.a1_in1k"
    assert "Most like Class 1" in shown(page)
    assert "no picture is called unknown" in shown(page)
    page.selectbox(key="checkpoint").set_value("small").run()
    assert state(page).checkpoint == "small"


def _offline(name: str, device: object) -> None:
    raise FslError(f"{name}: connect to the internet and try again.")


def test_bad_files_are_named_with_the_reason_and_good_ones_kept(page: AppTest) -> None:
    drop(
        page,
        "class_0",
        ("note<b>.png", b"hello"),
        ("cut.png", picture("red")[:40]),
        ("ok.png", picture("red")),
    )
    assert len(state(page).workspace.classes[0].pictures) == 1
    text = shown(page)
    assert "2 files could not be used" in text
    assert "note<b>.png" in text
    assert "cut.png" in text
    page.button(key="dismiss").click().run()
    assert "could not be used" not in shown(page)


def test_a_picture_dropped_twice_is_kept_once(page: AppTest) -> None:
    drop(page, "class_0", ("a.png", picture("red")), ("b.png", picture("red")))
    assert len(state(page).workspace.classes[0].pictures) == 1
    assert "b.png was there already" in shown(page)


def test_a_folder_fills_classes_and_queries(page: AppTest) -> None:
    files = [("top/red/1.png", picture("red")), ("top/blue/1.png", picture("blue"))]
    drop(page, "folder", *files, ("top/queries/q.png", picture("navy")))
    assert [card.name for card in state(page).workspace.classes] == ["blue", "red"]
    assert "Most like blue" in shown(page)
    assert "Added 2 new classes, and 1 picture to classify" in shown(page)


def test_a_zip_fills_classes_wherever_it_is_dropped(page: AppTest) -> None:
    data = zipped(red__1=picture("red"), blue__1=picture("blue"))
    drop(page, "class_0", ("set.zip", data))
    assert {card.name for card in state(page).workspace.classes} == {"red", "blue"}


def test_an_empty_folder_of_a_zip_is_named(page: AppTest) -> None:
    out = io.BytesIO(zipped(red__1=picture("red"), red__2=b"no picture"))
    with zipfile.ZipFile(out, "a") as archive:
        archive.mkdir("violet")
    drop(page, "class_0", ("set.zip", out.getvalue()))
    assert "1 file and 1 empty folder could not be used" in shown(page)
    assert "violet: has no pictures in it" in shown(page)


def test_a_damaged_zip_gets_a_message_and_loses_nothing(page: AppTest) -> None:
    fill(page)
    drop(page, "zip", ("broken.zip", b"PK\x03\x04rubbish"))
    assert "broken.zip: this is not a zip" in shown(page)
    assert "Most like Class 1" in shown(page)


def test_delete_and_undo(page: AppTest) -> None:
    fill(page)
    page.menu_button(key="class_menu_1").click_index(-1).run()
    assert "Add pictures to one more class." in shown(page)
    page.button(key="classify_undo").click().run()
    assert [card.name for card in state(page).workspace.classes] == ["Class 1", "Class 2"]
    assert "Most like Class 1" in shown(page)


def test_accepted_pictures_teach_and_that_can_be_undone(page: AppTest) -> None:
    fill(page)
    drop(page, "queries", ("p.png", picture((10, 5, 240))))
    query = state(page).workspace.queries[0]
    page.button(key="accept").click().run()
    assert state(page).workspace.corrections == {query.digest: 0}
    assert "You said Class 1" in shown(page)
    page.button(key="learn_now").click().run()
    assert query in state(page).workspace.classes[0].pictures
    text = shown(page)
    assert "1 example was added. Of 1 other answer, 0 changed." in text
    assert "(4 of 4) before, over 99% (5 of 5) now." in text
    page.button(key="classify_undo").click().run()
    assert query not in state(page).workspace.classes[0].pictures
    assert "1 example was added" not in shown(page)
    assert page.button(key="learn_now").label == "Add 1 example"
    page.button(key="take_back").click().run()
    assert not state(page).workspace.corrections


def test_what_is_said_of_the_next_answer_is_not_taken_for_the_one_that_left_the_filter(page: AppTest) -> None:
    fill(page)
    drop(page, "queries", ("p.png", picture((10, 5, 240))))
    first, second = (query.digest for query in state(page).workspace.queries)
    page.pills(key="answers_show").set_value("open").run()
    state(page).selected = first
    for digest, shows in ((first, 0), (second, 1)):
        page.pills(key=f"correct_{digest[:16]}").set_value(shows).run()
    assert state(page).workspace.corrections == {first: 0, second: 1}


def test_a_class_name_is_escaped_where_markdown_is_read_and_nowhere_else(page: AppTest) -> None:
    fill(page)
    page.text_input(key="class_name_0").set_value("[a_b]").run()
    drop(page, "queries", ("p.png", picture((10, 5, 240))))
    key = f"correct_{state(page).workspace.queries[0].digest[:16]}"
    assert page.pills(key=key).options[0] == r"1 · \[a\_b\]"
    assert r"\[a\_b\] 1" in page.pills(key="answers_show").options
    page.button(key="camera_queries").click().run()
    assert page.selectbox(key="camera_target").options[1] == "[a_b]"
    drop(page, "zip", ("more.zip", zipped(**{f"{i}__x": picture((i, 0, 0)) for i in range(30)})))
    assert page.selectbox(key=key).options[0] == "1 · [a_b]"
    assert "[a_b] 1" in page.selectbox(key="answers_show").options


def test_near_copies_get_one_answer_after_they_were_shown_and_that_can_be_undone(
    page: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fsl.fewshot.similar_queries.similar_queries", lambda *_: [1.0, 0.995, 0.3])
    fill(page)
    drop(page, "queries", ("copy.png", picture((235, 5, 6))), ("blue.png", picture((5, 5, 235))))
    page.button(key="like_this").click().run()
    assert [tile["name"] for tile in grid(page, "near_copies_grid")["tiles"]] == ["copy.png"]
    assert not state(page).workspace.corrections
    page.button(key="spread").click().run()
    digests = [query.digest for query in state(page).workspace.queries]
    assert state(page).workspace.corrections == {digests[0]: 0, digests[1]: 0}
    assert "1 picture like q.png now counts as Class 1." in shown(page)
    page.button(key="classify_undo").click().run()
    assert not state(page).workspace.corrections


def test_a_menu_is_built_once_it_was_opened(page: AppTest) -> None:
    fill(page)
    page.session_state["few_shot_lab_opened_menus"] = {"settings_menu"}
    page.run()
    assert page.selectbox(key="rule").value
    assert not [zone for zone in page.file_uploader if str(zone.key).startswith("drop_project")]


def test_an_example_puts_own_pictures_aside(page: AppTest) -> None:
    fill(page)
    page.menu_button(key="examples_menu").click_index(1).run()
    assert len(state(page).workspace.classes) == 5
    assert "3. Answers" in shown(page)
    page.button(key="classify_undo").click().run()
    assert [p.name for p in state(page).workspace.queries] == ["q.png"]


def test_a_folder_replaces_an_example_and_joins_own_pictures(page: AppTest) -> None:
    page.button(key="example_digits_welcome").click().run()
    drop(page, "folder", ("red/1.png", picture("red")), ("blue/1.png", picture("blue")))
    assert [card.name for card in state(page).workspace.classes] == ["blue", "red"]
    drop(page, "folder", ("green/1.png", picture("green")), ("red/2.png", picture("maroon")))
    assert [card.name for card in state(page).workspace.classes] == ["blue", "red", "green"]
    assert len(state(page).workspace.classes[1].pictures) == 2
    page.button(key="classify_undo").click().run()
    assert len(state(page).workspace.classes) == 5
    page.button(key="classify_redo").click().run()  # what was added since comes back in turn
    assert [card.name for card in state(page).workspace.classes] == ["blue", "red", "green"]


def test_clicks_and_other_pages_while_a_drop_is_read_lose_and_repeat_nothing(
    page: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on, calls = Event(), list[int]()

    def wait_then_take(*arguments: Any) -> Any:
        calls.append(len(calls))
        assert go_on.wait(20)
        return take_listing(*arguments)

    monkeypatch.setattr(drop_steps, "take_listing", wait_then_take)
    monkeypatch.setattr("fsl.ui.shared.work.PATIENCE_SECONDS", 0.0)
    archive = zipped(lemon__1=picture("yellow"), plum__1=picture("purple"))
    drop(page, "queries", ("q.png", picture("red")), ("fruit.zip", archive))
    while not calls:  # the picture is read first
        page.run()
    assert [query.name for query in state(page).workspace.queries] == ["q.png"]
    page.switch_page("pages/learn.py").run()
    page.switch_page("pages/classify.py").run()
    drop(page, "queries", ("p.png", picture("pink")))  # waits for its turn
    go_on.set()
    until(lambda: page.run() is page and state(page).pending is None)
    assert not page.exception
    assert calls == [0]
    assert [card.name for card in state(page).workspace.classes] == ["lemon", "plum"]
    assert [query.name for query in state(page).workspace.queries] == ["q.png", "p.png"]
    assert "there already" not in shown(page)
    assert "Added 2 new classes" in shown(page)


def test_photos_of_fruit_offline_say_so(
    page: AppTest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def refuse(url: str, start: int) -> Answer:
        raise OSError("no route")

    monkeypatch.setattr("fsl.data.download.cache_folder", lambda: tmp_path)
    monkeypatch.setattr("fsl.data.examples.cache_folder", lambda: tmp_path)
    monkeypatch.setattr("fsl.data.examples.fruits_task.__kwdefaults__", {**_defaults(), "fetch": refuse})
    page.button(key="example_fruits_welcome").click().run()
    assert state(page).workspace.is_empty
    assert state(page).notes


def _defaults() -> dict[str, object]:
    from fsl.data.examples import fruits_task

    return dict(fruits_task.__kwdefaults__ or {})


def test_a_project_opens_with_names_and_settings(page: AppTest) -> None:
    red, blue = ProjectImage("r.png", picture("red")), ProjectImage("b.png", picture("blue"))
    project = Project(
        (("warm", (red,)), ("cold", (blue,))), (ProjectImage("q", picture("navy")),), "max", 0.1
    )
    drop(page, "project", ("work.zip", project_bytes(project)))
    assert "Opened work.zip: 2 classes and 1 picture to classify." in shown(page)
    assert page.selectbox(key="rule").value == "max"
    assert page.slider(key="threshold").value == 0.1
    assert "Most like cold" in shown(page)
    assert "saved with another network" not in shown(page)


def test_a_project_of_another_network_says_so(page: AppTest) -> None:
    red, blue = ProjectImage("r.png", picture("red")), ProjectImage("b.png", picture("blue"))
    classes = (("warm", (red,)), ("cold", (blue,)))
    project = Project(classes, (red,), checkpoint="gone", checkpoint_digest="ab" * 32)
    drop(page, "project", ("work.zip", project_bytes(project)))
    assert "saved with another network" in shown(page)
    page.selectbox(key="checkpoint").set_value("small-two").run()
    assert "saved with another network" not in shown(page)


def test_a_blank_name_leaves_the_old_one(page: AppTest) -> None:
    page.text_input(key="class_name_0").set_value("  ").run()
    assert page.text_input(key="class_name_0").value == "Class 1"


def test_a_picture_in_two_classes_is_pointed_out(page: AppTest) -> None:
    drop(page, "class_0", ("a.png", picture("red")))
    drop(page, "class_1", ("a.png", picture("red")))
    assert "a.png is in both Class 1 and Class 2." in shown(page)


def test_hostile_names_are_shown_letter_for_letter(page: AppTest) -> None:
    name = "![x](http://example.com/x.png) <b> :smile: $a$"
    page.text_input(key="class_name_0").set_value(name).run()
    fill(page)
    headline = next(m.value for m in page.markdown if m.value.startswith("### Most like"))
    assert "![" not in headline
    assert "<b" not in headline.replace("\\<", "")
    assert ":smile:" not in headline


def test_no_checkpoint_is_said_plainly(
    page: AppTest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("FSL_CHECKPOINT_DIR", str(tmp_path))
    fill(page)
    assert "No trained network was found" in shown(page)
    (tmp_path / "odd.safetensors").write_bytes(b"\x80\x04rubbish")
    page.run()
    assert "odd.safetensors is a pickle" in shown(page)


def test_an_unexpected_error_shows_a_sentence_and_no_traceback(
    page: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: object) -> None:
        raise ZeroDivisionError("secret detail")

    monkeypatch.setattr("fsl.ui.pages.classify.answers.predict", fail)
    fill(page)
    assert "Something went wrong here." in shown(page)
    assert "secret detail" not in shown(page)
    assert not page.exception


def test_changing_pages_loses_nothing(page: AppTest) -> None:
    page.text_input(key="class_name_0").set_value("red").run()
    fill(page)
    page.selectbox(key="rule").set_value("max").run()
    page.slider(key="threshold").set_value(0.2).run()
    page.switch_page("app.py").run()
    page.switch_page("pages/classify.py").run()
    assert page.text_input(key="class_name_0").value == "red"
    assert page.selectbox(key="rule").value == "max"
    assert page.slider(key="threshold").value == 0.2
    assert "Most like red" in shown(page)
