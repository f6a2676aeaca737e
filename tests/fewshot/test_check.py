"""The check of a data set: copies made for it, explicit refits, and errors planted in real data."""

import io
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageEnhance
from torch.nn.functional import normalize

import fsl
from bench.check import plant
from fsl.data.intake.folders import list_images
from fsl.data.intake.listing import ImageEntry
from fsl.fewshot import check_labels
from fsl.fewshot.check import check_pictures
from fsl.fewshot.check_copies import look_at, near_copies
from fsl.fewshot.check_labels import leave_one_out_scores, outliers, suspects
from fsl.fewshot.check_reading import look_and_embed
from tests.helpers.embeddings import clusters, random_embeddings
from tests.helpers.networks import checkpoint

SIZE = (240, 180)


def scene(seed: int, size: tuple[int, int] = SIZE) -> Image.Image:
    """Return a picture with structure at all scales, as photos have."""
    rng = np.random.default_rng(seed)
    total = np.zeros((size[1], size[0], 3))
    for cells in (3, 7, 15, 31, 63):
        noise = rng.normal(0, 1, (cells, cells, 3)).clip(-2, 2)
        image = Image.fromarray(((noise + 2) * 63).astype(np.uint8)).resize(size, Image.Resampling.BICUBIC)
        total += (np.asarray(image, float) - 126) / cells**0.5
    return Image.fromarray((126 + total).clip(0, 255).astype(np.uint8))


def saved(image: Image.Image, quality: int) -> Image.Image:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality)
    return Image.open(buffer).convert("RGB")


COPIES: dict[str, Callable[[Image.Image], Image.Image]] = {
    "smaller": lambda image: image.resize((120, 90)),
    "much smaller": lambda image: image.resize((60, 45)),
    "larger": lambda image: image.resize((480, 360)),
    "of low quality": lambda image: saved(image, 30),
    "smaller, of low quality": lambda image: saved(image.resize((96, 72)), 40),
    "cropped": lambda image: saved(image.crop((10, 4, 236, 172)), 85),
    "brighter": lambda image: ImageEnhance.Brightness(image).enhance(1.15),
    "grey": lambda image: image.convert("L").convert("RGB"),
}


@pytest.mark.parametrize("kind", COPIES)
def test_near_copies_are_found_and_nothing_else(kind: str) -> None:
    originals = [scene(seed) for seed in range(12)]
    looks = [look_at(image) for image in (*originals, *(COPIES[kind](image) for image in originals[:6]))]
    assert near_copies(looks, random_embeddings(len(looks))) == [(row, 12 + row) for row in range(6)]


def test_another_photo_of_the_same_thing_is_no_copy() -> None:
    """The camera moved: at one edge something new came in."""
    wide = [scene(seed, (400, 300)) for seed in range(6)]
    shots = [image.crop((x, 40, x + 240, 220)) for image in wide for x in (20, 50)]
    assert near_copies([look_at(image) for image in shots], random_embeddings(12)) == []


def test_the_same_shape_in_another_colour_is_no_copy() -> None:
    shapes = [np.asarray(scene(seed).convert("L"), float) / 255 for seed in range(4)]
    coloured = [
        Image.fromarray((shape[..., None] * colour).astype(np.uint8))
        for shape in shapes
        for colour in ((250, 120, 110), (120, 230, 120))
    ]
    assert near_copies([look_at(image) for image in coloured], random_embeddings(8)) == []


def test_copies_of_a_file_that_is_there_twice_are_named_with_both() -> None:
    looks = [look_at(image) for image in (scene(0), scene(1), scene(0), scene(0).resize((120, 90)))]
    found = check_pictures(checkpoint().twin, random_embeddings(4, 256), [0, 1, 1, 0], looks)
    assert found.duplicates == ((0, 2),)
    assert found.near_duplicates == ((0, 3), (2, 3))
    assert found.copies == ((0, 2, 3),)


def test_blank_and_tiny_pictures() -> None:
    white = Image.new("RGB", SIZE, (250, 250, 250))
    stroke = white.copy()
    stroke.paste((20, 20, 20), (60, 40, 64, 60))
    assert not look_at(stroke).is_blank
    looks = [look_at(image) for image in (scene(0), white, scene(1).resize((20, 15)), scene(2), scene(3))]
    found = check_pictures(checkpoint().twin, random_embeddings(5, 256), [0, 0, 0, 1, 1], looks)
    assert (found.blank, found.tiny, found.thin) == ((1,), (2,), {0: 3, 1: 2})
    small = [look_at(scene(seed, (20, 15))) for seed in range(4)]  # all are small, so none is conspicuous
    assert check_pictures(checkpoint().twin, random_embeddings(4, 256), [0, 0, 1, 1], small).tiny == ()


