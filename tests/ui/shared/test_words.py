"""Escaping, and the sentences of the answers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from fsl.base.text import count, distinct_texts, limit_text, listed, similarity_text
from fsl.config import RULES, Method
from fsl.fewshot.classify import LeaveOneOut, Prediction
from fsl.fewshot.linear_probe import MethodComparison
from fsl.twin.header import Calibration
from fsl.ui.components import declare
from fsl.ui.shared import wording
from fsl.ui.shared.escape import markdown


def prediction(unknown: bool) -> Prediction:
    return Prediction(
        query="q",
        label="banana",
        probability=0.92,
        unknown=unknown,
        threshold=0.48,
        scores={"pear": 0.08, "banana": 0.92},
        class_similarity={"pear": 0.1, "banana": 0.31},
        similarities=(0.1, 0.31),
    )


def test_scripts_write_numbers_as_the_rest_of_the_page_does_in_every_browser() -> None:
    folder = Path(declare.__file__).parent
    scripts = {path.name: path.read_text(encoding="utf-8") for path in folder.rglob("*.js")}
    assert any('toLocaleString("en")' in script for script in scripts.values())
    assert [name for name, script in scripts.items() if "toLocaleString()" in script] == []


@pytest.mark.parametrize("sign", list("\\`*_[]<>$~|&"))
def test_every_sign_that_means_something_within_a_line_is_escaped(sign: str) -> None:
    assert markdown(f"a{sign}b") == f"a\\{sign}b"


@pytest.mark.parametrize("text", ["# x", "- x", "+ x", "=== x", " - x"])
def test_what_starts_a_heading_or_a_list_is_escaped(text: str) -> None:
    assert markdown(text).lstrip().startswith("\\")


@pytest.mark.parametrize("text", ["1. x", ":smile:", ":red[x]", "http://a.b", "www.a.b", "a@b.org"])
def test_codes_addresses_and_numbering_are_broken_up(text: str) -> None:
    shown = markdown(text).replace("\\", "")
    assert text not in shown
    assert shown.replace("\u2060", "") == text


def test_plain_names_stay_plain_and_lines_are_joined() -> None:
    assert markdown("star-fruit slice (2).jpg") == "star-fruit slice (2).jpg"
    assert markdown("a\nb\x00c") == "a b c"
    assert markdown("Äpfel 日本") == "Äpfel 日本"
    assert len(markdown("*" * 7_000_000)) < 50_000  # each time a page is drawn


def test_the_answer_in_words() -> None:
    assert wording.headline(prediction(False)) == "Most like banana: 92% sure"
    assert wording.reason(prediction(False)).startswith("Similarity 0.31 (limit 0.48).")
    assert wording.reason(prediction(False)).endswith("Runner-up: pear, 8%.")


def test_a_quick_answer_that_is_not_the_most_similar_class_says_what_the_limit_was_for() -> None:
    quick = replace(prediction(False), class_similarity={"pear": 0.6, "banana": 0.2})
    reason = wording.reason(quick)
    assert "pear has similarity 0.60 (limit 0.48)" in reason
    assert "prefers banana, similarity 0.20" in reason


def test_unknown_in_words() -> None:
    assert wording.headline(prediction(True)).startswith("Unknown")
    reason = wording.reason(prediction(True))
    assert reason.startswith("Nothing here is similar enough")
    assert "similarity 0.31 (limit 0.48)" in reason


def test_the_limits_error_rates_belong_to_the_measured_limit_only() -> None:
    measured = Calibration("mean", 1.0, 0.48, 0.07, 0.09)
    assert "7%" in wording.threshold_effect(measured, 0.48)
    # Nor more than is so: photos has learned since from the pictures that its limit was set on.
    assert "held out while it was set" in wording.threshold_effect(measured, 0.48)
    familiar = replace(measured, familiar=True)
    assert "on classes it learned from" in wording.threshold_effect(familiar, 0.48)
    assert "You moved the limit away from 0.48" in wording.threshold_effect(measured, 0.6)
    assert "no measured limit" in wording.threshold_effect(Calibration(), 0.0)


def test_self_check_in_words() -> None:
    confused = LeaveOneOut(0.8, 10, 8, ("apple", "pear", 2))
    assert wording.self_check(confused).startswith("8 of 10")
    assert "apple and pear (2 times)" in wording.self_check_hint(confused)
    assert wording.self_check_hint(LeaveOneOut(1.0, 10, 10, None)) == ""
    assert "second picture" in wording.self_check(None)
    assert wording.self_check_in_brief(confused, "fine-tuning may help").endswith(
        "8 of 10; fine-tuning may help"
    )
    assert wording.self_check_in_brief(confused, "").endswith("8 of 10 recognised")


def test_counts_and_lists() -> None:
    assert wording.recognised_already(1, 5) == "1 of 5 pictures is recognised already"
    assert wording.recognised_already(4, 5) == "4 of 5 pictures are recognised already"
    assert count(1, "class", "classes") == "1 class"
    assert count(2000, "picture") == "2,000 pictures"
    assert listed(["a", "b", "c", "d", "e"], 3) == "a, b, c and 2 more"
    assert listed(["a", "b", "c"], 3) == "a, b, c"


def compared(right: dict[Method, int], n_images: int, n_folds: int) -> MethodComparison:
    best_rule = max(RULES, key=lambda rule: right[rule])
    best: Method = "quick" if right["quick"] > right[best_rule] else best_rule
    return MethodComparison(right, n_images, n_folds, best_rule, best)


def test_a_comparison_says_what_is_best_by_how_much_and_whether_it_may_be_chance() -> None:
    clear = compared({"mean": 40, "max": 20, "prototype": 41, "quick": 58}, 60, 60)
    assert wording.verdict(clear) == (
        "The quick classifier does best here, 17 pictures (28 in 100) ahead of the typical picture."
    )
    assert wording.comparison(clear) == (
        "Recognised of 60 pictures, with one picture hidden at a time: the quick classifier 58, the typical "
        "picture 41, the average of all pictures 40, the single best picture 20."
    )
    close = compared({"mean": 20, "max": 24, "prototype": 22, "quick": 22}, 25, 25)
    assert "The single best picture does best here, 2 pictures (8 in 100) ahead" in wording.verdict(close)
    assert wording.verdict(close).endswith("; that may be chance.")
    even = compared({"mean": 90, "max": 80, "prototype": 95, "quick": 95}, 100, 5)
    assert "does as well here" in wording.verdict(even)
    assert wording.comparison(even).startswith(
        "Recognised of 100 pictures, with a fifth of the pictures hidden"
    )


@pytest.mark.parametrize(
    ("similarity", "text"),
    [(0.0, "0.00"), (1e-9, "under 0.01"), (0.0099, "under 0.01"), (0.01, "0.01"), (0.834, "0.83"),
     (0.99, "0.99"), (0.9901, "over 0.99"), (1 - 1e-14, "over 0.99"), (1.0, "1.00")],
)  # fmt: skip
def test_a_similarity_has_two_digits_and_is_never_rounded_to_certainty(similarity: float, text: str) -> None:
    assert similarity_text(similarity) == text


@pytest.mark.parametrize(
    ("limit", "text"),
    [(0.0, "0.00"), (0.0004, "0.0004"), (0.7068, "0.71"), (0.9955, "0.996"), (0.99996, "0.99996"),
     (1.0, "1.00")],
)  # fmt: skip
def test_a_limit_is_always_a_number(limit: float, text: str) -> None:
    assert limit_text(limit) == text


@pytest.mark.parametrize(
    ("similarity", "limit", "texts"),
    [(0.8, 0.5, ("0.80", "0.50")), (0.9401, 0.9437, ("0.940", "0.944")), (0.5, 0.5, ("0.50", "0.50")),
     (0.9999, 0.73, ("over 0.99", "0.73")), (0.999996, 0.9955, ("over 0.999", "0.996")),
     (0.0001, 0.004, ("under 0.001", "0.004")), (0.99671, 0.99674, ("0.99671", "0.99674"))],
)  # fmt: skip
def test_a_similarity_never_reads_like_the_limit_it_misses(
    similarity: float, limit: float, texts: tuple[str, str]
) -> None:
    assert distinct_texts(similarity, limit) == texts
