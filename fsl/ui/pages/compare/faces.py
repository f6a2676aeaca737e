"""Faces on the Compare page: the search for them, pictures without one, and the choice of a person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

import streamlit as st

from fsl.base.text import count, listed
from fsl.ui.components.pictures import Actions, Tile, picture_grid
from fsl.ui.pages.compare.compared import Compared, chosen_face
from fsl.ui.shared.compare_state import WHOLE, CompareState
from fsl.ui.shared.escape import markdown
from fsl.ui.shared.found_faces import FoundFaces, find_and_embed, known_faces, upright_face_uris
from fsl.ui.shared.guard import guarded_callback
from fsl.ui.shared.pictures import StoredPicture
from fsl.ui.shared.work import ReportProgress

if TYPE_CHECKING:
    from fsl.twin.checkpoint import Checkpoint

NO_FACE = "No face found"
_MOST_NAMES = 3


def without_known_faces(state: CompareState) -> dict[str, StoredPicture]:
    """Return the pictures of both sides in which nobody has looked for faces yet, by their digests."""
    pictures = (*state.references, *state.probes)
    return {picture.digest: picture for picture in pictures if known_faces(picture) is None}


def look_for_faces(state: CompareState, checkpoint: Checkpoint, new: Mapping[str, StoredPicture]) -> bool:
    """Look for faces, with progress.

    Args:
        state: state of the page.
        checkpoint: a network that finds faces.
        new: the pictures whose faces were not known when this run of the page began to draw. They may be
            known by now, but the tiles do not show them.

    Returns:
        True if ``new`` is empty; else False, and the page runs again once the faces are known.
    """
    if not new:
        return True

    def look(report: ReportProgress) -> bool:
        for done, picture in enumerate(new.values()):
            report(done / len(new), f"Looking for faces: {done:,} of {count(len(new), 'picture')}")
            if known_faces(picture) is None:
                find_and_embed(checkpoint, picture)
        return True

    if state.looking.result((checkpoint.digest, *new), look):
        state.looking.cancel()
        st.rerun()
    return False


def show_faceless(compared: Sequence[Compared]) -> None:
    """Say in which pictures no face was found, and offer to compare them whole."""
    faceless = {one.picture.digest: one.picture.name for one in compared if one.is_faceless}
    names = list(faceless.values())
    if not names:
        return
    then = "compared whole, which the error rates say nothing about" if WHOLE.value else "not compared"
    st.caption(markdown(f"No face was found in {listed(names, _MOST_NAMES)}; {_is(len(names))} {then}."))
    st.toggle(**WHOLE.widget())


def show_people(state: CompareState) -> None:
    """Show the people of each reference that has several, to choose who is meant."""
    for picture in state.references:
        found = known_faces(picture)
        if found is not None and len(found.faces) > 1:
            _show_people_of(state, picture, found)


def _show_people_of(state: CompareState, picture: StoredPicture, found: FoundFaces) -> None:
    faces = state.previews.remember(("people", picture.digest), lambda: upright_face_uris(picture, found))
    st.caption(markdown(f"{picture.name} shows {len(found.faces)} people. Who is it?"))
    picture_grid(
        [Tile(str(number), uri, f"Person {number + 1}") for number, uri in enumerate(faces)],
        key=f"compare_people_{picture.digest[:16]}",
        label=f"The people in {picture.name}",
        actions=Actions(select=guarded_callback(partial(_choose, state, picture.digest))),
        selected=str(chosen_face(state, picture)),
    )


def _choose(state: CompareState, digest: str, number: str) -> None:
    state.people[digest] = int(number)


def _is(number: int) -> str:
    return "it is" if number == 1 else "they are"
