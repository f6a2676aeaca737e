"""Photos from the camera, in a dialog, so that no page asks for the camera unprompted."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass

import streamlit as st

from fsl.base.text import count
from fsl.ui.shared.escape import markdown
from fsl.ui.shared.guard import guarded
from fsl.ui.shared.uploads import taken

_KEY = "few_shot_lab_photos"


def camera_dialog(place: str, name: str, add: Callable[[str, bytes], None]) -> None:
    """Open a dialog that takes photos one after another until it is closed.

    Args:
        place: where the photos go; part of the widget's key.
        name: name of that place, plain text.
        add: called with the file name and bytes of each photo; may raise an FslError.
    """
    _take_photos(place, name, add, _Opening())


@dataclass
class _Opening:
    """The dialog from its opening on.

    Attributes:
        n_added: number of photos taken since.
    """

    n_added: int = 0


@st.dialog("Take photos", on_dismiss="rerun")
def _take_photos(place: str, name: str, add: Callable[[str, bytes], None], opening: _Opening) -> None:
    numbers: defaultdict[str, int] = st.session_state.setdefault(_KEY, defaultdict(int))
    with guarded():
        photo = st.camera_input(f"Photo for {markdown(name)}", key=f"camera_{place}_{numbers[place]}")
        if photo is not None:
            with taken([photo]) as [(_, data)]:
                numbers[place] += 1
                add(f"photo {numbers[place]}.jpg", data)
                opening.n_added += 1
            st.rerun(scope="fragment")
        if opening.n_added:
            st.success(f"{count(opening.n_added, 'photo')} taken so far. Take more, or press Done.")
    if st.button("Done", key="camera_done", type="primary"):
        st.rerun()
