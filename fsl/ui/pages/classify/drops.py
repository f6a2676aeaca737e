"""Drop zones of the Classify page: read what was dropped, report it, and empty the zone."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

import streamlit as st

from fsl.base.errors import FslError
from fsl.data.intake.listing import Problem, list_files
from fsl.data.intake.server_limits import PAGE_LIMITS
from fsl.data.intake.zips import list_zip
from fsl.fewshot.project import is_project
from fsl.ui.components.undivided import undivided
from fsl.ui.pages.classify.drop_steps import (
    Files,
    Target,
    add_step,
    fill_step,
    note_step,
    project_step,
    report,
    take_over,
    zip_step,
)
from fsl.ui.shared.holders import Holding
from fsl.ui.shared.intake import take_files
from fsl.ui.shared.state import QUERIES, DropStep, PendingDrop, Said, Session
from fsl.ui.shared.uploads import taken
from fsl.ui.shared.work import Work, show_progress

if TYPE_CHECKING:
    from streamlit.runtime.uploaded_file_manager import UploadedFile

_BESIDE_PROJECT = "it was dropped together with a project, which replaces everything; drop it again"


def drop_key(state: Session, place: str) -> str:
    """Return the widget key of a drop zone, which changes each time the zone is emptied."""
    return f"drop_{place}_{state.drops[place]}"


def place_of(target: Target) -> str:
    """Return the name of a target in widget keys."""
    return QUERIES if target is None else f"class_{target}"


def take_pending(state: Session) -> None:
    """Take over the drops that are read, then run the page again; show the progress of the others."""
    pending = state.pending
    if pending is None:
        return
    with pending.lock:
        if state.pending is not pending:
            return  # the page's run from before a reload has taken them over
        if not _finish_steps(state, pending):
            return
        state.pending = None
        report(state, Said(pending.notes, pending.problems, pending.twice))
    st.rerun()


def _finish_steps(state: Session, pending: PendingDrop) -> bool:
    """Take over the steps in their order; return whether all are finished."""
    while pending.steps:
        step = pending.steps[0]
        try:
            if pending.work is None or pending.work.is_cancelled:  # cancelled while nobody looked at the tab
                pending.work = Work(step.start())
            if not pending.work.wait_at_first():
                show_progress(pending.work)
                return False
            with undivided():
                said = step.finish(pending.work.result())
        except FslError as error:
            said = Said([str(error)])
        except Exception:
            state.pending = None  # or every run of the page would fail in the same way
            raise
        del pending.steps[0]
        pending.work = None
        pending.said(said)
    return True


def _queue(state: Session, place: str, files: Files, *steps: DropStep) -> None:
    """Empty a zone; ``take_pending`` reads the files that were in it."""
    state.drops[place] += 1
    pending = state.pending = state.pending or PendingDrop()
    pending.steps += steps
    pending.holdings.append(Holding(id(files), sum(len(data) for _, data in files)))


def take_pictures(state: Session, target: Target, files: Sequence[UploadedFile]) -> None:
    """Read files dropped on a class or on the queries; each zip among them fills all classes.

    A project replaces everything, so it is opened alone, and the other files of the drop are reported.
    """
    with taken(files) as dropped:
        _queue(state, place_of(target), dropped, *_steps_of(state, target, dropped))
    take_pending(state)


def _steps_of(state: Session, target: Target, dropped: Files) -> list[DropStep]:
    zips = [file for file in dropped if file[0].lower().endswith(".zip")]
    project = next((file for file in zips if is_project(file[1])), None)
    if project is None:
        pictures = [file for file in dropped if file not in zips]
        # Pictures first, because the classes of a zip replace empty cards.
        steps = [add_step(state, target, pictures)] if pictures else []
        return [*steps, *(zip_step(state, *file) for file in zips)]
    beside = [Problem(file[0], _BESIDE_PROJECT) for file in dropped if file is not project]
    return [project_step(state, *project), note_step(beside)]


def add_pictures(state: Session, target: Target, files: Files) -> None:
    """Check files and add them to a class, or to the queries if the target is None."""
    report(state, take_over(state, target, take_files(files)))


def take_folder(state: Session, files: Sequence[UploadedFile]) -> None:
    """Read a dropped folder with a sub-folder for each class."""
    with taken(files) as dropped:
        _queue(state, "folder", dropped, fill_step(state, partial(list_files, dropped)))
    take_pending(state)


def take_archive(state: Session, file: UploadedFile) -> None:
    """Read a dropped zip: a project, or else a folder for each class."""
    with taken([file]) as dropped:
        [(name, data)] = dropped
        listing = partial(list_zip, data, name=name, limits=PAGE_LIMITS)
        step = project_step(state, name, data) if is_project(data) else fill_step(state, listing)
        _queue(state, "zip", dropped, step)
    take_pending(state)


def take_project(state: Session, file: UploadedFile) -> None:
    """Open a dropped project."""
    with taken([file]) as dropped:
        _queue(state, "project", dropped, project_step(state, *dropped[0]))
    take_pending(state)
