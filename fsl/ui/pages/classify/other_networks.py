"""Networks of the timm collection, by name, downloaded when first used."""

from __future__ import annotations

import importlib.util
from functools import partial

import streamlit as st

from fsl.base.errors import FslError
from fsl.base.text import count
from fsl.config import TIMM
from fsl.ui.shared import core
from fsl.ui.shared.escape import markdown
from fsl.ui.shared.guard import guarded_button
from fsl.ui.shared.state import Session

_MB = {
    "mobilenetv3_large_100.ra_in1k": 22,
    "vit_small_patch14_dinov2.lvd142m": 88,
    "resnet50.a1_in1k": 102,
    "convnext_tiny.in12k_ft_in1k": 114,
    "vit_base_patch14_dinov2.lvd142m": 346,
}
"""Suggested networks and their download in MB; looking up the size of others needs torch and timm."""
_ABOUT = (
    "You can use any network of the timm collection instead. Its weights are downloaded once and kept. It "
    "ranks your classes well, but has no measured limit, so it calls nothing unknown."
)


def show_other_networks(state: Session) -> None:
    """Show suggested networks, and a field for any other name."""
    with st.expander("Other networks, to download"):
        if importlib.util.find_spec("timm") is None:
            st.caption(f"{_ABOUT} This needs one more package on the server: pip install timm.")
            return
        st.caption(_ABOUT)
        st.selectbox(
            "Name in timm",
            list(_MB),
            key="timm_name",
            format_func=_with_size,
            accept_new_options=True,
            help="Choose a suggestion, or type any name from timm.list_pretrained().",
        )
        fault = _show_size(_bare(str(st.session_state["timm_name"] or "")))
        guarded_button(
            "Download and use",
            "use_timm",
            partial(_use, state),
            icon=":material/cloud_download:",
            disabled=fault,
            width="stretch",
        )


def waiting_text(name: str) -> str:
    """Return what to show while a network is loaded."""
    if not name.startswith(TIMM):
        return "Loading the network"
    try:
        megabytes = _megabytes(_bare(name))
    except FslError:
        megabytes = None  # loading it reports the error
    size = f" ({count(round(megabytes), 'MB', 'MB')})" if megabytes else ""
    return f"Loading {_bare(name)}{size}; it is downloaded the first time"


def _with_size(name: str) -> str:
    return f"{name} ({_MB[name]} MB)" if name in _MB else name


def _bare(name: str) -> str:
    return name.strip().removeprefix(TIMM)


def _show_size(name: str) -> bool:
    """Show the download size of a network; return True if the network does not exist."""
    if name in _MB:
        return False
    try:
        with st.spinner("Looking it up"):
            megabytes = _megabytes(name)
    except FslError as error:
        st.warning(markdown(str(error)), icon=":material/warning:")
        return True
    size = f"{count(round(megabytes), 'MB', 'MB')} to download" if megabytes else "size not known"
    st.caption(f"{markdown(name)}: {size}.")
    return False


def _megabytes(name: str) -> float | None:
    return _MB[name] if name in _MB else _computed_megabytes(name)


@st.cache_data(max_entries=100, show_spinner=False)
def _computed_megabytes(name: str) -> float | None:
    return core.download_megabytes(name)


def _use(state: Session) -> None:
    state.use_network(TIMM + _bare(str(st.session_state["timm_name"])))
