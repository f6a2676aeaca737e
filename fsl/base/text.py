"""Numbers and names in sentences, written the same way in messages, on pages and in a shell."""

from __future__ import annotations

import math
from collections.abc import Sequence


def listed(names: Sequence[str], most: int = 5) -> str:
    """Return the first few names for a sentence: "a, b, c and 4 more"."""
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def similarity_text(value: float) -> str:
    """Return a similarity in [0, 1] as text, with more decimals close to 1.

    "0.83", "0.9967", "0.999954": the distance to 1 has two significant digits.
    """
    if not 0.99 < value < 1:
        return f"{value:.2f}"
    return f"{value:.{min(9, math.ceil(-math.log10(1 - value)) + 1)}f}"


def distinct_texts(similarity: float, limit: float) -> tuple[str, str]:
    """Return both as text, with as many digits as it takes to tell different values apart; each in [0, 1]."""
    texts = similarity_text(similarity), similarity_text(limit)
    digits = 3
    while texts[0] == texts[1] and similarity != limit and digits < 10:
        texts = f"{similarity:.{digits}f}", f"{limit:.{digits}f}"
        digits += 1
    return texts


def count(number: int, thing: str, things: str = "") -> str:
    """Return a number with its noun: "1 picture", "2 pictures"."""
    return f"{number:,} {thing if number == 1 else things or thing + 's'}"


def percent(value: float) -> str:
    """Return a probability without false precision: "92%", "under 1%", "over 99%".

    Args:
        value: in [0, 1].
    """
    if value < 0.005:
        return "under 1%"
    return "over 99%" if value >= 0.995 else f"{value:.0%}"


def rate_text(rate: float) -> str:
    """Return a rate in [0, 1] with two significant digits: "0.1%", "3.3%", "12%"."""
    return f"{float(f'{100 * rate:.2g}'):g}%"


def one_in(rate: float) -> str:
    """Return a rate of pairs as a frequency: "1 in 100 pairs", "fewer than 1 in 10,000 pairs".

    Args:
        rate: in [0, 1].

    Returns:
        a frequency within a tenth of the rate, or the nearest one in 10,000.
    """
    if round(rate * 10_000) < 1:
        return "fewer than 1 in 10,000 pairs"
    total = next((t for t in (100, 1_000) if abs(round(rate * t) / t - rate) <= 0.1 * rate), 10_000)
    return f"{round(rate * total):,} in {total:,} pairs"
