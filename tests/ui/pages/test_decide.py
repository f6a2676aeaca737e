"""The computation behind the answers of the Classify page."""

from __future__ import annotations

from pathlib import Path

import pytest

from fsl.config import Method
from fsl.fewshot.classify import classify, leave_one_out
from fsl.fewshot.linear_probe import classify_with_probe
from fsl.twin.checkpoint import load
from fsl.ui.pages.classify.decide import check_support, predict, support_of
from fsl.ui.shared.pictures import StoredPicture
from fsl.ui.shared.state import Session
from fsl.ui.shared.workspace import Workspace
from tests.helpers.networks import save_small_checkpoint
from tests.helpers.pictures import COLOURS, noisy_png


def stored(name: str, seed: int, colour: str = "") -> StoredPicture:
    """Return a noisy picture of a colour, by default the one that it is called."""
    return StoredPicture.from_bytes(noisy_png(COLOURS[colour or name], seed), f"{name} {seed}.png")


@pytest.mark.parametrize("method", ["mean", "quick"])
def test_a_new_name_of_a_class_computes_nothing_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: Method
) -> None:
    save_small_checkpoint(tmp_path)
    checkpoint = load(tmp_path / "small.safetensors")
    workspace = Workspace(())
    for name in ("red", "green", "blue"):
        workspace = workspace.with_class(name, [stored(name, seed) for seed in range(5)])
    # One example is in a wrong class, so that the self-check has two classes to name.
    workspace, _ = workspace.with_pictures(0, [stored("wrong", 7, "blue")])
    queries = [stored(name, seed) for name in ("red", "green", "blue", "grey") for seed in (8, 9)]
    state = Session(workspace.with_pictures(None, queries)[0])
    before = support_of(state.workspace)
    predict(state, checkpoint, before, method, 0.4)
    check_support(state, checkpoint, before, "mean")

    # The new name sorts elsewhere, and another class gets the former one.
    state.workspace = state.workspace.renamed(0, "zinc").renamed(2, "red")
    support = support_of(state.workspace)
    assert support.class_names == ("zinc", "green", "red")
    with monkeypatch.context() as patch:
        patch.setattr("fsl.ui.pages.classify.decide.core", None)
        patch.setattr("fsl.ui.pages.classify.decide.answers_for", None)
        found = predict(state, checkpoint, support, method, 0.4)
        outcome = check_support(state, checkpoint, support, "mean")
    if method == "quick":
        assert found == classify_with_probe(checkpoint, support, queries, 0.4)
    else:
        assert found == classify(checkpoint, support, queries, method, 0.4)
    assert outcome is not None
    assert outcome.confused is not None
    assert outcome == leave_one_out(checkpoint, support, "mean")
