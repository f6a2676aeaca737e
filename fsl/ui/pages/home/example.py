"""The example on the home page: pictures at once, the answer as soon as the network is loaded."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import streamlit as st

from fsl.ui.components.pictures import Actions, Tile, picture_grid, with_similarity
from fsl.ui.shared import wording
from fsl.ui.shared.escape import markdown
from fsl.ui.shared.guard import guarded, guarded_button, guarded_callback
from fsl.ui.shared.network_in_use import answers
from fsl.ui.shared.resources import warm_up
from fsl.ui.shared.small_tasks import SmallTask, small_task, workspace_of
from fsl.ui.shared.state import session

if TYPE_CHECKING:
    from fsl.fewshot.classify import Prediction
    from fsl.ui.shared.pictures import StoredPicture

_WAYS, _SHOTS, _QUERIES, _SEED = 4, 1, 4, 8
_HEADLINE = 39  # pixels, the height of the answer
_CHOSEN = "few_shot_lab_home_picture"


@st.fragment
def show_example() -> None:
    """Draw the example; its answer follows when torch is loaded."""
    with guarded(), st.container(border=True, key="home_example"):
        task = small_task("drawn", _WAYS, _SHOTS, _QUERIES, _SEED)
        query = _chosen(task)
        prediction = answers(task)[task.queries.index(query)] if warm_up().done.is_set() else None
        st.markdown("**One example of each kind is enough for an answer.** Choose a new picture:")
        _show_queries(task, query)
        if prediction is None:
            st.skeleton(_HEADLINE)
        else:
            st.markdown(f"## {markdown(wording.headline(prediction))}")
        _show_examples(task, prediction)
        guarded_button(
            "Open this on the Classify page",
            "home_open",
            partial(_open, task, query.digest),
            icon=":material/open_in_full:",
            type="tertiary",
        )


def _chosen(task: SmallTask) -> StoredPicture:
    wanted = st.session_state.get(_CHOSEN, "")
    return next((query for query in task.queries if query.digest == wanted), task.queries[0])


def _choose(digest: str) -> None:
    st.session_state[_CHOSEN] = digest


def _open(task: SmallTask, chosen: str) -> None:
    state = session()
    state.replace_all(workspace_of(task, state.workspace.next_id))
    state.example = state.workspace
    state.selected = chosen
    state.report()
    st.switch_page("pages/classify.py")


def _show_queries(task: SmallTask, query: StoredPicture) -> None:
    picture_grid(
        [Tile(q.digest, q.thumbnail, q.name) for q in task.queries],
        key="home_queries",
        label="New pictures",
        actions=Actions(select=guarded_callback(_choose)),
        selected=query.digest,
    )


def _show_examples(task: SmallTask, prediction: Prediction | None) -> None:
    # Space is kept for the answer, so that nothing moves when it comes.
    tiles = [
        Tile(picture.digest, picture.thumbnail, picture.name, title=name, note="…", bar=0.0)
        for name, picture in task.labelled
    ]
    if prediction is not None:
        answer = "" if prediction.unknown else prediction.label
        tiles = [
            with_similarity(tile, tile.title, similarity, tile.title == answer)
            for tile, similarity in zip(tiles, prediction.similarities, strict=True)
        ]
    picture_grid(tiles, key="home_examples", label="The examples", size="medium")
    st.caption("Below each example: how similar it is to the new picture, from 0 to 1.")
