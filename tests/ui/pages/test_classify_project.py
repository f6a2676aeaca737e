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
