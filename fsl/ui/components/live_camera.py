"""The camera of the visitor's device: frames to be answered one by one, and photos to keep."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from typing import Literal

from fsl.ui.components.declare import declare, sent
from fsl.ui.components.undivided import undivided

_component = declare(
    "live_camera", '<div class="live"></div>', "make.js", "live_camera.js", "live_camera.css"
)
_MOST_CHARACTERS = 8 * 2**20  # of a picture as base64; a photo of 1280 pixels takes about 400,000


@dataclass(frozen=True)
class LiveAnswer:
    """The answer for a frame; all text is shown as plain text.

    Attributes:
        title: the class, or "unknown".
        note: a few words beside it.
        tone: "accent" for a class, "warning" for unknown.
        bars: name, length in [0, 1] and text of the likeliest classes.
    """

    title: str
    note: str
    tone: Literal["accent", "warning"]
    bars: tuple[tuple[str, float, str], ...] = ()


@dataclass
class LiveState:
    """What the server knows of an open camera.

    Attributes:
        answered: number of the last frame that was answered.
        answer: the answer for it; None if there is none.
        saved: number of the last photo that was taken over.
        said: sentence about the photos taken so far, plain text.
    """

    answered: int = 0
    answer: LiveAnswer | None = None
    saved: int = 0
    said: str = ""


Look = Callable[[bytes], LiveAnswer | None]
Keep = Callable[[bytes], str]


def live_camera(key: str, state: LiveState, look: Look | None, keep: Keep) -> None:
    """Show the camera. The browser sends a frame whenever the last one was answered.

    Args:
        key: key of the widget.
        state: what is known of this camera; it is changed as frames and photos come.
        look: returns the answer for a frame, a JPEG of at most 320 pixels a side; None to send no frames.
        keep: called with each photo, a JPEG of at most 1280 pixels a side; returns a sentence about the
            photos taken so far.
    """
    data = {
        "answers": look is not None,
        "answered": state.answered,
        "answer": asdict(state.answer) if state.answer else None,
        "saved": state.saved,
        "said": state.said,
    }
    _component(
        key=key,
        data=data,
        on_frame_change=partial(_take_frame, key, state, look),
        on_photo_change=partial(_take_photo, key, state, keep),
    )


@undivided()
def _take_frame(key: str, state: LiveState, look: Look | None) -> None:
    number, jpeg = _sent(key, "frame")
    if look is not None and number > state.answered:
        try:
            state.answer = look(jpeg)
        finally:
            state.answered = number  # or the browser would wait for an answer that never comes


@undivided()
def _take_photo(key: str, state: LiveState, keep: Keep) -> None:
    number, jpeg = _sent(key, "photo")
    if number > state.saved:
        try:
            state.said = keep(jpeg)
        finally:
            state.saved = number


def _sent(key: str, trigger: str) -> tuple[int, bytes]:
    """Return number and content of what the browser sent; (0, b"") for nothing, or what it never sends."""
    told = sent(key, trigger)
    if not isinstance(told, Mapping):
        return 0, b""
    number, text = told.get("number"), told.get("jpeg")
    if not isinstance(number, int) or not isinstance(text, str) or len(text) > _MOST_CHARACTERS:
        return 0, b""
    try:
        return number, base64.b64decode(text, validate=True)
    except binascii.Error:
        return 0, b""
