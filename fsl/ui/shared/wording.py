"""The answer in plain words. Plain text: callers escape what they show as Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from fsl.base.text import count, listed, percent, similarity_text, told_apart
from fsl.config import Method

if TYPE_CHECKING:  # torch comes with these, and the page paints before torch is there
    from fsl.fewshot.classify import LeaveOneOut, Prediction
    from fsl.fewshot.linear_probe import MethodComparison
    from fsl.twin.checkpoint import Calibration

RULE_NAMES: dict[Method, str] = {
    "mean": "Average of all its pictures",
    "max": "Its single best picture",
    "prototype": "Its typical picture",
    "quick": "Quick classifier, fitted to your pictures",
}
"""What each rule compares a query with, for people."""
_SHORT_NAMES: dict[Method, str] = {
    "mean": "the average of all pictures",
    "max": "the single best picture",
    "prototype": "the typical picture",
    "quick": "the quick classifier",
}


def headline(prediction: Prediction) -> str:
    """The answer in one sentence."""
    if prediction.unknown:
        return "Unknown: none of your classes"
    return f"Most like {prediction.label}: {percent(prediction.probability)} sure"


def reason(prediction: Prediction) -> str:
    """Why the answer is what it is."""
    similar = prediction.class_similarity
    # The quick classifier's answer need not be the class that is most similar, which alone the limit is for.
    nearest = max(similar, key=similar.__getitem__)
    similarity, limit = told_apart(similar[nearest], prediction.threshold)
    numbers = f"similarity {similarity}, the limit is {limit}"
    if prediction.unknown:
        return f"Nothing here is similar enough: the best match, {nearest}, has {numbers}."
    own = f"It has {numbers}."
    if similar[prediction.label] < similar[nearest]:
        own = (
            f"Known, because {nearest} has {numbers}; but the quick classifier finds {prediction.label} "
            f"likelier, whose similarity is {similarity_text(similar[prediction.label])}."
        )
    runner_up = sorted(prediction.scores, key=prediction.scores.__getitem__, reverse=True)[1]
    return f"{own} Next comes {runner_up} with {percent(prediction.scores[runner_up])}."


def threshold_effect(calibration: Calibration, threshold: float) -> str:
    """What the limit does, with the measured error rates where they belong to this limit."""
    rejected, accepted = calibration.false_reject, calibration.false_accept
    is_calibrated = abs(threshold - calibration.unknown_threshold) < 0.005
    if rejected is None or accepted is None:
        return "This network has no measured limit: with 0, no picture is ever called unknown."
    if not is_calibrated:
        return (
            f"You moved the limit from {calibration.unknown_threshold:.2f}, where it was measured. Higher: "
            "more pictures are called unknown. Lower: more pictures of other things get a class."
        )
    where = (
        "on classes that it learned from" if calibration.familiar else "on classes held out while it was set"
    )
    return (
        f"Measured at this limit, {where}: "
        f"{percent(rejected)} of pictures that did belong to a class were called unknown, "
        f"and {percent(accepted)} of pictures of other things got a class."
    )


def said_twice(names: Sequence[str]) -> str:
    """What became of pictures that were there already; "" for none."""
    if not names:
        return ""
    verb = "was" if len(names) == 1 else "were"
    return f"{listed(names, 3)} {verb} there already; each picture is kept once."


PLUS_MINUS = "± is the range in which the true value lies in 95 of 100 such measurements."
"""What the interval behind an accuracy means."""


def self_check(outcome: LeaveOneOut | None) -> str:
    """Leave-one-out accuracy as one sentence."""
    if outcome is None:
        return "Add a second picture to a class, and each picture can be tested against the others."
    verb = "is" if outcome.n_right == 1 else "are"
    return f"{outcome.n_right} of {outcome.n_images} of your own pictures {verb} recognised from the others."


def self_check_hint(outcome: LeaveOneOut) -> str:
    """What to do about it; "" when nothing needs doing."""
    if outcome.confused is None:
        return ""
    first, second, times = outcome.confused
    often = "once" if times == 1 else f"{times} times"
    return (
        f"Most confused: {first} and {second} ({often}). "
        "More, and more varied, pictures of these two help most."
    )


def comparison(found: MethodComparison) -> str:
    """How many of a support set's own pictures each method recognises."""
    hidden = "Each picture" if found.n_folds == found.n_images else "A fifth of the pictures"
    by_right = sorted(found.right, key=found.right.__getitem__, reverse=True)
    each = ", ".join(f"{_SHORT_NAMES[method]} {found.right[method]:,}" for method in by_right)
    return f"{hidden} hidden in turn; recognised of {found.n_images:,}: {each}."


def verdict(found: MethodComparison) -> str:
    """Which method is best on a support set, by how much, and whether that is more than chance."""
    lead = found.right["quick"] - found.right[found.best_rule]
    if lead == 0:
        return (
            "The quick classifier does as well here as the network's best way to compare, "
            f"{_SHORT_NAMES[found.best_rule]}."
        )
    best: Method = "quick" if lead > 0 else found.best_rule
    other: Method = found.best_rule if lead > 0 else "quick"
    margin = f"{count(abs(lead), 'picture')} ({abs(found.advantage) * 100:.0f} in a hundred)"
    chance = "" if found.is_clear else " So small a difference may well be chance."
    name = _SHORT_NAMES[best]
    return f"Best here is {name}, by {margin} before {_SHORT_NAMES[other]}.{chance}"
