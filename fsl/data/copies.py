"""Find pictures that are there more than once, byte by byte.

A copy within a class flatters every test: the question was among the examples. A copy in another class
contradicts itself: one of the two labels is wrong.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence

from fsl.base.text import listed

_MOST_NAMED = 3


def exact_copies(digests: Iterable[Hashable]) -> list[tuple[int, ...]]:
    """Return the groups of items that have the same content.

    Args:
        digests: a digest of the content of each item, such as the sha256 of a file.

    Returns:
        ascending positions of the items of each group of two or more, in the order of the first of each.
    """
    places: dict[Hashable, list[int]] = {}
    for place, digest in enumerate(digests):
        places.setdefault(digest, []).append(place)
    return [tuple(group) for group in places.values() if len(group) > 1]


def copies_notes(
    names: Sequence[str], classes: Sequence[str], digests: Sequence[Hashable]
) -> tuple[str, ...]:
    """Return at most one sentence, which names the pictures whose digest is there more than once."""
    groups = exact_copies(digests)
    within = [group for group in groups if len({classes[place] for place in group}) == 1]
    across = [group for group in groups if group not in within]
    found = []
    if within:
        found.append(f"within a class, which flatters every test ({_shown(names, within)})")
    if across:
        found.append(f"in different classes, so one label is wrong ({_shown(names, across)})")
    return (f"The same picture is there more than once: {'; and '.join(found)}.",) if found else ()


def _shown(names: Sequence[str], groups: Sequence[tuple[int, ...]]) -> str:
    return listed([" = ".join(names[place] for place in group[:_MOST_NAMED]) for group in groups])
