"""The computation behind the answers: embed what is new, compare, remember. No layout here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeVar

from fsl.errors import DataError
from fsl.ui.resources import COMPUTE
from fsl.ui.state import Session
from fsl.ui.workspace import Workspace

if TYPE_CHECKING:
    from fsl.fewshot.classify import LeaveOneOut, Prediction
    from fsl.fewshot.support import SupportSet
    from fsl.twin.checkpoint import Checkpoint
    from fsl.ui.pictures import StoredPicture

T = TypeVar("T")
_CHUNK = 32


def what_is_missing(workspace: Workspace) -> str:
    """What to do before there can be an answer, as a sentence; "" when nothing is missing."""
    filled = [card for card in workspace.classes if card.pictures]
    twice = workspace.names_used_twice()
    if twice:
        return f"Two classes are called {twice[0]}. Give each class a name of its own."
    if len(filled) < 2:
        missing = "two classes" if not filled else "one more class"
        return f"Add pictures to {missing}."
    if not workspace.queries:
        return "Add one or more pictures to classify."
    return ""


def support_of(workspace: Workspace) -> SupportSet:
    """The classes that have pictures.

    Raises:
        DataError: fewer than two, or two of the same name.
    """
    from fsl.fewshot.support import SupportSet

    classes: dict[str, Sequence[StoredPicture]] = {}
    for card in workspace.classes:
        if card.pictures and card.name in classes:
            raise DataError(f"Two classes are called {card.name!r}. Give each class a name of its own.")
        if card.pictures:
            classes[card.name] = card.pictures
    return SupportSet.from_classes(classes)


def embed_new(
    checkpoint: Checkpoint, pictures: Sequence[StoredPicture], progress: Callable[[int, int], None]
) -> None:
    """Put the embeddings that are not cached yet into the cache, a chunk at a time.

    The lock is given up between chunks, so that somebody's thousand pictures do not hold up everybody else.
    """
    from fsl.fewshot.support import CACHE, embed

    new = [p for p in pictures if CACHE.get(checkpoint.digest, p.digest) is None]
    for start in range(0, len(new), _CHUNK):
        with COMPUTE:
            embed(checkpoint, new[start : start + _CHUNK])
        progress(min(start + _CHUNK, len(new)), len(new))


def predict(
    state: Session, checkpoint: Checkpoint, support: SupportSet, threshold: float
) -> list[Prediction]:
    """The answers, from memory when nothing has changed."""
    from fsl.fewshot.classify import classify

    queries = state.workspace.queries
    inputs = (*_inputs(state, checkpoint, support), threshold, tuple((q.digest, q.name) for q in queries))

    def compute() -> list[Prediction]:
        with COMPUTE:
            return classify(checkpoint, support, queries, state.rule, threshold)

    return _remember(state, "predictions", inputs, compute)


def check_support(state: Session, checkpoint: Checkpoint, support: SupportSet) -> LeaveOneOut | None:
    """Leave-one-out accuracy, from memory when nothing has changed."""
    from fsl.fewshot.classify import leave_one_out

    def compute() -> LeaveOneOut | None:
        with COMPUTE:
            return leave_one_out(checkpoint, support, state.rule)

    return _remember(state, "self_check", _inputs(state, checkpoint, support), compute)


def _inputs(state: Session, checkpoint: Checkpoint, support: SupportSet) -> tuple[object, ...]:
    images = tuple((image.digest, image.name) for image in support.images)
    return (checkpoint.digest, state.rule, support.class_names, support.slots, images)


def _remember(state: Session, what: str, inputs: object, compute: Callable[[], T]) -> T:
    known = state.memo.get(what)
    if known is None or known[0] != inputs:
        known = state.memo[what] = (inputs, compute())
    result: T = known[1]
    return result
