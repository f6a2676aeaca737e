"""Drop zones of the Classify page: read what was dropped, report it, and empty the zone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

import streamlit as st

from fsl.base.errors import DataError, FslError
from fsl.base.progress import Progress
from fsl.base.text import count
from fsl.data.intake.listing import Listing, Problem, list_files
from fsl.data.intake.zips import list_zip
from fsl.fewshot.project import is_project, read_project
from fsl.ui.shared.budget import PAGE_LIMITS, Holding, refuse_beyond_budget, unread
from fsl.ui.shared.intake import take_files, take_listing
from fsl.ui.shared.pictures import StoredPicture
from fsl.ui.shared.state import QUERIES, Reading, Said, Session
from fsl.ui.shared.uploads import take_upload, take_uploads
from fsl.ui.shared.waiting import reading_bar
from fsl.ui.shared.wording import said_twice
from fsl.ui.shared.workspace import Workspace

if TYPE_CHECKING:
    from streamlit.runtime.uploaded_file_manager import UploadedFile

    from fsl.fewshot.project import ProjectImage

Target = int | None
"""Id of a class, None for the queries."""
Files = Sequence[tuple[str, bytes]]
"""Name and content of each file."""

_BESIDE_PROJECT = "it was dropped together with a project, which replaces everything; drop it again"
_PROGRESS_FROM = 12  # files; a progress bar for fewer would only flash


def drop_key(state: Session, place: str) -> str:
    """Return the widget key of a drop zone, which changes each time the zone is emptied."""
    return f"drop_{place}_{state.drops[place]}"


def place_of(target: Target) -> str:
    """Return the name of a target in widget keys."""
    return QUERIES if target is None else f"class_{target}"


def go_on_reading(state: Session) -> None:
    """Read dropped files that are not read yet, then run the page again."""
    reading = state.reading
    if reading is None:
        return
    with reading.lock:
        if state.reading is not reading:
            return  # the interrupted run has finished in the meantime
        _read_all(state, reading)
        state.reading = None
        state.report(*reading.notes, problems=tuple(reading.problems))
    st.rerun()


def _read_all(state: Session, reading: Reading) -> None:
    while reading.steps:
        try:
            notes, problems = reading.steps[0]()
        except FslError as error:
            notes, problems = [str(error)], []
        except Exception:
            state.reading = None  # or every run of the page would fail in the same way
            raise
        del reading.steps[0]
        reading.notes += notes
        reading.problems += problems


def _read(state: Session, place: str, files: Files, *steps: Callable[[], Said]) -> None:
    """Empty a zone, and read the files that were in it."""
    state.drops[place] += 1
    state.reading = Reading(list(steps), Holding(id(files), sum(len(data) for _, data in files)))
    go_on_reading(state)


def take_pictures(state: Session, target: Target, files: Sequence[UploadedFile]) -> None:
    """Read files dropped on a class or on the queries; each zip among them fills all classes.

    A project replaces everything, so it is opened alone, and the other files of the drop are reported.
    """
    dropped = take_uploads(files)
    zips = [file for file in dropped if file[0].lower().endswith(".zip")]
    project = next((file for file in zips if is_project(file[1])), None)
    steps: list[Callable[[], Said]]
    if project is None:
        pictures = [file for file in dropped if file not in zips]
        # Pictures first, because the classes of a zip replace empty cards.
        steps = [partial(_add, state, target, pictures)] if pictures else []
        steps += [partial(_fill_from_zip, state, *file) for file in zips]
    else:
        beside = [Problem(file[0], _BESIDE_PROJECT) for file in dropped if file is not project]
        steps = [partial(_open_project, state, *project), lambda: ([], beside)]
    _read(state, place_of(target), dropped, *steps)


def _fill_from_zip(state: Session, name: str, data: bytes) -> Said:
    try:
        said, problems = _fill(state, list_zip(data, name=name, limits=PAGE_LIMITS))
    except DataError as error:  # the other files of the drop may be good
        said, problems = [str(error).removeprefix(f"{name}: ")], []
    return [f"{name}: {sentence}" for sentence in said], problems


def add_pictures(state: Session, target: Target, files: Files) -> None:
    """Check files and add them to a class, or to the queries if the target is None."""
    notes, problems = _add(state, target, files)
    state.report(*notes, problems=tuple(problems))


def _add(state: Session, target: Target, files: Files) -> Said:
    with _progress(len(files)) as progress:
        pictures, problems = take_files(files, progress)
    workspace, twice = state.workspace.with_pictures(target, pictures)
    state.change(workspace)
    return _said(twice), problems


def take_folder(state: Session, files: Sequence[UploadedFile]) -> None:
    """Read a dropped folder with a sub-folder for each class."""
    dropped = take_uploads(files)
    _read(state, "folder", dropped, lambda: _fill(state, list_files(dropped)))


def take_archive(state: Session, file: UploadedFile) -> None:
    """Read a dropped zip: a project, or else a folder for each class."""
    name, data = take_upload(file)
    if is_project(data):
        _read(state, "zip", [(name, data)], lambda: _open_project(state, name, data))
    else:
        _read(
            state,
            "zip",
            [(name, data)],
            lambda: _fill(state, list_zip(data, name=name, limits=PAGE_LIMITS)),
        )


def take_project(state: Session, file: UploadedFile) -> None:
    """Open a dropped project."""
    name, data = take_upload(file)
    _read(state, "project", [(name, data)], lambda: _open_project(state, name, data))


def _open_project(state: Session, name: str, data: bytes) -> Said:
    """Replace classes, queries and settings by those of a project.

    Raises:
        DataError: the file is no project, is damaged, or there is no room for it.
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
    state.replace_all(workspace)
    state.rule, state.threshold, state.checkpoint = project.rule, project.threshold, project.checkpoint
    state.saved_with = project.checkpoint_digest
    return [f"Opened {name}: {_contents(workspace)}."], problems


