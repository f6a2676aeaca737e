"""Files that ship with the program beside its code: the app, its pages and settings, the checkpoints."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parents[1]
_IN_WHEEL = _PACKAGE / "shipped"
IS_INSTALLED = _IN_WHEEL.is_dir()
"""Whether the program runs from an installed wheel rather than from a clone of the repository."""


def shipped_path(name: str) -> Path:
    """Return the path of a shipped file or folder.

    Args:
        name: the path from the top of the repository, such as "checkpoints" or "app.py".
    """
    return (_IN_WHEEL if IS_INSTALLED else _PACKAGE.parent) / name
