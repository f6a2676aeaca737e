"""How long the run in the form will take on this machine, and whether there is anything to gain."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import streamlit as st

from fsl.base.errors import FslError
from fsl.base.text import duration_text
from fsl.config import SCRATCH
from fsl.data.catalogue import open_source
from fsl.ui.pages.training.data import MINE, UPLOAD, my_cards, uploaded_data, version_of_own_data
from fsl.ui.pages.training.request import TrainRequest, checkpoint_choice, starting_network
from fsl.ui.pages.training.state import training_state
from fsl.ui.shared import core, wording
from fsl.ui.shared.resources import COMPUTE, load_checkpoint
from fsl.ui.shared.work import ReportProgress, show_waiting

if TYPE_CHECKING:
    from fsl.fewshot.classify import LeaveOneOut
    from fsl.training.estimate import Estimate, RunSize

_USUAL_PER_CLASS = 20  # where it is not known without reading the pictures


def show_estimate(request: TrainRequest) -> None:
    """Say how long the run will take, measured here, and whether there is anything to gain."""
    size = _size_of(request)
    if size is None or not request.rates:
        return
    inputs = (request, size, version_of_own_data(request.data))
    work = training_state().estimate.of(inputs, partial(_measure, request, size))
    if not work.wait_at_first():
        show_waiting(work, "Timing one batch on this machine …")
        return
    if work.fault or not work.has_result:
        return  # starting the run will report the fault
    _show(work.result(), len(request.rates))
    if request.data == MINE and request.start != SCRATCH:
        _show_room(request.start)


def _show(estimate: Estimate, n_runs: int) -> None:
    """Show the estimate for runs that take turns."""
    total, first = estimate.total * n_runs, estimate.first_point * n_runs
    what = "" if n_runs == 1 else f" for {n_runs} runs side by side"
    st.caption(
        f"About **{duration_text(max(1.0, total))}**{what}; the first point after about "
        f"{duration_text(max(1.0, first))}. One batch was timed on this machine a moment ago."
    )


def _show_room(start: str) -> None:
    """Say how many of the pictures the starting network recognises already."""
    found = _recognised(start)
    if found is None:
        return
    if little := wording.little_to_gain(found.n_right, found.n_images):
        st.info(little, icon=":material/check_circle:")
    else:
        already = wording.recognised_already(found.n_right, found.n_images)
        st.caption(f"{already}; fine-tuning may help with the other {found.n_images - found.n_right}.")


def _recognised(start: str) -> LeaveOneOut | None:
    """Return the self-check of the Classify page's classes, made again when they change."""
    checkpoint = load_checkpoint(checkpoint_choice(start))

    def compute() -> LeaveOneOut | None:
        support = core.SupportSet.from_classes({card.name: card.pictures for card in my_cards()})
        with st.spinner("Looking at your pictures"), COMPUTE:
            return core.leave_one_out(checkpoint, support)

    inputs = ("room", checkpoint.digest, version_of_own_data(MINE))
    return training_state().memo.remember(inputs, compute)


def _size_of(request: TrainRequest) -> RunSize | None:
    """Return how many pictures the run will have, as far as that is known without reading them."""
    try:
        counts = _counts(request.data)
    except FslError:
        return None
    if len(counts) < 2 or max(counts) < 2:
        return None
    share = request.split.share
    if request.data == MINE:
        held = [max(2, round(share * n)) for n in counts] if share else [0] * len(counts)
        tested = [h for h, n in zip(held, counts, strict=True) if h and n - h >= 2]
        learned = sum(counts) - sum(tested)
        return core.RunSize(len(counts), max(4, learned), len(tested), sum(tested))
    n_tested = len(request.split.tested) or round(share * len(counts))
    per_class = sum(counts) // len(counts)
    n_learned = max(2, len(counts) - n_tested)
    return core.RunSize(n_learned, n_learned * per_class, n_tested, n_tested * per_class)


def _counts(data: str) -> list[int]:
    """Return the number of pictures of each class, about."""
    if data == MINE:
        return [len(card.pictures) for card in my_cards()]
    if data == UPLOAD:
        stored = uploaded_data().zip
        names = stored.listing.class_names if stored else ()
        return [len(stored.listing.in_classes) // len(names)] * len(names) if stored and names else []
    source = open_source(data)
    if not source.is_here:
        return []
    n_classes = len(source.class_names())
    per_class = source.n_images // max(1, n_classes) or _USUAL_PER_CLASS
    return [max(2, per_class)] * n_classes


def _measure(request: TrainRequest, size: RunSize, report: ReportProgress) -> Estimate:
    report(None, "Timing one batch")
    start = starting_network(request.start, request.model)
    with core.run_manager().beside() as take_share, COMPUTE:
        take_share()
        return core.estimate_run(request.config, start, size)
