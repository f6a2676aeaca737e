"""Refuse uploads beyond what a session and the server may hold, while they arrive.

Streamlit limits each file. The pages limit what they hold, but see a file only when it is complete, so
without this one session could fill the server's memory with files that no page would take.
"""

from __future__ import annotations

import re
import time
from collections import Counter
from dataclasses import dataclass

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit import runtime
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager

from fsl.ui.shared.upload_room import Room, note_refusal, room_of

_UPLOAD = re.compile(r"/_stcore/upload_file/([^/]+)/[^/]+/?")
_LOOK_AGAIN_SECONDS = 0.5


class _NoRoomError(Exception):
    """Raised inside the upload's handler when the body grows beyond a limit; its text says why."""


class UploadLimit:
    """ASGI middleware that answers 413 for them."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._arriving: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on a request, and count what it uploads."""
        found = _UPLOAD.search(scope["path"]) if scope["type"] == "http" else None
        if found is None or scope["method"] != "PUT":
            await self._app(scope, receive, send)
            return
        upload = _Upload(found[1], self._arriving)

        async def counted() -> Message:
            message = await receive()
            upload.take(len(message.get("body", b"")))
            return message

        try:
            upload.refuse_beyond_room(_declared_size(scope))
            await self._app(scope, counted, send)
        except _NoRoomError as error:
            note_refusal(upload.session, str(error))
            # The web server reads the rest of the body and drops it, so that the browser gets to see this.
            await PlainTextResponse(str(error), 413)(scope, receive, send)
        finally:
            upload.end()


@dataclass
class _Upload:
    """One file on its way.

    Attributes:
        session: id of the session it is for.
        arriving: bytes received so far of the files on their way, by session.
        taken: bytes of this file among them.
        room: what may still be uploaded, apart from the files on their way.
        looked: when that was looked up.
    """

    session: str
    arriving: Counter[str]
    taken: int = 0
    room: Room | None = None
    looked: float = 0.0

    def take(self, size: int) -> None:
        """Count a part that has arrived.

        Raises:
            _NoRoomError: there is no room for it.
        """
        self.refuse_beyond_room(size)
        self.arriving[self.session] += size
        self.taken += size

    def refuse_beyond_room(self, more: int) -> None:
        """Refuse more bytes than there is room for.

        Raises:
            _NoRoomError: there is no room for so many.
        """
        now = time.monotonic()
        if self.room is None or now - self.looked > _LOOK_AGAIN_SECONDS:
            self.room, self.looked = room_of(self.session, waiting_files()), now
        why = self.room.refusal(self.arriving[self.session] + more, self.arriving.total() + more)
        if why:
            raise _NoRoomError(why)

    def end(self) -> None:
        """Forget the file: it is complete and waits for its page, or it was refused."""
        self.arriving[self.session] -= self.taken
        self.taken = 0
        if not self.arriving[self.session]:
            del self.arriving[self.session]


def _declared_size(scope: Scope) -> int:
    declared = Headers(scope=scope).get("content-length", "")
    return int(declared) if declared.isdecimal() else 0


def waiting_files() -> dict[str, list[int]]:
    """Return the sizes of the files that Streamlit holds until the pages take them, by session."""
    files = runtime.get_instance().uploaded_file_mgr if runtime.exists() else None
    if not isinstance(files, MemoryUploadedFileManager):
        return {}
    return {
        session: [len(file.data) for file in list(held.values())]
        for session, held in list(files.file_storage.items())
    }
