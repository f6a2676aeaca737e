"""Verdicts: the article's experiment through the engine, and each kind from events alone."""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fsl.base.errors import SettingsError
from fsl.config import NO_AUGMENTATION, EpisodeConfig, ModelConfig, TrainConfig
from fsl.data.builtin import digits_set
from fsl.data.imageset import ImageSet
from fsl.training.events import Evaluation, Finished, Started, Step, TrainEvent, Verdict, from_json, to_json
from fsl.training.hold_out import hold_out_classes
from fsl.training.run_folder import CHECKPOINT
from fsl.training.verdict import judge, try_rate
from fsl.twin import checkpoint as checkpoints
from tests.helpers.training import dead_network, run_in, train_events

Maker = Callable[..., ImageSet]
PLAIN = ModelConfig(backbone="plain4", widths=(16, 24, 24, 32), image_size=16)
ARTICLE = TrainConfig(
    steps=150,
    pairing="random",
    loss="bce",
    batch_pairs=24,
    evaluate_every=50,
    evaluation=EpisodeConfig(n_way=5, n_episodes=100),
    report_every=10,
    device="cpu",
    precision="fp32",
    augment=NO_AUGMENTATION,
)


def losses(events: Sequence[TrainEvent]) -> list[float]:
    return [e.loss for e in events if isinstance(e, Step)]


def verdicts(events: Sequence[TrainEvent]) -> list[str]:
    return [e.kind for e in events if isinstance(e, Verdict)]


def check_the_article_s_lesson(
    data: ImageSet, model: ModelConfig, good: float, high: float, seeds: Sequence[int]
) -> None:
    """What holds on every processor: how a run with too high a rate ends depends on rounding."""
    train_set, validation = hold_out_classes(data, 0.3, 0)
    for seed in seeds:
        config = replace(ARTICLE, seed=seed)
        fine = list(train_events(train_set, replace(config, learning_rate=good), model, validation))
        assert verdicts(fine)[-1] == "learning"
        assert losses(fine)[-1] < 0.7 * losses(fine)[0]
        bad = list(train_events(train_set, replace(config, learning_rate=high), model, validation))
        assert "learning" not in verdicts(bad)
        assert min(losses(bad)[1:]) > 0.6
        last = [e for e in bad if isinstance(e, Verdict)][-1]
        assert last.kind in ("stalled", "diverged")
        assert try_rate(last, high) == pytest.approx(high / 10)


def test_the_article_s_experiment_on_digits() -> None:
    check_the_article_s_lesson(digits_set(16, 60), PLAIN, good=1e-3, high=0.3, seeds=(0, 1, 2))


def test_the_article_s_experiment_on_faces(data_dir: Path) -> None:
    from fsl.data.catalogue import open_source
    from fsl.data.query import ImageQuery

    faces = open_source("orl").load(ImageQuery(32))[0]
    model = ModelConfig(backbone="plain4", widths=(16, 24, 24, 32), image_size=32)
    check_the_article_s_lesson(faces, model, good=1e-4, high=0.1, seeds=(0,))


def test_a_dead_network_is_stalled_at_ln_2() -> None:
    data = digits_set(16, 20)
    events = list(train_events(data, replace(ARTICLE, learning_rate=0.03), dead_network(PLAIN)))
    last = [e for e in events if isinstance(e, Verdict)][-1]
    assert (last.kind, last.advice) == ("stalled", "lower")
    assert "ln 2" in last.evidence
    assert "no longer depend on the input" in last.evidence
    assert losses(events)[-1] == pytest.approx(math.log(2), abs=0.02)


def run_of(
    loss: Sequence[float],
    separation: float = 2.0,
    spread: float = 0.3,
    outputs: float = 1.0,
    accuracy: Sequence[float] = (),
    name: str = "bce",
) -> list[TrainEvent]:
    """Return the events of a made-up run, with a report every ten batches."""
    events: list[TrainEvent] = [Started(0, 1000, "CPU", False, 1, 2, 1, "", name)]
    for i, value in enumerate(loss):
        events.append(Step(10 * i or 1, value, 1e-3, 1.0, 1.0, outputs, separation, spread))
    events += [Evaluation(40 * (i + 1), a, 0.02, 5, 1, 100) for i, a in enumerate(accuracy)]
    return events


FALLING = [0.7 * 0.9**i for i in range(24)]
COMING_DOWN = [880.0, 770, 410, 190, 64, 19, 26, 13, 5.6, 2.0, 1.4]  # after too high a rate
RNG = np.random.default_rng(0)
FLAT = (0.693 + RNG.normal(0, 0.004, 24)).tolist()


