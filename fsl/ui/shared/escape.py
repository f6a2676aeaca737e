"""Escape text from outside for the places where Streamlit reads Markdown."""

from __future__ import annotations

import re

# Escape as little as possible: screen readers get the labels of widgets (aria-label) with the backslashes.
_WITHIN_A_LINE = re.compile(r"([\\`*_\[\]<>$~|&])")
_AT_ITS_START = re.compile(r"^(\s*)([#+\-=]|\d+(?=[.)]))")
_LONGEST = 20_000
_WORD_JOINER = "\u2060"
# Found by Streamlit after the backslashes are removed: emoji and icon codes (":smile:"), colours
# (":red[x]"), and bare web and mail addresses, which become links.
_LATE = re.compile(r"(:|@|www(?=\.))", re.IGNORECASE)


def markdown(text: str) -> str:
    """Escape ``text`` so that Markdown shows it as it is: no links, images, HTML, LaTeX or emoji codes.

    Line breaks and control characters become spaces. Invisible word joiners break up addresses and codes. A
    text that nobody would read to its end is cut.
    """
    if len(text) > _LONGEST:
        text = f"{text[:_LONGEST]}…"
    one_line = "".join(character if character.isprintable() else " " for character in text)
    escaped = _WITHIN_A_LINE.sub(r"\\\1", one_line)
    escaped = _AT_ITS_START.sub(_start, escaped)
    return _LATE.sub(rf"\1{_WORD_JOINER}", escaped)


def _start(match: re.Match[str]) -> str:
    space, sign = match.groups()
    return f"{space}{sign}{_WORD_JOINER}" if sign.isdigit() else f"{space}\\{sign}"
