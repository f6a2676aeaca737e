"""Sentences about answers, in plain text: callers escape them for Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from fsl.base.text import count, distinct_texts, listed, percent, similarity_text
from fsl.config import Method

if TYPE_CHECKING:  # torch comes with these, and the page paints before torch is there
    from fsl.fewshot.classify import LeaveOneOut, Prediction
    from fsl.fewshot.linear_probe import MethodComparison
    from fsl.training.events import Comparison
    from fsl.twin.header import Calibration

RULE_NAMES: dict[Method, str] = {
    "mean": "Average of all its pictures",
    "max": "Its single best picture",
    "prototype": "Its typical picture",
    "quick": "Quick classifier, fitted to your pictures",
}
"""What each rule compares a new picture with, as lists show it."""
_LITTLE = 0.02  # share of pictures not recognised yet below which there is little to gain
_SHORT_NAMES: dict[Method, str] = {
    "mean": "the average of all pictures",
    "max": "the single best picture",
    "prototype": "the typical picture",
    "quick": "the quick classifier",
}


def headline(prediction: Prediction) -> str:
    """Return the answer in one sentence."""
    if prediction.unknown:
        return "Unknown: none of your classes"
    return f"Most like {prediction.label}: {percent(prediction.probability)} sure"


def networks_word(prediction: Prediction) -> str:
    """Return what the network answered, beside a person's own word."""
    if prediction.unknown:
        return "The network said unknown."
    return f"The network said {prediction.label}, {percent(prediction.probability)} sure."


def reason(prediction: Prediction) -> str:
    """Return why the answer is what it is."""
    similar = prediction.class_similarity
    # The limit applies to the most similar class, which the quick classifier need not choose.
    nearest = max(similar, key=similar.__getitem__)
    similarity, limit = distinct_texts(similar[nearest], prediction.threshold)
    numbers = f"similarity {similarity} (limit {limit})"
    if prediction.unknown:
        return f"Nothing here is similar enough: the best match, {nearest}, has {numbers}."
    own = f"{numbers.capitalize()}."
    if similar[prediction.label] < similar[nearest]:
        own = (
            f"Known, because {nearest} has {numbers}. The quick classifier prefers {prediction.label}, "
            f"similarity {similarity_text(similar[prediction.label])}."
        )
    runner_up = sorted(prediction.scores, key=prediction.scores.__getitem__, reverse=True)[1]
    return f"{own} Runner-up: {runner_up}, {percent(prediction.scores[runner_up])}."


def threshold_effect(calibration: Calibration, threshold: float) -> str:
    """Return what the limit does, with its error rates if they were measured at this limit."""
    rejected, accepted = calibration.false_reject, calibration.false_accept
    is_calibrated = abs(threshold - calibration.unknown_threshold) < 0.005
    if rejected is None or accepted is None:
        return "This network has no measured limit. At 0, no picture is called unknown."
    if not is_calibrated:
        return (
            f"You moved the limit away from {calibration.unknown_threshold:.2f}, where it was measured. A "
            "higher limit calls more pictures unknown; with a lower one, more pictures of other things get a "
            "class."
        )
    where = "classes it learned from" if calibration.familiar else "classes held out while it was set"
    return (
        f"Measured at this limit on {where}: {percent(rejected)} of the pictures that belonged to a class "
        f"were called unknown, and {percent(accepted)} of the pictures of other things got a class."
    )


def said_twice(names: Sequence[str]) -> str:
    """Return a sentence about dropped pictures that were there already, "" for none."""
    if not names:
        return ""
    verb = "was" if len(names) == 1 else "were"
    return f"{listed(names, 3)} {verb} there already; each picture is kept once."


PLUS_MINUS = "± gives the range that holds the true value in 95 of 100 such measurements."
"""What the margin of error after an accuracy means."""
OF_THE_KIND = (
    "± is the 95% interval for other classes and pictures of the same kind. It counts the pictures as well "
    "as the tests, so more pictures make it narrower, and more tests hardly do."
)
"""What the margin of error after an accuracy means that was measured on a person's pictures."""


def self_check(outcome: LeaveOneOut | None) -> str:
    """Return the leave-one-out accuracy as one sentence."""
    if outcome is None:
        return "Add a second picture to a class, so that each picture can be tested against the others."
    verb = "is" if outcome.n_right == 1 else "are"
    return f"{outcome.n_right} of {outcome.n_images} of your own pictures {verb} recognised from the others."


def self_check_in_brief(outcome: LeaveOneOut | None, fine_tuning: str) -> str:
    """Return the leave-one-out accuracy, and what fine-tuning can do, in one line of a phone."""
    if outcome is None:
        return "Self-check: needs a second picture"
    found = f"Self-check: {outcome.n_right} of {outcome.n_images}"
    return f"{found}; {fine_tuning}" if fine_tuning else f"{found} recognised"


def self_check_hint(outcome: LeaveOneOut) -> str:
    """Return which pictures to add, "" if the check found nothing to improve."""
    if outcome.confused is None:
        return ""
    first, second, times = outcome.confused
    often = "once" if times == 1 else f"{times} times"
    return (
        f"Most confused: {first} and {second} ({often}). "
        "More and more varied pictures of these two help most."
    )


def comparison(found: MethodComparison) -> str:
    """Return how many of the support set's own pictures each method recognises."""
    hidden = "one picture" if found.n_folds == found.n_images else "a fifth of the pictures"
    by_right = sorted(found.right, key=found.right.__getitem__, reverse=True)
    each = ", ".join(f"{_SHORT_NAMES[method]} {found.right[method]:,}" for method in by_right)
    return f"Recognised of {found.n_images:,} pictures, with {hidden} hidden at a time: {each}."


def verdict(found: MethodComparison) -> str:
    """Return which method is best on a support set, by how much, and whether that may be chance."""
    lead = found.right["quick"] - found.right[found.best_rule]
    if lead == 0:
        return (
            "The quick classifier does as well here as the network's best rule, "
            f"{_SHORT_NAMES[found.best_rule]}."
        )
    best: Method = "quick" if lead > 0 else found.best_rule
    other: Method = found.best_rule if lead > 0 else "quick"
    margin = f"{count(abs(lead), 'picture')} ({abs(found.advantage) * 100:.0f} in 100)"
    chance = "" if found.is_clear else "; that may be chance"
    name = _SHORT_NAMES[best]
    return f"{name.capitalize()} does best here, {margin} ahead of {_SHORT_NAMES[other]}{chance}."


def recognised_already(n_right: int, n_images: int) -> str:
    """Return how many of somebody's pictures the network recognises without fine-tuning."""
    verb = "is" if n_right == 1 else "are"
    return f"{n_right} of {count(n_images, 'picture')} {verb} recognised already"


def little_to_gain(n_right: int, n_images: int) -> str:
    """Return that fine-tuning has little or nothing to gain, "" if enough pictures are not recognised yet."""
    missed = n_images - n_right
    if missed > _LITTLE * n_images:
        return ""
    already = recognised_already(n_right, n_images)
    return f"{already}, so there is {'little' if missed else 'nothing'} to gain by fine-tuning."


def probe_advice(found: Comparison) -> str:
    """Return that the linear probe does better than the fine-tuned network, "" if it does not."""
    n = found.n_images
    if found.in_use is None or found.probe is None or not (n and found.probe_is_better):
        return ""
    return (
        "The quick classifier needs no training and does better here: shown the pictures learned from, it "
        f"recognises {round(found.probe * n)} of the other {count(n, 'picture')}, the fine-tuned network "
        f"{round(found.in_use * n)}."
    )
