"""The real data sets, where they are at hand: counts as published, images readable, lists that fit."""

from __future__ import annotations

import csv
import hashlib
import os
import zipfile
from pathlib import Path

import numpy as np
import pytest

from fsl.data.examples import fruits_sample
from fsl.data.intake.folders import list_images
from fsl.data.intake.splits import expand_prefixes
from fsl.data.loading import load_listing
from fsl.data.named import named_sources
from fsl.data.query import ImageQuery

pytestmark = pytest.mark.skipif(
    not os.environ.get("FSL_DATA_DIR"), reason="FSL_DATA_DIR is not set: the real data sets are not tested"
)

COUNTS = {
    "fruits360": (7920, 99),
    "omniglot": (19280, 964),
    "orl": (300, 30),
    "lfw": (3511, 423),
    "tiny-imagenet": (3500, 175),
    "grocery": (1000, 50),
}


@pytest.mark.parametrize("name", COUNTS)
def test_all_images_are_found_with_their_classes(name: str) -> None:
    listing = list_images(named_sources()[name].path)
    assert (len(listing.entries), len(listing.class_names)) == COUNTS[name]
    assert listing.problems == ()
    assert all(entry.class_name for entry in listing.entries)


@pytest.mark.parametrize("name", COUNTS)
def test_the_lists_name_classes_that_exist_and_share_none(name: str) -> None:
    data_set = named_sources()[name]
    classes = list_images(data_set.path).class_names
    train = expand_prefixes(classes, data_set.class_list("train"))
    val = expand_prefixes(classes, data_set.class_list("val"))
    assert train
    assert val
    assert not set(train) & set(val)


def test_the_parts_of_fruits360() -> None:
    path = named_sources()["fruits360"].path
    assert len(list_images(path, part="Training").entries) == 5940
    assert len(list_images(path, part="Test").entries) == 1980


@pytest.mark.parametrize("name", ["omniglot", "orl"])
def test_the_images_of_every_fourth_class_decode(name: str) -> None:
    listing = list_images(named_sources()[name].path)
    classes = listing.class_names[::4]
    image_set, problems = load_listing(listing, ImageQuery(32, classes=classes))
    assert problems == ()
    assert image_set.class_names == tuple(classes)
    assert set(np.bincount(image_set.labels)) == {20 if name == "omniglot" else 10}
    assert 10 < image_set.images.mean() < 250


def test_novel_fruits_in_the_order_of_the_list() -> None:
    data_set = named_sources()["fruits360"]
    novel = data_set.class_list("novel")
    image_set, _ = data_set.load(ImageQuery(24, part="Test", classes=novel))
    assert image_set.class_names == novel
    assert set(np.bincount(image_set.labels)) == {20}
    corners = image_set.images[:, 0, 0].astype(int)
    assert (corners > 200).mean() > 0.95, "fruit lies on white"


def test_the_fruit_sample_is_of_novel_classes_and_has_the_right_digests() -> None:
    data_set = named_sources()["fruits360"]
    rows = fruits_sample()
    assert {row.name.split("/")[0] for row in rows} <= set(data_set.class_list("novel"))
    with zipfile.ZipFile(data_set.path) as archive:
        digests = {hashlib.sha256(archive.read(info)).hexdigest() for info in archive.infolist()}
    assert {row.sha256 for row in rows} <= digests
    sources = Path(os.environ["FSL_DATA_DIR"]) / "fruits360-sources.csv"
    with sources.open(newline="", encoding="utf-8") as file:
        assert {row.sha256 for row in rows} <= {row["sha256"] for row in csv.DictReader(file)}
