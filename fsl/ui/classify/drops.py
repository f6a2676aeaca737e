"""Drop zones: take what was dropped, say what happened, and give the zone back empty."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import streamlit as st

from fsl.data.listing import ImportLimits, Listing, list_files, list_zip
from fsl.errors import FslError
from fsl.fewshot.project import is_project, read_project
from fsl.ui import wording
from fsl.ui.intake import take_files, take_listing
from fsl.ui.pictures import StoredPicture
from fsl.ui.state import QUERIES, Session
from fsl.ui.workspace import MAX_BYTES, Workspace

if TYPE_CHECKING:
    from streamlit.runtime.uploaded_file_manager import UploadedFile

    from fsl.fewshot.project import ProjectImage

Target = int | None
"""The id of a class, or none for the queries."""

PAGE_LIMITS = ImportLimits(max_unpacked_bytes=MAX_BYTES)
"""What a zip dropped on a page may hold: no more than the page does."""

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
    """Take files dropped on a class or on the queries; a zip among them fills all classes."""
    zips = [file for file in files if file.name.lower().endswith(".zip")]
    with emptying(state, place_of(target)):
        if zips:
            take_zip(state, zips[0].name, zips[0].getvalue())
            return
        add_pictures(state, target, [(file.name, file.getvalue()) for file in files])


def add_pictures(state: Session, target: Target, files: Sequence[tuple[str, bytes]]) -> None:
    """Check files and add them to a class, or (target none) to the queries."""
    with _progress(len(files)) as progress:
        pictures, problems = take_files(files, progress)
    workspace, twice = state.workspace.with_pictures(target, pictures)
    state.change(workspace)
    state.report(*_said_twice(twice), problems=tuple(problems))


def take_folder(state: Session, files: Sequence[UploadedFile]) -> None:
    """Take a dropped folder: a class per sub-folder."""
    with emptying(state, "folder"):
        _fill(state, list_files([(file.name, file.getvalue()) for file in files]))


def take_archive(state: Session, file: UploadedFile) -> None:
    """Take a dropped zip: a project if it is one, else a class per folder."""
    with emptying(state, "zip"):
        take_zip(state, file.name, file.getvalue())


def take_zip(state: Session, name: str, data: bytes) -> None:
    """A project zip is opened, any other zip fills the classes.

    Raises:
        DataError: it is neither, or damaged.
    """
    if is_project(data):
        open_project(state, name, data)
    else:
        _fill(state, list_zip(data, name=name, limits=PAGE_LIMITS))


def take_project(state: Session, file: UploadedFile) -> None:
    """Open a dropped project."""
    with emptying(state, "project"):
        open_project(state, file.name, file.getvalue())


def open_project(state: Session, name: str, data: bytes) -> None:
    """Replace classes, queries and settings by a project's.

    Raises:
        DataError: it is none, or damaged.
    """
    project, missing = read_project(data, name)
    problems = list(missing)
    total = sum(1 for _ in project.images())

    def checked(images: Sequence[ProjectImage]) -> list[StoredPicture]:
        pictures, faults = take_files([(image.name, image.data) for image in images])
        problems.extend(faults)
        return pictures

    workspace = Workspace((), next_id=state.workspace.next_id)
    with _progress(total) as progress:
        for done, (class_name, images) in enumerate(project.classes, start=1):
            workspace = workspace.with_class(class_name)
            workspace, _ = workspace.with_pictures(workspace.classes[-1].id, checked(images))
            progress(done, len(project.classes) + 1)
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


def _fill(state: Session, listing: Listing) -> None:
    if state.workspace is not state.example:  # which makes way
        state.workspace.refuse_more_than_room(len(listing.entries))
    with _progress(len(listing.entries)) as progress:
        intake = take_listing(listing, progress)
    if state.workspace is state.example and intake.classes:
        # Somebody who has looked at an example and now brings a folder does not want the two mixed.
        replace_all(state, Workspace.fresh())
    workspace, twice = state.workspace.filled(intake.classes, intake.queries)
    state.change(workspace)
    found = [wording.count(len(intake.classes), "class", "classes")] if intake.classes else []
    found += [wording.count(len(intake.queries), "picture") + " to classify"] if intake.queries else []
    notes = [f"Added {' and '.join(found)}."] if found else ["No picture was found in it."]
    if not intake.classes and intake.queries:
        notes.append("There was no folder per class, so all pictures went to the ones to classify.")
    state.report(*notes, *_said_twice(twice), problems=tuple(intake.problems))


def _contents(workspace: Workspace) -> str:
    classes = wording.count(len(workspace.classes), "class", "classes")
    return f"{classes} and {wording.count(len(workspace.queries), 'picture')} to classify"


def _said_twice(twice: Sequence[str]) -> list[str]:
    if not twice:
        return []
    verb = "was" if len(twice) == 1 else "were"
    return [f"{wording.names(twice)} {verb} there already; each picture is kept once."]


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
