"""Fine-tuning from the Classify page: what it would bring, how long it takes, and its result in place."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import streamlit as st

from fsl.base.errors import FslError
from fsl.base.text import count, duration_text, percent
from fsl.config import TIMM
from fsl.data.query import ImageQuery
from fsl.training.presets import PRESETS
from fsl.training.run_folder import public_name
from fsl.training.run_spec import RunSpec
from fsl.ui.pages.classify.decide import compare, support_of
from fsl.ui.pages.classify.fine_tune_state import FineTuneState, fine_tune_state
from fsl.ui.shared import core, wording
from fsl.ui.shared.escape import markdown
from fsl.ui.shared.guard import guarded, guarded_button
from fsl.ui.shared.resources import COMPUTE
from fsl.ui.shared.sources import workspace_source
from fsl.ui.shared.visitor import visitor
from fsl.ui.shared.work import ReportProgress, Work, percent_done, show_waiting

if TYPE_CHECKING:
    from fsl.fewshot.classify import LeaveOneOut
    from fsl.training.estimate import Estimate, RunSize
    from fsl.training.status import RunInfo
    from fsl.twin.checkpoint import Checkpoint
    from fsl.ui.shared.state import Session
    from fsl.ui.shared.workspace import ClassCard

_SHARE = 0.3  # of each class's pictures, to test on
_ENOUGH = 4  # pictures of a class, so that it has two to spare for the test
_POLL_SECONDS = 0.5
_MY_WORDS = "my classes"
_TUNED = " fine-tuned "
# Of accuracy, on five data sets: python -m bench finetune
_GAIN_WITH_ONE, _GAIN_WITH_FIVE = "7 to 17 points", "up to 2"
_ENDED = {"failed": "failed", "stopped": "was stopped", "interrupted": "was interrupted"}
_LONGEST = 20  # characters of the network's name in that of a fine-tuned one


def show_fine_tuning(state: Session, checkpoint: Checkpoint, outcome: LeaveOneOut) -> None:
    """Offer fine-tuning where the self-check leaves room, and show the one that was started.

    Args:
        state: state of the Classify page.
        checkpoint: the network in use.
        outcome: the self-check of its classes.
    """
    cards = _learned_from(state, checkpoint)
    if not cards:
        return
    tuning = fine_tune_state()
    if tuning.starting is not None:
        if _is_settled(tuning):
            _follow(state, tuning)  # not in a fragment: its buttons change the network of the whole page
        else:
            st.fragment(_follow, run_every=_POLL_SECONDS)(state, tuning)
        return
    _show_offer(state, tuning, checkpoint, cards, outcome)


def fine_tuning_in_brief(state: Session, checkpoint: Checkpoint, outcome: LeaveOneOut | None) -> str:
    """Return in a few words what ``show_fine_tuning`` shows, "" if that is nothing."""
    cards = _learned_from(state, checkpoint)
    if outcome is None or not cards:
        return ""
    tuning = fine_tune_state()
    if tuning.starting is not None:
        return "fine-tuning done" if _is_settled(tuning) else "fine-tuning runs"
    has_room = outcome.n_right < outcome.n_images
    return "fine-tuning may help" if has_room and _has_enough(cards) else ""


def _learned_from(state: Session, checkpoint: Checkpoint) -> list[ClassCard]:
    """Return the classes that this network can be fine-tuned on, none if it cannot be."""
    cards = [card for card in state.workspace.classes if len(card.pictures) > 1]
    return [] if checkpoint.info.name.startswith(TIMM) or len(cards) < 2 else cards


def _has_enough(cards: list[ClassCard]) -> bool:
    return sum(len(card.pictures) >= _ENOUGH for card in cards) > 1


def _show_offer(
    state: Session,
    tuning: FineTuneState,
    checkpoint: Checkpoint,
    cards: list[ClassCard],
    outcome: LeaveOneOut,
) -> None:
    missed = outcome.n_images - outcome.n_right
    if not missed:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption("All are recognised already: fine-tuning has nothing to gain.", width="content")
            _link_to_training(checkpoint)
        return
    if not _has_enough(cards):
        st.caption(
            f"**Fine-tuning** may help with the {count(missed, 'picture')} not recognised. It needs at least "
            f"two classes of {_ENOUGH} pictures, so that some are left to test whether it helped."
        )
        return
    timing = _timing(tuning, checkpoint, cards)
    is_timed = timing.wait_at_first()
    seconds = max(1.0, timing.result().total) if timing.has_result else 0.0
    how_long = f"It takes about {duration_text(seconds)} here." if seconds else ""
    expected = wording.little_to_gain(outcome.n_right, outcome.n_images) or _expected(missed)
    st.markdown(
        f"**Fine-tuning** trains the last layers of the network on your pictures. {expected} {how_long}"
    )
    if not is_timed:
        show_waiting(timing, "Timing one batch on this machine …")
    _show_best_method(state, checkpoint, missed)
    with st.container(horizontal=True, vertical_alignment="center"):
        guarded_button(
            "Fine-tune on these classes",
            "fine_tune",
            partial(_start, tuning, checkpoint, cards, visitor()),
            icon=":material/model_training:",
        )
        _link_to_training(checkpoint)


def _link_to_training(checkpoint: Checkpoint) -> None:
    st.page_link(
        "pages/training.py",
        label="Fine-tune on the Train page",
        icon=":material/tune:",
        help="With more choices; set to continue training this network on these pictures.",
        query_params={"preset": "fine-tune", "start": checkpoint.info.name},
    )


def _expected(missed: int) -> str:
    verb = "is" if missed == 1 else "are"
    return (
        f"{count(missed, 'picture')} {verb} not recognised yet. In our measurements it brought "
        f"{_GAIN_WITH_ONE} of accuracy where one picture of each class is shown, and {_GAIN_WITH_FIVE} with "
        "five."
    )


def _show_best_method(state: Session, checkpoint: Checkpoint, missed: int) -> None:
    """Say if a method that needs no training recognises more; the self-check above offers it."""
    found = compare(state, checkpoint, support_of(state.workspace))
    if found is not None and (left := found.n_images - found.right[found.best]) < missed:
        st.caption(
            f"The best method above misses only {left} of {found.n_images} and needs no training: try it "
            "first."
        )


def _timing(tuning: FineTuneState, checkpoint: Checkpoint, cards: list[ClassCard]) -> Work[Estimate]:
    """Return the background work that estimates how long fine-tuning takes."""
    n_images = sum(len(card.pictures) for card in cards)
    n_tested = sum(max(2, round(_SHARE * len(c.pictures))) for c in cards if len(c.pictures) >= _ENOUGH)
    size = core.RunSize(len(cards), n_images - n_tested, len(cards), n_tested)
    return tuning.estimate.of((checkpoint.digest, size), partial(_measure, checkpoint, size))


def _measure(checkpoint: Checkpoint, size: RunSize, report: ReportProgress) -> Estimate:
    report(None, "Timing one batch")
    with COMPUTE:
        return core.estimate_run(PRESETS["fine-tune"].config, checkpoint.twin, size)


def _start(tuning: FineTuneState, checkpoint: Checkpoint, cards: list[ClassCard], who: str) -> None:
    tuning.checkpoint, tuning.kept = checkpoint.info.name, ""
    tuning.starting = Work(partial(_read_and_start, checkpoint, cards, who))


def _read_and_start(checkpoint: Checkpoint, cards: list[ClassCard], who: str, report: ReportProgress) -> str:
    """Read the pictures at the network's size, start the run, and return its id."""
    preset, model = PRESETS["fine-tune"], checkpoint.info.model
    query = ImageQuery(model.image_size, model.fit)
    images = workspace_source(cards).load(query, percent_done(report, "Reading pictures"))[0]
    data = core.hold_out_share(images, _SHARE, "images", preset.config.seed, _MY_WORDS)
    config = replace(preset.config, learning_rate=preset.rates[0])
    spec = core.with_start(RunSpec(config, start=""), checkpoint.info.name, checkpoint.info)
    name = f"{checkpoint.info.name} on {count(len(cards), 'class', 'classes')}"
    return core.run_manager().start(core.RunPlan(replace(spec, name=name), checkpoint.twin, data, who))


