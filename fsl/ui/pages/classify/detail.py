"""One answer in detail: a sentence, a bar for each class, and the similarity to each support picture."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import streamlit as st

from fsl.charts.evaluation import class_bars, similarity_bars
from fsl.charts.style import STILL
from fsl.ui.components.pictures import Tile, picture_grid, with_similarity
from fsl.ui.pages.classify.work_list import WorkAnswer
from fsl.ui.shared import wording
from fsl.ui.shared.escape import markdown
from fsl.ui.shared.pictures import StoredPicture

if TYPE_CHECKING:
    from fsl.fewshot.classify import Prediction

_BARS_SHOWN = 8
_PAIRS_SHOWN = 12


def show_detail(
    answer: WorkAnswer, members: Sequence[tuple[str, StoredPicture]], show_correction: Callable[[], None]
) -> None:
    """Show one answer.

    Args:
        answer: the answer.
        members: class name and picture of each support image, in the order of the support set.
        show_correction: draws the ways to correct it.
    """
    query, prediction = answer.query, answer.prediction
    left, right = st.columns([1, 2], vertical_alignment="top")
    with left:
        tile = Tile(query.digest, query.thumbnail, query.name)
        picture_grid([tile], key="detail_picture", label="The picture", size="large")
    with right:
        if answer.is_given:
            said = "unknown" if answer.label is None else answer.label
            st.markdown(f"### You said {markdown(said)}")
            st.markdown(markdown(wording.networks_word(prediction)))
        else:
            st.markdown(f"### {markdown(wording.headline(prediction))}")
        st.markdown(markdown(wording.reason(prediction)))
        st.caption(markdown(query.name))
    show_correction()
    _show_bars(prediction)
    _show_pairs(prediction, members)


def _show_bars(prediction: Prediction) -> None:
    """Show how likely each class is, or how similar if it is none of them."""
    values = prediction.class_similarity if prediction.unknown else prediction.scores
    if prediction.unknown:
        st.markdown("**How similar each class is**", help="None reaches the limit, so none is the answer.")
    else:
        st.markdown(
            "**How likely each class is**", help="Among your classes only; together they add up to 100%."
        )
    best = sorted(values, key=values.__getitem__, reverse=True)[:_BARS_SHOWN]
    shown = {name: values[name] for name in best}
    if len(best) < len(values):
        what = "similar" if prediction.unknown else "likely"
        st.caption(f"The {_BARS_SHOWN} most {what} of {len(values):,} classes.")
    if prediction.unknown:
        figure = similarity_bars(shown, prediction.threshold)
    else:
        figure = class_bars(shown, prediction.label)
    st.plotly_chart(figure, key="bars", config=STILL)


def _show_pairs(prediction: Prediction, members: Sequence[tuple[str, StoredPicture]]) -> None:
    st.markdown(
        "**Similarity to each of your pictures**",
        help="From 0 (nothing in common) to 1 (the same), as the network judges each pair.",
    )
    pairs = sorted(zip(prediction.similarities, members, strict=True), key=lambda pair: pair[0], reverse=True)
    tiles = [
        with_similarity(
            Tile(str(rank), picture.thumbnail, f"{picture.name} ({class_name})"),
            class_name,
            similarity,
            class_name == prediction.label and not prediction.unknown,
        )
        for rank, (similarity, (class_name, picture)) in enumerate(pairs[:_PAIRS_SHOWN])
    ]
    picture_grid(tiles, key="pairs", label="Similarities, most similar first", size="medium")
    if len(pairs) > _PAIRS_SHOWN:
        st.caption(f"The {_PAIRS_SHOWN} most similar of {len(pairs):,} pictures; the JSON download has all.")
