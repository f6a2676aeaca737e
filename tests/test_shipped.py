"""The checkpoints that ship: what they promise is what they do."""

from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score, roc_curve
from torch import Tensor

from fsl.config import EpisodeConfig
from fsl.data.imageset import ImageSet
from fsl.data.intake.folders import list_images
from fsl.data.intake.splits import read_class_list
from fsl.data.loading import load_listing
from fsl.data.one_shot_runs import read_runs
from fsl.data.query import ImageQuery
from fsl.fewshot.calibrate import calibrate, open_set_scores
from fsl.fewshot.cross_validation import place_in_class
from fsl.fewshot.evaluate import evaluate
from fsl.fewshot.one_shot_runs import score_run
from fsl.twin import checkpoint as checkpoints
from fsl.twin import checkpoint_files
from fsl.twin.inference import embed_images, pair_logits
from fsl.twin.test_time_augmentation import embed_as_support

LARGEST_MEGABYTES = {"fruits": 5, "glyphs": 10, "faces": 25, "photos": 20}
SHIPPED = checkpoint_files.available(checkpoint_files.CHECKPOINT_DIR)


@pytest.mark.parametrize("name", sorted(SHIPPED))
def test_header_says_where_it_comes_from(name: str) -> None:
    info = checkpoint_files.read_info(SHIPPED[name])
    assert info.name == name
    assert SHIPPED[name].stat().st_size <= LARGEST_MEGABYTES[name] * 1e6
    assert info.title
    assert info.licence
    assert info.training["command"].startswith("python -m ")
    assert info.training["seconds"] > 0
    assert {c.rule for c in info.calibrations} == {"mean", "max", "prototype"}
    for calibration in info.calibrations:
        assert 0 < calibration.unknown_threshold < 1
        assert calibration.fitted_on


@cache
def novel_fruits(data_dir: Path) -> tuple[checkpoints.Checkpoint, ImageSet, Tensor]:
    """The checkpoint, and some frames of classes that nothing was trained or chosen on, embedded."""
    loaded = checkpoints.load(SHIPPED["fruits"])
    classes = read_class_list(f"{data_dir}/splits/fruits360.json:novel")
    listing = list_images(data_dir / "fruits360-subset.zip", part="Test")
    data, _ = load_listing(listing, ImageQuery(loaded.info.model.image_size, classes=classes, per_class=8))
    return loaded, data, embed_images(loaded.twin, data.images)


def test_fruits_tells_fruit_apart_that_it_never_saw(data_dir: Path) -> None:
    loaded, data, embeddings = novel_fruits(data_dir)
    assert not set(data.class_names) & {c.split("/")[-1] for c in loaded.info.training["classes"]}
    result = evaluate(loaded.twin, embeddings, data.labels, EpisodeConfig(20, 1, 1, 500), loaded.info.rule)
    assert result.accuracy - result.ci95 > 0.80
    told = loaded.info.metrics["novel 20-way 1-shot"]["accuracy"]
    assert result.accuracy == pytest.approx(told, abs=0.03)  # the header's figure is for both parts


def test_fruits_knows_what_it_does_not_know(data_dir: Path) -> None:
    """Queries of a class left out are called unknown about as often as the calibration says."""
    loaded, data, embeddings = novel_fruits(data_dir)
    here = calibrate(loaded.twin, embeddings, data.labels, "max", EpisodeConfig(5, 3, 2, 200), "novel")
    assert here.false_reject is not None
    assert here.false_reject < 0.2
    stored = loaded.info.calibration("max").unknown_threshold
    assert np.isclose(here.unknown_threshold, stored, atol=0.1)


def test_glyphs_passes_the_published_test(data_dir: Path) -> None:
    """Better than people (0.955) on the 20 one-shot runs, and as good as its header says."""
    loaded = checkpoints.load(SHIPPED["glyphs"])
    runs = read_runs(data_dir / "omniglot-one-shot-runs.zip")
    correct = sum(score_run(loaded, run) for run in runs)
    total = sum(len(run.test) for run in runs)
    told = loaded.info.metrics["Omniglot's 20 one-shot runs"]
    assert (len(runs), total) == (20, told["total"])
    assert correct / total > 0.955
    assert correct == pytest.approx(told["correct"], abs=2)  # arithmetic differs a little among processors
    alphabets = {name.partition("/")[0] for name in loaded.info.training["classes"]}
    assert alphabets == set(read_class_list(f"{data_dir}/splits/omniglot.json:train"))


