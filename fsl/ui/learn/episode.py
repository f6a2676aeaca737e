"""Step 5: N-way K-shot as a search for the nearest neighbour, with ways and shots to change."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from fsl.charts import percent
from fsl.ui.components.pictures import Tile, picture_grid
from fsl.ui.escape import markdown
from fsl.ui.guard import guarded
from fsl.ui.learn.network import answers, network_in_use
from fsl.ui.learn.state import LearnState, kept, take
from fsl.ui.resources import COMPUTE
from fsl.ui.small_tasks import KIND_TITLES, MOST_WAYS, Kind, SmallTask, small_task
from fsl.ui.waiting import waiting

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

    from fsl.fewshot.classify import Prediction
    from fsl.fewshot.evaluate import EvaluationResult
    from fsl.twin.checkpoint import Checkpoint

_PER_CLASS = 12
_EPISODES = 500
_LEAST_WAYS, _MOST_SHOTS = 2, 5


def show_episode(state: LearnState) -> None:
    """An episode, drawn and answered."""
    st.header("N classes, K pictures each: who is nearest?", anchor=False)
    st.markdown(
        "A task of **N** classes with **K** examples each is called *N-way K-shot*. The network compares the "
        "new picture with all N x K examples; the class of the most similar one, its **nearest neighbour**, "
        "is the answer. More ways make it harder, more shots easier."
    )
    _episode(state)


@st.fragment
def _episode(state: LearnState) -> None:
    with guarded():
        _show_settings(state)
        task = small_task(state.kind, state.ways, state.shots, 1, state.episode)
        with waiting("Comparing", "learn_episode", 480):
            (prediction,) = answers(task, rule="max")
        _show_answer(task, prediction)
        _show_accuracy(state)


def _show_settings(state: LearnState) -> None:
    state.ways = min(state.ways, MOST_WAYS[state.kind])
    kind, ways, shots, again = st.columns([1.6, 1, 1, 0.9], vertical_alignment="bottom")
    with kind:
        st.segmented_control(
            "Pictures",
            list(KIND_TITLES),
            key=kept(state, "kind"),
            format_func=lambda name: KIND_TITLES[name],
            required=True,
            on_change=take,
            args=(state, "kind"),
        )
    with ways:
        st.slider(
            "Ways (N)",
            _LEAST_WAYS,
            MOST_WAYS[state.kind],
            key=kept(state, "ways"),
            help="How many classes to choose from.",
            on_change=take,
            args=(state, "ways"),
        )
    with shots:
        st.slider(
            "Shots (K)",
            1,
            _MOST_SHOTS,
            key=kept(state, "shots"),
            help="How many examples of each class.",
            on_change=take,
            args=(state, "shots"),
        )
    with again:
        st.button("New task", key="episode_next", icon=":material/refresh:", on_click=_next, args=(state,))


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
            f"{max(prediction.similarities):.2f}"
        )
    with right:
        n = len(prediction.similarities)
        st.markdown(f"**All {n} examples, the most similar first**")
        ranked = sorted(zip(prediction.similarities, task.labelled, strict=True), key=lambda p: -p[0])
        tiles = [
            Tile(
                picture.digest,
                picture.thumbnail,
                picture.name,
                title=name,
                note=f"{similarity:.2f}" + (" nearest" if rank == 0 else ""),
                bar=similarity,
                tone="accent" if name == prediction.label else "muted",
            )
            for rank, (similarity, (name, picture)) in enumerate(ranked)
        ]
        picture_grid(tiles, key="episode_examples", label="Examples by similarity", size="medium")


def _show_accuracy(state: LearnState) -> None:
    """One task says little; many say how good the network is at this."""
    asked = st.button(
        f"Ask {_EPISODES} such tasks",
        key="episode_many",
        icon=":material/functions:",
        help="Each with classes and examples drawn anew; every picture is embedded once.",
    )
    if not asked:
        return
    with st.spinner("Embedding every picture once"):
        result = _accuracy(state.kind, state.ways, state.shots)
    st.markdown(
        f"**{percent(result.accuracy)} ± {100 * result.ci95:.1f} points** right in {_EPISODES} tasks of "
        f"{state.ways} ways and {state.shots} shots; guessing gives {percent(1 / state.ways)}. "
        "The ± is the range in which the true value lies in 95 of 100 such measurements."
    )


def _accuracy(kind: Kind, ways: int, shots: int) -> EvaluationResult:
    from fsl.config import EpisodeConfig
    from fsl.fewshot.evaluate import evaluate

    checkpoint = network_in_use()
    with COMPUTE:
        embeddings, labels = _embedded(kind, checkpoint.digest, checkpoint)
        config = EpisodeConfig(ways, shots, 1, _EPISODES, seed=0)
        return evaluate(checkpoint.twin, embeddings, labels, config, rule="max")


@st.cache_resource(max_entries=4, show_spinner=False)
def _embedded(kind: Kind, digest: str, _checkpoint: Checkpoint) -> tuple[Tensor, NDArray[np.int64]]:
    """Embeddings and labels of many pictures of that kind; kept by kind and checkpoint."""
    from fsl.data.builtin import builtin_set
    from fsl.twin.inference import embed_images

    name = "rendered" if kind == "drawn" else "digits"
    images = builtin_set(name, _checkpoint.info.model.image_size, _PER_CLASS, seed=1)
    return embed_images(_checkpoint.twin, images.images), images.labels


def _next(state: LearnState) -> None:
    state.episode += 1
