import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fsl.base.errors import DataError
from fsl.config import EpisodeConfig
from fsl.fewshot import episodes as module
from fsl.fewshot.episodes import fit_ways, sample_episodes


@given(
    counts=st.lists(st.integers(1, 9), min_size=2, max_size=8),
    n_way=st.integers(2, 8),
    n_shot=st.integers(1, 5),
    n_query=st.integers(1, 4),
    seed=st.integers(0, 1000),
)
@settings(deadline=None)
def test_episodes_hold_their_promises(
    counts: list[int], n_way: int, n_shot: int, n_query: int, seed: int
) -> None:
    labels = np.random.default_rng(seed).permutation(np.repeat(np.arange(len(counts)), counts))
    config = EpisodeConfig(n_way, n_shot, n_query, 7, seed)
    if sum(c >= n_shot + n_query for c in counts) < n_way:
        with pytest.raises(DataError, match="Ask for fewer"):
            sample_episodes(labels, config)
        return
    episodes = sample_episodes(labels, config)
    assert episodes.support.shape == (7, n_way, n_shot)
    assert episodes.query.shape == (7, n_way, n_query)
    for e in range(7):
        assert len(set(episodes.classes[e])) == n_way
        rows = np.concatenate([episodes.support[e].ravel(), episodes.query[e].ravel()])
        assert len(set(rows)) == len(rows)  # support and query are disjoint, nothing twice
        assert (labels[episodes.support[e]] == episodes.classes[e][:, None]).all()
        assert (labels[episodes.query[e]] == episodes.classes[e][:, None]).all()


def test_images_without_a_class_are_refused() -> None:
    """Counting the answers of a class -1 wrote outside of an array, and ended the process."""
    with pytest.raises(DataError, match="Leave them out"):
        sample_episodes(np.repeat(np.arange(-1, 4), 4), EpisodeConfig(3, 1, 1, 20))


def test_same_seed_same_episodes() -> None:
    labels = np.repeat(np.arange(10), 6)
    a, b, c = (sample_episodes(labels, EpisodeConfig(5, 1, 1, 20, seed)) for seed in (4, 4, 5))
    assert np.array_equal(a.support, b.support)
    assert not np.array_equal(a.support, c.support)


def test_blocks_of_any_size_draw_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    labels = np.random.default_rng(0).permutation(np.repeat(np.arange(7), [3, 5, 2, 8, 4, 1, 6]))
    config = EpisodeConfig(4, 1, 2, 23, 5)
    whole = sample_episodes(labels, config)
    monkeypatch.setattr(module, "_VALUES_AT_ONCE", 17)
    in_blocks = sample_episodes(labels, config)
    for name in ("classes", "support", "query"):
        assert (getattr(in_blocks, name) == getattr(whole, name)).all()


def test_large_classes_take_little_memory() -> None:
    tracemalloc.start()
    sample_episodes(np.repeat(np.arange(2), 2000), EpisodeConfig(2, 1, 1, 1000))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 30e6  # a number for each image of a class in each episode takes 16 MB, several times


def test_every_class_and_image_is_drawn_equally_often() -> None:
    labels = np.repeat(np.arange(4), [3, 3, 3, 9])
    episodes = sample_episodes(labels, EpisodeConfig(2, 1, 1, 6000))
    by_class = np.bincount(episodes.classes.ravel(), minlength=4) / 6000
    assert by_class == pytest.approx([0.5] * 4, abs=0.03)
    by_image = np.bincount(episodes.support.ravel(), minlength=18)[9:]
    assert by_image / by_image.sum() == pytest.approx([1 / 9] * 9, abs=0.03)


def test_fewer_ways_are_reported() -> None:
    labels = np.repeat(np.arange(6), [4, 4, 4, 1, 1, 1])
    config, note = fit_ways(EpisodeConfig(20, 1, 1), labels)
    assert config.n_way == 3
    assert "3-way tests instead of 20-way" in note
    assert fit_ways(EpisodeConfig(3, 1, 1), labels) == (EpisodeConfig(3, 1, 1), "")
    with pytest.raises(DataError, match=r"of 6 classes 0 have that many"):
        fit_ways(EpisodeConfig(3, 4, 1), labels)