@pytest.mark.parametrize(
    ("events", "kind", "advice"),
    [
        ([], "starting", ""),
        (run_of([0.7, 0.6, 0.5]), "starting", ""),
        (run_of(FALLING), "learning", ""),
        (run_of(FALLING + [FALLING[-1]] * 50), "learning", ""),  # has learned, and levelled off
        (run_of(FLAT, separation=0.0, outputs=0.0, spread=0.0), "stalled", "lower"),
        (run_of(FLAT, separation=0.02), "stalled", "lower"),
        (run_of([2.0, 30, 8, 1.2, *FLAT], separation=0.0, outputs=1e-6), "stalled", "lower"),
        (run_of([0.64, *COMING_DOWN, 1.1, 0.9, 0.7, 0.7], separation=0.6), "stalled", "lower"),
        (run_of([0.64, *COMING_DOWN, 1.1, *FALLING], separation=0.6), "learning", ""),
        (run_of(FLAT, separation=0.8), "stalled", "higher"),
        (run_of(FLAT[:9], separation=0.8), "starting", ""),
        (run_of([0.25] * 20, 0.0, 0.0, 0.0, name="contrastive"), "collapsed", "lower"),
        (run_of([0.7, 0.8, 5.0, 9.0, 20.0, 40.0, 80.0, 90.0]), "diverged", "lower"),
        (run_of([0.7, 0.6, math.nan]), "diverged", "lower"),
        (run_of([0.7, math.inf]), "diverged", "lower"),
        (run_of(FALLING, accuracy=[0.5, 0.8, 0.85, 0.8, 0.7, 0.68]), "overfitting", ""),
        (run_of(FALLING, accuracy=[0.5, 0.8, 0.85, 0.84, 0.85, 0.83]), "learning", ""),
        (run_of([*FALLING, 0.06, 9.0, 0.06, 0.06]), "learning", ""),  # one bad batch is no divergence
    ],
)
def test_each_kind(events: list[TrainEvent], kind: str, advice: str) -> None:
    verdict = judge(events)
    assert (verdict.kind, verdict.advice) == (kind, advice), verdict.evidence
    assert verdict.evidence.endswith(".")


def test_a_run_that_has_learned_is_not_starting_again() -> None:
    """A verdict holds while the next batches are too few to tell."""
    fell, rose = [0.7, 0.62, 0.55, 0.5, 0.47, 0.45], [0.69] * 8
    learning = judge(run_of(fell))
    assert learning.kind == "learning"
    undecided = run_of([*fell, *rose[:4]])
    assert judge(undecided).kind == "starting"
    undecided.append(learning)
    for _ in range(2):  # a judgement of earlier judgements says the same
        now = judge(undecided)
        assert (now.step, now.kind) == (90, "learning")
        assert now.evidence == f"At batch 50: {learning.evidence}"
        undecided.append(now)
    later = judge([*run_of([*fell, *rose]), learning])
    assert (later.step, later.kind) == (130, "stalled")


def test_runs_of_earlier_versions_are_judged_by_their_loss() -> None:
    events = [replace(e, logit_std=None, separation=None, embedding_spread=None)
              if isinstance(e, Step) else e for e in run_of(FLAT)]  # fmt: skip
    assert judge(events).kind == "stalled"


def test_the_rate_to_try() -> None:
    assert try_rate(Verdict(1, "stalled", "", "lower"), 0.3) == pytest.approx(0.03)
    assert try_rate(Verdict(1, "stalled", "", "higher"), 1e-5) == pytest.approx(1e-4)
    assert try_rate(Verdict(1, "learning", ""), 1e-3) is None


def test_nan_and_infinity_survive_json() -> None:
    for value in (math.nan, math.inf, -math.inf):
        event = Step(1, value, 1e-3, 1.0, 1.0)
        assert "NaN" not in str(to_json(event)).replace("'nan'", "")
        back = from_json(to_json(event))
        assert isinstance(back, Step)
        assert back.loss == value or (math.isnan(value) and math.isnan(back.loss))


def test_damaged_events_are_refused() -> None:
    good = to_json(Step(1, 0.5, 1e-3, 1.0, 1.0))
    for changes in ({"loss": "high"}, {"step": None}, {"seconds": [1]}, {"event": "nothing"}, {"more": 1}):
        with pytest.raises((KeyError, TypeError)):
            from_json({**good, **changes})


def test_a_run_that_diverges_ends_and_leaves_a_checkpoint_that_loads(tmp_path: Path) -> None:
    config = replace(ARTICLE, learning_rate=10.0, optimiser="sgd", evaluate_every=0)
    data = digits_set(16, 20)
    events = list(run_in(tmp_path / "r", data, config, PLAIN))
    assert verdicts(events)[-1] == "diverged"
    assert isinstance(events[-1], Finished)
    assert events[-1].stopped
    assert events[-1].step < config.steps
    twin = checkpoints.load(tmp_path / "r" / CHECKPOINT).twin
    assert all(bool(p.isfinite().all()) for p in twin.parameters())


def test_losses_on_embeddings_train_the_head_as_well(coloured_set: Maker) -> None:
    """The head's logits mean the same, whichever loss trained the embeddings."""
    from fsl.training.state import new_state
    from fsl.twin.inference import embed_images, pair_logits

    model = ModelConfig(widths=(4, 8, 8, 8), image_size=16)
    data = coloured_set(8, 8)
    for loss in ("contrastive", "triplet"):
        config = replace(ARTICLE, steps=120, loss=loss, pairing="all", learning_rate=3e-3, evaluate_every=0)
        state = new_state(config, model)
        events = list(train_events(data, config, state))
        assert losses(events)[-1] < 0.5 * losses(events)[0]
        state.twin.eval()
        embeddings = embed_images(state.twin, data.images)
        logits = pair_logits(state.twin, embeddings, embeddings).numpy()
        same = data.labels[:, None] == data.labels[None]
        assert logits[same].mean() < 0 < logits[~same].mean()


def test_a_run_of_an_earlier_version_that_ignored_its_focus_is_read() -> None:
    written = ARTICLE.to_json() | {"focus": 0.5}
    assert TrainConfig.from_json(written) == ARTICLE


def test_impossible_combinations_are_refused() -> None:
    with pytest.raises(SettingsError, match="pairing='all'"):
        replace(ARTICLE, loss="triplet")
    with pytest.raises(SettingsError, match="needs pairing='all'"):
        replace(ARTICLE, focus=0.5)
    with pytest.raises(SettingsError, match="head alone cannot"):
        replace(ARTICLE, loss="contrastive", trainable="head")
