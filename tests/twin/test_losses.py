"""The losses against loops written from the article and the papers."""

import math

import pytest
import torch
from torch import Tensor

from fsl.twin.losses import (
    bce_loss,
    contrastive_loss,
    embedding_distance,
    pair_weights,
    rank_loss,
    triplet_loss,
)


def article_bce(logits: list[float], difference: list[float]) -> float:
    """Return the article's binary cross-entropy, averaged over same and different pairs separately."""
    sums, counts = {0.0: 0.0, 1.0: 0.0}, {0.0: 0, 1.0: 0}
    for logit, t in zip(logits, difference, strict=True):
        p = 1 / (1 + math.exp(-logit))
        sums[t] += -(t * math.log(p) + (1 - t) * math.log(1 - p))
        counts[t] += 1
    return (sums[0.0] / counts[0.0] + sums[1.0] / counts[1.0]) / 2


@pytest.mark.parametrize("n_same", [1, 5, 8])
def test_bce_equals_the_article_s_formula(n_same: int) -> None:
    torch.manual_seed(n_same)
    logits = torch.randn(10) * 3
    difference = torch.tensor([0.0] * n_same + [1.0] * (10 - n_same))
    assert bce_loss(logits, difference).item() == pytest.approx(
        article_bce(logits.tolist(), difference.tolist()), rel=1e-5
    )


def test_balanced_batch_is_the_plain_mean() -> None:
    logits = torch.randn(8)
    difference = torch.tensor([0.0, 1.0] * 4)
    plain = torch.nn.functional.binary_cross_entropy_with_logits(logits, difference)
    assert bce_loss(logits, difference).item() == pytest.approx(plain.item(), rel=1e-5)


def test_constant_output_gives_ln_2() -> None:
    difference = torch.tensor([0.0, 1.0, 1.0, 1.0])
    assert bce_loss(torch.zeros(4), difference).item() == pytest.approx(math.log(2))


def test_batch_with_one_kind_of_pair_is_finite() -> None:
    assert pair_weights(torch.ones(4)).tolist() == [0.25] * 4
    assert torch.isfinite(bce_loss(torch.randn(4), torch.zeros(4)))


def test_large_logits_give_a_finite_loss() -> None:
    loss = bce_loss(torch.tensor([1e4, -1e4]), torch.tensor([0.0, 1.0]))
    assert loss.item() == pytest.approx(1e4)


def naive_rank_loss(logits: torch.Tensor, labels: list[int]) -> float:
    losses = []
    for a in range(len(labels)):
        for p in range(len(labels)):
            if p == a or labels[p] != labels[a]:
                continue
            others = [math.exp(-logits[a, n]) for n in range(len(labels)) if labels[n] != labels[a]]
            own = math.exp(-logits[a, p])
            losses.append(-math.log(own / (own + sum(others))))
    return sum(losses) / len(losses)


def test_rank_loss_equals_a_loop() -> None:
    torch.manual_seed(0)
    logits = torch.randn(9, 9)
    labels = [0, 0, 0, 1, 1, 2, 2, 2, 2]
    assert rank_loss(logits, torch.tensor(labels)).item() == pytest.approx(
        naive_rank_loss(logits, labels), rel=1e-5
    )


def test_correct_logits_have_the_lower_loss() -> None:
    labels = torch.tensor([0, 0, 1, 1])
    different = (labels[:, None] != labels[None]).float()
    wrong, right = 4 * (0.5 - different), 4 * (different - 0.5)
    assert rank_loss(right, labels) < rank_loss(wrong, labels)
    assert bce_loss(right.flatten(), different.flatten()) < bce_loss(wrong.flatten(), different.flatten())


def naive_distance(a: Tensor, b: Tensor) -> float:
    return math.sqrt(sum((x - y) ** 2 for x, y in zip(a.tolist(), b.tolist(), strict=True)) / len(a))


def test_contrastive_loss_follows_the_paper() -> None:
    """Hadsell et al. 2006, eq. 4, pair by pair; the two kinds weigh half each."""
    generator = torch.Generator().manual_seed(0)
    e1, e2 = torch.randn(9, 5, generator=generator), torch.randn(9, 5, generator=generator)
    difference = torch.tensor([0.0, 1, 1, 0, 1, 1, 1, 0, 1])
    margin = 1.5
    same, different = [], []
    for a, b, t in zip(e1, e2, difference, strict=True):
        d = naive_distance(a, b)
        if t == 0:
            same.append(0.5 * d**2)
        else:
            different.append(0.5 * max(0.0, margin - d) ** 2)
    expected = sum(same) / len(same) / 2 + sum(different) / len(different) / 2
    found = contrastive_loss(embedding_distance(e1, e2), difference, margin)
    assert found.item() == pytest.approx(expected, rel=1e-5)


def test_triplet_loss_follows_the_paper() -> None:
    """Schroff et al. 2015: a hinge for each anchor, positive and negative."""
    embeddings = torch.randn(8, 5, generator=torch.Generator().manual_seed(1))
    labels = [0, 0, 0, 1, 1, 2, 2, 3]
    margin, terms = 0.4, []
    for a in range(8):
        for p in range(8):
            for n in range(8):
                if a != p and labels[a] == labels[p] != labels[n]:
                    d_ap = naive_distance(embeddings[a], embeddings[p])
                    d_an = naive_distance(embeddings[a], embeddings[n])
                    terms.append(max(0.0, d_ap - d_an + margin))
    found = triplet_loss(embeddings, torch.tensor(labels), margin)
    assert found.item() == pytest.approx(sum(terms) / len(terms), rel=1e-5)


def test_equal_embeddings_have_finite_gradients() -> None:
    embeddings = torch.ones(6, 4, requires_grad=True)
    labels = torch.tensor([0, 0, 1, 1, 2, 2])
    loss = triplet_loss(embeddings, labels, 0.3)
    assert loss.item() == pytest.approx(0.3, rel=1e-4)
    torch.autograd.backward(loss + contrastive_loss(embedding_distance(embeddings[0::2], embeddings[1::2]),
                                                    torch.tensor([0.0, 0, 1]), 1.0))  # fmt: skip
    assert torch.isfinite(embeddings.grad).all()