def _run_of(tuning: FineTuneState) -> RunInfo | None:
    """Return the run, or None while its pictures are read or if that was cancelled.

    Raises:
        FslError: the pictures could not be read, or the run was deleted.
    """
    work = tuning.starting
    if work is None or work.is_cancelled or not work.is_over:
        return None
    return core.find_run(work.result())


def _is_settled(tuning: FineTuneState) -> bool:
    """Return whether nothing changes by itself any more."""
    try:
        run = _run_of(tuning)
    except FslError:
        return True
    return run is not None and not run.is_live


def _follow(state: Session, tuning: FineTuneState) -> None:
    with guarded():
        try:
            run = _run_of(tuning)
        except FslError as error:
            st.error(markdown(str(error)))
            _show_dismiss(tuning)
            return
        if run is None:
            if tuning.starting is None or tuning.starting.is_cancelled:
                st.rerun()  # the whole page, which offers to fine-tune again
            st.progress(0.0, tuning.starting.text)
        elif run.is_live:
            _show_progress(run)
        else:
            _show_result(state, tuning, run)
            if not tuning.kept and tuning.seen != run.id:
                tuning.seen = run.id
                st.rerun()  # the whole page, which stops the fragment's clock


def _show_progress(run: RunInfo) -> None:
    steps = run.config.steps if run.config else 1
    doing = f"{run.doing[:1].upper()}{run.doing[1:]}" if run.doing else "Training"
    st.progress(min(1.0, run.steps_done / steps), f"{doing} … {run.steps_done} of {steps} batches")
    guarded_button("Stop", "fine_tune_stop", partial(core.run_manager().stop, run.id))


