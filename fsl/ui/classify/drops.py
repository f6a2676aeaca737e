"""Drop zones: take what was dropped, say what happened, and give the zone back empty."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import streamlit as st

from fsl.data.listing import Listing, Problem, list_files, list_zip
from fsl.errors import DataError, FslError
from fsl.fewshot.project import is_project, read_project
from fsl.ui.budget import PAGE_LIMITS, refuse_beyond_budget, unread
from fsl.ui.intake import take_files, take_listing
from fsl.ui.pictures import StoredPicture
from fsl.ui.state import QUERIES, Session
from fsl.ui.uploads import take_upload, take_uploads
from fsl.ui.workspace import Workspace
from fsl.words import count, listed

if TYPE_CHECKING:
    from streamlit.runtime.uploaded_file_manager import UploadedFile

    from fsl.fewshot.project import ProjectImage

Target = int | None
"""The id of a class, or none for the queries."""
Files = Sequence[tuple[str, bytes]]
"""Name and bytes of each."""

_BESIDE_PROJECT = "it was dropped together with a project, which replaces everything; drop it again"
_PROGRESS_FROM = 12  # a bar for fewer files would only flash


def drop_key(state: Session, place: str) -> str:
    """The key of a drop zone's widget; another one each time the zone was emptied."""
    return f"drop_{place}_{state.drops[place]}"


def place_of(target: Target) -> str:
    """The name of a target in keys."""
    return QUERIES if target is None else f"class_{target}"


@contextmanager
def emptying(state: Session, place: str) -> Iterator[None]:
    """Take what lies in the zone, once: afterwards, whatever happened, the page runs again with it empty."""
    state.drops[place] += 1
    try:
        yield
    except FslError as error:
        state.report(str(error))
    st.rerun()


def take_pictures(state: Session, target: Target, files: Sequence[UploadedFile]) -> None:
    """Take files dropped on a class or on the queries; each zip among them fills all classes.

    A project replaces everything, so it is opened alone, and whatever was dropped beside it is named.
    """
    with emptying(state, place_of(target)):
        dropped = take_uploads(files)
        zips = [file for file in dropped if file[0].lower().endswith(".zip")]
        project = next((file for file in zips if is_project(file[1])), None)
        if project is None:
            _take_all(state, target, [file for file in dropped if file not in zips], zips)
        else:
            open_project(state, *project)
            beside = [Problem(file[0], _BESIDE_PROJECT) for file in dropped if file is not project]
            state.report(*state.notes, problems=(*state.problems, *beside))


def _take_all(state: Session, target: Target, pictures: Files, zips: Files) -> None:
    notes: list[str] = []
    problems: list[Problem] = []
    # Pictures first: a card without any makes way for the classes of a zip.
    if pictures:
        notes, problems = _add(state, target, pictures)
    for name, data in zips:
        try:
            said, faults = _fill(state, list_zip(data, name=name, limits=PAGE_LIMITS))
        except DataError as error:  # the other files of the drop are good ones
            said, faults = [str(error).removeprefix(f"{name}: ")], []
        notes += [f"{name}: {sentence}" for sentence in said]
        problems += faults
    state.report(*notes, problems=tuple(problems))


def add_pictures(state: Session, target: Target, files: Files) -> None:
    """Check files and add them to a class, or (target none) to the queries."""
    notes, problems = _add(state, target, files)
    state.report(*notes, problems=tuple(problems))


def _add(state: Session, target: Target, files: Files) -> tuple[list[str], list[Problem]]:
    with _progress(len(files)) as progress:
        pictures, problems = take_files(files, progress)
    workspace, twice = state.workspace.with_pictures(target, pictures)
    state.change(workspace)
    return _said_twice(twice), problems


def take_folder(state: Session, files: Sequence[UploadedFile]) -> None:
    """Take a dropped folder: a class per sub-folder."""
    with emptying(state, "folder"):
        _fill_and_say(state, list_files(take_uploads(files)))


