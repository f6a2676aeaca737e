"""What every page has: settings of the browser tab, the header with links to the pages, a little style."""

from __future__ import annotations

import os
from pathlib import Path

import streamlit as st

from fsl.base.memory import keep_memory_together, reuse_memory
from fsl.ui.shared.address import forget_replaced
from fsl.ui.shared.resources import warm_up
from fsl.ui.shared.sessions import forget_ended_sessions
from fsl.ui.shared.visitor import remember_visitor

_ICON = Path(__file__).with_name("icon.png")
_LOOK_SECONDS = 1.0
_STYLE = Path(__file__).with_name("frame.css").read_text(encoding="utf-8")
PAGES = {
    "app.py": "Few-Shot Lab",
    "pages/classify.py": "Classify",
    "pages/compare.py": "Compare",
    "pages/training.py": "Train",
    "pages/embeddings.py": "Embeddings",
    "pages/evaluate.py": "Evaluate",
    "pages/learn.py": "Learn",
}
"""File to label of each page, in the header's order; the first is home."""


def bootstrap(title: str) -> None:
    """Set up the page; every page calls this first.

    Pages are found in ``pages/`` by Streamlit itself and linked here, rather than through ``st.navigation``:
    so a link to any page works on a server that has just started, and no raw list of files flashes up.

    Args:
        title: of the browser's tab.
    """
    prepare_process()
    st.set_page_config(
        page_title=title if title == "Few-Shot Lab" else f"{title} · Few-Shot Lab",
        page_icon=str(_ICON),
        layout="wide",
        initial_sidebar_state="collapsed",
    )
    st.html(f"<style>{_STYLE}</style>")
    remember_visitor()
    forget_ended_sessions()
    forget_replaced(title)
    with st.container(horizontal=True, vertical_alignment="center", key="header", gap="medium"):
        for path, label in PAGES.items():
            icon = ":material/filter_center_focus:" if path == "app.py" else None
            st.page_link(path, label=f"**{label}**" if icon else label, icon=icon)


@st.cache_resource(show_spinner=False)
def prepare_process() -> None:
    """What has to be set before torch is loaded and many threads are there; once for all sessions."""
    keep_memory_together()
    reuse_memory()
    # Else torch's threads go on spinning for a while after each batch, on the cores of whoever comes next.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


def warm_up_after_paint() -> None:
    """Start loading torch in the background; to be called when the page stands."""
    warm_up()


def draw_again_when_warm() -> None:
    """As ``warm_up_after_paint``, and once torch is loaded the page is drawn again, with what needs it."""
    if not warm_up().done.is_set():
        st.fragment(_draw_again, run_every=_LOOK_SECONDS)()


def _draw_again() -> None:
    if warm_up().done.is_set():
        st.rerun()