def _show_result(state: Session, tuning: FineTuneState, run: RunInfo) -> None:
    """Say whether it helped, and offer to use it only if it did."""
    if tuning.kept:
        _show_kept(state, tuning)
        return
    st.markdown(said(run, tuning.checkpoint))
    told = wording.probe_advice(run.comparison) if run.comparison else ""
    if told:
        st.caption(f"{told} The self-check above offers it where it does best.")
    if run.error:
        st.warning(markdown(run.error))
    with st.container(horizontal=True):
        if run.comparison and run.comparison.difference > 0 and not run.why_not_to_use:
            guarded_button(
                "Use it here",
                "fine_tune_use",
                partial(_use, state, tuning, run),
                type="primary" if run.comparison.is_clear and not told else "secondary",
                icon=":material/check:",
            )
        _show_dismiss(tuning)


def _show_kept(state: Session, tuning: FineTuneState) -> None:
    """Say whether the fine-tuned network answers, and offer to change that."""
    is_in_use = state.checkpoint == tuning.kept
    if is_in_use:
        st.success(
            f"The fine-tuned network answers now: {markdown(tuning.kept)}. On pictures that "
            "it learned from, the self-check above flatters it.",
            icon=":material/check:",
        )
    else:
        st.markdown(f"The fine-tuned network {markdown(tuning.kept)} is kept, but another one answers now.")
    with st.container(horizontal=True):
        if is_in_use:
            guarded_button(
                f"Back to {markdown(tuning.checkpoint)}", "fine_tune_back", partial(_go_back, state, tuning)
            )
        else:
            guarded_button("Use it here", "fine_tune_use", partial(state.use_network, tuning.kept))
        _show_dismiss(tuning)


def said(run: RunInfo, start: str) -> str:
    """Return what fine-tuning did, in one or two sentences."""
    c, test = run.comparison, run.evaluation
    if c is None or test is None:
        return f"Fine-tuning {_ENDED.get(run.status, 'ended')} before its test, so {markdown(start)} stays."
    before, after = percent(c.before), percent(c.after)
    if before == after:  # to the percent, but not quite
        before, after = f"{c.before:.1%}", f"{c.after:.1%}"
    numbers = (
        f"on {count(c.n_images, 'picture')} it did not learn from, choosing among {test.n_way} classes with "
        f"{count(test.n_shot, 'example')} of each, {before} of the answers were right before and {after} "
        "after"
    )
    if c.difference <= 0:
        return f"**Fine-tuning did not help**: {numbers}. {markdown(start)} stays."
    if not c.is_clear:
        return f"**Fine-tuning helped, but that may be chance**: {numbers}."
    return f"**Fine-tuning helped**: {numbers}."


def _show_dismiss(tuning: FineTuneState) -> None:
    guarded_button("Dismiss", "fine_tune_dismiss", partial(_dismiss, tuning))


def _dismiss(tuning: FineTuneState) -> None:
    tuning.starting = None


def _use(state: Session, tuning: FineTuneState, run: RunInfo) -> None:
    # Everyone can see the name, and whoever knows the run's id could open the run.
    start = tuning.checkpoint.partition(_TUNED)[0][:_LONGEST]
    name = f"{start}{_TUNED}{public_name(run.id)}"
    if name not in core.available():
        core.save_as(run.id, name)
    tuning.kept = name
    state.use_network(name)


def _go_back(state: Session, tuning: FineTuneState) -> None:
    state.use_network(tuning.checkpoint)
    tuning.starting, tuning.kept = None, ""
