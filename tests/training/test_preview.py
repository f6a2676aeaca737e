"""The article's Figure 1: pairs, labels and answers; and what is held out, by share or by name."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch

from fsl.base.errors import DataError, SettingsError
from fsl.data.catalogue import open_source
from fsl.data.imageset import ImageSet
from fsl.data.query import DataSpec, ImageQuery
from fsl.training.hold_out import drawn_classes, hold_out_classes, select_held_out
from fsl.training.preview import preview_batch, preview_similarities
from fsl.training.run_data import hold_out_by_name, load_training_data
from fsl.twin.network import TwinNetwork
from fsl.twin.preprocess import to_unit
from tests.helpers.training import MODEL

Maker = Callable[..., ImageSet]


def test_labels_say_whether_the_classes_differ(coloured_set: Maker) -> None:
    batch = preview_batch(coloured_set(), 8, seed=3)
    pairs = zip(batch.left_classes, batch.right_classes, batch.difference, strict=True)
    assert all((left != right) == bool(different) for left, right, different in pairs)
    assert batch.difference.sum() == 4
    assert batch.left.shape == batch.right.shape == (8, 16, 16, 3)
    again = preview_batch(coloured_set(), 8, seed=3)
    assert np.array_equal(batch.left, again.left)
    assert not np.array_equal(batch.left, preview_batch(coloured_set(), 8, seed=4).left)


def test_answers_are_the_network_s_own(coloured_set: Maker) -> None:
    batch = preview_batch(coloured_set(), 6, seed=0)
    torch.manual_seed(0)
    twin = TwinNetwork(MODEL).eval()
    with torch.no_grad():
        left, right = (
            (to_unit(side) - torch.tensor(MODEL.mean).view(1, 3, 1, 1))
            / torch.tensor(MODEL.std).view(1, 3, 1, 1)
            for side in (batch.left, batch.right)
        )
        expected = 1 - torch.sigmoid(twin.head(twin.embed(left), twin.embed(right)))
    assert preview_similarities(twin, batch) == pytest.approx(expected.numpy(), abs=1e-5)
    with pytest.raises(SettingsError, match="16 pixels wide and the network takes 32"):
        preview_similarities(TwinNetwork(replace(MODEL, image_size=32)).eval(), batch)


def test_the_drawn_classes_are_those_held_out(coloured_set: Maker) -> None:
    data = coloured_set(10)
    for share, seed in ((0.3, 0), (0.5, 1), (0.0, 0), (0.1, 0)):
        kept, held_out = hold_out_classes(data, share, seed)
        names = held_out.class_names if held_out else ()
        assert drawn_classes(data.class_names, share, seed) == names
        assert set(kept.class_names) == set(data.class_names) - set(names)


def test_classes_and_folders_are_held_out_by_name(coloured_set: Maker) -> None:
    data = coloured_set(6)
    named = replace(data, class_names=("Greek/a", "Greek/b", "Latin/a", "Latin/b", "c", "d"))
    train, held_out = select_held_out(named, ["Greek", "d"])
    assert held_out.class_names == ("Greek/a", "Greek/b", "d")
    assert train.class_names == ("Latin/a", "Latin/b", "c")
    assert len(train) + len(held_out) == len(data)
    assert "3 classes held out by name" in hold_out_by_name(named, ["Greek", "d"], "letters").words
    with pytest.raises(DataError, match="At least 2 of each"):
        select_held_out(named, ["c"])
    with pytest.raises(DataError, match="No class or folder"):
        select_held_out(named, ["Hebrew"])


def test_a_source_says_which_classes_are_held_out() -> None:
    source = DataSpec(data="digits", held_out=("digit 2", "digit 5"))
    assert DataSpec.from_json(source.to_json()) == source
    data = load_training_data(source, MODEL, 0, lambda problems: None)
    assert data.validation is not None
    assert data.validation.class_names == ("digit 2", "digit 5")
    assert not set(data.train.class_names) & {"digit 2", "digit 5"}


@pytest.mark.parametrize("name", ["digits", "rendered"])
def test_class_names_are_known_before_the_images(name: str) -> None:
    source = open_source(name)
    assert source.class_names() == source.load(ImageQuery(16))[0].class_names
