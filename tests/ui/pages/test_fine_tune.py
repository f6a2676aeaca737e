"""Fine-tuning offered on the Classify page, through Streamlit's own test runner."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from fsl.training import engine
from fsl.training.events import Comparison
from fsl.training.manager import run_manager
from fsl.training.status import RunInfo, Status, list_runs
from fsl.ui.pages.classify import fine_tune
from fsl.ui.pages.classify.fine_tune import said
from fsl.ui.shared.work import CancelledError
from tests.helpers.pages import drop, reloaded, shown, state
from tests.helpers.pictures import picture
from tests.helpers.waiting import until


@pytest.fixture
def tuned(
    page: AppTest, checkpoint_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[AppTest]:
    """The Classify page, with an empty folder of runs and a folder of its own for networks."""
    mine = tmp_path / "networks"
    mine.mkdir()
    for path in checkpoint_folder.iterdir():
        (mine / path.name).write_bytes(path.read_bytes())
    monkeypatch.setenv("FSL_CHECKPOINT_DIR", str(mine))
    monkeypatch.setenv("FSL_RUNS_DIR", str(tmp_path / "runs"))
    yield page
    run_manager().close(timeout=20)


def noisy(seed: int) -> bytes:
    """A picture of noise, which looks like no class."""
    pixels = np.random.default_rng(seed).integers(0, 256, (24, 24, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def fill_with_noise(page: AppTest) -> None:
    for number in range(2):
        drop(page, f"class_{number}", *((f"{number}{i}.png", noisy(10 * number + i)) for i in range(4)))
    drop(page, "queries", ("q.png", noisy(99)))


def finish(page: AppTest) -> RunInfo:
    until(lambda: bool(list_runs()) and not list_runs()[0].is_live, seconds=90)
    page.run()
    assert not page.exception
    return list_runs()[0]


def test_there_is_nothing_to_gain_where_all_are_recognised(tuned: AppTest) -> None:
    for number, colour in enumerate([(250, 0, 0), (0, 0, 250)]):
        files = [(f"{number}{i}.png", picture((colour[0], 3 * i, colour[2]))) for i in range(4)]
        drop(tuned, f"class_{number}", *files)
    drop(tuned, "queries", ("q.png", picture("red")))
    assert "fine-tuning has nothing to gain" in shown(tuned)
    assert not [button for button in tuned.button if button.key == "fine_tune"]


def test_it_is_offered_run_and_never_puts_a_worse_network_in_place(tuned: AppTest) -> None:
    fill_with_noise(tuned)
    assert "not recognised yet" in shown(tuned)
    tuned.button(key="fine_tune").click().run()
    run = finish(tuned)
    assert run.about["start"] == "small"
    assert run.comparison is not None
    can_use = [button for button in tuned.button if button.key == "fine_tune_use"]
    assert bool(can_use) == (run.comparison.difference > 0 and not run.why_not_to_use)
    assert f"on {run.comparison.n_images} pictures it did not learn from" in shown(tuned)
    if not can_use:
        assert "small stays" in shown(tuned)
    tuned.button(key="fine_tune_dismiss").click().run()
    assert "not recognised yet" in shown(tuned)


def test_a_reload_shows_the_run_under_way_and_does_not_start_another(tuned: AppTest) -> None:
    fill_with_noise(tuned)
    tuned.button(key="fine_tune").click().run()
    new = reloaded(tuned, "pages/classify.py")
    assert not [button for button in new.button if button.key == "fine_tune"]
    run = finish(new)
    assert run.comparison is not None
    assert f"on {run.comparison.n_images} pictures it did not learn from" in shown(new)
    assert len(list_runs()) == 1


def test_a_start_that_was_given_up_with_its_tab_is_offered_again(
    tuned: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    def give_up(*_: object) -> str:
        raise CancelledError

    monkeypatch.setattr(fine_tune, "_read_and_start", give_up)
    fill_with_noise(tuned)
    tuned.button(key="fine_tune").click().run()
    assert not tuned.exception
    assert not tuned.error
    assert tuned.run().button(key="fine_tune").label == "Fine-tune on these classes"


@pytest.fixture
def improved(tuned: AppTest, monkeypatch: pytest.MonkeyPatch) -> AppTest:
    """The page after a fine-tune that helped."""
    better = Comparison(1, 0.5, 0.0, 0.9, 0.0, 0.4, 0.0, 9, 4, 0.01)
    monkeypatch.setattr(engine, "compare_with_start", lambda _: better)
    monkeypatch.setattr(RunInfo, "why_not_to_use", "")
    fill_with_noise(tuned)
    tuned.button(key="fine_tune").click().run()
    finish(tuned)
    return tuned


def test_a_better_network_answers_after_one_click_and_can_be_taken_back(improved: AppTest) -> None:
    assert "Fine-tuning helped**: on 4 pictures it did not learn from, choosing among 2" in shown(improved)
    assert "50% of the answers were right before and 90% after" in shown(improved)
    improved.button(key="fine_tune_use").click().run()
    assert not improved.exception
    assert state(improved).checkpoint.startswith("small fine-tuned 20")
    assert "The fine-tuned network answers now" in shown(improved)
    improved.button(key="fine_tune_back").click().run()
    assert state(improved).checkpoint == "small"


def test_a_fine_tuned_network_that_made_way_for_another_can_be_used_again_or_dismissed(
    improved: AppTest,
) -> None:
    improved.button(key="fine_tune_use").click().run()
    kept = state(improved).checkpoint
    improved.selectbox(key="checkpoint").set_value("small-two").run()
    assert "The fine-tuned network answers now" not in shown(improved)
    improved.button(key="fine_tune_use").click().run()
    assert state(improved).checkpoint == kept
    assert "The fine-tuned network answers now" in shown(improved)
    improved.button(key="fine_tune_dismiss").click().run()
    improved.selectbox(key="checkpoint").set_value("small-two").run()
    assert improved.button(key="fine_tune").label == "Fine-tune on these classes"


@pytest.mark.parametrize(
    ("status", "ended"),
    [
        ("failed", "failed"),
        ("stopped", "was stopped"),
        ("interrupted", "was interrupted"),
        ("finished", "ended"),
    ],
)
def test_how_a_run_without_a_test_ended_is_said_in_words_of_its_own(status: Status, ended: str) -> None:
    run = RunInfo(id="a", folder=Path("a"), status=status, name="a")
    assert said(run, "photos") == f"Fine-tuning {ended} before its test, so photos stays."
