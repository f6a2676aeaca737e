"""Embeddings as the support set sees them: centred on it, and damped within its classes."""

import numpy as np
import pytest
import torch
from torch.nn.functional import normalize

from fsl.config import CENTRE_PRIOR, MOST_DEVIATIONS, RULES, WITHIN_PRIOR, WITHIN_WEIGHT, EpisodeConfig, Rule
from fsl.fewshot.classify import class_scores, classify, leave_one_out, leave_one_out_answers
from fsl.fewshot.embed import embed
from fsl.fewshot.episodes import sample_episodes
from fsl.fewshot.evaluate import episode_scores, evaluate
from fsl.fewshot.support_view import seen_from_support
from fsl.twin.checkpoint import Checkpoint
from tests.helpers.networks import checkpoint
from tests.helpers.pictures import named_image, support_set


def centring() -> Checkpoint:
    return checkpoint(head="cosine", centre_on_support=True)


def damping() -> Checkpoint:
    return checkpoint(head="cosine", centre_on_support=True, damp_on_support=True)


def test_without_the_setting_nothing_changes() -> None:
    support, query = torch.randn(4, 5), torch.randn(2, 5)
    seen = seen_from_support(checkpoint(head="cosine").twin, support, query)
    assert seen[0] is support
    assert seen[1] is query


def test_the_centre_is_the_support_set_s_mean_shrunk_towards_the_origin() -> None:
    support, query = torch.randn(4, 5), torch.randn(2, 5)
    seen, asked = seen_from_support(centring().twin, support, query)
    middle = support.mean(0) * 4 / (4 + CENTRE_PRIOR)
    for row, expected in zip(torch.cat([seen, asked]), torch.cat([support, query]) - middle, strict=True):
        assert torch.allclose(row, expected / expected.norm(), atol=1e-6)


def test_damping_is_the_inverse_square_root_of_the_shrunk_covariance_within_classes() -> None:
    rng = np.random.default_rng(0)
    slots = rng.permutation([0, 0, 0, 1, 1, 2])
    support, query = (normalize(torch.from_numpy(rng.normal(0, 1, (n, 9))).float(), dim=1) for n in (6, 4))
    seen, asked = seen_from_support(damping().twin, support, query, torch.from_numpy(slots))
    only_centred = seen_from_support(damping().twin, support, query)
    within = np.zeros((9, 9))
    for slot in range(3):
        members = only_centred[0].double().numpy()[slots == slot]
        within += sum(np.outer(one, one) for one in members - members.mean(0))
    values, vectors = np.linalg.eigh(np.eye(9) + WITHIN_WEIGHT / (6 - 3 + WITHIN_PRIOR) * within)
    root = vectors @ np.diag(values**-0.5) @ vectors.T
    for found, given in zip((seen, asked), only_centred, strict=True):
        expected = given.double().numpy() @ root
        expected /= np.linalg.norm(expected, axis=1, keepdims=True)
        assert np.allclose(found.numpy(), expected, atol=1e-5)


def test_the_order_of_many_images_makes_no_difference_to_the_damping() -> None:
    rng = np.random.default_rng(0)
    support = normalize(
        torch.from_numpy(rng.normal(0, np.linspace(0.1, 2, 20), (MOST_DEVIATIONS + 90, 20))).float(), dim=1
    )
    query, slots = support[:3].flip(1), torch.arange(len(support)) % 30
    order = torch.from_numpy(rng.permutation(len(support)))
    one = seen_from_support(damping().twin, support, query, slots)[1]
    other = seen_from_support(damping().twin, support[order], query, slots[order])[1]
    assert torch.allclose(one, other, atol=1e-4)
    batch = seen_from_support(damping().twin, torch.stack([support, support]), query, slots)[1]
    assert torch.allclose(batch, one, atol=1e-4)
    assert not torch.allclose(one, seen_from_support(damping().twin, support, query)[1], atol=0.1)


def test_one_image_of_each_class_leaves_nothing_to_damp() -> None:
    support, query, slots = torch.randn(4, 5), torch.randn(2, 5), torch.arange(4)
    for one, other in zip(
        seen_from_support(damping().twin, support, query, slots),
        seen_from_support(centring().twin, support, query),
        strict=True,
    ):
        assert torch.equal(one, other)


def test_a_class_keeps_what_tells_it_apart_if_its_images_vary_along_another_direction() -> None:
    """What varies in one class counts less in all of them, so it does not mislead a query."""
    support = torch.tensor([[1.0, 0, 1, 0], [1, 0, -1, 0], [0, 1, 0.2, 0]])
    query = torch.tensor([[0.6, 0.4, 0.9, 0]])
    slots = torch.tensor([0, 0, 1])

    def scores(made: Checkpoint) -> torch.Tensor:
        seen, asked = seen_from_support(made.twin, support, query, slots)
        return class_scores(made.twin, seen, slots, 2, asked, "prototype")[0]

    made, undamped = damping(), centring()
    margins = [float(found[0] - found[1]) for found in (scores(made), scores(undamped))]
    assert margins[0] > margins[1]


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("made", [centring(), damping()], ids=["centring", "damping"])
def test_episodes_equal_a_loop(rule: Rule, made: Checkpoint) -> None:
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(8), 6)
    embeddings = torch.from_numpy(rng.normal(3, 1, (8, 5))[labels] + rng.normal(0, 1, (48, 5))).float()
    episodes = sample_episodes(labels, EpisodeConfig(4, 3, 2, 7))
    network = made.twin
    network.head.weight = torch.nn.Parameter(torch.rand(5))
    scores = episode_scores(network, embeddings, episodes, rule)
    slots = torch.arange(4).repeat_interleave(3)
    for e in range(7):
        support, query = seen_from_support(
            network,
            embeddings[torch.from_numpy(episodes.support[e].reshape(-1))],
            embeddings[torch.from_numpy(episodes.query[e].reshape(-1))],
            slots,
        )
        expected = class_scores(network, support, slots, 4, query, rule)
        assert torch.allclose(scores[e].view(8, 4), expected, atol=1e-4)
    answers = scores.argmax(-1).numpy()
    result = evaluate(network, embeddings, labels, EpisodeConfig(4, 3, 2, 7), rule)
    assert result.accuracy == pytest.approx((answers == np.arange(4)[:, None]).mean())


@pytest.mark.parametrize("rule", RULES)
def test_an_answer_does_not_depend_on_other_queries(rule: Rule) -> None:
    made, support = damping(), support_set(shots=(2, 3, 1))
    queries = [named_image("red", 90), named_image("blue", 91), named_image("grey", 92)]
    together = classify(made, support, queries, rule)
    alone = [classify(made, support, [query], rule)[0] for query in queries]
    for one, other in zip(together, alone, strict=True):
        assert one.label == other.label
        assert one.probability == pytest.approx(other.probability, abs=1e-5)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("made", [centring(), damping()], ids=["centring", "damping"])
def test_leave_one_out_looks_from_the_other_images(rule: Rule, made: Checkpoint) -> None:
    support = support_set(shots=(3, 3, 3))
    answers = leave_one_out_answers(made, support, rule)
    embeddings, slots = embed(made, support.images), support.slot_tensor
    for i, answer in enumerate(answers):
        others = [j for j in range(9) if j != i]
        seen, query = seen_from_support(made.twin, embeddings[others], embeddings[i : i + 1], slots[others])
        assert answer == int(class_scores(made.twin, seen, slots[others], 3, query, rule).argmax())
    outcome = leave_one_out(made, support, rule)
    assert outcome is not None
    assert outcome.n_right == sum(a == s for a, s in zip(answers, support.slots, strict=True))
