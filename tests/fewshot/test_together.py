"""Answers that let all queries together say where the classes lie."""

import numpy as np
import pytest
import torch

from fsl.base.types import Float64Array
from fsl.config import CENTRE_PRIOR
from fsl.fewshot.classify import classify
from fsl.fewshot.embed import embed
from fsl.fewshot.together import answered_together, scores_together
from tests.helpers.networks import checkpoint
from tests.helpers.pictures import named_image, support_set

COLOURS = ("red", "blue", "green", "red", "grey")


def test_scores_equal_one_step_of_soft_k_means_written_out() -> None:
    rng = np.random.default_rng(0)
    support, query = rng.normal(1, 1, (5, 6)), rng.normal(1, 1, (7, 6))
    slots, temperature = np.array([0, 0, 1, 2, 2]), 0.5
    twin = checkpoint(head="cosine", centre_on_support=True).twin
    twin.head.weight = torch.nn.Parameter(torch.full((6,), 3.0))
    found = scores_together(
        twin, torch.from_numpy(support).float(), torch.from_numpy(slots), 3,
        torch.from_numpy(query).float(), temperature,
    )  # fmt: skip

    def unit(rows: Float64Array) -> Float64Array:
        lengths: Float64Array = np.linalg.norm(rows, axis=1, keepdims=True)
        return rows / lengths

    middle = (support.sum(0) + query.sum(0)) / (12 + CENTRE_PRIOR)
    shown, asked = unit(support - middle), unit(query - middle)
    bias = twin.head.bias.item()
    means = np.stack([shown[slots == c].mean(0) for c in range(3)])
    scores = -6 * (1 - asked @ unit(means).T) - bias
    share = np.exp(scores / temperature)
    share /= share.sum(1, keepdims=True)
    moved = [
        np.average(np.concatenate([shown[slots == c], asked]), axis=0,
                   weights=np.concatenate([np.ones((slots == c).sum()), share[:, c]]))
        for c in range(3)
    ]  # fmt: skip
    assert np.allclose(found.numpy(), -6 * (1 - asked @ unit(np.stack(moved)).T) - bias, atol=1e-4)


def test_the_order_of_queries_makes_no_difference_and_a_single_one_is_answered_as_alone() -> None:
    made, support = checkpoint(head="cosine", centre_on_support=True), support_set()
    queries = [named_image(colour, 90 + i) for i, colour in enumerate(COLOURS)]
    alone = classify(made, support, queries)
    embeddings = embed(made, queries)
    found = answered_together(made, support, embeddings, alone)
    order = [3, 0, 4, 2, 1]
    moved = answered_together(made, support, embeddings[order], [alone[i] for i in order])
    for i, one in zip(order, moved, strict=True):
        assert one.query == found[i].query == queries[i].name
        assert one.probability == pytest.approx(found[i].probability, abs=1e-4)
        assert one.unknown == alone[i].unknown  # the limit is that of single queries
        assert one.class_similarity == alone[i].class_similarity
    assert answered_together(made, support, embeddings[:1], alone[:1]) == alone[:1]
