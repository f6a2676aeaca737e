"""Maps against scikit-learn and naive loops."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from fsl.base.errors import SettingsError
from fsl.embedding.distances import pair_distances
from fsl.embedding.labelled import MAX_IMAGES
from fsl.embedding.maps import MapConfig, make_map, next_map, turned_onto
from tests.helpers.embeddings import groups, random_embeddings
from tests.helpers.networks import small_twin


@pytest.mark.parametrize("head", ["absolute", "cosine"])
def test_learned_distance_is_the_shifted_logit(head: str) -> None:
    network, points = small_twin(head), random_embeddings(7)
    with torch.no_grad():
        network.head.weight[:3] = -0.2  # so that some logits are below that of equal images
    found = pair_distances(network, points, "learned")
    for i in range(7):
        for j in range(7):
            logit = network.head(points[i], points[j]) - network.head(points[i], points[i])
            assert found[i, j] == pytest.approx(max(0.0, float(logit.detach())), abs=1e-4)
    assert (found == found.T).all()
    assert not found.diagonal().any()


def test_euclidean_distance() -> None:
    points = random_embeddings(9)
    oracle = np.linalg.norm(points.numpy()[:, None] - points.numpy()[None], axis=2)
    np.testing.assert_allclose(pair_distances(small_twin(), points, "euclidean"), oracle, atol=1e-5)


@pytest.mark.parametrize("n", [30, 260])  # a full and an iterative solver
def test_pca_of_distances_is_the_pca_of_the_embeddings(n: int) -> None:
    from sklearn.decomposition import PCA

    points = random_embeddings(n) * torch.arange(8, 0, -1)
    oracle = PCA(3)
    expected = oracle.fit_transform(points.numpy())
    found = make_map(pair_distances(small_twin(), points, "euclidean"), MapConfig("pca", dimensions=3))
    np.testing.assert_allclose(np.abs(found.points), np.abs(expected), rtol=1e-2, atol=2e-2)
    np.testing.assert_allclose(found.explained, oracle.explained_variance_ratio_, rtol=1e-3)


def test_tsne_keeps_groups_together_and_is_repeatable() -> None:
    points, labels = groups()
    distances = pair_distances(small_twin(), points, "euclidean")
    config = MapConfig("tsne", perplexity=8, iterations=300)
    found = make_map(distances, config)
    assert found.method == "tsne"
    assert found.perplexity == 8
    apart = np.linalg.norm(found.points[:, None] - found.points[None], axis=2)
    np.fill_diagonal(apart, np.inf)
    assert (labels[apart.argmin(1)] == labels).all()
    assert (make_map(distances, config).points == found.points).all()


def test_perplexity_is_at_most_a_third_of_the_other_images() -> None:
    points, _ = groups(2, 8)
    found = make_map(
        pair_distances(small_twin(), points, "euclidean"), MapConfig(perplexity=100, iterations=250)
    )
    assert found.perplexity == 5.0
    assert np.isfinite(found.points).all()


@pytest.mark.parametrize("n", [2, 3, 10])
@pytest.mark.parametrize("dimensions", [2, 3])
def test_few_images_are_shown_by_pca_and_a_note_says_why(n: int, dimensions: int) -> None:
    found = make_map(
        pair_distances(small_twin(), random_embeddings(n), "learned"), MapConfig(dimensions=dimensions)
    )
    assert found.method == "pca"
    assert f"{n} are shown by PCA" in found.note
    assert found.points.shape == (n, dimensions)
    assert np.isfinite(found.points).all()


def test_one_image_and_equal_images_give_one_point() -> None:
    one = make_map(np.zeros((1, 1), np.float32), MapConfig())
    assert not one.points.any()
    assert one.note == ""
    equal = make_map(np.zeros((20, 20), np.float32), MapConfig())
    assert not equal.points.any()
    assert "no difference" in equal.note


@pytest.mark.parametrize("n", [200, 201, 300])  # a full and an iterative solver
@pytest.mark.parametrize("distance", [0.0, 1e-24])  # the square of the second is 0 in float32
def test_any_number_of_equal_images_is_one_point(n: int, distance: float) -> None:
    distances = np.full((n, n), distance, np.float32)
    np.fill_diagonal(distances, 0)
    found = make_map(distances, MapConfig())
    assert not found.points.any()
    assert found.explained == (0.0, 0.0)
    assert "no difference" in found.note


@pytest.mark.parametrize("block", [7, 140])  # the solver's usual start says nothing about these groups
def test_copies_of_two_images_are_two_points(block: int) -> None:
    group = np.arange(280) // block % 2
    found = make_map((group[:, None] != group).astype(np.float32), MapConfig("pca"))
    expected = np.where(group == group[found.points[:, 0].argmax()], 0.5, -0.5)
    np.testing.assert_allclose(found.points, np.stack([expected, 0 * expected], 1), atol=1e-3)
    assert found.explained == pytest.approx((1.0, 0.0), abs=1e-5)


def test_many_equal_images_do_not_break_tsne() -> None:
    points = torch.cat([random_embeddings(1).repeat(15, 1), random_embeddings(1, seed=1).repeat(15, 1)])
    found = make_map(pair_distances(small_twin(), points, "learned"), MapConfig(iterations=250))
    assert np.isfinite(found.points).all()


def test_turning_onto_undoes_a_rotation_and_a_mirror() -> None:
    points = random_embeddings(20, 2).numpy()
    turn = np.array([[0.6, -0.8], [-0.8, -0.6]], np.float32)
    np.testing.assert_allclose(turned_onto(points @ turn, points), points, atol=1e-5)


@pytest.mark.parametrize("method", ["tsne", "pca"])
def test_small_changes_move_the_map_little(method: str) -> None:
    points, _ = groups()
    frames = [
        pair_distances(small_twin(), points + 0.02 * random_embeddings(36, seed=seed), "euclidean")
        for seed in (1, 2)
    ]
    config = MapConfig(method, perplexity=8, iterations=500)  # type: ignore[arg-type]
    first = next_map(None, frames[0], config)
    second = next_map(first, frames[1], config)
    spread = first.points.std()
    assert np.abs(first.points - second.points).mean() < 0.25 * spread


def test_another_number_of_images_is_refused() -> None:
    with pytest.raises(SettingsError, match="same images"):
        next_map(
            make_map(np.zeros((3, 3), np.float32), MapConfig()), np.zeros((4, 4), np.float32), MapConfig()
        )


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"method": "umap"}, "umap"),
        ({"dimensions": 4}, "2 or 3"),
        ({"perplexity": 1}, "perplexity"),
        ({"iterations": 10}, "iterations"),
        ({"seed": -1}, "seed"),
    ],
)
def test_settings_out_of_range_are_refused(settings: dict[str, object], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        MapConfig(**settings)  # type: ignore[arg-type]


def test_too_many_images_are_refused() -> None:
    with pytest.raises(SettingsError, match="too many"):
        pair_distances(small_twin(), torch.zeros(MAX_IMAGES + 1, 8), "euclidean")
