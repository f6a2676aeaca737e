"""Numbers above the map, so that a pretty map is not mistaken for a good one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import streamlit as st

from fsl.base.text import similarity_text
from fsl.ui.pages.embeddings.compute import Mapped
from fsl.ui.shared.escape import markdown


@dataclass(frozen=True)
class _Number:
    name: str
    title: str
    help: str
    text: Callable[[float], str] = "{:.2f}".format


_NUMBERS = (
    _Number(
        "neighbour_accuracy",
        "Nearest neighbour correct",
        "Share of pictures whose nearest other picture is of the same class. The best single number for how "
        "well this network tells these classes apart. It does not depend on the map.",
        "{:.0%}".format,
    ),
    _Number(
        "silhouette",
        "Silhouette",
        "How far apart the classes are. 1: each class is a tight group far from the others. 0: they overlap. "
        "Below 0: pictures lie nearer to another class than to their own.",
    ),
    _Number(
        "within",
        "Same-class similarity",
        "Mean similarity of two pictures of the same class, 0 to 1.",
        similarity_text,
    ),
    _Number(
        "between",
        "Other-class similarity",
        "Mean similarity of two pictures of different classes, 0 to 1. The further it is below the "
        "same-class similarity, the better.",
        similarity_text,
    ),
    _Number(
        "trustworthiness",
        "Trustworthiness",
        "How far pictures that lie close together on the map are similar to the network. Near 100%: you can "
        "trust the map. Below 85%: some neighbours are there by accident.",
        "{:.0%}".format,
    ),
)


def show_numbers(views: Sequence[Mapped]) -> None:
    """Show a row of numbers for each network."""
    for view in views:
        name = view.checkpoint.info.name
        with st.container(
            horizontal=True, vertical_alignment="center", gap="small", key=f"map_numbers_{name}"
        ):
            if len(views) > 1:
                st.markdown(f"**{markdown(name)}**", width=110)
            for number in _NUMBERS:
                measured = getattr(view.quality, number.name)
                reason = f"{measured.reason} " if measured.reason else ""
                st.metric(
                    number.title,
                    "–" if measured.value is None else number.text(measured.value),
                    help=reason + number.help,
                    width="content",
                )
        if view.map.explained:
            shares = ", ".join(f"{share:.0%}" for share in view.map.explained)
            total = f"{sum(view.map.explained):.0%}"
            st.caption(f"The axes show {shares} of the variance between the pictures, {total} in all.")
