"""Files that were dropped, taken over from Streamlit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.scriptrunner import get_script_run_ctx

if TYPE_CHECKING:
    from streamlit.runtime.uploaded_file_manager import UploadedFile


def take_upload(file: UploadedFile) -> tuple[str, bytes]:
    """Name and bytes of a dropped file, which Streamlit then forgets.

    It would keep the file as long as the session, whatever becomes of the zone it was dropped on: who drops
    a large zip and clears the page, again and again, would fill the server's memory. So the zone has to get
    another key: to one that is still there the file is gone.
    """
    content = file.getvalue()
    context = get_script_run_ctx()
    if context is not None and isinstance(context.uploaded_file_mgr, MemoryUploadedFileManager):
        context.uploaded_file_mgr.remove_file(context.session_id, file.file_id)
    return file.name, content


def take_uploads(files: Sequence[UploadedFile]) -> list[tuple[str, bytes]]:
    """As ``take_upload``, of all files of a drop."""
    return [take_upload(file) for file in files]
