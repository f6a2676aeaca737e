"""Drop zones for a folder with a sub-folder per class, or a zip of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import streamlit as st

from fsl.data.intake.listing import Listing, list_files
from fsl.data.intake.server_limits import PAGE_LIMITS
from fsl.data.intake.zips import list_zip
from fsl.ui.shared.escape import markdown
from fsl.ui.shared.guard import guarded_button
from fsl.ui.shared.uploads import taken


@dataclass(frozen=True, eq=False)
class Drop:
    """A dropped zip or folder, not read yet.

    Attributes:
        title: name of the zip or the folder.
        files: name and bytes of the zip, or of every file in the folder.
        is_zip: whether it is a zip.
    """

    title: str
    files: tuple[tuple[str, bytes], ...]
    is_zip: bool

    def listing(self) -> Listing:
        """List the pictures in it.

        Raises:
            DataError: the zip is damaged, too large or not a zip.
        """
        if self.is_zip:
            return list_zip(self.files[0][1], name=self.title, limits=PAGE_LIMITS)
        return list_files(self.files)


def folder_or_zip(key: str, drops: int, take: Callable[[Drop], None], about: str = "") -> None:
    """Show both drop zones, and take over what was dropped.

    Args:
        key: prefix of the widgets' keys.
        drops: how often the zones were emptied.
        take: stores a drop and adds one to that number; no other event interrupts it.
        about: a sentence below the heading.
    """
    st.markdown("**A folder with a sub-folder per class**, or a zip of it.")
    if about:
        st.caption(about)
    archive = st.file_uploader("A zip", type="zip", key=f"{key}_zip_{drops}")
    folder = st.file_uploader(
        "Or the folder itself", accept_multiple_files="directory", key=f"{key}_folder_{drops}"
    )
    if archive is not None:
        with taken([archive]) as files:
            take(Drop(files[0][0], tuple(files), is_zip=True))
    elif folder:
        with taken(folder) as files:
            take(Drop(files[0][0].split("/")[0], tuple(files), is_zip=False))


def show_dropped(key: str, title: str, forget: Callable[[], None]) -> None:
    """Show what was dropped last, with a button to remove it.

    Args:
        key: prefix of the button's key.
        title: name of what was dropped.
        forget: removes it from the page.
    """
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(f"Dropped: **{markdown(title)}**", width="content")
        guarded_button(
            "Remove",
            f"{key}_remove",
            forget,
            icon=":material/close:",
            help="Removes it from this page. The files on your computer stay as they are.",
        )
