"""The chosen probe of the Compare page, next to the reference that it resembles most."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from fsl.base.text import distinct_texts, percent, similarity_text
from fsl.fewshot.error_rate_text import OF_SINGLE_REFERENCES, called_the_same
from fsl.ui.components.pictures import Tile, picture_grid
from fsl.ui.pages.compare.answers import said, which_face
from fsl.ui.pages.compare.compared import Compared, chosen_face
from fsl.ui.shared.compare_state import ALIGNED, CompareState
from fsl.ui.shared.escape import markdown
from fsl.ui.shared.pictures import data_uri, thumbnail_uri

if TYPE_CHECKING:
    from fsl.fewshot.compare import ProbeAnswer
    from fsl.twin.checkpoint import Checkpoint

_PREVIEW_SIDE = 480
_SIDES = ("the one you know", "the chosen picture")


def show_chosen(
    state: CompareState, checkpoint: Checkpoint, answer: ProbeAnswer, reference: Compared, probe: Compared
) -> None:
    """Show the chosen probe next to the reference it resembles most, and the answer.

    Args:
        state: state of the page.
        checkpoint: the network.
        answer: answer for the probe.
        reference: reference that the probe resembles most.
        probe: the probe.
    """
    similarity, _ = distinct_texts(answer.similarity, answer.threshold)
    st.markdown(f"### {said(answer).capitalize()}: similarity {similarity}")
    pair = (
        (_SIDES[0], reference, 0, chosen_face(state, reference.picture)),
        (_SIDES[1], probe, answer.face, answer.face),
    )
    picture_grid(
        [_tile(state, side, one, part, face) for side, one, part, face in pair],
        key="compare_pair",
        label="The two pictures",
        size="pair",
    )
    if reference.marks() or probe.marks():
        st.toggle(**ALIGNED.widget())
    st.markdown(markdown(" ".join(_sentences(checkpoint, answer, reference, probe))))


def _tile(state: CompareState, side: str, one: Compared, part: int, face: int) -> Tile:
    """Return the tile of a picture: whole with its faces marked, or the compared face upright.

    Args:
        state: remembers previews.
        side: which side of the pair it is, in words.
        one: the picture.
        part: number of the compared part.
        face: number of the compared face in the picture.
    """
    picture = one.picture
    marks = one.marks(face)
    if marks is None:
        return Tile(side, picture.thumbnail, picture.name, note=side)
    if ALIGNED.value:
        shown = one.parts[part]
        uri = state.previews.remember(
            ("aligned", shown.digest), lambda: data_uri(shown.image, "JPEG", quality=88)
        )
        return Tile(side, uri, picture.name, note=side)
    uri = state.previews.remember(
        ("preview", picture.digest), lambda: thumbnail_uri(picture.image, _PREVIEW_SIDE)
    )
    return Tile(side, uri, picture.name, note=side, marks=marks)


def _sentences(
    checkpoint: Checkpoint, answer: ProbeAnswer, reference: Compared, probe: Compared
) -> list[str]:
    rates = checkpoint.info.pairs
    _, limit = distinct_texts(answer.similarity, answer.threshold)
    sentences = [f"{answer.probe}: pictures with a similarity of {limit} or more count as the same."]
    if rates is not None:
        wrong = called_the_same(rates, answer.threshold, checkpoint.info.subject)
        chance = percent(rates.chance_same(answer.similarity))
        sentences.append(
            f"At this limit, {wrong}. If half of all pairs were the same, {chance} of pairs this similar "
            "would be."
        )
    if answer.n_faces > 1:
        face = which_face(answer).capitalize()
        sentences.append(
            f"{face} is the most similar. With {answer.n_faces} faces, a false match is up to "
            f"{answer.n_faces} times as likely as with one."
        )
    if probe.is_faceless or reference.is_faceless:
        sentences.append(
            "A picture without a face was compared whole: the error rates say nothing about that."
        )
    if len(answer.pairs) > 1:
        pairs = ", ".join(map(similarity_text, answer.pairs[:12]))
        sentences.append(f"Similarity to each reference: {pairs}. {OF_SINGLE_REFERENCES}")
    return sentences
