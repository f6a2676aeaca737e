"""Saving a project on the Classify page and opening it again."""

from __future__ import annotations

from streamlit.testing.v1 import AppTest

from fsl.fewshot.project import project_bytes
from fsl.ui.pages.classify.toolbar import project_of
from tests.helpers.pages import drop, fill, shown, state


def saved(page: AppTest) -> tuple[str, bytes]:
    """Return the file that "Save project" downloads."""
    return "project.zip", project_bytes(project_of(state(page)))


def test_a_project_with_two_classes_of_one_name_opens_again(page: AppTest) -> None:
    fill(page)
    page.text_input(key="class_name_1").set_value("Class 1").run()
    drop(page, "project", saved(page))
    assert [(card.name, len(card.pictures)) for card in state(page).workspace.classes] == [("Class 1", 2)] * 2
    assert not page.error
    page.text_input(key=f"class_name_{state(page).workspace.classes[1].id}").set_value("Class 2").run()
    assert "Most like Class 1" in shown(page)


def test_undo_brings_back_the_network_and_its_settings_with_the_pictures(page: AppTest) -> None:
    def judged_by() -> tuple[str, str | None, float | None, bool, str]:
        now = state(page)
        return now.checkpoint, now.rule, now.threshold, now.together, now.saved_with

    fill(page)
    page.selectbox(key="checkpoint").set_value("small-two").run()
    page.selectbox(key="rule").set_value("prototype").run()
    page.toggle(key="together").set_value(True).run()
    page.slider(key="threshold").set_value(0.97).run()
    project = saved(page)
    page.toggle(key="together").set_value(False).run()
    page.selectbox(key="checkpoint").set_value("small").run()
    page.selectbox(key="rule").set_value("max").run()
    drop(page, "project", project)
    opened = judged_by()
    assert opened[:4] == ("small-two", "prototype", 0.97, True)
    page.button(key="classify_undo").click().run()
    assert judged_by() == ("small", "max", None, False, "")
    assert page.selectbox(key="checkpoint").value == "small"
    page.button(key="classify_redo").click().run()
    assert judged_by() == opened
