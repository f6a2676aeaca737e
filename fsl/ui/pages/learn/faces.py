"""Step 7: same or different, the article's second application, and the limit that decides."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import streamlit as st

from fsl.base.text import count
from fsl.ui.components.pictures import Tile, picture_grid, with_similarity
from fsl.ui.pages.learn.settings import LIMIT
from fsl.ui.pages.learn.state import LearnState
from fsl.ui.shared import core
from fsl.ui.shared.guard import guarded, guarded_button
from fsl.ui.shared.network_in_use import network_in_use
from fsl.ui.shared.pictures import StoredPicture
from fsl.ui.shared.resources import COMPUTE
from fsl.ui.shared.small_tasks import small_task
from fsl.ui.shared.waiting import waiting

if TYPE_CHECKING:
    from collections.abc import Sequence

_KINDS, _SAME = 5, 4


def show_faces(state: LearnState) -> None:
    """Show a reference picture, other pictures, and a limit to move."""
    st.header("The same one, or another?", anchor=False)
    st.markdown(
        "The article ends with **faces**: are this photo and a reference photo of the same person? That "
        "needs no classes, only a **limit**: two pictures at least this similar count as the same. If the "
        "limit is too low, other people are let in (*false accepts*). If it is too high, the right person is "
        "turned away (*false rejects*). Every limit makes both errors, so measure it rather than guess it. "
        "Try it with drawn fruit:"
    )
    _check(state)


@st.fragment
def _check(state: LearnState) -> None:
    with guarded():
        task = small_task("drawn", _KINDS, _SAME, 1, 40 + state.reference_number)
        name, reference = task.labelled[0]
        others = [(kind, picture) for kind, picture in task.labelled[1:] if kind == name]
        others += [(kind, picture) for kind, picture in task.labelled if kind != name][:: _SAME - 1]
        with waiting("Comparing", "learn_faces", 420):
            found = _similarities(reference, [picture for _, picture in others])
        st.slider(**LIMIT.widget())
        left, right = st.columns([1, 3], gap="large")
        with left:
            st.markdown("**Reference**")
            tile = Tile(reference.digest, reference.thumbnail, "The reference picture")
            picture_grid([tile], key="faces_reference", label="The reference picture", size="large")
            guarded_button("Another one", "faces_next", partial(_next, state), icon=":material/refresh:")
        with right:
            _show_others(LIMIT.value, name, others, found)


def _show_others(
    limit: float, name: str, others: Sequence[tuple[str, StoredPicture]], found: Sequence[float]
) -> None:
    ranked = sorted(zip(found, others, strict=True), key=lambda pair: -pair[0])
    accepted = sum(similarity >= limit and kind != name for similarity, (kind, _) in ranked)
    rejected = sum(similarity < limit and kind == name for similarity, (kind, _) in ranked)
    st.markdown(
        f"**{count(accepted, 'false accept')}, {count(rejected, 'false reject')}** "
        f"among {len(ranked)} pictures"
    )
    tiles = [
        with_similarity(
            Tile(picture.digest, picture.thumbnail, picture.name),
            _said(similarity >= limit, kind == name),
            similarity,
            similarity >= limit,
            limit,
        )
        for similarity, (kind, picture) in ranked
    ]
    picture_grid(tiles, key="faces_others", label="The other pictures, most similar first", size="medium")


def _said(says_same: bool, is_same: bool) -> str:
    return f"{'same' if says_same else 'different'} {'✓' if says_same == is_same else '✗'}"


def _similarities(reference: StoredPicture, others: Sequence[StoredPicture]) -> list[float]:
    checkpoint = network_in_use()
    with COMPUTE:
        embeddings = core.embed(checkpoint, [reference, *others])
        return [float(v) for v in core.similarities(checkpoint.twin, embeddings[:1], embeddings[1:])[0]]


def _next(state: LearnState) -> None:
    state.reference_number += 1
