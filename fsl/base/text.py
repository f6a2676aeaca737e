"""Numbers and names in sentences, alike in messages, on pages and in a shell."""

from __future__ import annotations

import math
from collections.abc import Sequence


def listed(names: Sequence[str], most: int = 5) -> str:
    """The first few names in a sentence: "a, b, c and 4 more"."""
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def similarity_text(value: float) -> str:
    """A similarity in [0, 1]: two decimals, and near 1 so many that it stays told from its neighbours.

    "0.83", "0.9967", "0.999954": what is left to 1 shows two digits.
    """
    if not 0.99 < value < 1:
        return f"{value:.2f}"
    return f"{value:.{min(9, math.ceil(-math.log10(1 - value)) + 1)}f}"


def told_apart(similarity: float, limit: float) -> tuple[str, str]:
    """Both as text, each in [0, 1]; with more digits where they would read alike but are not."""
    texts = similarity_text(similarity), similarity_text(limit)
    digits = 3
    while texts[0] == texts[1] and similarity != limit and digits < 10:
        texts = f"{similarity:.{digits}f}", f"{limit:.{digits}f}"
        digits += 1
    return texts


def count(number: int, thing: str, things: str = "") -> str:
    """ "1 picture", "2 pictures"."""
    return f"{number:,} {thing if number == 1 else things or thing + 's'}"
