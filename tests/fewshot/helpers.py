"""Small checkpoints and support sets that need no data."""

import io
from collections.abc import Sequence

import numpy as np
import torch
from PIL import Image

from fsl.config import EpisodeConfig, ModelConfig
from fsl.fewshot.answers import Answers, Contender, stream_answers
from fsl.fewshot.support import NamedImage, SupportSet
from fsl.twin.checkpoint import Calibration, Checkpoint, CheckpointInfo, from_twin
from fsl.twin.network import TwinNetwork

CONFIG = EpisodeConfig(4, 2, 3, 50, seed=3)
COLOURS = {"red": (220, 30, 30), "green": (30, 200, 40), "blue": (30, 60, 230), "grey": (128, 128, 128)}


def checkpoint(*calibrations: Calibration) -> Checkpoint:
    """An untrained twin: colours of flat pictures are told apart even so."""
    model = ModelConfig(widths=(4, 4, 4, 4), image_size=16)
    torch.manual_seed(0)
    return from_twin(TwinNetwork(model), CheckpointInfo("test", model, calibrations=calibrations))


def picture(colour: str, seed: int = 0) -> NamedImage:
    rng = np.random.default_rng(seed)
    pixels = np.clip(np.array(COLOURS[colour]) + rng.normal(0, 6, (20, 20, 3)), 0, 255).astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return NamedImage.from_bytes(buffer.getvalue(), f"{colour}-{seed}.png")


def support(
    colours: Sequence[str] = ("red", "green", "blue"), shots: Sequence[int] = (2, 1, 3)
) -> SupportSet:
    return SupportSet.from_classes(
        {
            c: [picture(c, 10 * i + k) for k in range(n)]
            for i, (c, n) in enumerate(zip(colours, shots, strict=True))
        }
    )


def clusters(spread: float, n_classes: int = 6, per_class: int = 12) -> tuple[torch.Tensor, np.ndarray]:
    twin = checkpoint().twin
    torch.manual_seed(0)
    centres = torch.randn(n_classes, 1, twin.embedding_dim)
    points = centres + spread * torch.randn(n_classes, per_class, twin.embedding_dim)
    return points.flatten(0, 1), np.repeat(np.arange(n_classes), per_class)


def contender(rule: str = "mean", spread: float = 1.5) -> tuple[Contender, np.ndarray]:
    embeddings, labels = clusters(spread)
    return Contender("a", checkpoint().twin, embeddings, rule, 0.5), labels  # type: ignore[arg-type]


def last(config: EpisodeConfig = CONFIG, rule: str = "mean", spread: float = 1.5) -> Answers:
    one, labels = contender(rule, spread)
    *_, (answers,) = stream_answers([one], labels, config)
    return answers
