"""Step 5: an N-way K-shot task as a search for the nearest neighbour."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import streamlit as st

from fsl.base.text import count, margin_text, percent, similarity_text
from fsl.data.catalogue import open_source
from fsl.data.query import ImageQuery
from fsl.ui.components.pictures import Tile, picture_grid, with_similarity
from fsl.ui.pages.learn.settings import KIND, SHOTS, WAYS
from fsl.ui.pages.learn.state import LearnState
from fsl.ui.shared import core, wording
from fsl.ui.shared.embedding import embed_set
from fsl.ui.shared.escape import markdown
from fsl.ui.shared.guard import guarded, guarded_button
from fsl.ui.shared.kept_button import kept_button
from fsl.ui.shared.network_in_use import answers, network_in_use
from fsl.ui.shared.resources import COMPUTE
from fsl.ui.shared.small_tasks import MOST_WAYS, SmallTask, small_task
from fsl.ui.shared.waiting import waiting

if TYPE_CHECKING:
    from torch import Tensor

    from fsl.base.types import IntArray
    from fsl.fewshot.classify import Prediction
    from fsl.fewshot.evaluate import EvaluationResult

_MORE_THAN_SHOTS = 2  # pictures of each class: enough for the examples, and two to ask about
_MOST_PICTURES = 64  # embedded within seconds; more only where the ways ask for them
_EPISODES = 500


def show_episode(state: LearnState) -> None:
    """Show an episode and the network's answer."""
    st.header("N classes, K pictures each: which is nearest?", anchor=False)
    st.markdown(
        "A task of **N** classes with **K** examples each is called *N-way K-shot*. The network compares the "
        "new picture with all N × K examples. The answer is the class of the most similar one, its **nearest "
        "neighbour**. More ways make the task harder, more shots make it easier."
    )
    _episode(state)


@st.fragment
def _episode(state: LearnState) -> None:
    with guarded():
        _show_settings(state)
        task = small_task(KIND.value, WAYS.value, SHOTS.value, 1, state.episode)
        with waiting("Comparing", "learn_episode", 480):
            (prediction,) = answers(task, rule="max")
        _show_answer(task, prediction)
        _show_accuracy(state)


def _show_settings(state: LearnState) -> None:
    kind, ways, shots, again = st.columns([1.6, 1, 1, 0.9], vertical_alignment="bottom")
    with kind:
        st.segmented_control(**KIND.widget(), required=True, wrap=True)
    with ways:
        st.slider(**replace(WAYS, span=(2, MOST_WAYS[KIND.value], 1)).widget())
    with shots:
        st.slider(**SHOTS.widget())
    with again:
        guarded_button("New task", "episode_next", partial(_next, state), icon=":material/refresh:")


def _show_answer(task: SmallTask, prediction: Prediction) -> None:
    query, truth = task.queries[0], task.answers[0]
    left, right = st.columns([1, 3], gap="large")
    with left:
        st.markdown("**The new picture**")
        picture_grid(
            [Tile(query.digest, query.thumbnail, "The new picture")],
            key="episode_query",
            label="The new picture",
            size="large",
        )
        verdict = "right" if prediction.label == truth else f"wrong, it is {markdown(truth)}"
        st.markdown(
            f"Nearest: **{markdown(prediction.label)}** ({verdict}), similarity "
            + similarity_text(max(prediction.similarities))
        )
    with right:
        n = len(prediction.similarities)
        st.markdown(f"**All {n} examples, most similar first**")
        ranked = sorted(zip(prediction.similarities, task.labelled, strict=True), key=lambda p: -p[0])
        tiles = [
            with_similarity(
                Tile(picture.digest, picture.thumbnail, picture.name),
                name,
                similarity,
                name == prediction.label,
            )
            for similarity, (name, picture) in ranked
        ]
        picture_grid(tiles, key="episode_examples", label="Examples by similarity", size="medium")


def _show_accuracy(state: LearnState) -> None:
    """Offer to measure the accuracy over many tasks, as one task says little."""
    label, about = f"Try {_EPISODES} such tasks", "Each task draws new classes and examples."
    with kept_button(label, "episode_many", icon=":material/functions:", help=about) as is_pressed:
        key = ("accuracy", KIND.value, WAYS.value, SHOTS.value, network_in_use().digest)
        if not is_pressed and key not in state.memo:
            return
        result = state.memo.remember(key, lambda: _accuracy(state))
    st.markdown(
        f"Test accuracy **{percent(result.accuracy)}{margin_text(result.ci95)}** in {_EPISODES} tasks "
        f"of {WAYS.value} ways and {count(SHOTS.value, 'shot')}; guessing gives {percent(1 / WAYS.value)}. "
        f"{wording.OF_THE_KIND}"
    )


def _accuracy(state: LearnState) -> EvaluationResult:
    checkpoint, per_class = network_in_use(), SHOTS.value + _MORE_THAN_SHOTS
    n_classes = max(WAYS.value, _MOST_PICTURES // per_class)
    place = st.empty()

    def progress(done: int, total: int) -> None:
        place.progress(done / total, f"Embedding pictures: {done} of {total}")

    def compute() -> tuple[Tensor, IntArray]:
        source = open_source("rendered" if KIND.value == "drawn" else "digits")
        query = ImageQuery(
            checkpoint.info.model.image_size, classes=source.class_names()[:n_classes], per_class=per_class
        )
        images = source.load(query)[0]
        # Each picture once: augmented copies of the examples would take three times as long.
        return embed_set(checkpoint, images.images, progress, as_support=False), images.labels

    sides, labels = state.memo.remember((KIND.value, n_classes, per_class, checkpoint.digest), compute)
    place.empty()
    config = core.EpisodeConfig(WAYS.value, SHOTS.value, 1, _EPISODES, seed=0)
    with COMPUTE:
        return core.evaluate(checkpoint.twin, sides[0], labels, config, "max")


def _next(state: LearnState) -> None:
    state.episode += 1
