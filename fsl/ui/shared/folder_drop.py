"""A folder with a sub-folder per class, or a zip of it, as a way in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import streamlit as st

from fsl.data.intake.listing import Listing, list_files, list_zip
from fsl.ui.shared.budget import PAGE_LIMITS
from fsl.ui.shared.escape import markdown
from fsl.ui.shared.guard import guarded_callback
from fsl.ui.shared.uploads import take_upload, take_uploads


@dataclass(frozen=True, eq=False)
class Drop:
    """What was dropped, not looked into yet.

    Attributes:
        title: name of the zip or of the folder.
        files: name and bytes of the zip, or of every file in the folder.
        is_zip: which of the two.
    """

    title: str
    files: tuple[tuple[str, bytes], ...]
    is_zip: bool

    def listing(self) -> Listing:
        """What is in it.

        Raises:
            DataError: a zip that is none, is damaged or too large.
        """
        if self.is_zip:
            return list_zip(self.files[0][1], name=self.title, limits=PAGE_LIMITS)
        return list_files(self.files)


def folder_or_zip(key: str, drops: int, about: str = "") -> Drop | None:
    """Both drop zones.

    Args:
        key: begins the widgets' keys.
        drops: how often they were emptied; whoever takes the drop has to count one more.
        about: a sentence below the heading.

    Returns:
        what lies in one of them, or none.
    """
    st.markdown("**A folder with a sub-folder per class**, or a zip of it.")
    if about:
        st.caption(about)
    archive = st.file_uploader("A zip", type="zip", key=f"{key}_zip_{drops}")
    folder = st.file_uploader(
        "Or the folder itself", accept_multiple_files="directory", key=f"{key}_folder_{drops}"
    )
    if archive is not None:
        name, data = take_upload(archive)
        return Drop(name, ((name, data),), is_zip=True)
    if folder:
        files = tuple(take_uploads(folder))
        return Drop(files[0][0].split("/")[0], files, is_zip=False)
    return None


def show_dropped(key: str, title: str, forget: Callable[[], None]) -> None:
    """What was dropped last, and a button to be rid of it.

    Args:
        key: begins the button's key.
        title: what it is called.
        forget: lets go of it.
    """
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(f"Dropped: **{markdown(title)}**", width="content")
        st.button(
            "Remove",
            key=f"{key}_remove",
            icon=":material/close:",
            on_click=guarded_callback(forget),
            help="Takes it out of this page. The files on your machine stay as they are.",
        )
