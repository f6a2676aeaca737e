"""The home page: what this is, where to go, what it runs on."""

from __future__ import annotations

import streamlit as st

from fsl.ui.frame import warm_up_after_paint
from fsl.ui.resources import warm_up

_DEVICE_WAIT_SECONDS = 1.0


def show_home_page() -> None:
    """Draw it."""
    st.title("Teach it with a handful of pictures", anchor=False)
    st.markdown(
        "Few-Shot Lab tells things apart after seeing **one to five pictures of each**. It does not train on "
        "your pictures: a *twin network*, trained beforehand on thousands of other things, looks at two "
        "pictures and says how alike they are. Your new picture belongs where it finds the most alike."
    )
    with st.container(border=True, key="door_classify", width=520):
        st.subheader("Classify my pictures", anchor=False)
        st.markdown(
            "Drop a few pictures per class, then the ones to sort. See the answer, how sure it is, and which "
            "of your pictures it rests on."
        )
        st.page_link("pages/classify.py", label="**Start**", icon=":material/arrow_forward:")
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
        st.caption(f":material/memory: Runs on this machine. {state.device}. Your pictures do not leave it.")
    else:
        st.caption(":material/memory: The computing library could not be loaded; see the server's log.")
