"""Check a data set: copies, likely wrong labels, outliers, blank and tiny pictures, thin classes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

from torch import Tensor

from fsl.data.copies import exact_copies
from fsl.fewshot.check_copies import ALWAYS, Look, near_copies
from fsl.fewshot.check_labels import Suspect, outliers, suspects
from fsl.twin.nearest import NearestRows, nearest_rows
from fsl.twin.network import TwinNetwork

TINY = 32
"""Shorter side in pixels below which a picture is tiny, unless most others are as small."""
FEW_PICTURES = 5
"""A class with fewer pictures than this is thin: a wrong label in it is hard to find."""


@dataclass(frozen=True, eq=False)
class DataCheck:
    """What was found in n pictures, as rows.

    Attributes:
        duplicates: groups of pictures with the same content, two or more each.
        near_duplicates: pairs (i, j), i < j, that show the same picture in another size, quality or crop.
        suspects: pictures that look like another class, most likely wrong first. Pictures that have a copy in
            another class, equal to it or made from it, are not among them: one label is wrong for certain.
        outliers: pictures that resemble no other of their class, strangest first.
        blank: pictures of a single colour.
        tiny: pictures much smaller than the others.
        thin: classes with few pictures: the number of different ones, with copies counted once, by label.
    """

    duplicates: tuple[tuple[int, ...], ...]
    near_duplicates: tuple[tuple[int, int], ...]
    suspects: tuple[Suspect, ...]
    outliers: tuple[int, ...]
    blank: tuple[int, ...]
    tiny: tuple[int, ...]
    thin: dict[int, int]

    @property
    def copies(self) -> tuple[tuple[int, ...], ...]:
        """The groups of copies: exact and near ones that hang together, as sorted rows."""
        return _connected([*self.duplicates, *self.near_duplicates])

    @property
    def n_found(self) -> int:
        """The number of findings: groups of copies, suspects, outliers, blank and tiny pictures."""
        return sum(map(len, (self.copies, self.suspects, self.outliers, self.blank, self.tiny)))


def check_pictures(
    twin: TwinNetwork,
    embeddings: Tensor,
    labels: Sequence[int],
    looks: Sequence[Look],
    turn: AbstractContextManager[object] = ALWAYS,
    nearest: NearestRows = nearest_rows,
) -> DataCheck:
    """Check labelled pictures.

    Args:
        twin: the network that made the embeddings.
        embeddings: float32 ``(n, D)``.
        labels: n labels, from 0.
        looks: of the same pictures (``fsl.fewshot.check_copies.look_at``).
        turn: entered for each part of the work, which takes a second or less, such as a lock.
        nearest: finds candidates of near copies, as for ``near_copies``.
    """
    duplicates = tuple(exact_copies(look.content for look in looks))
    near = tuple(near_copies(looks, embeddings, turn, nearest))
    blank = tuple(row for row, look in enumerate(looks) if look.is_blank)
    made = [(i, j) for i, j in near if _size(looks[i]) != _size(looks[j])]
    repeated, contradicting = _copies_to_leave_out([*duplicates, *made], labels)
    with turn:
        doubted = suspects(twin, embeddings, labels, {*repeated, *contradicting, *blank})
        strange = outliers(embeddings, labels)
    named = {*blank, *contradicting, *(one.row for one in doubted)}
    counts = Counter(label for row, label in enumerate(labels) if row not in repeated)
    return DataCheck(
        duplicates,
        near,
        tuple(doubted),
        tuple(row for row in strange if row not in named),
        blank,
        _tiny(looks),
        {label: counts[label] for label in sorted(set(labels)) if counts[label] < FEW_PICTURES},
    )


def _size(look: Look) -> tuple[int, int]:
    """Return the size in pixels: a near copy of another size was made from its original.

    One of the same size may be the next photo of a series, which is evidence like any other.
    """
    return look.width, look.height


def _copies_to_leave_out(
    copies: Sequence[tuple[int, ...]], labels: Sequence[int]
) -> tuple[set[int], set[int]]:
    """Return the rows that repeat a picture of their class, and those with a copy in another class."""
    repeated: set[int] = set()
    contradicting: set[int] = set()
    for group in _connected(copies):
        if len({labels[row] for row in group}) > 1:
            contradicting.update(group)
        repeated.update(group[1:])
    return repeated, contradicting


def _connected(groups: Sequence[tuple[int, ...]]) -> tuple[tuple[int, ...], ...]:
    """Join groups that share a row; return each as sorted rows."""
    group_of: dict[int, set[int]] = {}
    for group in groups:
        joined = set(group).union(*(group_of.get(row, ()) for row in group))
        group_of |= dict.fromkeys(joined, joined)
    unique = {id(group): group for group in group_of.values()}
    return tuple(sorted(tuple(sorted(group)) for group in unique.values()))


def _tiny(looks: Sequence[Look]) -> tuple[int, ...]:
    sides = sorted(look.shorter_side for look in looks)
    usual = sides[len(sides) // 2] if sides else 0
    return tuple(row for row, look in enumerate(looks) if look.shorter_side < min(TINY, usual / 2))
