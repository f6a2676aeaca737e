"""Settings from environment variables."""

from __future__ import annotations

import os


def whole_number(variable: str, usual: int, least: int = 0) -> int:
    """Return the whole number that an environment variable holds.

    Args:
        usual: returned if the variable is unset, holds no whole number, or one below ``least``.
        least: the smallest number that is taken, from 0.
    """
    text = os.environ.get(variable, "")
    return int(text) if text.isdecimal() and int(text) >= least else usual
