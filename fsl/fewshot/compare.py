"""Compare probes with reference images of one thing: the same or different?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch

from fsl.base.errors import SettingsError
from fsl.fewshot.embed import embed
from fsl.fewshot.pictures import Picture
from fsl.fewshot.scores import check_threshold
from fsl.twin.checkpoint import Checkpoint
from fsl.twin.inference import pair_logits, usable
from fsl.twin.pair_rates import PairRates


@dataclass(frozen=True)
class ProbeAnswer:
    """The answer for one probe: does it show what the references show?

    Attributes:
        probe: name of the picture.
        similarity: to all references, in [0, 1]: from the mean of the pairs' logits.
        same: ``similarity >= threshold``.
        threshold: in [0, 1].
        pairs: similarity to each reference, in order, in [0, 1].
        face: which face of the probe it is about, where a photo shows several people.
        n_faces: how many faces of the probe were compared.
    """

    probe: str
    similarity: float
    same: bool
    threshold: float
    pairs: tuple[float, ...]
    face: int = 0
    n_faces: int = 1

    def at(self, threshold: float) -> ProbeAnswer:
        """Return the answer at another threshold, in [0, 1]."""
        return replace(self, threshold=threshold, same=self.similarity >= threshold)


def compare(
    checkpoint: Checkpoint, references: Sequence[Picture], probes: Sequence[Picture], threshold: float
) -> list[ProbeAnswer]:
    """Compare each probe with the references of one identity.

    Args:
        references: one or more images of one identity.
        probes: images to compare with them.
        threshold: lowest similarity that counts as the same, in [0, 1].

    Returns:
        one answer per probe, in order.

    Raises:
        SettingsError: there is no reference, or the threshold is out of range.
    """
    if not references:
        raise SettingsError("There is no reference picture. Give at least one.")
    check_threshold(threshold)
    seen, asked = embed(checkpoint, references), embed(checkpoint, probes)
    logits = usable(pair_logits(checkpoint.twin, asked, seen)).double()
    pairs = torch.sigmoid(-logits)
    combined = torch.sigmoid(-logits.mean(1))
    return [
        ProbeAnswer(probe.name, similarity, similarity >= threshold, threshold, tuple(row))
        for probe, similarity, row in zip(probes, combined.tolist(), pairs.tolist(), strict=True)
    ]


def measured_rates(checkpoint: Checkpoint) -> PairRates:
    """Return the checkpoint's error rates.

    Raises:
        SettingsError: none were measured.
    """
    if checkpoint.info.pairs is None:
        raise SettingsError(
            f"No error rates were ever measured for {checkpoint.info.name}, so no threshold can be chosen "
            "by them. Name a threshold yourself, or measure them: "
            "python -m bench recalibrate --help."
        )
    return checkpoint.info.pairs