@cache
def novel_for_photos(data_dir: Path) -> tuple[checkpoints.Checkpoint, ImageSet, Tensor]:
    """The checkpoint, and embedded frames: fewer, and of fewer classes, than its header was measured on.

    The frames are drawn: evenly spaced ones would differ more from each other than those of the header.
    """
    loaded = checkpoints.load(SHIPPED["photos"])
    novel = read_class_list(f"{data_dir}/splits/fruits360.json:novel")
    classes = [name for number, name in enumerate(novel) if number % 5 < 4]
    listing = list_images(data_dir / "fruits360-subset.zip")
    data, _ = load_listing(listing, ImageQuery(loaded.info.model.image_size, classes=classes, per_class=20))
    rng = np.random.default_rng(0)
    drawn = [rng.permutation(np.flatnonzero(data.labels == label))[:7] for label in range(data.n_classes)]
    data = data.rows(np.concatenate(drawn))
    return loaded, data, embed_images(loaded.twin, data.images)


@pytest.mark.parametrize(("n_shot", "least"), [(1, 0.89), (5, 0.975)])
def test_photos_tells_fruit_apart_that_it_never_saw(data_dir: Path, n_shot: int, least: float) -> None:
    """As well as its header says, by its own rule."""
    loaded, data, embeddings = novel_for_photos(data_dir)
    assert not {f"fruits360/{name}" for name in data.class_names} & set(loaded.info.training["classes"])
    as_support = embeddings
    if n_shot == 1:  # looking at augmented copies takes long, so only at those of every other frame
        chosen = place_in_class(torch.from_numpy(data.labels)) % 2 == 0
        data, embeddings = data.rows(chosen.numpy().nonzero()[0]), embeddings[chosen]
        as_support = embed_as_support(loaded.twin, data.images, embeddings)
    config = EpisodeConfig(20, n_shot, 1, 500)
    result = evaluate(loaded.twin, embeddings, data.labels, config, loaded.info.rule, as_support)
    assert result.accuracy > least
    told = loaded.info.metrics[f"fruits360 novel 20-way {n_shot}-shot"]["accuracy"]
    assert result.accuracy == pytest.approx(told, abs=0.02)


def test_photos_tells_unknown_kinds_from_known_ones(data_dir: Path) -> None:
    loaded, data, embeddings = novel_for_photos(data_dir)
    rule = loaded.info.rule
    config = EpisodeConfig(5, 5, 2, 400, seed=2)
    _, known, unknown = open_set_scores(loaded.twin, embeddings, data.labels, rule, config)
    best, others = known.amax(-1).flatten(), unknown.amax(-1).flatten()
    truth = np.r_[np.ones(len(best)), np.zeros(len(others))]
    area = roc_auc_score(truth, torch.cat([best, others]))
    assert area >= 0.95
    told = loaded.info.metrics["fruits360 novel unknown, 5-way 5-shot"]["auroc"]
    assert area == pytest.approx(told, abs=0.02)
    _, known, unknown = open_set_scores(
        loaded.twin, embeddings, data.labels, rule, EpisodeConfig(5, 3, 1, 200)
    )
    threshold = loaded.info.calibration(rule).unknown_threshold
    assert (torch.sigmoid(known.amax(-1)) >= threshold).float().mean() > 0.75
    assert (torch.sigmoid(unknown.amax(-1)) < threshold).float().mean() > 0.75


def test_faces_tells_people_apart_that_it_never_saw(data_dir: Path) -> None:
    """At most 1% equal error rate on ORL people that nothing was chosen on, from whole scans."""
    loaded = checkpoints.load(SHIPPED["faces"])
    novel = read_class_list(f"{data_dir}/splits/faces.json:orl.novel")
    assert not {f"orl/{name}" for name in novel} & set(loaded.info.training["classes"])
    model = loaded.info.model
    listing = list_images(data_dir / "orl-faces.zip")
    data, _ = load_listing(listing, ImageQuery(model.image_size, model.fit, classes=novel))
    logits = pair_logits(loaded.twin, *[embed_images(loaded.twin, data.images)] * 2)
    first, second = np.triu_indices(len(data), 1)
    false_accepts, true_accepts, _ = roc_curve(
        data.labels[first] == data.labels[second], -logits[first, second].numpy()
    )
    equal = np.abs(false_accepts - (1 - true_accepts)).argmin()
    error = (false_accepts[equal] + 1 - true_accepts[equal]) / 2
    assert error < 0.01
    assert error == pytest.approx(loaded.info.metrics["orl novel, same or different"]["eer"], abs=0.01)