def take_archive(state: Session, file: UploadedFile) -> None:
    """Take a dropped zip: a project if it is one, else a class per folder."""
    with emptying(state, "zip"):
        name, data = take_upload(file)
        if is_project(data):
            open_project(state, name, data)
        else:
            _fill_and_say(state, list_zip(data, name=name, limits=PAGE_LIMITS))


def take_project(state: Session, file: UploadedFile) -> None:
    """Open a dropped project."""
    with emptying(state, "project"):
        open_project(state, *take_upload(file))


def open_project(state: Session, name: str, data: bytes) -> None:
    """Replace classes, queries and settings by a project's.

    Raises:
        DataError: it is none, or damaged, or there is no room for it.
    """
    project, missing = read_project(data, name)
    problems = list(missing)
    total = sum(1 for _ in project.images())
    refuse_beyond_budget(state, [unread(total, sum(len(image.data) for image in project.images()))])

    workspace = Workspace((), next_id=state.workspace.next_id)
    before = 0
    with _progress(total) as progress:

        def checked(images: Sequence[ProjectImage]) -> list[StoredPicture]:
            nonlocal before
            files = [(image.name, image.data) for image in images]
            pictures, faults = take_files(files, lambda done, _: progress(before + done, total))
            problems.extend(faults)
            before += len(images)
            return pictures

        for class_name, images in project.classes:
            workspace = workspace.with_class(class_name)
            workspace, _ = workspace.with_pictures(workspace.classes[-1].id, checked(images))
        workspace, _ = workspace.with_pictures(None, checked(project.queries))
    replace_all(state, workspace)
    state.rule, state.threshold, state.checkpoint = project.rule, project.threshold, project.checkpoint
    state.saved_with = project.checkpoint_digest
    state.report(f"Opened {name}: {_contents(workspace)}.", problems=tuple(problems))


def replace_all(state: Session, workspace: Workspace) -> None:
    """Put another workspace in place of this one, which can be brought back."""
    state.change(workspace, undo="" if state.workspace.is_empty else "your former pictures")
    state.shown.clear()
    state.selected = ""


def _fill_and_say(state: Session, listing: Listing) -> None:
    notes, problems = _fill(state, listing)
    state.report(*notes, problems=tuple(problems))


def _fill(state: Session, listing: Listing) -> tuple[list[str], list[Problem]]:
    kept = () if state.workspace is state.example else state.workspace.holdings()  # an example makes way
    refuse_beyond_budget(state, [*kept, unread(len(listing.entries))])
    with _progress(len(listing.entries)) as progress:
        intake = take_listing(listing, progress)
    if state.workspace is state.example and intake.classes:
        # Somebody who has looked at an example and now brings a folder does not want the two mixed.
        replace_all(state, Workspace.fresh())
    workspace, twice = state.workspace.filled(intake.classes, intake.queries)
    state.change(workspace)
    found = [count(len(intake.classes), "class", "classes")] if intake.classes else []
    found += [count(len(intake.queries), "picture") + " to classify"] if intake.queries else []
    notes = [f"Added {' and '.join(found)}."] if found else ["No picture was found in it."]
    if not intake.classes and intake.queries:
        notes.append("There was no folder per class, so all pictures went to the ones to classify.")
    return [*notes, *_said_twice(twice)], intake.problems


def _contents(workspace: Workspace) -> str:
    classes = count(len(workspace.classes), "class", "classes")
    return f"{classes} and {count(len(workspace.queries), 'picture')} to classify"


def _said_twice(twice: Sequence[str]) -> list[str]:
    if not twice:
        return []
    verb = "was" if len(twice) == 1 else "were"
    return [f"{listed(twice, 3)} {verb} there already; each picture is kept once."]


@contextmanager
def _progress(total: int) -> Iterator[Callable[[int, int], None]]:
    if total < _PROGRESS_FROM:
        yield lambda done, of: None
        return
    bar = st.progress(0.0, "Reading pictures")

    def report(done: int, of: int) -> None:
        bar.progress(done / of, f"Reading pictures: {done:,} of {of:,}")

    yield report
    bar.empty()
