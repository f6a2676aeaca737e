"""The Learn page as a whole: one step at a time, each with something to try."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import streamlit as st

from fsl.ui.pages.learn.episode import show_episode
from fsl.ui.pages.learn.faces import show_faces
from fsl.ui.pages.learn.idea import show_idea
from fsl.ui.pages.learn.loss import show_loss
from fsl.ui.pages.learn.pairs import show_pairs
from fsl.ui.pages.learn.rate import show_rate
from fsl.ui.pages.learn.settings import STEP
from fsl.ui.pages.learn.state import LearnState, learn_state
from fsl.ui.pages.learn.twin import show_twin
from fsl.ui.shared.address import read_address, write_address
from fsl.ui.shared.frame import warm_up_after_paint
from fsl.ui.shared.guard import guarded, guarded_button
from fsl.ui.shared.page_links import LEARN_STEPS
from fsl.ui.shared.settings import address_of

_STYLE = Path(__file__).with_name("learn.css").read_text(encoding="utf-8")
_PAGE = "learn"
_ARTICLE = "Wiley Wang, John Inacay and Mike Wang, “Few Shot Learning from Scratch”, 2021"


@dataclass(frozen=True)
class LearnStep:
    """One step of the Learn page.

    Attributes:
        show: draws the step.
        page: the page that does the same with real pictures.
        link_label: label of the link to that page.
        settings: query parameters of that link.
    """

    show: Callable[[LearnState], None]
    page: str
    link_label: str
    settings: Mapping[str, str] = field(default_factory=dict)


STEPS = {
    "idea": LearnStep(show_idea, "pages/classify.py", "Classify pictures of your own"),
    "twin": LearnStep(
        show_twin, "pages/embeddings.py", "See the embeddings of many pictures", {"source": "rendered"}
    ),
    "pairs": LearnStep(show_pairs, "pages/training.py", "See a batch of your own pictures"),
    "loss": LearnStep(show_loss, "pages/training.py", "Train with either loss"),
    "episode": LearnStep(show_episode, "pages/classify.py", "Classify pictures of your own"),
    "rate": LearnStep(show_rate, "pages/training.py", "Run the experiment yourself", {"preset": "article"}),
    "faces": LearnStep(show_faces, "pages/compare.py", "Compare two pictures of your own"),
}
"""By the keys of ``LEARN_STEPS``, which has their titles."""


def show_learn_page() -> None:
    """Draw the step that the address names, or else the step shown last."""
    state = learn_state()
    st.html(f"<style>{_STYLE}</style>")
    STEP.take(read_address(_PAGE))
    st.title("How a few pictures can be enough", anchor=False)
    st.pills(**STEP.widget(), label_visibility="collapsed", required=True, wrap=True)
    write_address(_PAGE, address_of(STEP))
    step = STEPS[STEP.value]
    with st.container(key="learn_step"), guarded():
        step.show(state)
    with st.container(horizontal=True, vertical_alignment="center", key="learn_ways_on"):
        _show_neighbours()
        icon = ":material/arrow_outward:"
        st.page_link(step.page, label=step.link_label, icon=icon, query_params=step.settings)
    st.caption(f"Based on the article: {_ARTICLE}.")
    warm_up_after_paint()


def _show_neighbours() -> None:
    names = list(LEARN_STEPS)
    at = names.index(STEP.value)
    if at > 0:
        guarded_button("Back", "learn_back", partial(STEP.put, names[at - 1]), icon=":material/arrow_back:")
    if at < len(names) - 1:
        title = LEARN_STEPS[names[at + 1]]
        guarded_button(
            f"Next: {title}",
            "learn_next",
            partial(STEP.put, names[at + 1]),
            type="primary",
            icon=":material/arrow_forward:",
        )
