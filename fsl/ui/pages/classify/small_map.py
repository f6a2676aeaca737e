"""The small map next to the answers, which opens the Embeddings page."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import streamlit as st

from fsl.embedding.labelled import NO_CLASS
from fsl.ui.components.scatter import Emphasis, MapLook, picture_sheet, scatter_map
from fsl.ui.shared.collection import of_workspace
from fsl.ui.shared.collection_map import principal_points, sheet_of
from fsl.ui.shared.guard import guarded_button
from fsl.ui.shared.memo import Memo
from fsl.ui.shared.page_links import CLASSIFY_ON_MAP, MapRequest, request_map

if TYPE_CHECKING:
    from fsl.twin.checkpoint import Checkpoint
    from fsl.ui.shared.pictures import StoredPicture
    from fsl.ui.shared.state import Session

_KEY = "few_shot_lab_small_map"
_REMEMBERED = 4
_MOST = 300  # pictures; more need the Embeddings page
_SIDE = 56  # pixels of a picture; they are drawn small


def show_small_map(session: Session, checkpoint: Checkpoint, query: StoredPicture) -> None:
    """Show where a query lies among the pictures of the classes.

    Args:
        session: state of the session.
        checkpoint: the network.
        query: the query whose answer is shown.
    """
    memo: Memo = st.session_state.setdefault(_KEY, Memo(_REMEMBERED))
    collection = of_workspace(session.workspace)
    row = next(
        i
        for i, picture in enumerate(collection.pictures)
        if picture.digest == query.digest and collection.labels[i] == NO_CLASS
    )
    with st.container(border=True, key="small_map_card"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(
                "**Where it lies among your pictures**",
                help="Pictures that the network finds similar lie close together. Frames show the class; "
                "pictures to classify have no frame.",
                width="stretch",
            )
            guarded_button(
                "Show on the map",
                "open_map",
                partial(request_map, MapRequest(CLASSIFY_ON_MAP, checkpoint.info.name, collection, row)),
                icon=":material/open_in_full:",
                type="tertiary",
            )
        if len(collection.pictures) > _MOST:
            st.caption(f"{len(collection.pictures):,} pictures need the Embeddings page.")
            return
        sheet = sheet_of(memo, collection, _SIDE)
        picture_sheet(sheet, key="small_map_sheet")
        scatter_map(
            principal_points(memo, collection, checkpoint),
            sheet,
            key="small_map",
            label="Small map of your pictures",
            look=MapLook(Emphasis(selected=row), 220, compact=True),
        )
