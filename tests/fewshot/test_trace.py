"""The values of a trace add up to the network's answer."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812 - the name everybody knows

from fsl.fewshot.embed import embed
from fsl.fewshot.pictures import NamedImage
from fsl.fewshot.trace import judge_pairs, trace_pair
from fsl.twin.checkpoint import Checkpoint
from fsl.twin.inference import similarities
from fsl.twin.pairs import PairBatch
from tests.helpers.networks import checkpoint as untrained
from tests.helpers.pictures import picture


@pytest.fixture(params=["absolute", "cosine"])
def checkpoint(request: pytest.FixtureRequest) -> Checkpoint:
    made = untrained(widths=(8, 8), head=request.param)
    torch.nn.init.normal_(made.twin.head.weight)
    return made


@pytest.fixture
def pictures() -> list[NamedImage]:
    return [NamedImage.from_bytes(picture(c), c) for c in ("red", "orange", "blue", "navy")]


def test_a_trace_adds_up_to_the_similarity(checkpoint: Checkpoint, pictures: list[NamedImage]) -> None:
    trace = trace_pair(checkpoint, pictures[0], pictures[2])
    embedded = embed(checkpoint, pictures)
    expected = similarities(checkpoint.twin, embedded[:1], embedded[2:3]).item()
    assert trace.similarity == pytest.approx(expected, abs=1e-5)
    assert trace.logit == pytest.approx(float(trace.terms.sum()) + trace.bias, abs=1e-4)
    assert torch.equal(trace.first, embedded[0])
    assert torch.equal(trace.second, embedded[2])


def test_a_trace_does_not_depend_on_the_order(checkpoint: Checkpoint, pictures: list[NamedImage]) -> None:
    one, other = trace_pair(checkpoint, *pictures[:2]), trace_pair(checkpoint, *pictures[1::-1])
    assert torch.equal(one.terms, other.terms)
    assert one.similarity == other.similarity


def test_judged_pairs_are_the_pairs_one_by_one(checkpoint: Checkpoint, pictures: list[NamedImage]) -> None:
    batch = PairBatch(np.array([0, 0, 2]), np.array([1, 2, 3]), np.array([0, 1, 0], np.float32))
    judged = judge_pairs(checkpoint, pictures, batch)
    traces = [
        trace_pair(checkpoint, pictures[a], pictures[b]) for a, b in zip(batch.left, batch.right, strict=True)
    ]
    assert judged.similarity.tolist() == pytest.approx([t.similarity for t in traces], abs=1e-5)
    assert judged.n_right == sum(
        (t.logit > 0) == bool(d) for t, d in zip(traces, batch.difference, strict=True)
    )
    # Either kind of pairs weighs half of the loss, as in training.
    same = [F.softplus(torch.tensor(traces[i].logit)).item() for i in (0, 2)]
    different = F.softplus(torch.tensor(-traces[1].logit)).item()
    assert judged.loss == pytest.approx((sum(same) / 2 + different) / 2, abs=1e-4)
