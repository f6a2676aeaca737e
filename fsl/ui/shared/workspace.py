"""The Classify page's classes and queries. Immutable; no Streamlit."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from fsl.ui.shared.holders import Holding
from fsl.ui.shared.pictures import StoredPicture

_NOBODY = -1
"""In place of a class's id where nobody said anything."""


@dataclass(frozen=True, eq=False)
class ClassCard:
    """One class.

    Attributes:
        id: identifier that survives renaming.
        name: name as typed.
        pictures: support images without duplicates.
    """

    id: int
    name: str
    pictures: tuple[StoredPicture, ...] = ()


@dataclass(frozen=True, eq=False)
class Workspace:
    """All classes and queries. Each change returns a new workspace, so that the old one can be restored.

    Attributes:
        classes: classes in the order of their cards.
        queries: pictures to classify, without duplicates.
        next_id: id of the next class.
        corrections: what a person said that queries show: the id of a class, or None for none of them, by the
            query's digest. An accepted answer counts as well.
    """

    classes: tuple[ClassCard, ...]
    queries: tuple[StoredPicture, ...] = ()
    next_id: int = 0
    corrections: Mapping[str, int | None] = field(default_factory=lambda: MappingProxyType({}))

    @classmethod
    def fresh(cls) -> Workspace:
        """Return a workspace with two empty classes."""
        return cls(()).with_class().with_class()

    @property
    def n_pictures(self) -> int:
        """Number of pictures in classes and queries."""
        return sum(len(card.pictures) for card in self.classes) + len(self.queries)

    @property
    def is_empty(self) -> bool:
        """Whether there are no pictures."""
        return self.n_pictures == 0

    def holdings(self) -> Iterator[Holding]:
        """Return what the pictures take of the session's memory."""
        yield from holdings_of([self])

    def card(self, card_id: int) -> ClassCard:
        """Return the class with that id.

        Raises:
            KeyError: the class was deleted.
        """
        for card in self.classes:
            if card.id == card_id:
                return card
        raise KeyError(card_id)

    def pictures(self, target: int | None) -> tuple[StoredPicture, ...]:
        """Return the pictures of a class, or the queries if ``target`` is None."""
        return self.queries if target is None else self.card(target).pictures

    def with_class(self, name: str = "", pictures: Sequence[StoredPicture] = ()) -> Workspace:
        """Add a class; without a name it gets the next free one of the form "Class 3"."""
        card = ClassCard(self.next_id, name or self._free_name(), tuple(pictures))
        return replace(self, classes=(*self.classes, card), next_id=self.next_id + 1)

    def without_class(self, card_id: int) -> Workspace:
        """Remove a class."""
        kept = {digest: target for digest, target in self.corrections.items() if target != card_id}
        others = tuple(card for card in self.classes if card.id != card_id)
        return replace(self, classes=others, corrections=MappingProxyType(kept))

    def renamed(self, card_id: int, name: str) -> Workspace:
        """Rename a class; a blank name changes nothing."""
        name = " ".join(name.split())
        return self._changed(replace(self.card(card_id), name=name)) if name else self

    def with_pictures(self, target: int | None, new: Sequence[StoredPicture]) -> tuple[Workspace, list[str]]:
        """Add pictures to a class, or queries if ``target`` is None.

        Returns:
            the workspace, and the names of pictures left out as duplicates.
        """
        before = self.pictures(target)
        merged = {picture.digest: picture for picture in before}
        twice = []
        for picture in new:
            if picture.digest in merged:
                twice.append(picture.name)
            else:
                merged[picture.digest] = picture
        return self._with(target, tuple(merged.values())), twice

    def without_picture(self, target: int | None, digest: str) -> Workspace:
        """Remove a picture of a class, or a query if ``target`` is None."""
        before = self.pictures(target)
        return self._with(target, tuple(p for p in before if p.digest != digest))

    def cleared(self, target: int | None) -> Workspace:
        """Remove all pictures of a class, or all queries if ``target`` is None."""
        return self._with(target, ())

    def corrected(self, digests: Iterable[str], target: int | None) -> Workspace:
        """Note that queries show a class, or none of them if ``target`` is None.

        Raises:
            KeyError: the class was deleted.
        """
        if target is not None:
            self.card(target)
        added = dict.fromkeys(self._of_queries(digests), target)
        return replace(self, corrections=MappingProxyType({**self.corrections, **added}))

    def uncorrected(self, digests: Iterable[str]) -> Workspace:
        """Forget what a person said about queries, so that the network's answers count again."""
        forgotten = set(digests)
        kept = {digest: target for digest, target in self.corrections.items() if digest not in forgotten}
        return replace(self, corrections=MappingProxyType(kept))

    def to_learn(self) -> dict[int, list[StoredPicture]]:
        """Return the queries that a person gave a class which does not have them yet, by the class's id."""
        held = {card.id: {picture.digest for picture in card.pictures} for card in self.classes}
        found: dict[int, list[StoredPicture]] = {}
        for query in self.queries:
            target = self.corrections.get(query.digest)
            if target is not None and query.digest not in held[target]:
                found.setdefault(target, []).append(query)
        return found

    def learned(self) -> Workspace:
        """Add the pictures of ``to_learn`` to their classes; they stay queries as well."""
        result = self
        for target, pictures in self.to_learn().items():
            result, _ = result.with_pictures(target, pictures)
        return result

    def filled(
        self, classes: Mapping[str, Sequence[StoredPicture]], queries: Sequence[StoredPicture]
    ) -> tuple[Workspace, list[str]]:
        """Add a folder's pictures to classes of the same name or to new classes, and its queries.

        Empty classes are removed, unless a correction names them.

        Returns:
            the workspace, and the names of pictures left out as duplicates.
        """
        named = set(self.corrections.values())
        kept = (c for c in self.classes if c.pictures or c.name in classes or c.id in named)
        filled = replace(self, classes=tuple(kept))
        twice: list[str] = []
        for name, pictures in classes.items():
            if name not in {card.name for card in filled.classes}:
                filled = filled.with_class(name)
            target = next(card.id for card in filled.classes if card.name == name)
            filled, left_out = filled.with_pictures(target, pictures)
            twice += left_out
        filled, left_out = filled.with_pictures(None, queries)
        while len(filled.classes) < 2:
            filled = filled.with_class()
        return filled, twice + left_out

    def with_back(self, before: Workspace, after: Workspace) -> Workspace:
        """Undo a change: restore what it removed, remove what it added, and keep every later change.

        Args:
            before: the workspace before the change.
            after: the workspace right after the change.
        """
        result = self
        left = {card.id: card for card in after.classes}
        for position, card in enumerate(before.classes):
            kept = {picture.digest for picture in left[card.id].pictures} if card.id in left else set()
            taken = tuple(picture for picture in card.pictures if picture.digest not in kept)
            if any(one.id == card.id for one in result.classes):
                result, _ = result.with_pictures(card.id, taken)
            elif card.id not in left or taken:
                cards = list(result.classes)
                cards.insert(position, replace(card, pictures=taken))
                result = replace(result, classes=tuple(cards))
        kept = {picture.digest for picture in after.queries}
        result, _ = result.with_pictures(None, [one for one in before.queries if one.digest not in kept])
        return result._without_added(before, after)._with_corrections_of(before, after)

    def names_used_twice(self) -> list[str]:
        """Return the names that several classes with pictures share."""
        names = [card.name for card in self.classes if card.pictures]
        return sorted({name for name in names if names.count(name) > 1})

    def shared_pictures(self) -> list[tuple[str, str, str]]:
        """Return pictures that are in two classes: (picture, class, other class)."""
        seen: dict[str, str] = {}
        shared = []
        for card in self.classes:
            for picture in card.pictures:
                if picture.digest in seen:
                    shared.append((picture.name, seen[picture.digest], card.name))
                seen.setdefault(picture.digest, card.name)
        return shared

    def _without_added(self, before: Workspace, after: Workspace) -> Workspace:
        """Remove the pictures that a change added to classes which were there before."""
        had = {card.id: {picture.digest for picture in card.pictures} for card in before.classes}
        result = self
        for card in after.classes:
            if card.id in had and any(one.id == card.id for one in result.classes):
                added = {picture.digest for picture in card.pictures} - had[card.id]
                now = result.card(card.id)
                left = tuple(picture for picture in now.pictures if picture.digest not in added)
                result = result._changed(replace(now, pictures=left))
        return result

    def _with_corrections_of(self, before: Workspace, after: Workspace) -> Workspace:
        """Restore the corrections that a change made or removed, unless they were changed again since."""
        result = dict(self.corrections)
        held = {card.id for card in self.classes}
        for digest in self._of_queries({*before.corrections, *after.corrections}):
            former, changed, now = (one.corrections.get(digest, _NOBODY) for one in (before, after, self))
            if former == changed or now != changed:
                continue
            result.pop(digest, None)
            if former is None or former in held:
                result[digest] = former
        return replace(self, corrections=MappingProxyType(result))

    def _of_queries(self, digests: Iterable[str]) -> list[str]:
        """Return those digests that queries have."""
        held = {query.digest for query in self.queries}
        return [digest for digest in digests if digest in held]

    def _free_name(self) -> str:
        taken = {card.name for card in self.classes}
        number = len(self.classes) + 1
        while f"Class {number}" in taken:
            number += 1
        return f"Class {number}"

    def _changed(self, card: ClassCard) -> Workspace:
        return replace(self, classes=tuple(card if c.id == card.id else c for c in self.classes))

    def _with(self, target: int | None, pictures: tuple[StoredPicture, ...]) -> Workspace:
        if target is None:
            changed = replace(self, queries=pictures)
            kept = {digest: self.corrections[digest] for digest in changed._of_queries(self.corrections)}
            return replace(changed, corrections=MappingProxyType(kept))
        return self._changed(replace(self.card(target), pictures=pictures))


def holdings_of(workspaces: Iterable[Workspace]) -> Iterator[Holding]:
    """Yield what the pictures of several workspaces take together; lists that they share count once."""
    seen: dict[int, tuple[StoredPicture, ...]] = {}
    for workspace in workspaces:
        for pictures in (*(card.pictures for card in workspace.classes), workspace.queries):
            if id(pictures) not in seen:
                seen[id(pictures)] = pictures
                yield from (picture.holding for picture in pictures)
