"""Scoring a one-shot run is classifying its test images, whatever the network's settings."""

from __future__ import annotations

import io

import numpy as np
import pytest
import torch
from PIL import Image

from fsl.config import ModelConfig
from fsl.data.intake.listing import ImageEntry
from fsl.data.one_shot_runs import OneShotRun
from fsl.fewshot.classify import classify
from fsl.fewshot.one_shot_runs import score_run
from fsl.fewshot.pictures import NamedImage
from fsl.fewshot.support import SupportSet
from fsl.twin.checkpoint import Checkpoint, from_twin
from fsl.twin.header import CheckpointInfo
from fsl.twin.network import TwinNetwork

N_WAY = 12


def run_of_noisy_colours() -> OneShotRun:
    """A picture of each of a few colours that have much in common, and another one of each, both noisy."""
    rng = np.random.default_rng(2)
    colours = rng.uniform(120, 170, (N_WAY, 1, 1, 3))

    def entry(folder: str, slot: int) -> ImageEntry:
        pixels = np.clip(colours[slot] + rng.normal(0, 20, (16, 16, 3)), 0, 255).astype(np.uint8)
        buffer = io.BytesIO()
        Image.fromarray(pixels).save(buffer, "PNG")
        return ImageEntry(None, f"{folder}/{slot}.png", buffer.getvalue)

    training = tuple(entry("training", slot) for slot in range(N_WAY))
    return OneShotRun("run", training, tuple(entry("test", s) for s in range(N_WAY)), tuple(range(N_WAY)))


def checkpoint(centred: bool) -> Checkpoint:
    torch.manual_seed(0)
    model = ModelConfig(widths=(8, 8), image_size=16, head="cosine", centre_on_support=centred)
    return from_twin(TwinNetwork(model), CheckpointInfo("test", model))


@pytest.mark.parametrize("centred", [False, True])
def test_a_run_s_score_is_that_of_classifying_its_images(centred: bool) -> None:
    made, run = checkpoint(centred), run_of_noisy_colours()
    images = [NamedImage.from_bytes(one.read(), one.name) for one in (*run.training, *run.test)]
    support = SupportSet.from_classes({str(slot): [images[slot]] for slot in range(N_WAY)})
    answers = [int(p.label) for p in classify(made, support, images[N_WAY:])]
    right = sum(answer == slot for slot, answer in enumerate(answers))
    assert 0 < right < N_WAY
    assert score_run(made, run) == right


def test_seeing_from_the_middle_makes_a_difference_here() -> None:
    """Else the test above could not tell whether it is done."""
    run = run_of_noisy_colours()
    assert score_run(checkpoint(True), run) != score_run(checkpoint(False), run)
