"""Error messages of one line, which the command line prints instead of a traceback."""

from __future__ import annotations

import os
import sys
import traceback

from fsl.base.errors import FslError
from fsl.data.intake.paths import display_text

TRACEBACK = "FSL_TRACEBACK"
"""Environment variable that also prints the traceback, to find the cause of an error in the program."""


def failure_line(error: Exception) -> str:
    """Return one line that says what went wrong and is safe to print on a terminal."""
    if os.environ.get(TRACEBACK):
        traceback.print_exception(error)
    return display_text(" ".join(_message(error).split()))


def _message(error: Exception) -> str:
    torch = sys.modules.get("torch")
    if isinstance(error, FslError):
        return str(error)
    if isinstance(error, MemoryError):
        return "There is not enough free memory. Use fewer or smaller images."
    if torch is not None and isinstance(error, torch.OutOfMemoryError):
        return (
            "The GPU does not have enough free memory. Close other programs that use it, take fewer images "
            "per batch, or add --device cpu."
        )
    if isinstance(error, OSError):
        where = f"{error.filename}: " if error.filename else ""
        return f"{where}{error.strerror or error}."
    return (
        f"Something unexpected went wrong ({type(error).__name__}: {error}). Set {TRACEBACK}=1 to see where, "
        "and please report it."
    )
