"""Accuracy by ways and shots equals ``evaluate``."""

from fsl.config import EpisodeConfig
from fsl.fewshot import evaluate
from fsl.fewshot.accuracy_grid import accuracy_grid
from tests.helpers.answers import EPISODES, contender


def test_the_grid_agrees_with_evaluate_and_has_gaps_for_too_few_images() -> None:
    one, labels = contender()
    cells = {(c.n_way, c.n_shot): c for c in accuracy_grid(one, labels, (2, 5, 7), (1, 11), EPISODES)}
    assert cells[7, 1].accuracy is None
    assert cells[2, 11].accuracy is None  # 11 shots and 3 queries of 12 images
    same = EpisodeConfig(5, 1, 3, 50, seed=3)
    expected = evaluate.evaluate(one.twin, one.embeddings, labels, same, one.rule)
    assert (cells[5, 1].accuracy, cells[5, 1].ci95) == (expected.accuracy, expected.ci95)
