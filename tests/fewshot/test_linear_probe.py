import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import LeaveOneOut, PredefinedSplit

from fsl.base.errors import DataError
from fsl.config import RULES
from fsl.fewshot import linear_probe as module
from fsl.fewshot.classify import class_scores, classify
from fsl.fewshot.linear_probe import (
    classify_with_probe,
    compare_methods,
    compare_on_embeddings,
    fewest_shots,
    fit,
    fit_to_support,
)
from fsl.twin.network import TwinNetwork
from tests.helpers.networks import checkpoint
from tests.helpers.pictures import named_image, support_set


def embedded(noise: float = 0.6, n_way: int = 4, shots: int = 6) -> tuple[torch.Tensor, torch.Tensor]:
    rng = np.random.default_rng(0)
    slots = np.repeat(np.arange(n_way), shots)
    features = rng.normal(0, 1, (n_way, 12))[slots] + rng.normal(0, noise, (n_way * shots, 12))
    return torch.from_numpy(features.astype(np.float32)), torch.from_numpy(slots)


def twin(dim: int = 12) -> TwinNetwork:
    network = checkpoint(head="cosine").twin
    network.head.weight = torch.nn.Parameter(torch.full((dim,), 2.0))
    return network


def test_probabilities_equal_scikit_learn_s() -> None:
    features, slots = embedded()
    found = fit(features[::2], slots[::2]).probabilities(features[1::2])
    unit = features.numpy() / np.linalg.norm(features.numpy(), axis=1, keepdims=True)
    model = LogisticRegression(C=10, max_iter=500, class_weight="balanced").fit(unit[::2], slots[::2].numpy())
    assert np.allclose(found.numpy(), model.predict_proba(unit[1::2]), atol=1e-4)
    assert torch.allclose(found.sum(1), torch.ones(len(found)))


def test_the_length_of_embeddings_does_not_matter() -> None:
    features, slots = embedded()
    lengths = torch.linspace(0.1, 9, len(features))[:, None]
    one, other = (fit(f[::2], slots[::2]).probabilities(f[1::2]) for f in (features, features * lengths))
    assert torch.allclose(one, other, atol=1e-4)


def test_a_fit_in_the_span_of_the_images_equals_one_in_all_dimensions() -> None:
    rng = np.random.default_rng(1)
    features, slots = torch.from_numpy(rng.normal(0, 1, (20, 300)).astype(np.float32)), torch.arange(20) % 4
    query = torch.from_numpy(rng.normal(0, 1, (6, 300)).astype(np.float32))
    unit, asked = (e.numpy() / np.linalg.norm(e.numpy(), axis=1, keepdims=True) for e in (features, query))
    model = LogisticRegression(C=10, max_iter=500, class_weight="balanced").fit(unit, slots.numpy())
    found = fit(features, slots).probabilities(query)
    assert np.allclose(found.numpy(), model.predict_proba(asked), atol=5e-3)


def fifths(slots: list[int]) -> PredefinedSplit:
    """Each fifth image of each class belongs to the same fold."""
    return PredefinedSplit([slots[:row].count(slot) % 5 for row, slot in enumerate(slots)])


@pytest.mark.parametrize("shots", [6, 16])
def test_comparison_equals_a_naive_cross_validation(shots: int) -> None:
    features, slots = embedded(noise=1.2, shots=shots)
    folds = LeaveOneOut() if shots == 6 else fifths(slots.tolist())
    network = twin()
    found = compare_on_embeddings(network, features, slots, 4)
    right = dict.fromkeys((*RULES, "quick"), 0)
    parts = list(folds.split(features, slots))
    for kept, asked in parts:
        unit = features.numpy() / np.linalg.norm(features.numpy(), axis=1, keepdims=True)
        model = LogisticRegression(C=10, max_iter=500, class_weight="balanced")
        answers = model.fit(unit[kept], slots[kept]).predict(unit[asked])
        right["quick"] += int((answers == slots[asked].numpy()).sum())
        for rule in RULES:
            scores = class_scores(network, features[kept], slots[kept], 4, features[asked], rule)
            right[rule] += int((scores.argmax(1) == slots[asked]).sum())
    assert found.right == right
    assert found.n_images == 4 * shots
    assert found.n_folds == len(parts)
    assert found.right[found.best] == max(right.values())
    assert found.advantage == pytest.approx((right["quick"] - max(right[r] for r in RULES)) / (4 * shots))


def test_on_a_tie_the_twin_s_rule_is_best() -> None:
    features, slots = embedded(noise=0.01)
    found = compare_on_embeddings(twin(), features, slots, 4)
    assert found.right["quick"] == 24
    assert found.best == found.best_rule
    assert found.advantage == 0


def test_few_shots_are_refused() -> None:
    support = support_set(shots=(5, 4, 6))
    assert fewest_shots(support) == 4
    with pytest.raises(DataError, match="needs 5 images of every class; one has 4"):
        compare_methods(checkpoint(), support)
    with pytest.raises(DataError, match="needs 5 images of every class; one has 4"):
        classify_with_probe(checkpoint(), support, [])


def test_classify_with_probe_keeps_the_twin_s_similarities() -> None:
    support = support_set(shots=(5, 5, 6))
    queries = [named_image("red", 90), named_image("blue", 91)]
    found = classify_with_probe(checkpoint(), support, queries, threshold=0.2)
    twins = classify(checkpoint(), support, queries, threshold=0.2)
    for mine, own in zip(found, twins, strict=True):
        assert mine.label == max(mine.scores, key=lambda name: mine.scores[name])
        assert sum(mine.scores.values()) == pytest.approx(1, abs=1e-5)
        assert mine.similarities == own.similarities
        assert mine.class_similarity == own.class_similarity
    assert [p.label for p in found] == ["red", "blue"]
    comparison = compare_methods(checkpoint(), support)
    assert comparison.n_images == 16


def test_a_fitted_probe_can_be_used_again(monkeypatch: pytest.MonkeyPatch) -> None:
    support = support_set(shots=(5, 5, 6))
    queries = [named_image(name, 90 + i) for i, name in enumerate(("red", "blue", "red"))]
    together = classify_with_probe(checkpoint(), support, queries)
    fitted = fit_to_support(checkpoint(), support)
    monkeypatch.setattr(module, "fit", None)  # another fit would fail
    parts = [classify_with_probe(checkpoint(), support, [one], fitted=fitted)[0] for one in queries]
    for part, whole in zip(parts, together, strict=True):
        assert part.scores == pytest.approx(whole.scores, abs=1e-5)
