"""Which classes and images are confused, against loops."""

import numpy as np

from fsl.fewshot.confusion import confused_images, mistakes, most_confused
from tests.helpers.answers import answers_of


def test_confused_images_equal_a_loop() -> None:
    answers = answers_of()
    counts: dict[int, int] = {}
    for e in range(answers.n_episodes):
        for way in range(4):
            for q in range(3):
                given = answers.episodes.classes[e, answers.ways[e, way, q]]
                if answers.episodes.classes[e, way] == 2 and given == 5:
                    row = int(answers.episodes.query[e, way, q])
                    counts[row] = counts.get(row, 0) + 1
    found = confused_images(answers, 2, 5)
    assert counts
    assert {image.row: image.times for image in found} == counts
    assert [image.times for image in found] == sorted(counts.values(), reverse=True)
    assert all(image.times <= image.asked for image in found)
    assert sum(counts.values()) == answers.result(6).confusion[2, 5]


def test_mistakes_and_most_confused_equal_loops() -> None:
    rng = np.random.default_rng(0)
    confusion = rng.integers(0, 4, (6, 6))
    wrong = {(t, a): int(confusion[t, a]) for t in range(6) for a in range(6) if t != a}
    ranked = sorted((pair for pair in wrong if wrong[pair]), key=lambda pair: (-wrong[pair], pair))
    assert mistakes(confusion, 5) == ranked[:5]
    assert mistakes(confusion, 99) == ranked
    assert mistakes(np.diag([3, 1]), 5) == []
    parts = [sum(n for pair, n in wrong.items() if row in pair) for row in range(6)]
    chosen = most_confused(confusion, 3)
    assert chosen == sorted(chosen)
    assert min(parts[row] for row in chosen) >= max(parts[row] for row in range(6) if row not in chosen)