def _fill(state: Session, listing: Listing) -> Said:
    kept = () if state.workspace is state.example else state.workspace.holdings()  # an example is replaced
    refuse_beyond_budget(state, [*kept, unread(len(listing.entries))])
    with _progress(len(listing.entries)) as progress:
        intake = take_listing(listing, progress)
    if state.workspace is state.example and intake.classes:
        # A person who has tried an example and now drops a folder does not want the two mixed.
        state.replace_all(Workspace.fresh())
    before = state.workspace
    workspace, twice = before.filled(intake.classes, intake.queries)
    state.change(workspace)
    notes = [_added(before, workspace) if intake.classes or intake.queries else "It holds no pictures."]
    if not intake.classes and intake.queries:
        notes.append("There are no folders for classes, so all pictures were added to those to classify.")
    return [*notes, *_said(twice)], intake.problems


def _added(before: Workspace, after: Workspace) -> str:
    """Return what was added: new classes, pictures of existing classes, pictures to classify."""
    had = {card.id: len(card.pictures) for card in before.classes}
    grown = [card for card in after.classes if len(card.pictures) > had.get(card.id, 0)]
    new = sum(not had.get(card.id) for card in grown)
    n_more = sum(len(card.pictures) - had[card.id] for card in grown if had.get(card.id))
    n_queries = len(after.queries) - len(before.queries)
    n_grown = len(grown) - new
    found = []
    if new:
        found.append(count(new, "new class", "new classes"))
    if n_more:
        existing = ("existing one", "existing ones") if new else ("existing class", "existing classes")
        found.append(f"{count(n_more, 'picture')} to {count(n_grown, *existing)}")
    if n_queries:
        found.append(f"{count(n_queries, 'picture')} to classify")
    if not found:
        return "It holds nothing new."
    *others, last = found
    return f"Added {', '.join(others)}, and {last}." if others else f"Added {last}."


def _contents(workspace: Workspace) -> str:
    classes = count(len(workspace.classes), "class", "classes")
    return f"{classes} and {count(len(workspace.queries), 'picture')} to classify"


def _said(twice: Sequence[str]) -> list[str]:
    return [said_twice(twice)] if twice else []


@contextmanager
def _progress(total: int) -> Iterator[Progress]:
    if total < _PROGRESS_FROM:
        yield lambda done, of: None
        return
    bar = st.progress(0.0, "Reading pictures")
    yield reading_bar(bar)
    bar.empty()
