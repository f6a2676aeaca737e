"""Check the examples of the classes for copies, wrong labels and outliers."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from fsl.base.text import count
from fsl.ui.shared.collection import of_workspace
from fsl.ui.shared.data_check import CheckActions, check_view, show_data_check
from fsl.ui.shared.guard import guarded_button
from fsl.ui.shared.network_in_use import chosen_network
from fsl.ui.shared.pictures import StoredPicture
from fsl.ui.shared.resources import choices, load_checkpoint
from fsl.ui.shared.settings import Setting
from fsl.ui.shared.state import Session
from fsl.ui.shared.workspace import Workspace

_OPEN = Setting("classify_check", "Check my data", False)
_FEWEST = 4


def show_check_button(state: Session) -> None:
    """Show the button that opens and closes the check, once there are examples of two classes."""
    filled = [card for card in state.workspace.classes if card.pictures]
    if len(filled) < 2 or sum(len(card.pictures) for card in filled) < _FEWEST:
        return
    guarded_button(
        "Close the check" if _OPEN.value else _OPEN.label,
        "check_toggle",
        partial(_OPEN.put, not _OPEN.value),
        icon=":material/fact_check:",
        help="Finds copies, labels that are likely wrong, and pictures unlike their class.",
    )


def show_check(state: Session) -> None:
    """Show the findings, if the check is open."""
    pictures = of_workspace(state.workspace)
    if not _OPEN.value or len(pictures.class_names) < 2:
        return
    checkpoint = load_checkpoint(chosen_network(state, choices()))
    actions = CheckActions(partial(_remove, state), partial(_move, state))
    show_data_check(check_view("classify"), pictures, checkpoint, actions)


def _remove(state: Session, pictures: Sequence[tuple[StoredPicture, str]]) -> None:
    workspace = state.workspace
    for picture, name in pictures:
        workspace = _without(workspace, picture, name)
    state.change(workspace, undo=count(len(pictures), "picture"))


def _move(state: Session, picture: StoredPicture, name: str, other: str) -> None:
    workspace = _without(state.workspace, picture, name)
    target = next(card.id for card in workspace.classes if card.name == other and card.pictures)
    moved, _ = workspace.with_pictures(target, [picture])
    state.change(moved, undo=f"{picture.name} from {name}")


def _without(workspace: Workspace, picture: StoredPicture, name: str) -> Workspace:
    """Remove a picture from the class of that name; several cards may bear it."""
    for card in workspace.classes:
        if card.name == name and any(one.digest == picture.digest for one in card.pictures):
            return workspace.without_picture(card.id, picture.digest)
    return workspace
