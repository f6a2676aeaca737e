"""Step 1: the reader solves a few-shot task, then the network does."""

from __future__ import annotations

from functools import partial

import streamlit as st

from fsl.base.text import percent
from fsl.ui.components.pictures import Actions, Tile, picture_grid
from fsl.ui.pages.learn.state import LearnState
from fsl.ui.shared.escape import markdown
from fsl.ui.shared.guard import guarded, guarded_button, guarded_callback
from fsl.ui.shared.network_in_use import answers
from fsl.ui.shared.small_tasks import SmallTask, small_task
from fsl.ui.shared.waiting import waiting

_WAYS = 4


def show_idea(state: LearnState) -> None:
    """Show a riddle: one picture of each kind, and a new picture to match."""
    st.header("You can do it. Can a network?", anchor=False)
    st.markdown(
        "Ordinary classifiers need hundreds of pictures of every class, and must be trained again for each "
        "new class. People need one look. **Few-shot learning** asks the same of a machine: it gets a few "
        "labelled pictures, the *support set*, and then the question."
    )
    _riddle(state)


@st.fragment
def _riddle(state: LearnState) -> None:
    with guarded():
        task = small_task("drawn", _WAYS, 1, 1, 20 + state.riddle)
        query = task.queries[0]
        left, right = st.columns([1, 2.6], gap="large")
        with left:
            st.markdown("**What is this?**")
            tile = Tile(query.digest, query.thumbnail, "The new picture")
            picture_grid([tile], key="riddle_query", label="The new picture", size="large")
        with right:
            st.markdown("**Choose the matching kind.** You get one picture of each.")
            _show_kinds(state, task)
            if state.guess:
                _show_outcome(state, task)
                label = "Another riddle"
                guarded_button(label, "riddle_next", partial(_next, state), icon=":material/refresh:")


def _show_kinds(state: LearnState, task: SmallTask) -> None:
    tiles = [
        Tile(name, picture.thumbnail, f"Kind {number}", title=name if state.guess else f"Kind {number}")
        for number, (name, picture) in enumerate(task.labelled, start=1)
    ]

    def select(name: str) -> None:
        state.guess = name

    actions = Actions(select=guarded_callback(select))
    picture_grid(
        tiles,
        key="riddle_kinds",
        label="One picture of each kind",
        size="medium",
        actions=actions,
        selected=state.guess,
    )


def _show_outcome(state: LearnState, task: SmallTask) -> None:
    answer = task.answers[0]
    task_name = f"a **{_WAYS}-way 1-shot** task: {_WAYS} classes, one example of each"
    if state.guess == answer:
        st.markdown(f"**Yes, it is the {markdown(answer)}.** You have just solved {task_name}.")
    else:
        st.markdown(
            f"**Not that one: it is the {markdown(answer)}.** This is {task_name}. People miss some, too."
        )
    with waiting("The network is comparing", "learn_idea", 60):
        (found,) = answers(task)
    says = f"The network saw the same {_WAYS + 1} pictures and says **{markdown(found.label)}**"
    sure = (
        "but nothing is similar enough to be sure" if found.unknown else f"{percent(found.probability)} sure"
    )
    st.markdown(f"{says}, {sure}. It was not trained on these pictures: it compared them.")


def _next(state: LearnState) -> None:
    state.riddle += 1
    state.guess = ""
