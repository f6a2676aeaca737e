"""The computation behind the answers, with results kept in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from fsl.base.errors import DataError
from fsl.config import Method, Rule
from fsl.ui.shared import core
from fsl.ui.shared.resources import COMPUTE, compute_on
from fsl.ui.shared.state import Session
from fsl.ui.shared.workspace import Workspace

if TYPE_CHECKING:
    from fsl.fewshot.classify import LeaveOneOut, Prediction
    from fsl.fewshot.linear_probe import MethodComparison
    from fsl.fewshot.support import SupportSet
    from fsl.twin.checkpoint import Checkpoint
    from fsl.ui.shared.pictures import StoredPicture


def what_is_missing(workspace: Workspace) -> str:
    """Return what to do before there can be an answer, "" if nothing is missing."""
    filled = [card for card in workspace.classes if card.pictures]
    twice = workspace.names_used_twice()
    if twice:
        return f"Two classes are called {twice[0]}. Give each class its own name."
    if len(filled) < 2:
        missing = "two classes" if not filled else "one more class"
        return f"Add pictures to {missing}."
    if not workspace.queries:
        return "Add one or more pictures to classify."
    return ""


def has_classes(workspace: Workspace) -> bool:
    """Return True if at least two classes have pictures, and no two have the same name."""
    return sum(bool(card.pictures) for card in workspace.classes) > 1 and not workspace.names_used_twice()


def support_of(workspace: Workspace) -> SupportSet:
    """Return the classes that have pictures as a support set.

    Raises:
        DataError: there are fewer than two, or two have the same name.
    """
    classes: dict[str, Sequence[StoredPicture]] = {}
    for card in workspace.classes:
        if card.pictures and card.name in classes:
            raise DataError(f"Two classes are called {card.name!r}. Give each class its own name.")
        if card.pictures:
            classes[card.name] = card.pictures
    return core.SupportSet.from_classes(classes)


def can_fit_probe(support: SupportSet) -> bool:
    """Return True if every class has enough pictures for the linear probe."""
    return core.fewest_shots(support) >= core.FEWEST_SHOTS


def predict(
    state: Session,
    checkpoint: Checkpoint,
    support: SupportSet,
    method: Method,
    threshold: float,
    together: bool = False,
) -> list[Prediction]:
    """Return the answers, from memory if nothing but names of classes has changed.

    Args:
        state: state of the session.
        checkpoint: the network in use.
        support: the classes.
        method: a rule or the linear probe.
        threshold: of "unknown".
        together: let all queries say where the classes lie (``fsl.fewshot.together``).
    """
    queries, names = state.workspace.queries, support.class_names
    asked = tuple((query.digest, query.name) for query in queries)
    inputs = (*_inputs(checkpoint, support), method, threshold, together, asked)

    def compute() -> list[Prediction]:
        numbered = _numbered(support)
        alone = answers_for(checkpoint, numbered, queries, method, threshold)
        if not together:
            return alone
        with compute_on(len(support.images) + len(queries)):
            return core.answered_together(checkpoint, numbered, core.embed(checkpoint, queries), alone)

    found = state.memo.remember(("predictions", *inputs), compute)
    return state.memo.remember(("named", names, *inputs), lambda: [_named(one, names) for one in found])


def answers_for(
    checkpoint: Checkpoint,
    support: SupportSet,
    queries: Sequence[StoredPicture],
    method: Method,
    threshold: float,
) -> list[Prediction]:
    """Return the answer for each query, by a rule or the linear probe."""
    if method == "quick":
        with COMPUTE:
            return core.classify_with_probe(checkpoint, support, queries, threshold)
    with compute_on(len(support.images) + len(queries)):
        return core.classify(checkpoint, support, queries, method, threshold)


def check_support(
    state: Session, checkpoint: Checkpoint, support: SupportSet, rule: Rule
) -> LeaveOneOut | None:
    """Return the leave-one-out accuracy, from memory if nothing but names of classes has changed."""

    def compute() -> LeaveOneOut | None:
        with compute_on(len(support.images)):
            return core.leave_one_out(checkpoint, _numbered(support), rule)

    found = state.memo.remember(("self-check", *_inputs(checkpoint, support), rule), compute)
    if found is None or found.confused is None:
        return found
    first, second, number = found.confused
    names = support.class_names
    return replace(found, confused=(names[int(first)], names[int(second)], number))


def compare(state: Session, checkpoint: Checkpoint, support: SupportSet) -> MethodComparison | None:
    """Compare the linear probe with the rules on the support set; None with too few pictures."""
    if not can_fit_probe(support):
        return None

    def compute() -> MethodComparison:
        with COMPUTE:
            return core.compare_methods(checkpoint, support)

    # Without names: renaming a class changes no figure, and the comparison is the slowest part of an answer.
    images = tuple(image.digest for image in support.images)
    return state.memo.remember(("comparison", checkpoint.digest, support.slots, images), compute)


def _inputs(checkpoint: Checkpoint, support: SupportSet) -> tuple[object, ...]:
    images = tuple((image.digest, image.name) for image in support.images)
    return (checkpoint.digest, support.slots, images)


def _numbered(support: SupportSet) -> SupportSet:
    """Return the support set with the place of each class as its name, so that a new name changes nothing."""
    return core.SupportSet(tuple(map(str, range(support.n_way))), support.images, support.slots)


def _named(prediction: Prediction, names: Sequence[str]) -> Prediction:
    """Return a prediction of a numbered support set with the names of the classes."""
    return replace(
        prediction,
        label=names[int(prediction.label)],
        scores={names[int(place)]: score for place, score in prediction.scores.items()},
        class_similarity={names[int(place)]: s for place, s in prediction.class_similarity.items()},
    )
