"""The maps, the chosen picture with its neighbours, and the selected group of pictures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

import streamlit as st

from fsl.base.text import count, listed
from fsl.embedding.labelled import NO_CLASS
from fsl.ui.components.pictures import Actions, Tile, picture_grid, with_similarity
from fsl.ui.components.scatter import Emphasis, MapLook, Sheet, scatter_map
from fsl.ui.pages.embeddings.compute import Mapped, neighbours
from fsl.ui.pages.embeddings.settings import WORDS
from fsl.ui.pages.embeddings.state import FIRST_FOUND, FIRST_SHOWN, MapState
from fsl.ui.shared.collection import Collection
from fsl.ui.shared.compare_state import hand_over
from fsl.ui.shared.escape import markdown
from fsl.ui.shared.guard import guarded, guarded_button, guarded_callback

if TYPE_CHECKING:
    from fsl.embedding.neighbours import Neighbour

_NEIGHBOURS = 8
_LINES = 4  # drawn on the map to as many neighbours
_MORE = 240
_MAP_HEIGHT = 560
_GROUP_HEIGHT, _GROUP_FITS = 380, 20  # a group beside the map scrolls if it has more pictures than fit


@st.fragment
def show_view(state: MapState, collection: Collection, views: Sequence[Mapped], sheet: Sheet) -> None:
    """Show the maps and the panel beside them; a click runs this part of the page alone."""
    with guarded():
        near = [neighbours(view, state.selected, _NEIGHBOURS) for view in views]
        left, right = st.columns([2.5, 1], gap="medium")
        with right:
            _show_search(state, collection)
        with left:
            _show_maps(state, collection, views, near, sheet)
        with right:
            _show_group(state, collection)
            _show_panel(state, collection, views, near)


def _show_maps(
    state: MapState,
    collection: Collection,
    views: Sequence[Mapped],
    near: Sequence[Sequence[Neighbour]],
    sheet: Sheet,
) -> None:
    columns = st.columns(len(views)) if len(views) > 1 else [st.container()]
    for column, view, near_here in zip(columns, views, near, strict=True):
        with column:
            if len(views) > 1:
                st.markdown(f"**{markdown(view.checkpoint.info.name)}**")
            if view.map.note:
                st.info(markdown(view.map.note), icon=":material/info:")
            name = view.checkpoint.info.name
            scatter_map(
                view.points,
                sheet,
                key=f"map_{name}",
                label=f"Map of {count(len(collection.pictures), 'picture')} by {name}; search finds them.",
                look=MapLook(
                    _emphasis(state, collection, view, near_here),
                    _MAP_HEIGHT if len(views) == 1 else _MAP_HEIGHT - 120,
                    axes=tuple(f"{share:.0%} of the variance" for share in view.map.explained),
                ),
                on_select=guarded_callback(partial(_select, state)),
                on_group=guarded_callback(partial(_group, state)),
            )


def _emphasis(state: MapState, collection: Collection, view: Mapped, near: Sequence[Neighbour]) -> Emphasis:
    found = collection.found(WORDS.value)
    return Emphasis(
        selected=state.selected,
        neighbours=tuple(other.row for other in near[:_LINES]),
        bright=found if WORDS.value else (state.group or None),
        links=view.links,
    )


def _select(state: MapState, row: int | str) -> None:
    state.selected = int(row)


def _group(state: MapState, rows: tuple[int, ...]) -> None:
    state.group, state.shown = rows, FIRST_SHOWN


def _show_search(state: MapState, collection: Collection) -> None:
    st.text_input(
        **WORDS.widget(),
        placeholder=WORDS.label,
        label_visibility="collapsed",
        icon=":material/search:",
        on_change=guarded_callback(_show_first_found),
        args=(state,),
    )
    if not WORDS.value:
        return
    found = collection.found(WORDS.value)
    if not found:
        st.caption("No picture matches.")
        return
    st.caption(f"{count(len(found), 'picture')} found; the others are faint on the map.")
    shown = found[: state.found_shown]
    picture_grid(
        [_tile(collection, row) for row in shown],
        key="map_found",
        label="Pictures found",
        actions=_actions(state, _show_more_found),
        selected=str(state.selected),
        hidden=len(found) - len(shown),
    )


def _show_first_found(state: MapState) -> None:
    state.found_shown = FIRST_FOUND


def _show_more_found(state: MapState) -> None:
    state.found_shown += _MORE


def _actions(state: MapState, show_more: Callable[[MapState], None]) -> Actions:
    """Return the actions of a grid of the map's pictures."""
    select, more = partial(_select, state), partial(show_more, state)
    return Actions(select=guarded_callback(select), more=guarded_callback(more))


