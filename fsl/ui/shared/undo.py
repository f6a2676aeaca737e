"""Removals that can be undone, step by step, and done again. Immutable, so that tabs can share them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

from fsl.ui.shared.escape import markdown
from fsl.ui.shared.guard import guarded_button

W = TypeVar("W")

MOST_STEPS = 30


@dataclass(frozen=True, eq=False)
class Removal(Generic[W]):
    """A change that removed something.

    Attributes:
        what: what it removed, plain text.
        before: everything before the change.
        after: everything right after it; None if it replaced all by something unrelated.
    """

    what: str
    before: W
    after: W | None


Restore = Callable[[W, W, W], W]
"""Called with what there is now, before the removal and right after it; returns all of it together."""


@dataclass(frozen=True, eq=False)
class History(Generic[W]):
    """The latest removals.

    Attributes:
        removals: removals that can be undone, the latest last.
        undone: removals that were undone, the latest last, each with what there was before that.
    """

    removals: tuple[Removal[W], ...] = ()
    undone: tuple[tuple[Removal[W], W], ...] = ()

    def __bool__(self) -> bool:
        return bool(self.removals or self.undone)

    def with_removal(self, removal: Removal[W]) -> History[W]:
        """Add a removal; what was undone before cannot be done again."""
        return History((*self.removals, removal)[-MOST_STEPS:])

    def with_change(self) -> History[W]:
        """Return the history after a change that removed nothing: a redo would take the change away."""
        return History(self.removals)

    def undo(self, now: W, restore: Restore[W]) -> tuple[W, History[W]]:
        """Undo the latest removal; there must be one.

        Args:
            now: everything there is now.
            restore: puts back what a removal took, beside what came since.
        """
        *others, last = self.removals
        new = last.before if last.after is None else restore(now, last.before, last.after)
        return new, History(tuple(others), (*self.undone, (last, now)))

    def redo(self) -> tuple[W, History[W]]:
        """Do again what was undone last; there must be something."""
        *others, (removal, before) = self.undone
        return before, History((*self.removals, removal), tuple(others))

    def without_oldest(self) -> History[W]:
        """Return the history with one step less: of those undone first, then the oldest removal."""
        return History(self.removals, self.undone[1:]) if self.undone else History(self.removals[1:])

    def contents(self) -> Iterator[W]:
        """Yield everything that it keeps in memory."""
        yield from (removal.before for removal in self.removals)
        yield from (now for _, now in self.undone)


def show_undo(key: str, history: History[W], undo: Callable[[], None], redo: Callable[[], None]) -> None:
    """Show a button for the latest removal, and one for what was undone last.

    Args:
        key: prefix of the buttons' keys.
        history: the latest removals.
        undo: brings back what was removed last.
        redo: removes again what was brought back last.
    """
    if history.removals:
        label = f"Undo: bring back {markdown(history.removals[-1].what)}"
        guarded_button(label, f"{key}_undo", undo, icon=":material/undo:", type="tertiary")
    if history.undone:
        what = markdown(history.undone[-1][0].what)
        guarded_button(
            "Redo",
            f"{key}_redo",
            redo,
            icon=":material/redo:",
            type="tertiary",
            help=f"Removes {what} again.",
        )
