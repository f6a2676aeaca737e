"""The answers of the Compare page: one for each probe, and a tile that shows it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import streamlit as st

from fsl.base.text import count
from fsl.ui.components.pictures import Actions, Tile, picture_grid, with_similarity
from fsl.ui.pages.compare.compared import Compared
from fsl.ui.pages.compare.faces import NO_FACE
from fsl.ui.shared import core
from fsl.ui.shared.compare_state import CompareState
from fsl.ui.shared.guard import guarded_callback
from fsl.ui.shared.resources import COMPUTE

if TYPE_CHECKING:
    from fsl.fewshot.compare import ProbeAnswer
    from fsl.fewshot.pictures import Picture
    from fsl.twin.checkpoint import Checkpoint


def answers_of(
    state: CompareState,
    checkpoint: Checkpoint,
    references: Sequence[Compared],
    probes: Sequence[Compared],
    threshold: float,
) -> list[ProbeAnswer | None]:
    """Return an answer for each probe, from memory if nothing has changed; None without a face.

    Args:
        state: remembers the answers.
        checkpoint: the network.
        references: those of which something is compared, at least one.
        probes: the pictures to compare with them.
        threshold: lowest similarity that counts as the same, in [0, 1].
    """
    known = [reference.parts[0] for reference in references]
    asked = [probe.parts for probe in probes if probe.parts]
    inputs = ("answers", checkpoint.digest, _digests(known), tuple(map(_digests, asked)))

    def compute() -> list[ProbeAnswer]:
        with COMPUTE:
            return core.compare_photos(checkpoint, known, asked, threshold)

    # Moving the limit needs no new comparison.
    answers = iter(state.memo.remember(inputs, compute))
    return [next(answers).at(threshold) if probe.parts else None for probe in probes]


def _digests(pictures: Sequence[Picture]) -> tuple[tuple[str, str], ...]:
    return tuple((picture.digest, picture.name) for picture in pictures)


def chosen_probe(state: CompareState) -> int:
    """Return the position of the probe whose details are shown."""
    return next((i for i, probe in enumerate(state.probes) if probe.digest == state.selected), 0)


def show_tiles(
    state: CompareState, probes: Sequence[Compared], answers: Sequence[ProbeAnswer | None] = ()
) -> None:
    """Show a tile for each probe, to choose or to remove; without answers, only the pictures."""
    given = [answer for answer in answers if answer is not None]
    if len(given) > 1:
        n_same = sum(answer.same for answer in given)
        verb = "counts" if n_same == 1 else "count"
        st.caption(f"{n_same} of {count(len(given), 'picture')} {verb} as the same. Choose one to see why.")
    padded = [*answers, *[None] * (len(probes) - len(answers))]
    picture_grid(
        [_tile(probe, answer) for probe, answer in zip(probes, padded, strict=True)],
        key="compare_answers",
        label="Answers, one per picture",
        size="medium",
        actions=Actions(
            remove=guarded_callback(partial(state.remove, "probes")),
            select=guarded_callback(partial(_select, state)) if answers else None,
        ),
        selected=state.probes[chosen_probe(state)].digest if answers else "",
    )


def _tile(probe: Compared, answer: ProbeAnswer | None) -> Tile:
    picture = probe.picture
    tile = Tile(
        picture.digest, picture.thumbnail, picture.name, marks=probe.marks(answer.face if answer else -1)
    )
    if answer is None:
        return replace(tile, title=NO_FACE, tone="warning") if probe.is_faceless else tile
    tile = with_similarity(tile, said(answer), answer.similarity, answer.same)
    more = which_face(answer) if answer.n_faces > 1 else "no face" if probe.is_faceless else ""
    if not more:
        return tile
    return replace(tile, note=f"{tile.note}\n{more}", exact=f"{tile.exact}, {more}")


def said(answer: ProbeAnswer) -> str:
    """Return "same" or "different"."""
    return "same" if answer.same else "different"


def which_face(answer: ProbeAnswer) -> str:
    """Return which face of a photo of several people answers: "face 2 of 4"."""
    return f"face {answer.face + 1} of {answer.n_faces}"


def _select(state: CompareState, digest: str) -> None:
    state.selected = digest
