"""Step 3: a batch of pairs, as in the article's Figure 1, with the network's answers."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from fsl.ui.components.pairs import Pair, pair_columns
from fsl.ui.pages.learn.state import LearnState
from fsl.ui.shared import core
from fsl.ui.shared.guard import guarded, guarded_button
from fsl.ui.shared.network_in_use import network_in_use
from fsl.ui.shared.resources import COMPUTE
from fsl.ui.shared.small_tasks import SmallTask, small_task
from fsl.ui.shared.waiting import waiting

if TYPE_CHECKING:
    from fsl.fewshot.trace import JudgedPairs
    from fsl.twin.pairs import PairBatch

_PAIRS = 8
_GUESSING = 0.69  # the loss of answering 1/2 every time


def show_pairs(state: LearnState) -> None:
    """Show a batch of pairs and a button to draw another one."""
    st.header("It learns from pairs: same or different?", anchor=False)
    st.markdown(
        "The network is never told what a picture *is*. It sees a row of left pictures, a row of right "
        "pictures, and one number for each pair: **0 = same class, 1 = different class**. Half of the pairs "
        "are the same, half are different. A network that has learned to answer this for hundreds of classes "
        "can answer it for classes it has never seen."
    )
    _batch(state)


@st.fragment
def _batch(state: LearnState) -> None:
    with guarded():
        task = small_task("drawn", 6, 4, 1, 7)
        with waiting("Drawing pairs", "learn_pairs", 420):
            batch, judged = _judged(task, state.batch)
        pair_columns(_pairs(task, batch, judged))
        labels = ", ".join(f"{value:.0f}" for value in batch.difference)
        outputs = ", ".join(f"{1 - value:.2f}" for value in judged.similarity.tolist())
        st.code(f"labels  = [{labels}]\noutputs = [{outputs}]", language=None, wrap_lines=True)
        st.markdown(_outcome(judged))
        guarded_button("Another batch", "learn_batch", partial(_next, state), icon=":material/refresh:")


def _outcome(judged: JudgedPairs) -> str:
    """Say how many pairs are right and what the loss is, and explain a loss worse than guessing."""
    text = (
        f"This network gets **{judged.n_right} of {_PAIRS}** pairs right: above its limit of "
        f"{1 - judged.limit:.2g} its answer is *different*, below it *same*. Its *loss* on this batch is "
        f"**{judged.loss:.2f}**; answering ½ every time would give 0.69."
    )
    if judged.n_right <= _PAIRS / 2:
        text += " **That is no better than guessing**: these pairs are harder than most."
    elif judged.loss > _GUESSING:
        text += (
            " The loss is higher than that although most answers are right: it counts how sure each answer "
            "is, and a single sure mistake costs much."
        )
    return f"{text} Training changes the weights a little so that the loss falls."


def _judged(task: SmallTask, number: int) -> tuple[PairBatch, JudgedPairs]:
    names = list(task.classes)
    labels = np.array([names.index(name) for name, _ in task.labelled])
    batch = core.random_pairs(core.ClassIndex(labels, names), _PAIRS, np.random.default_rng(number))
    checkpoint = network_in_use()
    with COMPUTE:
        return batch, core.judge_pairs(checkpoint, [picture for _, picture in task.labelled], batch)


def _pairs(task: SmallTask, batch: PairBatch, judged: JudgedPairs) -> list[Pair]:
    found = []
    for left, right, difference, similarity in zip(
        batch.left, batch.right, batch.difference, judged.similarity.tolist(), strict=True
    ):
        (left_class, first), (right_class, second) = task.labelled[left], task.labelled[right]
        pair = Pair(
            first.thumbnail,
            second.thumbnail,
            left_class,
            right_class,
            bool(difference),
            1 - similarity,
            1 - judged.limit,
        )
        found.append(pair)
    return found


def _next(state: LearnState) -> None:
    state.batch += 1
