"""Take dropped files over from Streamlit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.scriptrunner import get_script_run_ctx

from fsl.ui.shared.budget import note_session

if TYPE_CHECKING:
    from streamlit.runtime.uploaded_file_manager import UploadedFile


def take_upload(file: UploadedFile) -> tuple[str, bytes]:
    """Return the name and bytes of a dropped file, and remove it from Streamlit.

    Streamlit would keep the file as long as the session lasts, even after the drop zone is gone: repeated
    drops of a large zip would fill the server's memory. Give the drop zone a new key afterwards, as the old
    one refers to a file that is gone.
    """
    note_session()
    return _take(file)


def take_uploads(files: Sequence[UploadedFile]) -> list[tuple[str, bytes]]:
    """Return the names and bytes of all files of a drop; see :func:`take_upload`."""
    note_session()
    return [_take(file) for file in files]


def _take(file: UploadedFile) -> tuple[str, bytes]:
    content = file.getvalue()
    context = get_script_run_ctx()
    if context is not None and isinstance(context.uploaded_file_mgr, MemoryUploadedFileManager):
        context.uploaded_file_mgr.remove_file(context.session_id, file.file_id)
    return file.name, content
