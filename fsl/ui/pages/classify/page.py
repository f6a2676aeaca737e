"""The Classify page: its layout, and the order in which it is drawn."""

from __future__ import annotations

import streamlit as st

from fsl.base.text import count
from fsl.ui.pages.classify.answers import show_answers
from fsl.ui.pages.classify.camera import open_camera
from fsl.ui.pages.classify.check import show_check
from fsl.ui.pages.classify.classes import show_classes
from fsl.ui.pages.classify.decide import what_is_missing
from fsl.ui.pages.classify.drops import take_pending
from fsl.ui.pages.classify.queries import show_queries
from fsl.ui.pages.classify.settings import show_address, take_address
from fsl.ui.pages.classify.toolbar import show_toolbar, show_welcome
from fsl.ui.shared.escape import markdown
from fsl.ui.shared.frame import warm_up_after_paint
from fsl.ui.shared.guard import guarded, guarded_button
from fsl.ui.shared.problems import show_problems
from fsl.ui.shared.state import Session, session

_MOST_IN_SIGHT = 6
_SCROLLED_HEIGHT = 560  # pixels


def show_classify_page() -> None:
    """Draw the page; the parts that need the network come last, so that the rest shows at once."""
    state = session()
    take_address(state)
    show_address(state)
    st.title("Classify pictures from a few examples", anchor=False)
    # In a container, so that a notice that comes or goes moves no other element: the browser would build all
    # that follow anew, and the list of answers would lose the focus.
    with guarded(), st.container():
        take_pending(state)
        show_toolbar(state)
        _show_notices(state)
        if state.workspace.is_empty:
            show_welcome(state)
    check_place = st.container()
    workspace = state.workspace
    left, right = st.columns([1.12, 1], gap="large")
    wants_camera = None
    with left, guarded(), st.container(key=f"classes_{'open' if what_is_missing(workspace) else 'ready'}"):
        n_classes = count(len(workspace.classes), "class", "classes")
        st.toggle(f"Show your {n_classes}", key="classes_unfolded")  # on a phone
        with st.container(key="classes_cards"):
            # Many classes scroll in their own place once there are answers, which stand below them.
            is_long = len(workspace.classes) > _MOST_IN_SIGHT and not what_is_missing(workspace)
            with st.container(height=_SCROLLED_HEIGHT if is_long else "content", border=False, key="cards"):
                wants_camera = show_classes(state)
    with right, guarded():
        wants_camera = show_queries(state) or wants_camera
        self_check_place = st.container()
    with guarded():
        show_answers(state, self_check_place)
    with check_place, guarded():
        show_check(state)
    if wants_camera is not None:
        with guarded():
            open_camera(wants_camera)
    warm_up_after_paint()


def _show_notices(state: Session) -> None:
    """Show what the last change did, until that is dismissed, something else changes, or the page is left."""
    if not (state.notes or state.problems):
        return
    show_problems(state.problems)
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="notices"):
        if state.notes:
            st.info(markdown(" ".join(state.notes)), icon=":material/info:", width="stretch")
        guarded_button("Dismiss", "dismiss", state.report, type="tertiary")
