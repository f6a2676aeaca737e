"""Actions on a run: stop, resume, try another rate, use, keep, download, delete."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

import streamlit as st

from fsl.base.errors import DataError
from fsl.config import SCRATCH
from fsl.training.run_folder import public_name
from fsl.ui.pages.training.request import starting_network
from fsl.ui.pages.training.settings import SHOWN
from fsl.ui.pages.training.state import training_state
from fsl.ui.shared import core
from fsl.ui.shared.downloads import Download, download_buttons
from fsl.ui.shared.escape import markdown
from fsl.ui.shared.guard import guarded_button
from fsl.ui.shared.menu import menu
from fsl.ui.shared.run_labels import learning_rate_text
from fsl.ui.shared.visitor import is_of_the_shell, may_look_inside, owns, refuse_unless_owner, visitor, whose

if TYPE_CHECKING:
    from fsl.training.status import RunInfo

MOST_SHOWN = 6
_CAN_GO_ON = ("stopped", "interrupted", "failed")
_STOP_SECONDS = 0.7  # how long to wait for a run to stop, so that the page shows it as stopped
_PAGES_FOR_NETWORK = ("classify", "compare", "embeddings", "evaluate")


def show_actions(run: RunInfo) -> None:
    """Show the buttons of one run: those that change it only to its owner."""
    is_own = owns(run)
    with st.container(horizontal=True):
        if is_own and run.is_live:
            guarded_button("Stop", f"stop_{run.id}", partial(_stop, [run.id]))
        elif is_own and _can_go_on(run):
            guarded_button("Resume", f"resume_{run.id}", partial(_resume, [run.id]))
        if may_look_inside(run):
            _show_other_rate(run)
    if not is_own:
        st.caption(whose(run))
    if run.is_live:
        return
    may_keep = bool(run.steps_saved) and _may_keep(run)
    if may_keep:
        _show_use(run)
    label = (
        f"{'Keep' if may_keep else 'Download'} or delete"
        if is_own
        else "Keep or download"
        if may_keep
        else "Download"
    )
    menu(label, partial(_show_more, run, may_keep), key=f"run_menu_{run.id}", width="stretch")


def _show_more(run: RunInfo, may_keep: bool) -> None:
    if may_keep:
        _show_keeping(run)
    _show_downloads(run)
    if owns(run):
        guarded_button("Delete this run", f"delete_{run.id}", partial(_delete, run.id))


def _may_keep(run: RunInfo) -> bool:
    """Return whether this browser may offer the run's network to everyone under a name."""
    return owns(run) or is_of_the_shell(run)


def _show_other_rate(run: RunInfo) -> None:
    """Offer the learning rate that the verdict suggests, if it suggests one."""
    if not (run.verdict and run.config):
        return
    rate = core.try_rate(run.verdict, run.config.learning_rate)
    if rate is not None:
        factor = "a tenth of" if rate < run.config.learning_rate else "ten times"
        guarded_button(
            f"Try {factor} this rate: {learning_rate_text(rate)}", f"try_{run.id}", partial(_try, run.id)
        )


def _show_use(run: RunInfo) -> None:
    """Offer the run's network to the other pages."""
    if name := training_state().names.get(_moment(run)):
        _show_links(name)
        return
    if reason := run.why_not_to_use:
        st.caption(markdown(reason))
        return
    guarded_button(
        "Use this network" if run.best_steps == run.steps_saved else f"Use it as of batch {run.best_steps:,}",
        f"use_{run.id}",
        partial(_use, run, _usual_name(run)),
        icon=":material/check:",
        help="Keeps the network at its best test, so that it can be chosen on every page, by everyone who "
        "uses this server. You can choose another name below.",
    )


def _can_go_on(run: RunInfo) -> bool:
    """Return whether resuming makes sense: not after a loss that was no number, which would come again."""
    has_diverged = run.step is not None and not math.isfinite(run.step.loss)
    return run.status in _CAN_GO_ON and not has_diverged


def show_group_actions(runs: Sequence[RunInfo]) -> None:
    """Show buttons that stop or resume several runs at once."""
    own = [run for run in runs if owns(run)]
    live = [run.id for run in own if run.is_live]
    resting = [run.id for run in own if _can_go_on(run)]
    with st.container(horizontal=True):
        if len(live) > 1:
            guarded_button("Stop all", "stop_all", partial(_stop, live))
        if len(resting) > 1:
            guarded_button(
                "Resume all",
                "resume_all",
                partial(_resume, resting),
                help="The runs take turns again, batch by batch.",
            )


