"""Values that JSON can hold, and their text."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from math import isfinite
from uuid import uuid4


@dataclass(frozen=True, eq=False)
class JsonText:
    """A part of a JSON document that is written already, because writing it number by number takes long.

    Attributes:
        text: valid JSON.
    """

    text: str


def finite(value: object) -> object:
    """Return a value for JSON in which numbers that JSON does not know (infinite, or no number) are None."""
    if isinstance(value, dict):
        return {key: finite(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [finite(one) for one in value]
    return None if isinstance(value, float) and not isfinite(value) else value


def json_text(value: object, indent: int | None = None) -> str:
    """Return a value as JSON that keeps all letters; numbers that JSON does not know become null.

    Args:
        value: of dicts, lists, strings, numbers, and ``JsonText``.
        indent: as for ``json.dumps``.
    """
    place, parts = uuid4().hex, []

    def put_aside(part: object) -> str:
        if not isinstance(part, JsonText):
            raise TypeError(f"JSON cannot hold a {type(part).__name__}")
        parts.append(part.text)
        return place

    text = json.dumps(finite(value), indent=indent, ensure_ascii=False, allow_nan=False, default=put_aside)
    before, *after = text.split(f'"{place}"')
    return "".join([before, *(part + rest for part, rest in zip(parts, after, strict=True))])


def in_ascii(text: str) -> str:
    """Return JSON with all other letters escaped; they stand in strings only."""
    return re.sub("[^\x00-\x7f]", lambda letter: json.dumps(letter.group())[1:-1], text)
