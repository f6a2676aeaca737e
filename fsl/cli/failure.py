"""A failure in one line: what stands on stderr instead of a traceback."""

from __future__ import annotations

import os
import sys
import traceback

from fsl.base.errors import FslError
from fsl.data.intake.paths import display_text

TRACEBACK = "FSL_TRACEBACK"
"""The environment variable that shows the traceback as well, for whoever mends the program."""


def failure_line(error: Exception) -> str:
    """What happened, for people, on one line that a terminal may be shown."""
    if os.environ.get(TRACEBACK):
        traceback.print_exception(error)
    return display_text(" ".join(_said(error).split()))


def _said(error: Exception) -> str:
    torch = sys.modules.get("torch")
    if isinstance(error, FslError):
        return str(error)
    if isinstance(error, MemoryError):
        return "There is not enough free memory. Use fewer or smaller images."
    if torch is not None and isinstance(error, torch.OutOfMemoryError):
        return (
            "The GPU has not enough free memory. Close what else uses it, take fewer images a batch, or add "
            "--device cpu."
        )
    if isinstance(error, OSError):
        where = f"{error.filename}: " if error.filename else ""
        return f"{where}{error.strerror or error}."
    return (
        f"Something unexpected went wrong ({type(error).__name__}: {error}). Set {TRACEBACK}=1 to see where, "
        "and please report it."
    )
