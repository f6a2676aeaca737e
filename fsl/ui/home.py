"""The home page: what this is, where to go, what it runs on."""

from __future__ import annotations

import streamlit as st

from fsl.ui.frame import warm_up_after_paint
from fsl.ui.resources import warm_up

_DEVICE_WAIT_SECONDS = 1.0
_STEPS = (
    (
        "add_photo_alternate",
        "Show",
        "Drop one to five pictures per class: your parts, your plants, your mugs.",
    ),
    ("help_center", "Ask", "Drop the pictures to sort. The answers are there at once, with no training."),
    (
        "compare",
        "See why",
        "How sure it is, which pictures decided, and “unknown” when nothing is alike enough.",
    ),
)


def show_home_page() -> None:
    """Draw it."""
    with st.container(key="home_text"):
        st.title("Teach it with a handful of pictures", anchor=False)
        st.markdown(
            "Few-Shot Lab tells things apart after seeing **one to five pictures of each**. It does not "
            "train on your pictures: a *twin network*, trained beforehand on thousands of others, looks at "
            "two pictures and says how alike they are. What your new picture is most alike to is the answer."
        )
    with st.container(key="steps"):
        for column, (icon, title, text) in zip(st.columns(3), _STEPS, strict=True):
            with column, st.container(border=True, height="stretch"):
                st.markdown(f"##### :material/{icon}: {title}")
                st.markdown(text)
    with st.container(horizontal=True, gap="small", key="doors"):
        start = st.button(
            "Classify my pictures", key="door_classify", type="primary", icon=":material/arrow_forward:"
        )
        train = st.button("Watch it learn", key="door_training", icon=":material/show_chart:")
        look = st.button("See what the network sees", key="door_embeddings", icon=":material/scatter_plot:")
    if start:
        st.switch_page("pages/classify.py")
    if train:
        st.switch_page("pages/training.py")
    if look:
        st.switch_page("pages/embeddings.py")
    _show_device()
    warm_up_after_paint()


def _show_device() -> None:
    # Naming the device takes torch, and torch takes seconds: look again until it is there.
    waits = not warm_up().done.is_set()
    st.fragment(_device_line, run_every=_DEVICE_WAIT_SECONDS if waits else None)()


def _device_line() -> None:
    state = warm_up()
    if not state.done.is_set():
        st.caption(":material/memory: Looking at this machine …")
    elif state.device:
        st.caption(f":material/memory: {state.device}. Your pictures go to no other service.")
    else:
        st.caption(":material/memory: The computing library could not be loaded; see the server's log.")
