"""Text in tables that somebody will open in a spreadsheet."""

from __future__ import annotations

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def safe_cell(text: str) -> str:
    """``text``, kept from being taken for a formula by a spreadsheet (a leading ``'``)."""
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text
