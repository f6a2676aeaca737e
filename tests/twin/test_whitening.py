import numpy as np
import pytest
import torch

from fsl.twin.whitening import Whitening, within_class_covariance


def labelled(seed: int = 0, spread: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """Return classes of 4 images in 6 dimensions, which vary mostly along the axis ``spread``."""
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(30), 4)
    features = rng.normal(0, 1, (30, 6))[labels] + rng.normal(0, 0.1, (120, 6))
    features[:, spread] += rng.normal(0, 2, 120)
    return features.astype(np.float32), labels


def test_covariance_equals_a_loop_over_classes() -> None:
    features, labels = labelled()
    total = np.zeros((6, 6))
    for label in np.unique(labels):
        for row in features[labels == label]:
            d = (row - features[labels == label].mean(0)).astype(np.float64)
            total += np.outer(d, d)
    assert np.allclose(within_class_covariance(features, labels), total * 6 / np.trace(total), atol=1e-5)


def test_without_a_fit_whitening_only_scales_to_unit_length() -> None:
    features = torch.randn(4, 6)
    assert torch.allclose(Whitening(6, 2)(features), torch.nn.functional.normalize(features, dim=1))


def test_the_direction_of_most_variance_within_classes_is_reduced() -> None:
    whitening = Whitening(6, 1)
    whitening.fit([labelled()], [1.0], shrink=0.1)
    assert abs(float(whitening.directions[3, 0])) > 0.99
    assert float(whitening.gains[0]) < 0.4


def test_all_directions_but_one_give_whitening_by_the_shrunk_covariance() -> None:
    features, labels = labelled()
    shrink = 0.5
    whitening = Whitening(6, 5)
    whitening.fit([(features, labels)], [1.0], shrink)
    shrunk = (1 - shrink) * within_class_covariance(features, labels) + shrink * np.eye(6)
    values, vectors = np.linalg.eigh(shrunk)
    whitened = (features - features.mean(0)) @ (vectors / np.sqrt(values)) @ vectors.T
    expected = torch.nn.functional.normalize(torch.from_numpy(whitened), dim=1).float()
    assert torch.allclose(whitening(torch.from_numpy(features)), expected, atol=1e-4)


def test_a_data_set_counts_by_its_weight_not_its_size() -> None:
    first, second = labelled(0, spread=1), labelled(1, spread=4)
    many = (np.concatenate([second[0]] * 3), np.concatenate([second[1] + 100 * i for i in range(3)]))
    one, other = Whitening(6, 2), Whitening(6, 2)
    one.fit([first, second], [2.0, 1.0], 0.5)
    other.fit([first, many], [2.0, 1.0], 0.5)
    assert torch.allclose(one.gains, other.gains, atol=1e-5)
    assert abs(float(one.directions[1, -1])) > 0.9  # the data set that counts twice wins


@pytest.mark.parametrize("length", [0.1, 10.0])
def test_embeddings_are_of_unit_length(length: float) -> None:
    whitening = Whitening(6, 2)
    whitening.fit([labelled()], [1.0], 0.5)
    assert torch.allclose(whitening(length * torch.randn(5, 6)).norm(dim=1), torch.ones(5), atol=1e-5)
