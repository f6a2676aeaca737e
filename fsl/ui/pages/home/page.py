"""The home page: what the app does, an example with its answer, links to the pages, and the device."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from fsl.ui.pages.home.example import show_example
from fsl.ui.shared.address import write_address
from fsl.ui.shared.frame import draw_again_when_warm
from fsl.ui.shared.guard import guarded
from fsl.ui.shared.lesson_map import lesson_in_memory, show_lesson_maps
from fsl.ui.shared.page_links import LEARN_STEPS
from fsl.ui.shared.resources import warm_up


@dataclass(frozen=True)
class Door:
    """A link to a page.

    Attributes:
        page: file of the page.
        icon: icon of the link.
        title: what you do on the page.
        about: sentence that describes it.
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
        "Add one to five pictures of each class, then the pictures to sort. No training; “unknown” when "
        "nothing is similar enough.",
    ),
    Door(
        "pages/training.py",
        ":material/show_chart:",
        "Experiment with training",
        "Several learning rates side by side, live curves, and a verdict on each run: learning, stalled or "
        "diverged.",
    ),
    Door(
        "pages/embeddings.py",
        ":material/scatter_plot:",
        "Explore embeddings",
        "A map on which pictures that the network finds similar lie close together.",
    ),
    Door(
        "pages/compare.py",
        ":material/compare:",
        "Compare two pictures",
        "The same person or thing, or not? With a limit whose error rates were measured.",
    ),
    Door(
        "pages/evaluate.py",
        ":material/analytics:",
        "Measure a network",
        "How often it is right after a few pictures of each class, with a margin of error and baselines.",
    ),
)
_MAIN_DOORS = 3
_MAP_HEIGHT = 250  # pixels


def show_home_page() -> None:
    """Draw the home page."""
    write_address("home", {})  # none of its own, nor what the page before may have left there
    left, right = st.columns([1.15, 1], gap="large")
    with left:
        st.title("Teach it with a handful of pictures", anchor=False)
        st.markdown(
            "Few-Shot Lab tells things apart after seeing **one to five pictures of each**. It does not "
            "train on your pictures: a *twin network*, trained on thousands of others, looks at two pictures "
            "and says how similar they are. The answer is the class your picture resembles most."
        )
        _show_doors()
    # Asked before the example asks: torch may be there by the time that the rest of the page is drawn.
    is_complete = warm_up().done.is_set()
    with right:
        show_example()
    _show_steps()
    _show_lesson()
    _show_device()
    if not is_complete:
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
        st.markdown("**New to this?** Seven short steps, each with something to try:")
        with st.container(horizontal=True, gap="xsmall"):
            for number, (key, title) in enumerate(LEARN_STEPS.items(), start=1):
                label = f"{number} · {title}"
                st.page_link("pages/learn.py", label=label, query_params={"step": key})


@st.fragment
def _show_lesson() -> None:
    """Draw the maps of the learning-rate lesson and a link to the step that explains them."""
    with guarded(), st.container(border=True, key="home_lesson"):
        st.markdown(
            "**Why the learning rate matters.** Three networks learn from the same batches and differ only "
            "in the rate. Press **Play**: two learn to keep kinds of fruit apart that they never trained on; "
            "the third falls onto one point."
        )
        show_lesson_maps(lesson_in_memory(), "home_lesson", _MAP_HEIGHT)
        st.page_link("pages/learn.py", label="The whole lesson", query_params={"step": "rate"})


def _show_device() -> None:
    # The name of the device needs torch, which takes seconds to load.
    state = warm_up()
    if not state.done.is_set():
        st.caption(":material/memory: Checking this machine …")
    elif state.device:
        st.caption(f":material/memory: {state.device}. Your pictures are not sent to any other service.")
    else:
        st.caption(":material/memory: PyTorch could not be loaded; see the server's log.")
