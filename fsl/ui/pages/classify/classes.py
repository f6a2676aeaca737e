"""The classes: a card for each, with its name, its pictures and a drop zone."""

from __future__ import annotations

from functools import partial

import streamlit as st

from fsl.base.text import count
from fsl.ui.pages.classify.camera import CameraTarget
from fsl.ui.pages.classify.drops import drop_key, place_of, take_pictures
from fsl.ui.pages.classify.thumbnails import show_thumbnails
from fsl.ui.shared.escape import markdown
from fsl.ui.shared.guard import guarded_button, guarded_callback
from fsl.ui.shared.state import Session
from fsl.ui.shared.workspace import ClassCard

_CARDS_A_ROW = 3
_CARDS_SHOWN = 12
_TAKE_PHOTO = ":material/photo_camera: Take a photo"
_REMOVE_PICTURES = ":material/ink_eraser: Remove all pictures"
_DELETE = ":material/delete: Delete this class"


def show_classes(state: Session) -> CameraTarget | None:
    """Show the class cards.

    Returns:
        the class whose camera button was pressed in this run, None if there is none.
    """
    st.header("1. Your classes", anchor=False)
    st.caption("One card for each thing to tell apart. One to five pictures each are enough; more help.")
    camera = None
    cards = state.workspace.classes
    shown = cards[: state.shown.get("classes", _CARDS_SHOWN)]
    for start in range(0, len(shown), _CARDS_A_ROW):
        for column, card in zip(st.columns(_CARDS_A_ROW), shown[start : start + _CARDS_A_ROW], strict=False):
            with column:
                camera = _show_card(state, card) or camera
    with st.container(horizontal=True):
        guarded_button("Add a class", "add_class", partial(_add, state), icon=":material/add:")
        if len(shown) < len(cards):
            label = f"Show {count(len(cards) - len(shown), 'more class', 'more classes')}"
            guarded_button(label, "more_classes", partial(_show_all, state))
    _show_contradictions(state)
    return camera


def _show_card(state: Session, card: ClassCard) -> CameraTarget | None:
    name = markdown(card.name)
    with st.container(border=True, key=f"class_card_{card.id}", gap="small"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            key = f"class_name_{card.id}"
            # Set in every run, so that an undone or refused change shows the name that is in use.
            st.session_state[key] = card.name
            rename = guarded_callback(_rename)
            st.text_input(
                f"Name of {name}",
                key=key,
                max_chars=80,
                label_visibility="collapsed",
                on_change=rename,
                args=(state, card.id, key),
            )
            camera = _show_menu(state, card)
        if card.pictures:
            show_thumbnails(state, card.id, card.pictures, f"Pictures of {card.name}")
        files = st.file_uploader(
            f"Add pictures of {name}",
            accept_multiple_files=True,
            key=drop_key(state, place_of(card.id)),
            label_visibility="collapsed",
        )
        if files:
            take_pictures(state, card.id, files)
    return camera


def _show_menu(state: Session, card: ClassCard) -> CameraTarget | None:
    n = len(card.pictures)
    chosen = st.menu_button(
        "",
        [_TAKE_PHOTO, *([_REMOVE_PICTURES] if n else []), _DELETE],
        key=f"class_menu_{card.id}",
        icon=":material/more_vert:",
        type="tertiary",
        help=f"{markdown(card.name)}: {count(n, 'picture')}. Camera, clear, delete",
        on_click=guarded_callback(_change),
        args=(state, card.id),
    )
    return CameraTarget(card.id, card.name) if chosen == _TAKE_PHOTO else None


def _show_contradictions(state: Session) -> None:
    shared = state.workspace.shared_pictures()
    if shared:
        picture, first, second = (markdown(text) for text in shared[0])
        more = len(shared) - 1
        others = f" {count(more, 'more picture is', 'more pictures are')} in two classes." if more else ""
        st.warning(
            f"{picture} is in both {first} and {second}.{others} A picture should belong to one class only.",
            icon=":material/warning:",
        )


def _add(state: Session) -> None:
    state.change(state.workspace.with_class())
    state.shown["classes"] = max(state.shown.get("classes", _CARDS_SHOWN), len(state.workspace.classes))


def _show_all(state: Session) -> None:
    state.shown["classes"] = len(state.workspace.classes)


def _rename(state: Session, card_id: int, key: str) -> None:
    # The browser may still send the name of a card that has just been replaced.
    if any(card.id == card_id for card in state.workspace.classes):
        state.change(state.workspace.renamed(card_id, str(st.session_state[key])))


def _change(state: Session, card_id: int) -> None:
    card = state.workspace.card(card_id)
    chosen = st.session_state[f"class_menu_{card_id}"]
    if chosen == _REMOVE_PICTURES:
        state.change(state.workspace.cleared(card_id), undo=f"the pictures of {card.name}")
    elif chosen == _DELETE:
        state.change(state.workspace.without_class(card_id), undo=f"the class {card.name}")
