"""Explanations: if a pair has one difference at a known place, the map's peak is there."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw

from fsl.base.types import Float32Array
from fsl.fewshot.explain import (
    Explanation,
    ExplanationMethod,
    blur,
    explain_in_steps,
    gradient_maps,
    hiding_masks,
    occlusion_steps,
    peak,
)
from fsl.twin import checkpoint as checkpoints
from fsl.twin import checkpoint_files
from fsl.twin.network import TwinNetwork
from fsl.twin.preprocess import normalise, to_uint8, to_unit
from tests.helpers.networks import checkpoint
from tools.draw_fruit.render import render_examples

SPECIMENS = {
    "aubergine": 0,
    "chilli": 1,
    "lemon": 1,
    "melon": 1,
    "peach": 0,
    "pear": 1,
    "plum": 0,
    "raspberry": 1,
}
NEAR = 0.16  # as a share of the side; the hiding patch is 0.22 wide


@cache
def fruits() -> TwinNetwork:
    """Return the fruits network without test-time augmentation, which is eight times faster."""
    path = checkpoint_files.available(checkpoint_files.CHECKPOINT_DIR)["fruits"]
    twin = checkpoints.load(path).twin
    twin.config = replace(twin.config, views=1)
    return twin


@cache
def marked_pairs() -> list[tuple[Image.Image, Image.Image, tuple[float, float]]]:
    """Return drawn pictures, each twice with a copy that has a spot on it, and the middle of the spot."""
    drawn = [render_examples((name,), n + 1, 96, seed=3)[name][n] for name, n in SPECIMENS.items()]
    rng = np.random.default_rng(0)
    pairs = []
    for plain in [*drawn, *drawn]:
        side, (x, y) = plain.width, rng.uniform(0.25, 0.75, 2)
        marked, reach = plain.copy(), 0.09 * plain.width
        box = (x * side - reach, y * side - reach, x * side + reach, y * side + reach)
        ImageDraw.Draw(marked).ellipse(box, fill=(30, 60, 220))
        pairs.append((plain, marked, (x, y)))
    return pairs


def explain(
    twin: TwinNetwork,
    left: Image.Image,
    right: Image.Image,
    method: ExplanationMethod = "each",
    n_places: int = 10,
) -> Explanation:
    *_, last = explain_in_steps(twin, left, right, method, n_places)
    return last.explanation


def occlusion_maps(twin: TwinNetwork, pair: torch.Tensor, n_places: int, together: bool) -> torch.Tensor:
    *_, (maps, _) = occlusion_steps(twin, pair, n_places, together)
    return maps


def distance_from(place: tuple[float, float], contributions: Float32Array) -> float:
    return float(np.hypot(*np.subtract(peak(contributions), place)))


@pytest.mark.parametrize("method", ["each", "both", "gradient"])
def test_the_peak_is_where_the_only_difference_is(method: ExplanationMethod) -> None:
    """The marked picture is on the left and on the right in turn. By chance one in twelve would be found."""
    found = 0
    for number, (plain, marked, place) in enumerate(marked_pairs()):
        left, right = (marked, plain) if number % 2 else (plain, marked)
        maps = explain(fruits(), left, right, method, n_places=6)
        found += distance_from(place, maps.left if number % 2 else maps.right) < NEAR
        assert maps.left.shape == maps.right.shape == (64, 64)
    assert found >= 0.7 * len(marked_pairs())  # about 85% of all places are


def test_the_peak_is_there_with_test_time_augmentation() -> None:
    twin = checkpoints.load(checkpoint_files.available(checkpoint_files.CHECKPOINT_DIR)["fruits"]).twin
    assert twin.config.views > 1
    plain, marked, place = marked_pairs()[0]
    maps = explain(twin, plain, marked)
    assert distance_from(place, maps.right) < NEAR


def test_hiding_the_only_difference_makes_the_pair_more_similar() -> None:
    plain, marked, (x, y) = marked_pairs()[0]
    maps = explain(fruits(), marked, plain, "both", n_places=6)
    assert maps.left[int(y * 64), int(x * 64)] < 0  # it sets the two apart
    assert np.array_equal(maps.left, maps.right)


def test_occlusion_against_a_loop() -> None:
    twin = checkpoint().twin
    torch.manual_seed(0)
    pair = torch.rand(2, 3, 16, 16)
    masks, smooth = hiding_masks(16, 3), blur(pair)

    def logit(left: torch.Tensor, right: torch.Tensor) -> float:
        with torch.no_grad():
            return float(twin(normalise(left[None], twin.config), normalise(right[None], twin.config)))

    whole = logit(pair[0], pair[1])
    expected = torch.zeros(2, 16, 16)
    for mask in masks:
        hidden = [torch.where(mask.bool(), smooth[i], pair[i]) for i in range(2)]
        expected[0] += mask * (logit(hidden[0], pair[1]) - whole)
        expected[1] += mask * (logit(pair[0], hidden[1]) - whole)
    expected /= masks.sum(0)
    assert torch.allclose(occlusion_maps(twin, pair, 3, together=False), expected, atol=1e-4)


@pytest.mark.parametrize(("side", "n"), [(16, 3), (64, 10), (20, 2), (33, 1)])
def test_masks_cover_every_pixel(side: int, n: int) -> None:
    masks = hiding_masks(side, n)
    assert masks.shape == (n * n, side, side)
    if n > 1:
        assert masks.sum(0).min() >= 1


def test_nothing_counts_against_equal_pictures() -> None:
    pair = torch.rand(1, 3, 16, 16, generator=torch.Generator().manual_seed(1)).expand(2, -1, -1, -1)
    twin = checkpoint().twin
    assert occlusion_maps(twin, pair, 4, together=True).abs().max() < 1e-5
    assert occlusion_maps(twin, pair, 4, together=False).min() > -1e-5
    assert torch.isfinite(gradient_maps(twin, pair)).all()


def similarity_without(unit: torch.Tensor, contributions: Float32Array, share: float) -> float:
    """Return the similarity (as a logit) of a pair whose left image is blurred where the map is highest."""
    n = int(share * contributions.size)
    chosen = np.zeros(contributions.size, np.float32)
    chosen[np.argsort(-contributions, axis=None)[:n]] = 1
    mask = torch.from_numpy(chosen.reshape(contributions.shape))
    hidden = unit.clone()
    hidden[0] += mask * (blur(unit)[0] - unit[0])
    with torch.no_grad():
        embedded = fruits().embed(normalise(hidden, fruits().config))
        return -float(fruits().head(embedded[0], embedded[1]))


def random_map(seed: int) -> Float32Array:
    """Return a map as smooth as those of an explanation."""
    rough = np.random.default_rng(seed).normal(0, 1, (6, 6)).astype(np.float32)
    return np.asarray(Image.fromarray(rough).resize((64, 64), Image.Resampling.BICUBIC))


@pytest.mark.parametrize("seed", [0, 1])
def test_every_step_is_honest(seed: int) -> None:
    """Hiding what the map calls important costs more similarity than hiding as much at random (deletion)."""
    lost: dict[str, list[float]] = {}
    for name in SPECIMENS:
        first, second = render_examples((name,), 2, 64, seed=seed)[name]
        unit = to_unit(to_uint8([first, second], fruits().config), torch.device("cpu"))
        with torch.no_grad():
            embedded = fruits().embed(normalise(unit, fruits().config))
            whole = -float(fruits().head(embedded[0], embedded[1]))
        steps = list(explain_in_steps(fruits(), first, second, n_places=7))
        assert [one.share for one in steps] == sorted(one.share for one in steps)
        assert (len(steps), steps[-1].share) == (6, 1.0)
        maps = {str(i): step.explanation.left for i, step in enumerate(steps)}
        maps |= {f"random {i}": random_map(10 * seed + i) for i in range(4)}
        for kind, contributions in maps.items():
            lost.setdefault(kind, []).append(whole - similarity_without(unit, contributions, 0.2))
    at_random = max(np.mean(values) for kind, values in lost.items() if kind.startswith("random"))
    for step in range(6):
        assert np.mean(lost[str(step)]) > at_random
