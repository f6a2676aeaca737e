"""What every page has: browser tab, header with links to the pages, common style."""

from __future__ import annotations

from base64 import b64encode
from pathlib import Path

import streamlit as st

from fsl.ui.shared.address import is_opened
from fsl.ui.shared.kept_button import forget_presses
from fsl.ui.shared.resources import prepare_process, warm_up
from fsl.ui.shared.sessions import forget_ended_sessions
from fsl.ui.shared.tab import forget_notices, recall_tab, show_what_is_lost

# The icon is part of the page: as a file, another session's end could remove it just before a browser asks.
_ICON = f"data:image/png;base64,{b64encode(Path(__file__).with_name('icon.png').read_bytes()).decode()}"
_LOOK_SECONDS = 0.4
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
"""Label of each page by its file, in the order of the header; the first is home."""


def bootstrap(title: str) -> None:
    """Set up a page; every page calls this first.

    Streamlit finds the pages in ``pages/`` by itself. With ``st.navigation`` instead, links to a page would
    fail on a server that has just started, and a raw list of files would flash up.

    Args:
        title: title of the browser tab.
    """
    prepare_process()
    st.set_page_config(
        page_title=title if title == "Few-Shot Lab" else f"{title} · Few-Shot Lab",
        page_icon=_ICON,
        layout="wide",
        initial_sidebar_state="collapsed",
    )
    st.html(f"<style>{_STYLE}</style>")
    forget_ended_sessions()
    if is_opened(title):
        forget_notices()
        forget_presses()
    with st.container(horizontal=True, vertical_alignment="center", key="header", gap="medium"):
        for path, label in PAGES.items():
            icon = ":material/filter_center_focus:" if path == "app.py" else None
            st.page_link(path, label=f"**{label}**" if icon else label, icon=icon)
    with st.container(key="setup"):  # takes no room
        is_awaited = recall_tab()
    if is_awaited:
        st.caption(":material/history: Bringing back your pictures …")
        st.stop()
    show_what_is_lost()


def warm_up_after_paint() -> None:
    """Start loading torch in the background; call it after the page is drawn."""
    forget_presses()
    warm_up()


def draw_again_when_warm() -> None:
    """Load torch in the background, then draw the page again with what needs it."""
    st.fragment(_draw_again, run_every=_LOOK_SECONDS)()


def _draw_again() -> None:
    if warm_up().done.is_set():
        st.rerun()
