"""Values that JSON can hold."""

from __future__ import annotations

from math import isfinite


def finite(value: object) -> object:
    """Return a value for JSON in which numbers that JSON does not know (infinite, or no number) are None."""
    if isinstance(value, dict):
        return {key: finite(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [finite(one) for one in value]
    return None if isinstance(value, float) and not isfinite(value) else value
