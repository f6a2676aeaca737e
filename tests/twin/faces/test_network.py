"""The face network against dlib's own output, stored as numbers."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

import fsl
from fsl.base.errors import SettingsError
from fsl.config import ModelConfig
from fsl.twin.backbones.build import build_backbone
from fsl.twin.preprocess import normalise, to_unit
from tests.helpers.faces import drawn_face

STORED = json.loads(Path(__file__).with_name("dlib_embeddings.json").read_text())


def test_it_gives_the_numbers_that_dlib_gives() -> None:
    """Stored by dlib 20.0.1: ``face_recognition_model_v1.compute_face_descriptor(drawn_face(seed))``."""
    twin = fsl.load("faces", "cpu").twin
    for seed, expected in STORED.items():
        pixels = drawn_face(int(seed))[None]
        with torch.inference_mode():
            found = twin.backbone(normalise(to_unit(pixels), twin.config))[0]
        assert np.allclose(found.numpy(), expected, atol=2e-4)


def test_a_face_and_its_mirror_image_embed_alike() -> None:
    twin = fsl.load("faces", "cpu").twin
    images = normalise(to_unit(np.stack([drawn_face(1), drawn_face(1)[:, ::-1]])), twin.config)
    with torch.inference_mode():
        one, mirrored = twin.embed(images)
    assert torch.allclose(one, mirrored, atol=1e-5)


def test_the_face_network_has_one_size() -> None:
    assert build_backbone(ModelConfig(backbone="face_resnet", image_size=150)).eval()(
        torch.zeros(2, 3, 150, 150)
    ).shape == (2, 128)
    with pytest.raises(SettingsError, match="fixed sizes"):
        build_backbone(ModelConfig(backbone="face_resnet", embedding_dim=24))
