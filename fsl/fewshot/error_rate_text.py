"""Sentences that say how often a threshold is wrong, and how far figures can be trusted.

Imports no torch: pages need these before torch is loaded.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from fsl.base.text import one_in, rate_text
from fsl.twin.pair_rates import PairRates

if TYPE_CHECKING:
    from fsl.twin.header import Subject

OF_SINGLE_REFERENCES = "The error rates are those of single references; several together usually do better."
_MANY: dict[Subject, str] = {"thing": "things", "person": "people"}
_SHOWN_IN = {
    "fruits360": "photos of fruit and vegetables (Fruits-360)",
    "omniglot": "handwritten characters (Omniglot)",
    "orl": "studio photos (ORL)",
    "lfw": "press photos (LFW)",
    "tiny-imagenet": "everyday photos (Tiny ImageNet)",
    "grocery": "photos from shops (Grocery Store)",
}
_CLASS_LIST = re.compile(rf"({'|'.join(_SHOWN_IN)}) (?:half of )?(?:train|val|novel)(?:@[\d.]+)?")


def describe_error_rates(rates: PairRates, threshold: float, subject: Subject) -> str:
    """Describe the error rates at a threshold, and how far they can be trusted.

    Args:
        rates: measured on held-out classes.
        threshold: in [0, 1].
        subject: what the network tells apart.
    """
    text = (
        f"At this limit {called_the_same(rates, threshold, subject)}, and "
        f"{one_in(rates.false_reject(threshold))} of the same {subject} different."
    )
    if rates.false_accept(threshold) < rates.lowest_rate:
        text += f" {too_few(rates)}"
    if rates.familiar:
        text += (
            f" It was measured on {_MANY[subject]} that it learned from; with {_MANY[subject]} that it has "
            "never seen it errs more often."
        )
    return text


def called_the_same(rates: PairRates, threshold: float, subject: Subject) -> str:
    """Describe the false-accept rate, and what it may be with other classes.

    For instance: "1 in 100 pairs of different people would be called the same (with other people up to 2 in
    100 pairs)".
    """
    here, highest = rates.false_accept(threshold), rates.highest_false_accept(threshold)
    text = f"{one_in(here)} of different {_MANY[subject]} would be called the same"
    if highest is None or one_in(highest) == one_in(here):
        return text
    return f"{text} (with other {_MANY[subject]} up to {one_in(highest)})"


def measured_on(rates: PairRates) -> str:
    """Return what pictures the rates were measured on: "press photos (LFW): pairs of 336 images ..."."""
    class_lists, colon, pairs = rates.fitted_on.partition(":")
    found = [_CLASS_LIST.fullmatch(name) for name in re.split(", | and ", class_lists)]
    names = list(dict.fromkeys(_SHOWN_IN[one[1]] for one in found if one))
    if not all(found):
        return rates.fitted_on
    *others, last = names
    shown = f"{', '.join(others)} and {last}" if others else last
    return f"{shown}{colon}{pairs}"


def too_few(rates: PairRates) -> str:
    """Explain why a false-accept rate this low cannot be measured with so few classes."""
    return (
        f"A rate this low is not certain: the {rates.n_classes:,} classes measured make "
        f"{rates.n_class_pairs:,} pairs of classes, enough to confirm rates of "
        f"{rate_text(rates.lowest_rate)} or more."
    )


def too_good(name: str, n_seen: int, n_classes: int) -> str:
    """Warn that a network was trained on some of the classes that it is tested on."""
    return (
        f"{name} was trained on {n_seen} of these {n_classes} classes, so its figures here are too good for "
        "classes it has never seen."
    )
