"""Scoring a one-shot run is classifying its test images, whatever the network's settings."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from fsl.data.intake.listing import ImageEntry
from fsl.data.one_shot_runs import OneShotRun
from fsl.fewshot.classify import classify
from fsl.fewshot.one_shot_runs import score_run
from fsl.fewshot.pictures import NamedImage
from fsl.fewshot.support import SupportSet
from fsl.twin.checkpoint import Checkpoint
from tests.helpers.networks import checkpoint

N_WAY = 12


def run_of_noisy_colours() -> OneShotRun:
    """Return a run whose characters are similar colours: one noisy picture to train on, one to test."""
    rng = np.random.default_rng(2)
    colours = rng.uniform(120, 170, (N_WAY, 1, 1, 3))

    def entry(folder: str, slot: int) -> ImageEntry:
        pixels = np.clip(colours[slot] + rng.normal(0, 20, (16, 16, 3)), 0, 255).astype(np.uint8)
        buffer = io.BytesIO()
        Image.fromarray(pixels).save(buffer, "PNG")
        return ImageEntry(None, f"{folder}/{slot}.png", buffer.getvalue)

    training = tuple(entry("training", slot) for slot in range(N_WAY))
    return OneShotRun("run", training, tuple(entry("test", s) for s in range(N_WAY)), tuple(range(N_WAY)))


def untrained(centred: bool) -> Checkpoint:
    return checkpoint(widths=(8, 8), head="cosine", centre_on_support=centred)


@pytest.mark.parametrize("centred", [False, True])
def test_a_run_s_score_is_that_of_classifying_its_images(centred: bool) -> None:
    made, run = untrained(centred), run_of_noisy_colours()
    images = [NamedImage.from_bytes(one.read(), one.name) for one in (*run.training, *run.test)]
    support = SupportSet.from_classes({str(slot): [images[slot]] for slot in range(N_WAY)})
    answers = [int(p.label) for p in classify(made, support, images[N_WAY:])]
    right = sum(answer == slot for slot, answer in enumerate(answers))
    assert 0 < right < N_WAY
    assert score_run(made, run) == right


def test_centring_makes_a_difference_here() -> None:
    """Otherwise the test above could not fail."""
    run = run_of_noisy_colours()
    assert score_run(untrained(True), run) != score_run(untrained(False), run)