def _show_links(name: str) -> None:
    st.caption(f"Kept as “{markdown(name)}”. Use it to:")
    with st.container(horizontal=True, gap="xsmall"):
        for page in _PAGES_FOR_NETWORK:
            st.page_link(f"pages/{page}.py", label=page.capitalize(), query_params={"network": name})


def _usual_name(run: RunInfo) -> str:
    """Return a name for the run's network that is valid as a file name, for everyone to see."""
    shown = public_name(run.id)
    names = (shown,) if run.name == shown else (run.name, shown)
    own, *run_id = (re.sub(r"[^A-Za-z0-9 ._+()-]+", " ", name).strip(" .+()-") for name in names)
    batches = f"({run.best_steps} batches)"
    room = 57 - len(batches) - sum(map(len, run_id))
    return " ".join(part for part in (own[:room].strip(), *run_id, batches) if part)


def _moment(run: RunInfo) -> tuple[str, int]:
    """Return the run's id and saved batches: resuming the run makes another network."""
    return run.id, run.steps_saved


def _show_keeping(run: RunInfo) -> None:
    key = f"name_{run.id}"
    st.text_input("Name", key=key, placeholder="my network")
    # The press reads the name itself: one typed just before the click has not been drawn with the button. For
    # the same reason the button is never disabled.
    guarded_button("Keep under this name", f"save_{run.id}", partial(_save_as_typed, run, key))


def _show_downloads(run: RunInfo) -> None:
    def file(label: str, make: Callable[[], str | bytes], name: str) -> Download:
        return Download(label, make, f"{public_name(run.id)}-{name}", f"get_{name}_{run.id}")

    files = []
    if run.has_checkpoint:
        checkpoint = run.folder / core.CHECKPOINT
        files.append(file("Network (.safetensors)", checkpoint.read_bytes, core.CHECKPOINT))
    if run.started:
        files.append(file("Curve (CSV)", lambda: core.curve_csv(core.run_events(run.folder)), "curve.csv"))
    if run.started and may_look_inside(run):
        files.append(file("All events (JSON lines)", (run.folder / core.EVENTS).read_bytes, core.EVENTS))
    download_buttons(files)


def _stop(run_ids: Sequence[str]) -> None:
    _refuse_unless_owner(run_ids)
    for run_id in run_ids:
        core.run_manager().stop(run_id)
    deadline = time.monotonic() + _STOP_SECONDS
    for run_id in run_ids:
        core.run_manager().wait(run_id, timeout=max(0.0, deadline - time.monotonic()))


def _resume(run_ids: Sequence[str]) -> None:
    _refuse_unless_owner(run_ids)
    core.run_manager().resume_together(run_ids)


def _refuse_unless_owner(run_ids: Sequence[str]) -> None:
    for run_id in run_ids:
        refuse_unless_owner(core.find_run(run_id))


def _delete(run_id: str) -> None:
    _refuse_unless_owner([run_id])
    core.run_manager().delete(run_id)
    training_state().shown_next = [shown for shown in _shown() if shown != run_id]


def _use(run: RunInfo, name: str) -> None:
    """Keep the run's network under that name, unless it is kept already."""
    if name not in core.available():
        _save(run, name)
    training_state().names[_moment(run)] = name


def _save_as_typed(run: RunInfo, key: str) -> None:
    _save(run, str(st.session_state[key]))


def _save(run: RunInfo, name: str) -> None:
    if not _may_keep(run):
        raise DataError(whose(run))
    core.save_as(run.id, name)
    training_state().names[_moment(run)] = name.strip()


def _try(run_id: str) -> None:
    """Start the same run at the learning rate that its verdict suggests."""
    run = core.find_run(run_id)
    if not may_look_inside(run):
        raise DataError(whose(run))
    rate = core.try_rate(run.verdict, run.config.learning_rate) if run.verdict and run.config else None
    if rate is None or run.model is None:
        raise DataError(f"The verdict on {run.name} suggests no other rate to try.")
    start = starting_network(str(run.about.get("start") or SCRATCH), run.model)
    new = core.run_manager().start(
        core.plan_like(run, rate, start, f"rate {learning_rate_text(rate)}", visitor())
    )
    training_state().shown_next = [*_shown(), new][-MOST_SHOWN:]


def _shown() -> Sequence[str]:
    chosen = training_state().shown_next
    return (SHOWN.value or ()) if chosen is None else chosen
