"""The home page: what this is, an example that already shows an answer, where to go, what it runs on."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from fsl.ui.pages.home.example import show_example
from fsl.ui.shared.frame import draw_again_when_warm
from fsl.ui.shared.page_links import LEARN_STEPS
from fsl.ui.shared.resources import warm_up


@dataclass(frozen=True)
class Door:
    """A way into the app.

    Attributes:
        page: where it leads.
        icon: of it.
        title: what one does there.
        about: a sentence on it.
    """

    page: str
    icon: str
    title: str
    about: str


_DOORS = (
    Door(
        "pages/classify.py",
        ":material/add_photo_alternate:",
        "Classify my pictures",
        "One to five pictures of each class, then the pictures to sort. No training; “unknown” when nothing "
        "is alike enough.",
    ),
    Door(
        "pages/training.py",
        ":material/show_chart:",
        "Experiment with training",
        "Several learning rates side by side, live curves, and a verdict on each run: learning, stalled, "
        "diverged.",
    ),
    Door(
        "pages/embeddings.py",
        ":material/scatter_plot:",
        "Explore embeddings",
        "A map on which pictures that the network finds alike lie close together.",
    ),
    Door(
        "pages/compare.py",
        ":material/compare:",
        "Compare two pictures",
        "The same person or thing, or not? With a limit whose errors were measured.",
    ),
    Door(
        "pages/evaluate.py",
        ":material/analytics:",
        "Measure a network",
        "How often it is right after a few pictures of each class, how far to trust that figure, and what "
        "to beat.",
    ),
)
_MAIN_DOORS = 3


def show_home_page() -> None:
    """Draw it."""
    left, right = st.columns([1.15, 1], gap="large")
    with left:
        st.title("Teach it with a handful of pictures", anchor=False)
        st.markdown(
            "Few-Shot Lab tells things apart after seeing **one to five pictures of each**. It does not "
            "train on your pictures: a *twin network*, trained beforehand on thousands of others, looks at "
            "two pictures and says how alike they are. What your new picture is most alike to is the answer."
        )
        _show_doors()
    with right:
        show_example()
    _show_steps()
    _show_device()
    draw_again_when_warm()


def _show_doors() -> None:
    for door in _DOORS[:_MAIN_DOORS]:
        with st.container(border=True, key=f"door_{door.page[6:-3]}", gap="xxsmall"):
            st.page_link(door.page, label=f"**{door.title}**", icon=door.icon)
            st.caption(door.about)
    with st.container(horizontal=True, key="more_doors"):
        for door in _DOORS[_MAIN_DOORS:]:
            st.page_link(door.page, label=door.title, icon=door.icon, help=door.about)


def _show_steps() -> None:
    with st.container(border=True, key="home_steps", gap="xxsmall"):
        st.markdown("**New to this?** Seven short steps, each with something to move:")
        with st.container(horizontal=True, gap="xsmall"):
            for number, (key, title) in enumerate(LEARN_STEPS.items(), start=1):
                label = f"{number} · {title}"
                st.page_link("pages/learn.py", label=label, query_params={"step": key})


def _show_device() -> None:
    # Naming the device takes torch, and torch takes seconds.
    state = warm_up()
    if not state.done.is_set():
        st.caption(":material/memory: Looking at this machine …")
    elif state.device:
        st.caption(f":material/memory: {state.device}. Your pictures go to no other service.")
    else:
        st.caption(":material/memory: The computing library could not be loaded; see the server's log.")
