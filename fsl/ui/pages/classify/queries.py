"""The pictures to classify: a drop zone, the camera and a button to clear them."""

from __future__ import annotations

from functools import partial

import streamlit as st

from fsl.base.text import count
from fsl.ui.pages.classify.camera import CameraTarget
from fsl.ui.pages.classify.decide import what_is_missing
from fsl.ui.pages.classify.drops import drop_key, take_pictures
from fsl.ui.shared.guard import guarded_button
from fsl.ui.shared.state import QUERIES, Session

ANSWERS = "answers"
"""Anchor of the heading above the answers."""


def show_queries(state: Session) -> CameraTarget | None:
    """Show the drop zone of the queries.

    Returns:
        the queries if their camera button was pressed in this run, else None.
    """
    camera = None
    st.header("2. Pictures to classify", anchor=False)
    files = st.file_uploader(
        "Add pictures to classify",
        accept_multiple_files=True,
        key=drop_key(state, QUERIES),
        label_visibility="collapsed",
    )
    if files:
        take_pictures(state, None, files)
    with st.container(horizontal=True, gap="small"):
        if st.button("Take a photo", key="camera_queries", icon=":material/photo_camera:", type="tertiary"):
            camera = CameraTarget(None, "the pictures to classify")
        if state.workspace.queries:
            guarded_button(
                "Clear all",
                "clear_queries",
                partial(_clear, state),
                icon=":material/ink_eraser:",
                type="tertiary",
            )
    if not what_is_missing(state.workspace):  # the answers may be out of sight
        n_queries = count(len(state.workspace.queries), "picture")
        st.caption(f"{n_queries} to classify. [Go to the answers](#{ANSWERS})")
    return camera


def _clear(state: Session) -> None:
    state.change(state.workspace.cleared(None), undo="the pictures to classify")
