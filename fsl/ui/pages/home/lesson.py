"""The learning-rate lesson on the home page: three networks in training, as maps that move."""

from __future__ import annotations

import streamlit as st

from fsl.ui.shared.guard import guarded
from fsl.ui.shared.lesson_map import lesson_in_memory, show_lesson_maps

_HEIGHT = 250


@st.fragment
def show_lesson() -> None:
    """Draw the maps and a link to the step that explains them; needs no network."""
    with guarded(), st.container(border=True, key="home_lesson"):
        st.markdown(
            "**Why the learning rate matters.** Three networks learn from the same batches and differ only "
            "in the rate. Press **Play**: two learn to keep kinds of fruit apart that they never trained on; "
            "the third falls onto one point."
        )
        show_lesson_maps(lesson_in_memory(), "home_lesson", _HEIGHT)
        st.page_link("pages/learn.py", label="The whole lesson", query_params={"step": "rate"})
