"""Photos from the camera, in a dialog, so that no page asks for the camera unprompted."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable

import streamlit as st

from fsl.base.text import count
from fsl.ui.shared.escape import markdown
from fsl.ui.shared.guard import guarded
from fsl.ui.shared.uploads import taken

_KEY = "few_shot_lab_photos"


@st.dialog("Take photos", on_dismiss="rerun")
def camera_dialog(place: str, name: str, add: Callable[[str, bytes], None]) -> None:
    """Take photos one after another until the dialog is closed.

    Args:
        place: where the photos go; part of the widget's key.
        name: name of that place, plain text.
        add: called with the file name and bytes of each photo; may raise an FslError.
    """
    n_taken: defaultdict[str, int] = st.session_state.setdefault(_KEY, defaultdict(int))
    with guarded():
        photo = st.camera_input(f"Photo for {markdown(name)}", key=f"camera_{place}_{n_taken[place]}")
        if photo is not None:
            with taken([photo]) as [(_, data)]:
                n_taken[place] += 1
                add(f"photo {n_taken[place]}.jpg", data)
            st.rerun(scope="fragment")
        if n_taken[place]:
            st.success(f"{count(n_taken[place], 'photo')} taken so far. Take more, or press Done.")
    if st.button("Done", key="camera_done", type="primary"):
        st.rerun()
