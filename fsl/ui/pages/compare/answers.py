"""The answers of the Compare page: a tile for each probe, and details of the chosen one."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import streamlit as st

from fsl.base.text import count, distinct_texts, percent, similarity_text
from fsl.fewshot.error_rate_text import OF_SINGLE_REFERENCES, called_the_same
from fsl.ui.components.pictures import Actions, Tile, picture_grid, with_similarity
from fsl.ui.pages.compare.middle import MiddleOf
from fsl.ui.shared import core
from fsl.ui.shared.compare_state import MIDDLE, CompareState
from fsl.ui.shared.escape import markdown
from fsl.ui.shared.guard import guarded_callback
from fsl.ui.shared.pictures import StoredPicture
from fsl.ui.shared.resources import COMPUTE

if TYPE_CHECKING:
    from fsl.fewshot.compare import ProbeAnswer
    from fsl.twin.checkpoint import Checkpoint


def answers_of(state: CompareState, checkpoint: Checkpoint, threshold: float) -> list[ProbeAnswer]:
    """Return an answer for each probe, from memory if nothing has changed."""

    def digests(pictures: tuple[StoredPicture, ...]) -> tuple[tuple[str, str], ...]:
        return tuple((picture.digest, picture.name) for picture in pictures)

    share = MIDDLE.value / 100
    inputs = (
        "answers",
        checkpoint.digest,
        share,
        digests(state.references),
        digests(state.probes),
    )

    def compute() -> list[ProbeAnswer]:
        with COMPUTE:
            known, asked = ([MiddleOf(p, share) for p in side] for side in (state.references, state.probes))
            return core.compare(checkpoint, known, asked, threshold)

    # Moving the limit needs no new comparison.
    return [answer.at(threshold) for answer in state.memo.remember(inputs, compute)]


def chosen_probe(state: CompareState) -> int:
    """Return the position of the probe whose details are shown."""
    return next((i for i, probe in enumerate(state.probes) if probe.digest == state.selected), 0)


def show_tiles(state: CompareState, answers: list[ProbeAnswer]) -> None:
    """Show a tile for each probe, to choose or to remove; without answers, only the pictures."""
    tiles = []
    for position, probe in enumerate(state.probes):
        tile = Tile(probe.digest, probe.thumbnail, probe.name)
        if answers:
            answer = answers[position]
            tile = with_similarity(tile, said(answer), answer.similarity, answer.same)
        tiles.append(tile)
    if len(answers) > 1:
        n_same = sum(answer.same for answer in answers)
        st.caption(f"{n_same} of {count(len(answers), 'picture')} count as the same. Choose one to see why.")
    picture_grid(
        tiles,
        key="compare_answers",
        label="Answers, one per picture",
        size="medium",
        actions=Actions(
            remove=guarded_callback(partial(state.remove, "probes")),
            select=guarded_callback(partial(_select, state)) if answers else None,
        ),
        selected=state.probes[chosen_probe(state)].digest if answers else "",
    )


def show_chosen(
    checkpoint: Checkpoint, answer: ProbeAnswer, reference: StoredPicture, probe: StoredPicture
) -> None:
    """Show the chosen probe next to the reference it resembles most, and the answer.

    Args:
        checkpoint: the network.
        answer: answer for the probe.
        reference: reference that the probe resembles most.
        probe: the probe.
    """
    rates = checkpoint.info.pairs
    similarity, limit = distinct_texts(answer.similarity, answer.threshold)
    st.markdown(f"### {said(answer).capitalize()}: similarity {similarity}")
    pair = ((reference, "the one you know"), (probe, "the chosen picture"))
    tiles = [Tile(side, picture.thumbnail, picture.name, note=side) for picture, side in pair]
    picture_grid(tiles, key="compare_pair", label="The two pictures", size="pair")
    text = f"{answer.probe}: two pictures count as the same from a similarity of {limit}."
    if rates is not None:
        wrong = called_the_same(rates, answer.threshold, checkpoint.info.subject)
        chance = percent(rates.chance_same(answer.similarity))
        text += (
            f" At this limit, {wrong}. If half of all pairs were the same, {chance} of pairs this similar "
            "would be."
        )
    if len(answer.pairs) > 1:
        pairs = ", ".join(map(similarity_text, answer.pairs[:12]))
        text += f" Similarity to each reference: {pairs}. {OF_SINGLE_REFERENCES}"
    st.markdown(markdown(text))


def said(answer: ProbeAnswer) -> str:
    """Return "same" or "different"."""
    return "same" if answer.same else "different"


def _select(state: CompareState, digest: str) -> None:
    state.selected = digest
