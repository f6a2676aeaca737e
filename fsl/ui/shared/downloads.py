"""Buttons that download files; each file is made when its button is pressed."""

from __future__ import annotations

import mimetypes
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

import streamlit as st


@dataclass(frozen=True)
class Download:
    """A file to download.

    Attributes:
        label: of the button.
        make: returns the content; called when the button is pressed.
        file_name: the name that is offered; its ending says what kind of file it is.
        key: of the button.
        help: what is in the file; None for no help.
        is_possible: whether it can be made here; otherwise the button is disabled.
    """

    label: str
    make: Callable[[], str | bytes]
    file_name: str
    key: str
    help: str | None = None
    is_possible: bool = True


def download_buttons(files: Iterable[Download], width: Literal["stretch", "content"] = "content") -> None:
    """Show a button for each file; pressing one runs nothing else on the page."""
    for file in files:
        st.download_button(
            file.label,
            file.make,
            file.file_name,
            mimetypes.guess_type(file.file_name)[0] or "application/octet-stream",
            key=file.key,
            help=file.help,
            on_click="ignore",
            width=width,
            disabled=not file.is_possible,
        )
