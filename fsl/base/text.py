"""Numbers and names as text, written the same way in messages, on pages, in a shell and in tables."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

# Spreadsheets skip what stands first here, and some take wide signs for narrow ones.
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")

_MOST_DIGITS = 10


def listed(names: Sequence[str], most: int = 5) -> str:
    """Return the first few names for a sentence: "a, b, c and 4 more"."""
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def similarity_text(similarity: float, digits: int = 2) -> str:
    """Return a similarity as text: "0.83", "over 0.99", "under 0.01".

    Only 0 and 1 themselves read as 0.00 and 1.00.

    Args:
        similarity: in [0, 1].
    """
    step = 10.0**-digits
    if 0 < similarity < step:
        return f"under {step:.{digits}f}"
    if 1 - step < similarity < 1:
        return f"over {1 - step:.{digits}f}"
    return f"{similarity:.{digits}f}"


def limit_text(limit: float) -> str:
    """Return a limit in [0, 1] as a number: two decimals, more close to 0 and 1 ("0.73", "0.997")."""
    return similarity_text(limit, _digits_of(limit))


def distinct_texts(similarity: float, limit: float) -> tuple[str, str]:
    """Return both as text, with as many digits as it takes to tell different values apart; each in [0, 1]."""
    digits = _digits_of(limit)
    while True:
        texts = similarity_text(similarity, digits), similarity_text(limit, digits)
        if texts[0] != texts[1] or similarity == limit or digits == _MOST_DIGITS:
            return texts
        digits += 1


def _digits_of(limit: float) -> int:
    """Return the fewest digits, at least two, that show a limit as a number."""
    digits = 2
    while digits < _MOST_DIGITS and not similarity_text(limit, digits)[0].isdigit():
        digits += 1
    return digits


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


TOO_FEW_FOR_MARGIN = "too few pictures for a margin of error"
"""What stands in place of a margin of error that would tell nothing."""
_WIDEST_MARGIN = 0.5


def tells_something(half: float) -> bool:
    """Return whether a margin of error, half the width of an interval, leaves out any usual accuracy."""
    return half < _WIDEST_MARGIN


def margin_text(half: float | None, form: str = ".1%") -> str:
    """Return the margin of error of an accuracy, as it follows the accuracy: " ± 3.1%"; "" for none.

    Args:
        half: half the width of the interval, 0 to 1.
        form: how numbers are written.
    """
    if half is None:
        return ""
    return f" ± {half:{form}}" if tells_something(half) else f" ({TOO_FEW_FOR_MARGIN})"


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


def safe_cell(text: str) -> str:
    """Return text that no spreadsheet takes for a formula: such text gets a leading ``'``."""
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text


def csv_table(header: Sequence[object], rows: Iterable[Sequence[object]]) -> str:
    """Return a CSV table whose texts no spreadsheet takes for formulas."""
    out = io.StringIO()
    writer = csv.writer(out)
    for row in (header, *rows):
        writer.writerow([safe_cell(cell) if isinstance(cell, str) else cell for cell in row])
    return out.getvalue()


def duration_text(seconds: float) -> str:
    """Return a duration for people: "12 s", "3 min", "1.5 h"."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
