"""The camera as a way in. It opens in a dialog of its own, so no page asks for the camera unbidden."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from fsl.ui import wording
from fsl.ui.classify.drops import Target, add_pictures, drop_key, place_of
from fsl.ui.escape import markdown
from fsl.ui.guard import guarded
from fsl.ui.state import session
from fsl.ui.uploads import take_upload


@dataclass(frozen=True)
class CameraWish:
    """Where photos are to go: the id of a class or none for the queries, and what to call it."""

    target: Target
    name: str


@st.dialog("Take photos", on_dismiss="rerun")
def camera_dialog(wish: CameraWish) -> None:
    """Photos, one after the other, until the dialog is closed."""
    state = session()
    place = f"camera_{place_of(wish.target)}"
    with guarded():
        photo = st.camera_input(f"Photo for {markdown(wish.name)}", key=drop_key(state, place))
        if photo is not None:
            number = state.drops[place] + 1
            state.drops[place] = number
            add_pictures(state, wish.target, [(f"photo {number}.jpg", take_upload(photo)[1])])
            st.rerun(scope="fragment")
        taken = state.drops[place]
        if taken:
            st.success(f"{wording.count(taken, 'photo')} taken. Take more, or close.")
    if st.button("Done", key="camera_done", type="primary"):
        st.rerun()
