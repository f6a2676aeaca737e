"""Moving maps: aligned, continued from earlier frames, and measured frame by frame."""

from __future__ import annotations

import numpy as np
import pytest

from fsl.base.types import Float32Array
from fsl.embedding.maps import MapConfig
from fsl.embedding.motion import Recording, moving_map, still_valid

CONFIG = MapConfig(perplexity=8, iterations=300)
LABELS = np.repeat(np.arange(3), 12)


def recording(n_frames: int, learns: bool = True, by_direction: bool = False) -> Recording:
    """Return embeddings of three classes that separate from noise, or stay noise."""
    rng = np.random.default_rng(0)
    centres, noise = rng.normal(size=(3, 8))[LABELS], rng.normal(size=(36, 8))
    frames = [(noise + (number if learns else 0) * centres).astype(np.float16) for number in range(n_frames)]
    return Recording([5 * number for number in range(n_frames)], frames, LABELS, by_direction)


def spread_of_move(first: Float32Array, second: Float32Array) -> float:
    return float(np.linalg.norm(first - second, axis=1).mean() / first.std())


def test_separating_classes_show_in_the_measures() -> None:
    frames = moving_map(recording(5), CONFIG)
    assert [frame.step for frame in frames] == [0, 5, 10, 15, 20]
    accuracies = [frame.neighbour_accuracy.value or 0 for frame in frames]
    assert accuracies[0] < 0.7
    assert accuracies[-1] == 1.0
    assert (frames[-1].silhouette.value or 0) > (frames[0].silhouette.value or 0) + 0.3
    apart = np.linalg.norm(frames[-1].map.points[:, None] - frames[-1].map.points[None], axis=2)
    np.fill_diagonal(apart, np.inf)
    assert (LABELS[apart.argmin(1)] == LABELS).mean() > 0.9


def test_neighbour_accuracy_of_a_frame_equals_a_loop() -> None:
    made = recording(1)
    points = made.embeddings[0].astype(np.float64)
    right = 0
    for i in range(36):
        others = [j for j in range(36) if j != i]
        nearest = min(others, key=lambda j: float(np.linalg.norm(points[i] - points[j])))
        right += int(LABELS[nearest] == LABELS[i])
    assert moving_map(made, CONFIG)[0].neighbour_accuracy.value == pytest.approx(right / 36)


def test_the_map_moves_little_if_nothing_is_learned() -> None:
    settled = MapConfig(perplexity=8, iterations=1000)
    first, second, third = (f.map.points for f in moving_map(recording(3, learns=False), settled))
    assert spread_of_move(first, second) < 0.1
    assert spread_of_move(second, third) < 0.1


def test_a_longer_recording_continues_the_frames_of_a_shorter_one() -> None:
    whole = moving_map(recording(4), CONFIG)
    calls: list[tuple[int, int]] = []
    part = moving_map(recording(2), CONFIG)
    longer = recording(4)
    rest = Recording(longer.steps[2:], longer.embeddings[2:], LABELS)
    again = moving_map(rest, CONFIG, part, lambda done, total: calls.append((done, total)))
    assert again[:2] == part
    assert calls == [(0, 2), (1, 2)]
    for one, other in zip(whole, again, strict=True):
        np.testing.assert_allclose(one.map.points, other.map.points, atol=1e-3)


def test_frames_stay_valid_when_a_moment_between_them_is_dropped() -> None:
    part = moving_map(recording(4), CONFIG)
    assert still_valid([0, 10, 15, 20], part) == (part[0], part[2], part[3])
    assert still_valid([0, 5, 10], part) == part[:3]
    assert still_valid([2, 5], part) == ()  # the first frame, to which the others are aligned, is gone
    assert still_valid([0, 7, 10], part) == part[:1]


def test_only_directions_count_for_a_cosine_head() -> None:
    made = recording(2, by_direction=True)
    scaled = [frame * 2.0 ** (np.arange(36) % 3)[:, None] for frame in made.embeddings]  # exact in binary
    one = moving_map(made, CONFIG)
    other = moving_map(Recording(made.steps, scaled, LABELS, by_direction=True), CONFIG)
    assert one[1].neighbour_accuracy == other[1].neighbour_accuracy
    np.testing.assert_array_equal(one[1].map.points, other[1].map.points)
    straight = moving_map(Recording(made.steps, scaled, LABELS), CONFIG)
    assert spread_of_move(straight[0].map.points, one[0].map.points) > 0.2


def test_a_collapsed_network_gives_one_point() -> None:
    made = recording(2)
    frames = moving_map(
        Recording([0, 1, 2], [*made.embeddings, np.zeros((36, 8), np.float16)], LABELS), CONFIG
    )
    assert not frames[2].map.points.any()
    assert "no difference" in frames[2].map.note
