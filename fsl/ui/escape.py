"""Text that came from outside, made safe for the places where Streamlit reads Markdown."""

from __future__ import annotations

import re

_PUNCTUATION = re.compile(r"([!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~])")
_WORD_JOINER = "\u2060"


def markdown(text: str) -> str:
    """``text`` so that Markdown shows it letter for letter: no links, images, HTML, LaTeX or emoji codes.

    Line breaks and control characters become spaces.
    """
    one_line = "".join(character if character.isprintable() else " " for character in text)
    escaped = _PUNCTUATION.sub(r"\\\1", one_line)
    # Emoji and icon codes (":smile:", ":material/home:") are looked for after the backslashes are gone.
    return escaped.replace("\\:", f"\\:{_WORD_JOINER}")
