"""Removals that can be undone, step by step, and done again. Immutable, so that tabs can share them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from fsl.ui.shared.escape import markdown
from fsl.ui.shared.guard import guarded_button

W = TypeVar("W")
S = TypeVar("S")

MOST_STEPS = 30


@dataclass(frozen=True, eq=False)
class Removal(Generic[W, S]):
    """A change that removed something.

    Attributes:
        what: what it removed, plain text.
        before: everything before the change.
        after: everything right after it; None if it replaced all by something unrelated.
        settings: the page's settings before the change; they come back if it replaced all.
    """

    what: str
    before: W
    after: W | None
    settings: S


@dataclass(frozen=True, eq=False)
class Undone(Generic[W, S]):
    """A removal that was undone.

    Attributes:
        removal: the removal.
        now: everything before it was undone.
        settings: the page's settings before it was undone.
    """

    removal: Removal[W, S]
    now: W
    settings: S


Restore = Callable[[W, W, W], W]
"""Called with what there is now, before the removal and right after it; returns all of it together."""


@dataclass(frozen=True, eq=False)
class History(Generic[W, S]):
    """The latest removals.

    Attributes:
        removals: removals that can be undone, the latest last.
        undone: removals that were undone, the latest last.
    """

    removals: tuple[Removal[W, S], ...] = ()
    undone: tuple[Undone[W, S], ...] = ()

    def __bool__(self) -> bool:
        return bool(self.removals or self.undone)

    def with_removal(self, removal: Removal[W, S]) -> History[W, S]:
        """Add a removal; what was undone before cannot be done again."""
        return History((*self.removals, removal)[-MOST_STEPS:])

    def with_change(self) -> History[W, S]:
        """Return the history after a change that removed nothing: a redo would take the change away."""
        return History(self.removals)

    def undo(self, now: W, settings: S, restore: Restore[W]) -> tuple[W, S, History[W, S]]:
        """Undo the latest removal; there must be one.

        Args:
            now: everything there is now.
            settings: the page's settings now.
            restore: puts back what a removal took, beside what came since.

        Returns:
            everything there is from now on, the settings, and the history.
        """
        *others, last = self.removals
        history = History(tuple(others), (*self.undone, Undone(last, now, settings)))
        if last.after is None:
            return last.before, last.settings, history
        return restore(now, last.before, last.after), settings, history

    def redo(self, settings: S) -> tuple[W, S, History[W, S]]:
        """Do again what was undone last; there must be something.

        Args:
            settings: the page's settings now.

        Returns:
            everything there is from now on, the settings, and the history.
        """
        *others, last = self.undone
        removal = replace(last.removal, settings=settings)
        history = History((*self.removals, removal), tuple(others))
        return last.now, last.settings if removal.after is None else settings, history

    def without_oldest(self) -> History[W, S]:
        """Return the history with one step less: of those undone first, then the oldest removal."""
        return History(self.removals, self.undone[1:]) if self.undone else History(self.removals[1:])

    def contents(self) -> Iterator[W]:
        """Yield everything that it keeps in memory."""
        yield from (removal.before for removal in self.removals)
        yield from (undone.now for undone in self.undone)


def show_undo(key: str, history: History[W, S], undo: Callable[[], None], redo: Callable[[], None]) -> None:
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
        what = markdown(history.undone[-1].removal.what)
        guarded_button(
            "Redo",
            f"{key}_redo",
            redo,
            icon=":material/redo:",
            type="tertiary",
            help=f"Removes {what} again.",
        )
