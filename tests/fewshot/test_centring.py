"""Classification with embeddings that are centred on the support set."""

import numpy as np
import pytest
import torch

from fsl.config import CENTRE_PRIOR, RULES, EpisodeConfig, Rule
from fsl.fewshot.classify import class_scores, classify, leave_one_out, leave_one_out_answers
from fsl.fewshot.embed import embed
from fsl.fewshot.episodes import sample_episodes
from fsl.fewshot.evaluate import episode_scores, evaluate
from fsl.fewshot.scores import seen_from_support
from fsl.twin.checkpoint import Checkpoint
from tests.helpers.networks import checkpoint
from tests.helpers.pictures import named_image, support_set


def centring() -> Checkpoint:
    return checkpoint(head="cosine", centre_on_support=True)


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


@pytest.mark.parametrize("rule", RULES)
def test_episodes_equal_a_loop(rule: Rule) -> None:
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(8), 6)
    embeddings = torch.from_numpy(rng.normal(3, 1, (8, 5))[labels] + rng.normal(0, 1, (48, 5))).float()
    episodes = sample_episodes(labels, EpisodeConfig(4, 3, 2, 7))
    network = centring().twin
    network.head.weight = torch.nn.Parameter(torch.rand(5))
    scores = episode_scores(network, embeddings, episodes, rule)
    slots = torch.arange(4).repeat_interleave(3)
    for e in range(7):
        support, query = seen_from_support(
            network,
            embeddings[torch.from_numpy(episodes.support[e].reshape(-1))],
            embeddings[torch.from_numpy(episodes.query[e].reshape(-1))],
        )
        expected = class_scores(network, support, slots, 4, query, rule)
        assert torch.allclose(scores[e].view(8, 4), expected, atol=1e-4)
    answers = scores.argmax(-1).numpy()
    result = evaluate(network, embeddings, labels, EpisodeConfig(4, 3, 2, 7), rule)
    assert result.accuracy == pytest.approx((answers == np.arange(4)[:, None]).mean())


@pytest.mark.parametrize("rule", RULES)
def test_an_answer_does_not_depend_on_other_queries(rule: Rule) -> None:
    made, support = centring(), support_set()
    queries = [named_image("red", 90), named_image("blue", 91), named_image("grey", 92)]
    together = classify(made, support, queries, rule)
    alone = [classify(made, support, [query], rule)[0] for query in queries]
    for one, other in zip(together, alone, strict=True):
        assert one.label == other.label
        assert one.probability == pytest.approx(other.probability, abs=1e-5)


@pytest.mark.parametrize("rule", RULES)
def test_leave_one_out_centres_on_the_other_images(rule: Rule) -> None:
    made, support = centring(), support_set(shots=(3, 3, 3))
    answers = leave_one_out_answers(made, support, rule)
    embeddings, slots = embed(made, support.images), support.slot_tensor
    for i, answer in enumerate(answers):
        others = [j for j in range(9) if j != i]
        seen, query = seen_from_support(made.twin, embeddings[others], embeddings[i : i + 1])
        assert answer == int(class_scores(made.twin, seen, slots[others], 3, query, rule).argmax())
    outcome = leave_one_out(made, support, rule)
    assert outcome is not None
    assert outcome.n_right == sum(a == s for a, s in zip(answers, support.slots, strict=True))
