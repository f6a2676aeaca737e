"""A batch of pairs as in the article's Figure 1, with its labels and a network's answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import streamlit as st
from PIL import Image

from fsl.base.errors import FslError
from fsl.base.text import count
from fsl.config import SCRATCH, ModelConfig
from fsl.data.query import DataSpec
from fsl.ui.components.pairs import Pair, pair_columns
from fsl.ui.pages.training.data import data_of_run, is_of, needs_download
from fsl.ui.pages.training.request import TrainRequest, checkpoint_choice
from fsl.ui.pages.training.settings import BATCH_NETWORK, BATCH_PART
from fsl.ui.pages.training.state import training_state
from fsl.ui.shared import core
from fsl.ui.shared.escape import markdown
from fsl.ui.shared.guard import guarded, guarded_button, guarded_callback
from fsl.ui.shared.pictures import thumbnail_uri
from fsl.ui.shared.resources import COMPUTE, Choice, load_checkpoint
from fsl.ui.shared.run_names import distinct_names
from fsl.ui.shared.work import ReportProgress, percent_done, show_progress

if TYPE_CHECKING:
    from fsl.training.preview import BatchPreview
    from fsl.training.run_data import TrainingData
    from fsl.training.status import RunInfo
    from fsl.twin.checkpoint import Checkpoint
    from fsl.twin.network import TwinNetwork

_PAIRS = 8
_NO_RUN = ""
_HELD_OUT = "held out for testing"


def show_batch(request: TrainRequest, runs: Sequence[RunInfo]) -> None:
    """Show a few pairs as the network sees them.

    Args:
        request: what the form asks for.
        runs: the chosen runs, whose networks can answer.
    """
    panel = st.expander("See a batch", expanded=True, key="batch_panel", on_change="rerun")
    if panel.open is False:
        return
    with panel:
        st.fragment(_show)(request, [run for run in runs if _has_answers(run)])


def _has_answers(run: RunInfo) -> bool:
    """Return whether the run has saved a trained network, as it does at each test and at the end."""
    return run.steps_saved > 0


def _show(request: TrainRequest, trained: Sequence[RunInfo]) -> None:
    with guarded():
        try:
            _show_pairs(request, trained)
        except FslError as error:
            state = training_state()
            if state.fetch:
                state.fetch = ""  # do not try again until asked to
                st.error(markdown(str(error)), icon=":material/cloud_off:")
            else:  # not an error, such as no zip yet
                st.caption(markdown(str(error)))


def _show_pairs(request: TrainRequest, trained: Sequence[RunInfo]) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        part = st.selectbox(**BATCH_PART.widget(), width=230)
        run = _choose_network(request, trained)
        guarded_button("Other pairs", "other_pairs", _next_pairs)
    checkpoint = _network(request, run)
    twin = checkpoint.twin if checkpoint is not None else None
    source, seed = _source(request, run, twin)
    name = source.data if isinstance(source, DataSpec) else ""
    if needs_download(name) and training_state().fetch != name:
        st.caption("These pictures have not been downloaded yet.")
        guarded_button("Download now", "fetch_data", partial(_fetch, name))
        return
    if run is not None and not _is_about(run, request):
        st.caption(f"Pictures of what this network learned from: {markdown(str(run.about.get('data', '')))}.")
    draw_seed = request.config.seed + training_state().pairs_drawn
    if isinstance(source, DataSpec):
        model = twin.config if twin is not None else request.model
        task = partial(_draw_pairs, source, model, seed, part, draw_seed)
        inputs = (source, model.image_size, model.fit, seed, part, draw_seed)
        work = training_state().batch.of(inputs, task)
        if not work.wait_at_first():
            show_progress(work)
            return
        batch = training_state().batch.result(inputs, task)
    else:
        batch = _pairs_of(source, part, draw_seed)
    if batch is None:
        st.caption("Nothing is held out for testing.")
        return
    answers: list[float] = []
    if twin is not None:
        with COMPUTE:
            answers = core.preview_similarities(twin, batch).tolist()
    _draw(batch, answers, checkpoint.info.same_limit if checkpoint is not None else 0.5)


def _choose_network(request: TrainRequest, trained: Sequence[RunInfo]) -> RunInfo | None:
    """Let the user choose whose network answers; None for the starting network or no network."""
    told = distinct_names(trained)
    names = {run.id: f"{told[run.id]}{_so_far(run)}" for run in trained}
    first = "none" if request.start == SCRATCH else f"{request.start}, before training"
    options = {_NO_RUN: first, **names}
    fitting = [run for run in trained if _is_about(run, request)]
    best = max(fitting, key=lambda run: run.evaluation.accuracy if run.evaluation else 0.0, default=None)
    # Until the user chooses, the best network that learns from the chosen pictures answers.
    state = training_state()
    if state.asked not in options:
        state.asked = None
    BATCH_NETWORK.put(state.asked if state.asked is not None else best.id if best else _NO_RUN)
    chosen = st.selectbox(
        **replace(BATCH_NETWORK, options=options).widget(), on_change=guarded_callback(_ask), width=230
    )
    return next((run for run in trained if run.id == chosen), None)


def _so_far(run: RunInfo) -> str:
    return f", after {run.evaluation.step:,} batches" if run.is_live and run.evaluation else ""


def _ask() -> None:
    training_state().asked = BATCH_NETWORK.value


def _next_pairs() -> None:
    training_state().pairs_drawn += 1


def _fetch(data: str) -> None:
    training_state().fetch = data


def _is_about(run: RunInfo, request: TrainRequest) -> bool:
    """Return whether the run learns from the pictures chosen in the form."""
    return is_of(str(run.about.get("data", "")), request.data)


def _network(request: TrainRequest, run: RunInfo | None) -> Checkpoint | None:
    if run is not None:
        return load_checkpoint(Choice(run.id, "", run.folder / core.CHECKPOINT))
    return None if request.start == SCRATCH else load_checkpoint(checkpoint_choice(request.start))


def _source(
    request: TrainRequest, run: RunInfo | None, twin: TwinNetwork | None
) -> tuple[DataSpec | TrainingData, int]:
    """Return the data and the seed of its split: those of the run, if there is one."""
    if run is None:
        model = twin.config if twin is not None else request.model
        return data_of_run(request.data, request.split, model, request.config.seed), request.config.seed
    return core.images_of(run.folder), run.config.seed if run.config else 0


def _draw_pairs(
    source: DataSpec, model: ModelConfig, seed: int, part: str, draw_seed: int, report: ReportProgress
) -> BatchPreview | None:
    progress = percent_done(report, "Reading pictures")
    data = core.load_training_data(source, model, seed, lambda problems: None, progress)
    return _pairs_of(data, part, draw_seed)


def _pairs_of(data: TrainingData, part: str, seed: int) -> BatchPreview | None:
    """Return random pairs of one part of the data; None if nothing is held out."""
    images = data.validation if part == _HELD_OUT else data.train
    return None if images is None else core.preview_batch(images, _PAIRS, seed)


def _draw(batch: BatchPreview, answers: Sequence[float], limit: float) -> None:
    """Draw the pairs with a network's similarities, judged by its limit between same and different."""

    def uri(pixels: object) -> str:
        return thumbnail_uri(Image.fromarray(pixels).resize((96, 96)))  # type: ignore[arg-type]

    pairs = [
        Pair(
            uri(batch.left[i]),
            uri(batch.right[i]),
            batch.left_classes[i],
            batch.right_classes[i],
            bool(batch.difference[i]),
            1 - answers[i] if answers else None,
            1 - limit,
        )
        for i in range(len(batch.difference))
    ]
    pair_columns(pairs)
    array = " ".join(str(int(d)) for d in batch.difference)
    labels = f"Labels, 0 = same class and 1 = different class: [{array}]."
    if not answers:
        st.caption(f"{labels} Once a run has trained, its outputs appear below the labels.")
        return
    right = sum(pair.agrees for pair in pairs)
    verb = "is" if right == 1 else "are"
    st.caption(
        f"{labels} Outputs: the network's probability that the two are different; "
        f"{right} of {count(len(pairs), 'output')} {verb} on the label's side of its limit, "
        f"{1 - limit:.2g} (✓)."
    )
