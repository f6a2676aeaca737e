"""The layout rules, as a table."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fsl.base.errors import DataError
from fsl.data.intake.layout import class_of_paths, natural_key

RULES: dict[str, dict[str, str | None]] = {
    "a folder per class": {"apple/1.jpg": "apple", "pear/1.jpg": "pear"},
    "one class alone keeps its name": {"apple/1.jpg": "apple", "apple/2.jpg": "apple"},
    "one folder round the classes": {"fruit/apple/1.jpg": "apple", "fruit/pear/1.jpg": "pear"},
    "one folder round one class": {"fruit/apple/1.jpg": "apple", "fruit/apple/2.jpg": "apple"},
    "only one folder is left out": {"a/b/c/1.jpg": "b/c", "a/b/d/1.jpg": "b/d"},
    "no folders": {"1.jpg": None, "2.jpg": None},
    "an image beside the class folders": {"apple/1.jpg": "apple", "2.jpg": None},
    "an image beside them, one folder round all": {"top/apple/1.jpg": "apple", "top/2.jpg": None},
    "Omniglot": {
        "images_background/Greek/character01/1.png": "Greek/character01",
        "images_background/Latin/character01/1.png": "Latin/character01",
    },
    "Omniglot without its top folder": {
        "Greek/character01/1.png": "Greek/character01",
        "Latin/character02/1.png": "Latin/character02",
    },
    "classes of unequal depth": {"fruit/apple/1.jpg": "fruit/apple", "car/1.jpg": "car"},
    "Fruits-360": {"Training/Kaki/1.jpg": "Kaki", "Test/Kaki/2.jpg": "Kaki", "Test/Lime 2/1.jpg": "Lime 2"},
    "Fruits-360 below one folder": {
        "fruits-360/Training/Kaki/1.jpg": "Kaki",
        "fruits-360/Test/Kaki/1.jpg": "Kaki",
    },
    "Fruits-360, one part only": {"Training/Kaki/1.jpg": "Kaki", "Training/Lime/1.jpg": "Lime"},
    "classes that are named Training and Test": {"Training/1.jpg": "Training", "Test/1.jpg": "Test"},
    "nothing": {},
}


@pytest.mark.parametrize("rule", RULES)
def test_rules(rule: str) -> None:
    assert class_of_paths(RULES[rule]) == RULES[rule]


@pytest.mark.parametrize("rule", RULES)
def test_the_order_of_paths_does_not_matter(rule: str) -> None:
    paths = list(RULES[rule])
    random.Random(0).shuffle(paths)
    assert class_of_paths(paths) == RULES[rule]


@pytest.mark.parametrize("top", ["", "fruits-360/"])
@pytest.mark.parametrize("part", ["Training", "Test", "test"])
def test_one_part(top: str, part: str) -> None:
    paths = [f"{top}Training/Kaki/1.jpg", f"{top}Test/Kaki/1.jpg", f"{top}Test/Lime/1.jpg"]
    expected = {p: p.split("/")[-2] for p in paths if f"{part.title()}/" in p}
    assert class_of_paths(paths, part) == expected


def test_what_lies_outside_the_two_parts_is_left_out() -> None:
    paths = ["Training/Kaki/1.jpg", "Test/Kaki/1.jpg", "test-multiple_fruits/a.jpg", "b.jpg"]
    assert set(class_of_paths(paths)) == set(paths[:2])


@pytest.mark.parametrize(
    ("paths", "message"),
    [
        (["Training/Kaki/1.jpg"], "there is Training"),
        (["s1/1.jpg", "s10/1.jpg", "s2/1.jpg"], "the folders are s1, s2, s10"),
        ([f"s{i}/1.jpg" for i in range(1, 31)], "s1, s2, s3, s4, s5 and 25 more"),
        (["1.jpg"], "there are no folders"),
        ([], "there are no folders"),
    ],
)
def test_an_unknown_part(paths: list[str], message: str) -> None:
    with pytest.raises(DataError, match=message):
        class_of_paths(paths, "Test")


def test_natural_order() -> None:
    expected = [
        "",
        "2",
        "02x",
        "10",
        "apple",
        "apple 1",
        "apple 2x",
        "apple 10",
        "S1",
        "s1",
        "s2",
        "s10",
        "Zebra",
    ]
    assert sorted(expected, key=natural_key) == expected


def test_numbers_of_any_length_are_ordered() -> None:
    assert natural_key("9" * 5000) < natural_key("1" + "0" * 5000)


@given(st.lists(st.text(max_size=8)))
def test_natural_order_is_a_total_order(names: list[str]) -> None:
    once = sorted(names, key=natural_key)
    assert once == sorted(names, key=natural_key)


@given(st.sets(st.from_regex(r"([a-c]|Training|Test)(/[a-c]){0,3}", fullmatch=True), max_size=12))
def test_a_class_is_always_part_of_the_path(paths: set[str]) -> None:
    for path, name in class_of_paths(paths).items():
        assert name is None or f"/{name}/" in f"/{path}"
        assert name is not None or path.count("/") <= 1
