"""Score Omniglot's published one-shot runs with a twin network."""

from __future__ import annotations

from fsl.data.one_shot_runs import OneShotRun
from fsl.fewshot.embed import embed
from fsl.fewshot.pictures import NamedImage
from fsl.fewshot.support_view import seen_from_support
from fsl.twin.checkpoint import Checkpoint
from fsl.twin.inference import pair_logits, usable


def score_run(checkpoint: Checkpoint, run: OneShotRun) -> int:
    """Return the number of test images that are given the correct character.

    Each test image is matched with the most similar training image, as for the published figures. That every
    character occurs once is not used.

    Args:
        run: 20 training and 20 test images in the published ones.

    Raises:
        ImageReadError: an image cannot be read.
    """
    training = [NamedImage.from_bytes(entry.read(), entry.name) for entry in run.training]
    test = [NamedImage.from_bytes(entry.read(), entry.name) for entry in run.test]
    support, query = seen_from_support(
        checkpoint.twin, embed(checkpoint, training, as_support=True), embed(checkpoint, test)
    )
    answers = usable(pair_logits(checkpoint.twin, query, support)).argmin(dim=1).tolist()
    return sum(answer == right for answer, right in zip(answers, run.answers, strict=True))
