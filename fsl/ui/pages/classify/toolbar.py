"""Menus that fill the page at once (a folder or zip, a project, an example), and the welcome."""

from __future__ import annotations

from functools import partial

import streamlit as st

from fsl.fewshot.project import Project, ProjectImage, project_bytes
from fsl.ui.pages.classify.check import show_check_button
from fsl.ui.pages.classify.drops import drop_key, take_archive, take_folder, take_project
from fsl.ui.pages.classify.examples import EXAMPLES, load_example, show_example_menu
from fsl.ui.shared.menu import menu
from fsl.ui.shared.state import Session
from fsl.ui.shared.undo import show_undo
from fsl.ui.shared.workspace import Workspace


def show_toolbar(state: Session) -> None:
    """Show the row of menus at the top."""
    with st.container(horizontal=True, gap="small", key="toolbar"):
        # A menu with a new key is closed: after a drop there is nothing more to do in it.
        n_filled = state.drops["zip"] + state.drops["folder"]
        menu(
            "Folder or zip",
            partial(_show_folder_drop, state),
            key=f"folder_menu_{n_filled}",
            icon=":material/folder_open:",
        )
        menu(
            "Project",
            partial(_show_project, state),
            key=f"project_menu_{state.drops['project']}",
            icon=":material/save:",
        )
        show_check_button(state)
        if not state.workspace.is_empty:
            show_example_menu(state)
        show_undo("classify", state.history, state.bring_back, state.remove_again)


def show_welcome(state: Session) -> None:
    """Show what to do on an empty page, and the examples."""
    with st.container(border=True, key="welcome"):
        st.markdown(
            "**Add a few pictures of each thing, then a new one, and the app says what it is.** No training, "
            "no waiting. Drop pictures on the cards below, or start with an example:"
        )
        for column, example in zip(st.columns(len(EXAMPLES)), EXAMPLES, strict=True):
            with column:
                key = f"{example.key}_welcome"
                clicked = st.button(
                    example.label, key=key, icon=example.icon, width="stretch", type="primary"
                )
                st.caption(example.about)
            if clicked:
                load_example(state, example)


def _show_folder_drop(state: Session) -> None:
    st.markdown("**A folder with a sub-folder for each class** fills all cards at once.")
    st.caption("Pictures in a sub-folder called “queries”, or in no sub-folder, become pictures to classify.")
    archive = st.file_uploader(
        "A zip of the folder (fastest for hundreds of pictures)",
        type="zip",
        key=drop_key(state, "zip"),
        help="You can open a saved project here, too.",
    )
    if archive is not None:
        take_archive(state, archive)
    folder = st.file_uploader(
        "Or the folder itself",
        accept_multiple_files="directory",
        key=drop_key(state, "folder"),
        help="Sub-folders become classes.",
    )
    if folder:
        take_folder(state, folder)


def _show_project(state: Session) -> None:
    st.markdown("**Keep your work**: pictures, names and settings in one zip that opens here again.")
    st.download_button(
        "Save project",
        data=lambda: project_bytes(project_of(state)),  # as it is when the button is pressed
        file_name="few-shot-project.zip",
        mime="application/zip",
        key="save_project",
        icon=":material/download:",
        disabled=state.workspace.is_empty,
        on_click="ignore",
        width="stretch",
    )
    file = st.file_uploader("Open a project", type="zip", key=drop_key(state, "project"))
    if file is not None:
        take_project(state, file)


def project_of(state: Session) -> Project:
    """Return what "Save project" writes."""
    workspace: Workspace = state.workspace
    place = {card.id: i for i, card in enumerate(workspace.classes)}
    return Project(
        classes=tuple(
            (card.name, tuple(ProjectImage(p.name, p.data) for p in card.pictures))
            for card in workspace.classes
        ),
        queries=tuple(ProjectImage(p.name, p.data) for p in workspace.queries),
        rule=state.rule,
        threshold=state.threshold,
        checkpoint=state.checkpoint,
        checkpoint_digest=state.checkpoint_digest,
        corrections={
            digest: None if target is None else place[target]
            for digest, target in workspace.corrections.items()
        },
        together=state.together,
    )
