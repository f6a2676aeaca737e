"""One pair in detail: the chosen query and one of the support pictures."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import streamlit as st

from fsl.base.text import similarity_text
from fsl.ui.shared.compare_state import hand_over
from fsl.ui.shared.guard import guarded_button
from fsl.ui.shared.pair_explanation import show_why
from fsl.ui.shared.pictures import StoredPicture

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fsl.fewshot.classify import Prediction
    from fsl.twin.checkpoint import Checkpoint

_MOST_PAIRS = 30


def show_pair(
    checkpoint: Checkpoint,
    network: str,
    query: StoredPicture,
    prediction: Prediction,
    members: Sequence[tuple[str, StoredPicture]],
) -> None:
    """Show a choice of support pictures, why the pair is similar, and a way to the Compare page.

    Args:
        checkpoint: the network.
        network: name of the network in the list of installed ones.
        query: the chosen query.
        prediction: its answer.
        members: class name and picture of each support image, in the order of the support set.
    """
    ranked = sorted(range(len(members)), key=lambda i: prediction.similarities[i], reverse=True)
    names = {
        i: f"{members[i][0]}: {members[i][1].name}, {similarity_text(prediction.similarities[i])}"
        for i in ranked[:_MOST_PAIRS]
    }
    with st.container(border=True, key="pair_card"):
        # The key changes with the query, because the list does.
        chosen = st.selectbox(
            "Compare this picture with …",
            list(names),
            format_func=names.__getitem__,
            key=f"pair_{query.digest}",
            help="Your pictures, most similar first, with their similarity to this one.",
        )
        guarded_button(
            "Compare these two",
            "pair_compare",
            partial(hand_over, members[chosen][1], query, network),
            icon=":material/compare:",
        )
        show_why(checkpoint, members[chosen][1], query, "pair_why")
