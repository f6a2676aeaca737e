"""Quality measures against scikit-learn and naive loops."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from fsl.base.errors import SettingsError
from fsl.embedding import quality
from fsl.embedding.distances import pair_distances
from fsl.embedding.labelled import NO_CLASS
from fsl.embedding.neighbours import nearest
from fsl.twin.inference import similarities
from tests.helpers.embeddings import groups, random_embeddings
from tests.helpers.networks import small_twin


def test_silhouette_and_trustworthiness_are_scikit_learns() -> None:
    from sklearn.manifold import trustworthiness
    from sklearn.metrics import silhouette_score

    points, labels = groups(4, 10)
    places = random_embeddings(40, 2, seed=3).numpy()
    distances = pair_distances(small_twin(), points, "euclidean")
    found = quality.measure(small_twin(), points, distances, labels, places)
    assert found.silhouette.value == pytest.approx(silhouette_score(points.numpy(), labels), abs=1e-5)
    oracle = trustworthiness(points.numpy(), places, n_neighbors=5)
    assert found.trustworthiness.value == pytest.approx(oracle, abs=1e-6)


def test_computing_in_chunks_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    points, labels = groups()
    places = random_embeddings(36, 3).numpy()
    distances = pair_distances(small_twin(), points, "learned")
    whole = quality.measure(small_twin(), points, distances, labels, places)
    monkeypatch.setattr(quality, "PAIRS_AT_ONCE", 100)
    parts = quality.measure(small_twin(), points, distances, labels, places)
    for name, one in vars(whole).items():
        assert one.value == pytest.approx(getattr(parts, name).value, abs=1e-6)


def test_neighbour_accuracy_and_similarities_by_loops() -> None:
    points, labels = random_embeddings(15), np.array([0, 1, 2] * 4 + [3, 3, 4])
    network = small_twin()
    distances = pair_distances(network, points, "learned")
    found = quality.measure(network, points, distances, labels, points[:, :2].numpy())
    tested = range(14)  # the last image is alone in its class
    right = sum(
        labels[min((j for j in range(15) if j != i), key=lambda j: distances[i, j])] == labels[i]
        for i in tested
    )
    assert found.neighbour_accuracy.value == pytest.approx(right / 14)
    values = similarities(network, points, points)
    pairs = [(i, j) for i in range(15) for j in range(15) if i != j]
    within = [float(values[i, j]) for i, j in pairs if labels[i] == labels[j]]
    between = [float(values[i, j]) for i, j in pairs if labels[i] != labels[j]]
    assert found.within.value == pytest.approx(np.mean(within), abs=1e-5)
    assert found.between.value == pytest.approx(np.mean(between), abs=1e-5)


@pytest.mark.parametrize(
    ("labels", "missing"),
    [
        ([0, 0, 0, 0], {"silhouette", "neighbour_accuracy", "between"}),
        ([0, 1, 2, 3], {"silhouette", "neighbour_accuracy", "within"}),
        ([NO_CLASS] * 4, {"silhouette", "neighbour_accuracy", "within", "between"}),
        ([0, 0, 1, NO_CLASS], set()),
    ],
)
def test_undefined_measures_say_why(labels: list[int], missing: set[str]) -> None:
    points = random_embeddings(4)
    distances = pair_distances(small_twin(), points, "learned")
    found = quality.measure(small_twin(), points, distances, np.array(labels), points[:, :2].numpy())
    assert {name for name, one in vars(found).items() if one.value is None} == missing
    assert all(bool(one.reason) == (one.value is None) for one in vars(found).values())


def test_trustworthiness_needs_four_images() -> None:
    found = quality.trustworthiness(np.zeros((3, 3), np.float32), np.zeros((3, 2), np.float32))
    assert found.value is None
    assert "4" in found.reason


def test_nearest_by_a_loop() -> None:
    network, points = small_twin(), random_embeddings(12)
    values = similarities(network, points[3:4], points)[0].tolist()
    expected = sorted((i for i in range(12) if i != 3), key=lambda i: -values[i])[:5]
    found = nearest(network, points, 3, 5)
    assert [other.row for other in found] == expected
    assert [other.similarity for other in found] == pytest.approx([values[i] for i in expected])
    assert {other.row for other in nearest(network, points, 3, 9, among=[1, 3, 5])} == {1, 5}
    assert nearest(network, torch.zeros(1, 8), 0, 5) == ()
    with pytest.raises(SettingsError, match="no image 12"):
        nearest(network, points, 12, 1)
