"""Take dropped files over from Streamlit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.scriptrunner import get_script_run_ctx

from fsl.data.intake.paths import LONGEST_NAME
from fsl.ui.components.undivided import undivided
from fsl.ui.shared.budget import note_session

if TYPE_CHECKING:
    from streamlit.runtime.uploaded_file_manager import UploadedFile


@contextmanager
def taken(files: Sequence[UploadedFile]) -> Iterator[list[tuple[str, bytes]]]:
    """Give the names and bytes of a drop to a block that stores them, and remove the files from Streamlit.

    Streamlit would keep a file as long as the session lasts, even after the drop zone is gone: repeated drops
    of a large zip would fill the server's memory. The block gives the drop zone a new key, as the old one
    refers to files that are gone; no other event interrupts it.
    """
    with undivided():
        note_session()
        yield [_take(file) for file in files]


def _take(file: UploadedFile) -> tuple[str, bytes]:
    content = file.getvalue()
    context = get_script_run_ctx()
    if context is not None and isinstance(context.uploaded_file_mgr, MemoryUploadedFileManager):
        context.uploaded_file_mgr.remove_file(context.session_id, file.file_id)
    return file.name[-LONGEST_NAME:], content
