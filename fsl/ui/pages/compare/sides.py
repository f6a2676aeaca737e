"""The two sides of the Compare page: reference pictures, and pictures to compare with them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import streamlit as st

from fsl.base.errors import FslError
from fsl.ui.components.pictures import Actions, Tile, picture_grid
from fsl.ui.pages.compare.compared import chosen_face
from fsl.ui.pages.compare.faces import NO_FACE, show_people
from fsl.ui.shared.compare_state import CompareState, Side
from fsl.ui.shared.found_faces import known_faces
from fsl.ui.shared.guard import guarded_button, guarded_callback
from fsl.ui.shared.pictures import StoredPicture
from fsl.ui.shared.small_tasks import small_task
from fsl.ui.shared.uploads import taken

_TEXT: dict[Side, tuple[str, str]] = {
    "references": ("1. The one you know", "One or more pictures of one person or thing."),
    "probes": ("2. Is it the same?", "Any number of pictures to compare with it."),
}
_KINDS, _SAME = 5, 4
_FRUITS = "fruits"


def show_side(state: CompareState, side: Side, finds_faces: bool = False) -> bool:
    """Show the heading, pictures, drop zone and camera button of one side.

    Args:
        state: state of the page.
        side: which one.
        finds_faces: whether the network looks for faces, which are marked then.

    Returns:
        True if the camera button was pressed in this run.
    """
    title, about = _TEXT[side]
    st.header(title, anchor=False)
    st.caption(about)
    pictures = state.pictures(side)
    if pictures and side == "references":
        picture_grid(
            [_reference_tile(state, p, finds_faces) for p in pictures],
            key=f"compare_{side}",
            label="Reference pictures",
            size="medium",
            actions=Actions(remove=guarded_callback(partial(state.remove, side))),
        )
        if finds_faces:
            show_people(state)
    _show_drop_zone(state, side)
    with st.container(horizontal=True, gap="small"):
        camera = st.button(
            "Take a photo", key=f"compare_camera_{side}", icon=":material/photo_camera:", type="tertiary"
        )
        if pictures:
            guarded_button(
                "Clear",
                f"compare_clear_{side}",
                partial(state.clear, side),
                icon=":material/ink_eraser:",
                type="tertiary",
            )
    return camera


def _show_drop_zone(state: CompareState, side: Side) -> None:
    """Show the drop zone; take what was dropped, and draw the page again with the zone empty."""
    files = st.file_uploader(
        f"Add {'reference pictures' if side == 'references' else 'pictures to compare'}",
        accept_multiple_files=True,
        key=f"compare_drop_{side}_{state.drops[side]}",
        label_visibility="collapsed",
    )
    if files:
        with taken(files) as dropped:
            state.drops[side] += 1
            try:
                state.take(side, dropped)
            except FslError as error:
                state.tell(fault=str(error))
        st.rerun()


def _reference_tile(state: CompareState, picture: StoredPicture, finds_faces: bool) -> Tile:
    tile = Tile(picture.digest, picture.thumbnail, picture.name)
    found = known_faces(picture) if finds_faces else None
    if found is None:
        return tile
    if not found.faces:
        return replace(tile, title=NO_FACE, tone="warning")
    return replace(tile, marks=found.marks(chosen_face(state, picture)))


def load_example(state: CompareState, networks: Sequence[str]) -> None:
    """Fill both sides with drawn fruit: one kind as reference, more of it and others to compare.

    Args:
        state: state of the page; its network becomes the one for fruit if that is installed.
        networks: names of the installed networks.
    """
    task = small_task("drawn", _KINDS, _SAME, 1, 40 + state.examples)
    (_, known), *others = task.classes.items()
    different = [pictures[0] for _, pictures in others]
    state.replace_all(known[:1], [*known[1:], *different])
    state.examples += 1
    if _FRUITS in networks:
        state.network = _FRUITS
