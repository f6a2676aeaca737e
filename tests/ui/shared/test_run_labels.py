"""What to do about a run, by its verdict and its tests."""

from __future__ import annotations

from dataclasses import replace

from fsl.training.events import Evaluation, Verdict
from fsl.ui.shared.run_labels import advice


def test_a_falling_loss_alone_is_not_called_a_good_rate() -> None:
    verdict = Verdict(step=100, kind="learning", evidence="The loss has fallen.")
    before = Evaluation(step=0, accuracy=0.96, ci95=0.01, n_way=5, n_shot=1, n_episodes=100)
    best = replace(before, step=25, accuracy=0.957)
    assert "A good rate" not in advice(verdict, 1e-4, before, best)
    assert "A good rate" in advice(verdict, 1e-4, before, replace(best, accuracy=0.97))
    assert "A good rate" in advice(verdict, 1e-4, None, best)
