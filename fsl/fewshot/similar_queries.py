"""How similar queries are to one of them, for giving several the same answer at once."""

from __future__ import annotations

from collections.abc import Sequence

from fsl.fewshot.embed import embed
from fsl.fewshot.pictures import Picture
from fsl.fewshot.prepared import prepare_support
from fsl.fewshot.support import SupportSet
from fsl.twin.checkpoint import Checkpoint
from fsl.twin.inference import similarities


def similar_queries(
    checkpoint: Checkpoint, support: SupportSet, queries: Sequence[Picture], chosen: Picture
) -> list[float]:
    """Return the similarity of each query to a chosen one, seen against the support set as answers are.

    Without the support set, pictures of one kind (all taken in shops, all of plates) are all similar.

    Args:
        queries: n pictures.
        chosen: the picture to compare with; it may be one of the queries.

    Returns:
        n similarities in [0, 1].
    """
    embeddings = embed(checkpoint, [chosen, *queries])
    seen = prepare_support(checkpoint, support).seen(embeddings)
    found: list[float] = similarities(checkpoint.twin, seen[:1], seen[1:])[0].tolist()
    return found