@pytest.mark.parametrize("dim", [8, 64])
def test_leave_one_out_scores_equal_fits_without_each_picture(dim: int) -> None:
    """With more pictures than dimensions, and with fewer."""
    x = normalize(random_embeddings(24, dim), dim=1).double()
    slots = torch.arange(24) % 3
    found = leave_one_out_scores(x, slots)
    one_hot = torch.nn.functional.one_hot(slots).double()
    mean = one_hot.mean(0)
    for row in range(24):
        rest = torch.arange(24) != row
        weights = torch.linalg.solve(
            x[rest].T @ x[rest] + 0.3 * torch.eye(dim).double(), x[rest].T @ (one_hot - mean)[rest]
        )
        assert torch.allclose(found[row], x[row] @ weights + mean, atol=1e-9)


def test_moved_pictures_come_first_and_name_their_class() -> None:
    embeddings, true = clusters(0.2, n_classes=4, per_class=12)
    labels = true.tolist()
    moved = {3: 2, 20: 0, 47: 1}
    for row, wrong in moved.items():
        labels[row] = wrong
    found = suspects(checkpoint().twin, embeddings, labels)
    assert {one.row for one in found[:3]} == set(moved)
    assert all(one.looks_like == true[one.row] for one in found[:3])
    assert all(0 <= one.similarity <= 1 for one in found)
    doubts = [one.doubt for one in found]
    assert doubts == sorted(doubts, reverse=True)
    assert suspects(checkpoint().twin, embeddings, true.tolist()) == []


def test_the_only_picture_of_a_class_and_a_single_class_are_no_suspects() -> None:
    embeddings, true = clusters(0.5, n_classes=3, per_class=6)
    assert all(one.row != 0 for one in suspects(checkpoint().twin, embeddings, [9, *true[1:].tolist()]))
    assert suspects(checkpoint().twin, embeddings, [0] * 18) == []


def test_outliers_resemble_no_other_picture_of_their_class() -> None:
    embeddings, true = clusters(0.1, n_classes=4, per_class=10)
    labels = true.tolist()
    strange = torch.tensor([[1.0, -1, 1, -1], [-1.0, -1, 1, 1]])
    assert set(outliers(torch.cat([embeddings, strange]), [*labels, 0, 1])) >= {40, 41}
    assert len(outliers(torch.cat([embeddings, strange]), [*labels, 0, 1])) <= 4
    assert 40 not in outliers(torch.cat([embeddings, strange]), [*labels, 8, 9])  # the only ones
    assert outliers(embeddings[:5], labels[:5]) == []


def test_outliers_equal_a_loop_in_blocks_of_any_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check_labels, "PAIRS_AT_ONCE", 50)
    rng = np.random.default_rng(0)
    points, labels = rng.normal(1, rng.uniform(0.1, 2, (60, 1)), (60, 6)), [0] * 40 + [1] * 18 + [2] * 2
    unit = points / np.linalg.norm(points, axis=1, keepdims=True)
    nearness = np.array(
        [
            np.mean(sorted(unit[i] @ unit[j] for j in range(60) if j != i and labels[j] == labels[i])[-3:])
            for i in range(60)
        ]
    )
    below = np.quantile(nearness, 0.5, method="lower") - nearness
    spread = 1.4826 * np.quantile(below[below >= 0], 0.5, method="lower")
    expected = [i for i in np.argsort(nearness) if below[i] > 3 * spread]
    assert 2 < len(expected) < 20
    assert outliers(torch.from_numpy(points).float(), labels) == expected


@pytest.mark.skipif(not os.environ.get("FSL_DATA_DIR"), reason="FSL_DATA_DIR is not set")
@pytest.mark.parametrize("seed", [11, 12])
def test_the_promise_on_400_real_pictures_of_20_classes(seed: int) -> None:
    """Of ten wrong labels seven are among the first fifteen; every copy and resized copy is found."""
    listing = list_images(Path(os.environ["FSL_DATA_DIR"]) / "omniglot-background.zip")
    rng = np.random.default_rng(seed)
    names = [listing.class_names[i] for i in rng.permutation(len(listing.class_names))[:20]]
    entries = [
        ImageEntry(e.class_name, f"{e.class_name}/{i}.png", e.read)
        for i, e in enumerate(e for e in listing.entries if e.class_name in names)
    ]
    assert len(entries) == 400
    planted = plant(entries, [], seed)
    network = fsl.load("glyphs", "cpu")
    seen, unread = look_and_embed(network, planted.entries)
    found = check_pictures(network.twin, seen.embeddings, seen.labels, seen.looks)
    assert not unread
    assert len({seen.names[one.row] for one in found.suspects[:15]} & planted.wrong) >= 7
    together = [{seen.names[row] for row in group} for group in (*found.duplicates, *found.near_duplicates)]
    for kind in ("copies", "resized"):
        missed = [pair for pair in planted.copies[kind] if not any(set(pair) <= one for one in together)]
        assert missed == []