def _tile(collection: Collection, row: int) -> Tile:
    picture = collection.pictures[row]
    return Tile(str(row), picture.thumbnail, picture.name)


def _class_name(collection: Collection, row: int) -> str:
    return collection.class_of(row) or "to classify"


def _show_panel(
    state: MapState,
    collection: Collection,
    views: Sequence[Mapped],
    near: Sequence[Sequence[Neighbour]],
) -> None:
    if not 0 <= state.selected < len(collection.pictures):
        with st.container(border=True, key="map_hint"):
            st.markdown("**Click a picture** to see what the network finds most similar to it.")
            st.caption(
                "Point at a picture to enlarge it. Drag with Box or Lasso to select a group. After a click "
                "on the map, scrolling zooms. Click a class to hide it; double-click it to show it alone. "
                "Keyboard: N and P move between pictures, Enter chooses one, G selects all in view."
            )
        return
    picture = collection.pictures[state.selected]
    with st.container(border=True, key="map_panel"):
        tile = Tile(picture.digest, picture.thumbnail, picture.name)
        picture_grid([tile], key="map_chosen", label="The chosen picture", size="large")
        st.markdown(f"## {markdown(_class_name(collection, state.selected))}")
        st.caption(markdown(picture.name))
        for view, near_here in zip(views, near, strict=True):
            _show_neighbours(state, collection, view, near_here, len(views) > 1)
        _show_comparison(state, collection, views[0], near[0])
        guarded_button("Close", "map_close", partial(_close, state), type="tertiary")


def _show_neighbours(
    state: MapState, collection: Collection, view: Mapped, near: Sequence[Neighbour], is_one_of_two: bool
) -> None:
    by = f" to {markdown(view.checkpoint.info.name)}" if is_one_of_two else ""
    st.markdown(
        f"**Most similar{by}**",
        help="Similarity as the network judges each pair, from 0 to 1.",
    )
    own = collection.labels[state.selected]
    tiles = [
        with_similarity(
            _tile(collection, other.row),
            _class_name(collection, other.row),
            other.similarity,
            own != NO_CLASS and collection.labels[other.row] == own,
        )
        for other in near
    ]
    if not tiles:
        st.caption("There are no other pictures.")
        return
    picture_grid(
        tiles,
        key=f"map_neighbours_{view.checkpoint.info.name}",
        label="The most similar pictures",
        size="medium",
        actions=Actions(select=guarded_callback(partial(_select, state))),
    )


def _show_comparison(
    state: MapState, collection: Collection, view: Mapped, near: Sequence[Neighbour]
) -> None:
    if not near:
        return
    pictures = collection.pictures
    guarded_button(
        "Compare with the most similar",
        "map_compare",
        partial(hand_over, pictures[near[0].row], pictures[state.selected], view.checkpoint.info.name),
        icon=":material/compare:",
        type="tertiary",
        help="Opens these two pictures on the Compare page.",
    )


def _close(state: MapState) -> None:
    state.selected = -1


def _show_group(state: MapState, collection: Collection) -> None:
    if not state.group:
        return
    counts = Counter(_class_name(collection, row) for row in state.group).most_common()
    parts = [f"{number:,} {name}" for name, number in counts]
    with st.container(border=True, key="map_group"):
        with st.container(horizontal=True, vertical_alignment="center"):
            chosen = count(len(state.group), "picture")
            st.markdown(f"**{chosen} selected:** {markdown(listed(parts, 4))}", width="stretch")
            guarded_button("Clear", "map_clear_group", partial(_group, state, ()), type="tertiary")
        shown = state.group[: state.shown]
        with st.container(height=_GROUP_HEIGHT if len(shown) > _GROUP_FITS else "content", border=False):
            picture_grid(
                [_tile(collection, row) for row in shown],
                key="map_group_sheet",
                label="The selected pictures",
                actions=_actions(state, _show_more_of_group),
                selected=str(state.selected),
                hidden=len(state.group) - len(shown),
            )


def _show_more_of_group(state: MapState) -> None:
    state.shown += _MORE
