"""The steps of a drop: what is read in a thread of its own, and how the page takes it over."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from fsl.base.errors import DataError
from fsl.base.progress import Progress
from fsl.base.text import count
from fsl.data.intake.listing import Listing, Problem
from fsl.data.intake.server_limits import PAGE_LIMITS
from fsl.data.intake.zips import list_zip
from fsl.fewshot.project import read_project
from fsl.ui.shared.budget import refuse_beyond_budget, unread
from fsl.ui.shared.intake import Intake, take_files, take_listing
from fsl.ui.shared.pictures import StoredPicture
from fsl.ui.shared.state import DropStep, Said, Session
from fsl.ui.shared.wording import said_twice
from fsl.ui.shared.work import ReportProgress, percent_done
from fsl.ui.shared.workspace import Workspace

if TYPE_CHECKING:
    from fsl.fewshot.project import Project

Target = int | None
"""The id of a class, or None for the queries."""
Files = Sequence[tuple[str, bytes]]
"""Name and content of each file."""
Checked = tuple[list[StoredPicture], list[Problem]]
"""Pictures, and files that are none."""

_TEXT = "Reading pictures"


def report(state: Session, said: Said) -> None:
    """Replace the page's notices; all pictures that were there already are in one sentence."""
    notes = [*said.notes, said_twice(said.twice)] if said.twice else said.notes
    state.report(*notes, problems=tuple(said.problems))


def note_step(problems: list[Problem]) -> DropStep:
    """Return the step that only reports files."""
    return DropStep(lambda: lambda report: None, lambda nothing: Said(problems=problems))


def add_step(state: Session, target: Target, files: Files) -> DropStep:
    """Return the step that adds pictures to a class, or (target None) to the queries."""

    def check(report: ReportProgress) -> Checked:
        return take_files(files, percent_done(report, _TEXT))

    return DropStep(lambda: check, partial(take_over, state, target))


def take_over(state: Session, target: Target, checked: Checked) -> Said:
    """Add checked pictures to a class, or (target None) to the queries."""
    pictures, problems = checked
    workspace, twice = state.workspace.with_pictures(target, pictures)
    state.change(workspace)
    return Said(problems=problems, twice=twice)


def fill_step(state: Session, find: Callable[[], Listing]) -> DropStep:
    """Return the step that adds a folder or zip: a class per sub-folder, other pictures as queries."""
    return DropStep(partial(_start_filling, state, find), partial(_fill, state))


def _start_filling(state: Session, find: Callable[[], Listing]) -> Callable[[ReportProgress], Intake]:
    listing = find()
    # The pictures of an example make way.
    kept = () if state.workspace is state.example else state.workspace.holdings()
    refuse_beyond_budget(state, [*kept, unread(len(listing.entries))])

    def read(report: ReportProgress) -> Intake:
        return take_listing(listing, percent_done(report, _TEXT))

    return read


def _fill(state: Session, intake: Intake) -> Said:
    if state.workspace is state.example and intake.classes:
        state.replace_all(Workspace.fresh())  # own pictures are not to be mixed with those of an example
    before = state.workspace
    workspace, twice = before.filled(intake.classes, intake.queries)
    state.change(workspace)
    notes = [_added(before, workspace) if intake.classes or intake.queries else "It holds no pictures."]
    if not intake.classes and intake.queries:
        notes.append("There are no folders for classes, so all pictures were added to those to classify.")
    return Said([*notes, *intake.notes], intake.problems, twice)


def zip_step(state: Session, name: str, data: bytes) -> DropStep:
    """Return the step that adds a zip which was dropped together with other files."""

    def start() -> Callable[[ReportProgress], Intake | str]:
        try:
            return _start_filling(state, partial(list_zip, data, name=name, limits=PAGE_LIMITS))
        except DataError as error:  # the other files of the drop may be good
            message = str(error).removeprefix(f"{name}: ")
            return lambda report: message

    def finish(found: Intake | str) -> Said:
        said = Said([found]) if isinstance(found, str) else _fill(state, found)
        return said._replace(notes=[f"{name}: {sentence}" for sentence in said.notes])

    return DropStep(start, finish)


def project_step(state: Session, name: str, data: bytes) -> DropStep:
    """Return the step that replaces classes, queries and settings by those of a project."""
    return DropStep(partial(_start_project, state, name, data), partial(_open_project, state, name))


def _start_project(
    state: Session, name: str, data: bytes
) -> Callable[[ReportProgress], tuple[Project, list[Checked]]]:
    def make_room(n_pictures: int, n_bytes: int) -> None:
        refuse_beyond_budget(state, [unread(n_pictures, n_bytes)])

    project, missing = read_project(data, name, make_room)
    total = sum(1 for _ in project.images())

    def read(report: ReportProgress) -> tuple[Project, list[Checked]]:
        """Check the pictures of each class, then the queries."""
        progress, done = percent_done(report, _TEXT), 0
        parts: list[Checked] = [([], list(missing))]
        for images in (*(images for _, images in project.classes), project.queries):
            files = [(image.name, image.data) for image in images]
            parts.append(take_files(files, partial(_report_from, done, total, progress)))
            done += len(images)
        return project, parts

    return read


def _report_from(before: int, total: int, progress: Progress, done: int, of: int) -> None:
    progress(before + done, total)


def _open_project(state: Session, name: str, found: tuple[Project, list[Checked]]) -> Said:
    project, parts = found
    (_, *by_class, (queries, _)) = parts
    workspace = Workspace((), next_id=state.workspace.next_id)
    for (class_name, _), (pictures, _) in zip(project.classes, by_class, strict=True):
        workspace = workspace.with_class(class_name)
        workspace, _ = workspace.with_pictures(workspace.classes[-1].id, pictures)
    workspace, _ = workspace.with_pictures(None, queries)
    for place in set(project.corrections.values()):
        digests = [digest for digest, where in project.corrections.items() if where == place]
        workspace = workspace.corrected(digests, None if place is None else workspace.classes[place].id)
    state.replace_all(workspace)
    state.rule, state.threshold, state.checkpoint = project.rule, project.threshold, project.checkpoint
    state.saved_with, state.together = project.checkpoint_digest, project.together
    problems = [problem for _, some in parts for problem in some]
    return Said([f"Opened {name}: {_contents(workspace)}."], problems)


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
