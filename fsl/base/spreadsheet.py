"""Safe text for tables that are opened in a spreadsheet."""

from __future__ import annotations

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def safe_cell(text: str) -> str:
    """Return text that no spreadsheet takes for a formula: such text gets a leading ``'``."""
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text
