"""Numbers beside the map, in plain words, so that a pretty map is not mistaken for a good one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import streamlit as st

from fsl.ui.pages.embeddings.compute import Mapped
from fsl.ui.shared.escape import markdown

if TYPE_CHECKING:
    from fsl.embedding.quality import Measure


@dataclass(frozen=True)
class _Number:
    name: str
    title: str
    help: str
    is_share: bool = False


_NUMBERS = (
    _Number(
        "neighbour_accuracy",
        "Nearest is right",
        "For how many pictures the nearest other picture is of their class. The best single number for how "
        "well this network tells these classes apart; it does not depend on the map.",
        is_share=True,
    ),
    _Number(
        "silhouette",
        "Classes apart",
        "Silhouette. 1: each class is a tight group far from the others. 0: they overlap. Below 0: pictures "
        "lie nearer to another class than to their own.",
    ),
    _Number("within", "Alike within", "Mean similarity of two pictures of one class, 0 to 1."),
    _Number(
        "between",
        "Alike between",
        "Mean similarity of two pictures of different classes, 0 to 1. The further below the number before, "
        "the better.",
    ),
    _Number(
        "trustworthiness",
        "Map is faithful",
        "How far pictures that lie together on the map are really alike to the network (trustworthiness). "
        "Near 100%: believe the map. Below 85%: neighbours may be there by accident.",
        is_share=True,
    ),
)


def show_numbers(views: Sequence[Mapped]) -> None:
    """A row of numbers for each network."""
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
                    number.title, _shown(measured, number.is_share), help=reason + number.help, width=150
                )
        if view.map.explained:
            shares = ", ".join(f"{share:.0%}" for share in view.map.explained)
            total = f"{sum(view.map.explained):.0%}"
            st.caption(f"The axes show {shares} of all differences between the pictures, together {total}.")


def _shown(measured: Measure, is_share: bool) -> str:
    if measured.value is None:
        return "–"
    return f"{measured.value:.0%}" if is_share else f"{measured.value:.2f}"
