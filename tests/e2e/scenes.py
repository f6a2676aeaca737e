"""Every page with something to see on it: what the look test checks and the docs show.

Only pictures that the program draws itself, or that come with scikit-learn, appear.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from bench._sorting import answers, choose, drop_classes, drop_queries
from fsl.data.examples import digits_task, rendered_task

if TYPE_CHECKING:
    from playwright.sync_api import Page

_N_CHECKED = 9


@dataclass(frozen=True)
class Scene:
    """One page in one state.

    Attributes:
        name: of the scene, and of its picture.
        path: of the page; ``{runs}`` stands for the ids of :func:`train_lesson`.
        ready: brings the page there and waits until it is.
        top: selector of the element with which its picture begins, "" for the top of the page.
    """

    name: str
    path: str
    ready: Callable[[Page], None]
    top: str = ""


def train_lesson(folder: Path, steps: int, side: int = 32) -> str:
    """Train the article's lesson, three rates side by side.

    Args:
        folder: of the runs.
        steps: batches of each.
        side: of the pictures that the networks take, in pixels.

    Returns:
        the runs' ids, as an address has them; they are somebody's, so only this link shows them.
    """
    from fsl.data.query import DataSpec
    from fsl.training.manager import RunManager
    from fsl.training.presets import PRESETS
    from fsl.training.run_plan import RunPlan
    from fsl.training.run_spec import RunSpec
    from fsl.ui.shared.run_labels import learning_rate_text

    preset = PRESETS["article"]
    # Some moments are enough for a map that moves.
    config = replace(preset.config, steps=steps, evaluate_every=max(10, steps // 6), snapshot_images=150)
    manager = RunManager(folder)
    ids = manager.start_together(
        [
            RunPlan(
                RunSpec(replace(config, learning_rate=rate), name=f"rate {learning_rate_text(rate)}"),
                replace(preset.model, image_size=side),
                DataSpec(data=preset.data, hold_out=0.4),
                visitor="scenes",
            )
            for rate in preset.rates
        ]
    )
    assert all(manager.wait(run_id, timeout=600) for run_id in ids)
    return ",".join(ids)


def _sees(text: str) -> Callable[[Page], None]:
    def ready(tab: Page) -> None:
        tab.get_by_text(text).first.wait_for()

    return ready


def _classified(tab: Page) -> None:
    tab.get_by_role("button", name="Drawn fruit").click()
    tab.get_by_text("Similarity to each of your pictures").wait_for()
    tab.locator(".st-key-small_map_card canvas").first.wait_for()


def _sorted(tab: Page) -> None:
    """Drop 300 pictures of 20 kinds, of which 16 are classes, and check the first answers by keyboard."""
    task = rendered_task(n_way=20, n_shot=1, n_query=300, seed=2)
    drop_classes(tab, dict(list(task.classes.items())[:16]))
    drop_queries(tab, task.queries)
    settle(tab)
    choose(tab, 1)
    choose(tab, 0)
    titles = answers(tab).locator(".title").all_inner_texts()
    for place, (said, true) in enumerate(zip(titles, task.answers[:_N_CHECKED], strict=False), start=1):
        tab.keyboard.press("Enter" if said == true else "0")
        tab.locator(".st-key-answers_show button").filter(has_text=f"Checked {place}").wait_for()


def _fine_tune_offered(tab: Page) -> None:
    """Digits, which the network for photos was never trained on: the self-check leaves room."""
    task = digits_task(n_way=10, n_shot=6, n_query=20, seed=1)
    drop_classes(tab, task.classes)
    drop_queries(tab, task.queries)
    tab.get_by_text("It takes about").wait_for()


def _fine_tuned(tab: Page) -> None:
    _fine_tune_offered(tab)
    tab.get_by_role("button", name="Fine-tune on these classes").click()
    tab.get_by_text("Fine-tuning helped").wait_for()


def _compared(tab: Page) -> None:
    choose_fruits(tab)
    tab.get_by_role("button", name="Try an example").click()
    tab.locator(".st-key-compare_answers li.tile .title").nth(6).wait_for()
    tab.locator(".st-key-compare_roc .main-svg").first.wait_for()
    tab.get_by_role("button", name="Show why").click()
    tab.locator(".st-key-compare_why_maps li.tile").nth(1).wait_for()
    # The first maps are replaced by finer ones, as a bar between them and these words says.
    tab.locator(".st-key-compare_why_card").get_by_text("Green parts").wait_for()
    tab.locator(".st-key-compare_why_card [data-testid=stProgress]").first.wait_for(state="detached")


def choose_fruits(tab: Page) -> None:
    """Choose the network for fruit on the Compare page, and wait for its error rates."""
    tab.get_by_role("combobox", name="Network").first.click()
    tab.get_by_role("option").filter(has_text="fruits").click()
    tab.get_by_text("Measured on photos of fruit and vegetables").wait_for()


def _trained(tab: Page) -> None:
    tab.locator("[class*=st-key-tile_]").nth(2).wait_for()
    tab.locator(".curve canvas").nth(1).wait_for()
    tab.locator(".pairs li span").first.wait_for()


def _mapped(tab: Page) -> None:
    tab.get_by_text("Click a picture").wait_for()
    tab.locator("canvas.canvas[data-sheet=drawn]").first.wait_for()


def _moving(tab: Page) -> None:
    tab.locator("canvas.canvas[data-sheet=drawn]").nth(2).wait_for()
    tab.get_by_role("slider", name="Moment of the training").press("End")


def _evaluated(tab: Page) -> None:
    tab.locator(".st-key-ev_start button:enabled").click()
    tab.get_by_role("heading", name="% correct").wait_for()
    tab.locator('[class*="st-key-ev_confused"] li.tile').first.wait_for()


def _bet(tab: Page) -> None:
    tab.get_by_role("radio", name="0.0001").or_(tab.get_by_role("button", name="0.0001")).first.click()
    tab.get_by_text("Recorded by").wait_for()


SCENES = (
    Scene("home", "", _sees("Your pictures are not sent to any other service")),
    Scene("classify-empty", "classify", _sees("Add a few pictures of each thing")),
    Scene("classify", "classify", _classified),
    Scene("compare-empty", "compare", _sees("Add a picture of the one you know")),
    Scene("compare", "compare", _compared),
    Scene("training-empty", "training", _sees("No run yet")),
    Scene("training", "training?run={runs}", _trained),
    Scene("embeddings-empty", "embeddings", _sees("Choose pictures to see")),
    Scene("embeddings", "embeddings?source=rendered&network=fruits", _mapped),
    Scene("embeddings-moving", "embeddings?run={runs}", _moving),
    Scene("evaluate-empty", "evaluate", _sees("a first figure")),
    Scene("evaluate", "evaluate?source=rendered&network=fruits", _evaluated),
    Scene("learn-idea", "learn?step=idea", _sees("Choose the matching kind")),
    Scene("learn-twin", "learn?step=twin", _sees("more different")),
    Scene("learn-pairs", "learn?step=pairs", _sees("Training changes the weights a little")),
    Scene("learn-loss", "learn?step=loss", _sees("If they are different")),
    Scene("learn-episode", "learn?step=episode", _sees("Nearest:")),
    Scene("learn-rate", "learn?step=rate", _bet),
    Scene("learn-faces", "learn?step=faces", _sees("false reject")),
)

SORTING = Scene("sorting", "classify", _sorted, ".st-key-answers_head")
"""For the docs alone: it takes long."""
FINE_TUNING = (
    Scene("fine-tune-offer", "classify", _fine_tune_offered),
    Scene("fine-tune-result", "classify", _fine_tuned),
)
"""For the docs alone, as well."""


def settle(tab: Page) -> None:
    """Wait until the server has nothing more to send and every picture is drawn."""
    tab.locator("[data-testid=stApp][data-test-script-state=running]").wait_for(state="detached")
    tab.locator("[data-testid=stSkeleton]").first.wait_for(state="detached")
    # A picture that is loaded when it comes into view would never be decoded out of it. One that the page has
    # taken away meanwhile does not count.
    load = """images => Promise.all(images.map(image => {
      image.loading = 'eager';
      return image.decode().catch(error => { if (image.isConnected) throw error; });
    }))"""
    tab.locator("img").evaluate_all(load)
