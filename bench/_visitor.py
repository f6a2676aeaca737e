"""A visitor of the app without a browser: speaks Streamlit's protocol over a websocket, as a tab does.

Two cores cannot run twenty browsers, but they can send what twenty browsers would send to the server.
"""

from __future__ import annotations

import contextlib
import http.client
import secrets
import time
import uuid
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.Common_pb2 import FileURLs
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.sync.client import ClientConnection, connect

from fsl.ui.shared.visitor import COOKIE

TIMEOUT = 120.0


class Visitor:
    """One session, as a context manager.

    Args:
        address: the server's address, "http://127.0.0.1:8501".
        page: path of the page, "classify"; "" for home.
        query: query string of the address, "run=...".
        token: the number in the cookie of an earlier visitor, to be the same person; "" to be somebody new.

    Attributes:
        token: the number in its cookie.
        session_id: the server's name of the session.
        text: all text that the last run of the page showed.
        seen: all bytes that the server sent.
        faults: exceptions that the pages showed, and messages about unexpected errors.
    """

    def __init__(self, address: str, page: str = "", query: str = "", token: str = "") -> None:
        self._host = urlsplit(address).netloc
        self._page, self._query = page, query
        self._widgets: dict[str, WidgetState] = {}
        self._ids: dict[str, str] = {}
        self._fragments: dict[str, str] = {}
        self._known: dict[str, ForwardMsg] = {}
        self.session_id = ""
        self.text = ""
        self.seen = bytearray()
        self.faults: list[str] = []
        self.token = token or secrets.token_hex(16)
        self._xsrf = self._cookie()
        self._open = contextlib.ExitStack()
        connection = connect(
            f"ws://{self._host}/_stcore/stream",
            subprotocols=["streamlit", self._xsrf],  # type: ignore[list-item]
            additional_headers={"Cookie": self._cookies},
            origin=f"http://{self._host}",  # type: ignore[arg-type]
            max_size=None,
            open_timeout=TIMEOUT,
        )
        self._socket: ClientConnection = self._open.enter_context(connection)

    def __enter__(self) -> Visitor:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the session, as closing the tab does."""
        self._open.close()

    def open(self, page: str | None = None, query: str | None = None) -> float:
        """Go to a page, and return the seconds until it is complete."""
        if page is not None and page != self._page:
            self._page = page
            self._widgets.clear()
        self._query = self._query if query is None else query
        return self._run()

    def set(self, key: str, **value: Any) -> float:
        """Set the widget ``key`` as a person would, and return the seconds until the page is complete."""
        state = WidgetState(id=self._id(key))
        for name, content in value.items():
            if name == "string_array_value":
                state.string_array_value.data.extend(content)
            elif name == "string_trigger_value":
                state.string_trigger_value.data = content
            else:
                setattr(state, name, content)
        self._widgets[state.id] = state
        try:
            return self._run()
        finally:
            if not value.keys().isdisjoint({"trigger_value", "string_trigger_value"}):
                del self._widgets[state.id]

    def drop(self, place: str, files: Sequence[tuple[str, bytes]]) -> float:
        """Upload files to a drop zone, and return the seconds from then until the page is complete."""
        key = next(key for key in self._ids if key.startswith(f"drop_{place}_"))
        urls = self.upload_urls([name for name, _ in files])
        state = WidgetState(id=self._id(key))
        for (name, data), url in zip(files, urls, strict=True):
            self.put(url.upload_url, name, [data])
            info = state.file_uploader_state_value.uploaded_file_info.add()
            info.name, info.size, info.file_id = name, len(data), url.file_id
            info.file_urls.CopyFrom(url)
        self._widgets[state.id] = state
        try:
            return self._run()
        finally:
            self._widgets.pop(state.id, None)

    def upload_urls(self, names: Sequence[str]) -> Sequence[FileURLs]:
        """Ask the server where to upload files of these names."""
        request = BackMsg()
        request.file_urls_request.request_id = str(uuid.uuid4())
        request.file_urls_request.session_id = self.session_id
        request.file_urls_request.file_names.extend(names)
        self._socket.send(request.SerializeToString())
        return self._receive_until("file_urls_response").file_urls_response.file_urls

    def has(self, key: str) -> bool:
        """Return whether the page has the widget ``key``."""
        return key in self._ids

    def is_in_a_fragment(self, key: str) -> bool:
        """Return whether using the widget ``key`` draws a part of the page anew, and not the whole page."""
        return bool(self._fragments[key])

    def _id(self, key: str) -> str:
        if key not in self._ids:
            raise KeyError(f"no widget {key!r} on {self._page or 'home'}: {sorted(self._ids)}")
        return self._ids[key]

    def _run(self) -> float:
        began = time.perf_counter()
        message = BackMsg()
        message.rerun_script.query_string = self._query
        message.rerun_script.page_name = self._page
        message.rerun_script.widget_states.widgets.extend(self._widgets.values())
        self._socket.send(message.SerializeToString())
        self._receive_until("script_finished")
        return time.perf_counter() - began

    def _receive_until(self, kind: str) -> ForwardMsg:
        """Read messages up to one of a kind; runs that only ask for another run do not count as finished."""
        while True:
            message = self._receive()
            found = message.WhichOneof("type")
            if found == "new_session":
                self.session_id = message.new_session.initialize.session_id or self.session_id
                self._ids, self.text = {}, ""
            elif found == "delta":
                self._take_in(message)
            if found == kind == "script_finished":
                if message.script_finished in (
                    ForwardMsg.FINISHED_SUCCESSFULLY,
                    ForwardMsg.FINISHED_WITH_COMPILE_ERROR,
                ):
                    return message
            elif found == kind:
                return message

    def _receive(self) -> ForwardMsg:
        data = self._socket.recv(timeout=TIMEOUT)
        assert isinstance(data, bytes)
        self.seen += data
        message = ForwardMsg.FromString(data)
        if message.WhichOneof("type") == "ref_hash":
            return self._known[message.ref_hash]
        if message.hash and message.metadata.cacheable:
            self._known[message.hash] = message
        return message

    def _take_in(self, message: ForwardMsg) -> None:
        element = message.delta.new_element
        kind = element.WhichOneof("type")
        if kind is None:
            return
        content = getattr(element, kind)
        if kind == "exception":
            self.faults.append(content.message)
        identity = getattr(content, "id", "")
        if identity.startswith("$$ID-"):
            key = identity.split("-", 2)[2]
            self._ids[key], self._fragments[key] = identity, message.delta.fragment_id
        for name in ("body", "value", "label", "text", "help"):
            value = getattr(content, name, "")
            if isinstance(value, str) and value:
                self.text += value.replace("\\", "").replace("\u2060", "") + "\n"
        if "Something went wrong" in self.text:
            self.faults.append(self.text[-300:])

    @property
    def _cookies(self) -> str:
        return f"_streamlit_xsrf={self._xsrf}; {COOKIE}={self.token}"

    def _cookie(self) -> str:
        connection = http.client.HTTPConnection(self._host, timeout=TIMEOUT)
        connection.request("GET", "/_stcore/health")
        answer = connection.getresponse()
        answer.read()
        cookies = [v for k, v in answer.getheaders() if k.lower() == "set-cookie"]
        connection.close()
        return next(c.split("=", 1)[1].split(";")[0] for c in cookies if c.startswith("_streamlit_xsrf="))

    def headers(self, boundary: str) -> dict[str, str]:
        """Return the headers of an upload whose parts are separated by ``boundary``."""
        return {
            "Content-Type": f"multipart/form-data; boundary={boundary}",
            "X-Xsrftoken": self._xsrf,
            "Cookie": self._cookies,
        }

    def put(self, url: str, name: str, parts: Sequence[bytes]) -> None:
        """Upload a file; in several parts, its size is not declared.

        Raises:
            OSError: the server refuses it; the message has the status and the reason.
        """
        mark = uuid.uuid4().hex
        head = f'--{mark}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'
        whole = [head.encode() + b"Content-Type: image/png\r\n\r\n", *parts, f"\r\n--{mark}--\r\n".encode()]
        body = b"".join(whole) if len(parts) == 1 else iter(whole)
        connection = http.client.HTTPConnection(self._host, timeout=TIMEOUT)
        connection.request("PUT", url, body, self.headers(mark))
        answer = connection.getresponse()
        told = answer.read().decode(errors="replace")
        connection.close()
        if answer.status >= 300:
            raise OSError(f"the upload of {name} was refused: {answer.status} {answer.reason}: {told}")
