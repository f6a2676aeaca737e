"""The article's Figure 1: a batch of the chosen pictures, its labels, and a network's answers under it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from fsl.config import DataSource, ModelConfig
from fsl.errors import DataError, SettingsError
from fsl.ui import wording
from fsl.ui.components.pairs import Pair, pair_columns
from fsl.ui.escape import markdown
from fsl.ui.guard import guarded, guarded_callback
from fsl.ui.pictures import thumbnail_uri
from fsl.ui.resources import COMPUTE, load_checkpoint
from fsl.ui.training.data import MINE, UPLOAD, data_of_run, is_read_ahead
from fsl.ui.training.form import SCRATCH, Wish, checkpoint_choice
from fsl.ui.training.values import kept, set_values, values

if TYPE_CHECKING:
    from fsl.training.datasource import TrainingData
    from fsl.training.preview import BatchPreview
    from fsl.training.status import RunInfo
    from fsl.twin.network import TwinNetwork

_PAIRS = 8
_NOBODY = ""
_SEEN = "classes it learns from"
_HELD_OUT = "held out, never seen"


def show_batch(wish: Wish, runs: Sequence[RunInfo]) -> None:
    """A few pairs as the network sees them.

    Args:
        wish: what the form is set to.
        runs: those looked at, any of whose networks may be asked.
    """
    panel = st.expander("See a batch", expanded=True, key="batch_panel", on_change="rerun")
    if panel.open is False:
        return
    with panel:
        st.fragment(_show)(wish, [run for run in runs if _has_answers(run)])


def _has_answers(run: RunInfo) -> bool:
    """Whether its saved network is a trained one; it is saved at each test and at the end."""
    return run.has_checkpoint and bool(run.steps_done) and (run.evaluation is not None or not run.is_live)


def _show(wish: Wish, trained: Sequence[RunInfo]) -> None:
    with guarded():
        try:
            _show_pairs(wish, trained)
        except (DataError, SettingsError) as error:
            if values().pop("fetch", None):  # not tried again before it is asked for again
                st.error(markdown(str(error)), icon=":material/cloud_off:")
            else:  # no fault yet: nothing has been dropped, say
                st.caption(markdown(str(error)))


def _show_pairs(wish: Wish, trained: Sequence[RunInfo]) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        part = _choose_part(wish)
        run = _choose_network(wish, trained)
        st.button("Other pairs", key="other_pairs", on_click=guarded_callback(_next_pairs))
    own = wish.data in (MINE, UPLOAD)
    if not (own or is_read_ahead(wish.data) or values().get("fetch") == wish.data):
        st.caption("These pictures are still to be downloaded.")
        st.button("Download them now", key="fetch_data", on_click=guarded_callback(_fetch), args=(wish.data,))
        return
    twin = _network(wish, run)
    data = _read(wish, twin.config if twin is not None else wish.model)
    images = data.validation if part == _HELD_OUT else data.train
    if images is None:
        st.caption("Nothing is held out for testing.")
        return
    from fsl.training.preview import preview_batch, preview_similarities

    batch = preview_batch(images, _PAIRS, wish.config.seed + int(values().get("pairs_drawn", 0)))
    answers: list[float] = []
    if twin is not None:
        with COMPUTE:
            answers = preview_similarities(twin, batch).tolist()
    _draw(batch, answers)


def _choose_part(wish: Wish) -> str:
    # Own classes are told apart by other pictures of them: what is held out is not another kind of thing.
    options = [_SEEN, _HELD_OUT] if wish.data != MINE else [_SEEN]
    if kept("batch_part", _SEEN) and st.session_state["batch_part"] not in options:
        set_values({"batch_part": _SEEN})
    return st.selectbox("Pictures", options, key="batch_part", width=230)


def _choose_network(wish: Wish, trained: Sequence[RunInfo]) -> RunInfo | None:
    """The run whose network is asked; none for the one to start from, or for nobody."""
    names = {run.id: f"{run.name}{_so_far(run)}" for run in trained}
    first = "nobody yet" if wish.start == SCRATCH else f"{wish.start}, before training"
    options = {_NOBODY: first, **names}
    best = max(trained, key=lambda run: run.evaluation.accuracy if run.evaluation else 0.0, default=None)
    # Until a person chooses, the best network so far answers.
    if values().get("asked") not in options:
        values()["asked"] = None
    asked = values().get("asked")
    set_values({"batch_network": asked if asked is not None else best.id if best else _NOBODY})
    chosen = st.selectbox(
        "Network asked",
        list(options),
        key="batch_network",
        format_func=lambda run_id: options.get(run_id, run_id),
        on_change=guarded_callback(_take_network),
        width=230,
        help="A run's latest saved network: it is saved at each test and at the end.",
    )
    return next((run for run in trained if run.id == chosen), None)


def _so_far(run: RunInfo) -> str:
    return f", after {run.evaluation.step:,} batches" if run.is_live and run.evaluation else ""


def _take_network() -> None:
    values()["asked"] = st.session_state["batch_network"]


def _next_pairs() -> None:
    values()["pairs_drawn"] = int(values().get("pairs_drawn", 0)) + 1


def _fetch(data: str) -> None:
    values()["fetch"] = data


def _network(wish: Wish, run: RunInfo | None) -> TwinNetwork | None:
    if run is None:
        return None if wish.start == SCRATCH else load_checkpoint(checkpoint_choice(wish.start)).twin
    from fsl.training.runs import CHECKPOINT

    path = run.folder / CHECKPOINT
    return _load(str(path), path.stat().st_mtime_ns)


@st.cache_resource(max_entries=6, show_spinner=False)
def _load(path: str, modified: int) -> TwinNetwork:
    from pathlib import Path

    from fsl.twin.checkpoint import load

    return load(Path(path)).twin


def _read(wish: Wish, model: ModelConfig) -> TrainingData:
    from fsl.training.datasource import load_training_data

    data = data_of_run(wish.data, wish.split, model, wish.config.seed)
    if not isinstance(data, DataSource):
        return data
    place = st.empty()

    def progress(done: int, total: int) -> None:
        if total:
            place.progress(done / total, f"Reading pictures: {done / total:.0%}")

    found = load_training_data(data, model, wish.config.seed, lambda problems: None, progress)
    place.empty()
    return found


def _draw(batch: BatchPreview, answers: Sequence[float]) -> None:
    from PIL import Image

    def uri(pixels: object) -> str:
        return thumbnail_uri(Image.fromarray(pixels).resize((96, 96)))  # type: ignore[arg-type]

    pairs = [
        Pair(
            uri(batch.left[i]),
            uri(batch.right[i]),
            batch.left_classes[i],
            batch.right_classes[i],
            bool(batch.difference[i]),
            answers[i] if answers else None,
        )
        for i in range(len(batch.difference))
    ]
    pair_columns(pairs)
    array = " ".join(str(int(d)) for d in batch.difference)
    if not answers:
        st.caption(f"The batch's labels: [{array}]. Once a run has trained, its answers appear under them.")
        return
    right = sum(pair.agrees for pair in pairs)
    st.caption(
        f"The batch's labels: [{array}]. {wording.count(right, 'answer')} of {len(pairs)} on the "
        "label's side of one half: ✓ agrees, ✗ does not."
    )
