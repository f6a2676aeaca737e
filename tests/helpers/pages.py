"""Using the pages through Streamlit's AppTest: dropping files, reading text, starting runs."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from streamlit.testing.v1 import AppTest

from fsl.training.status import RunInfo, list_runs
from fsl.ui.shared.pictures import StoredPicture
from fsl.ui.shared.state import Session
from fsl.ui.shared.tab_memory import KEPT
from tests.helpers.pictures import picture

_ROOT = Path(__file__).resolve().parents[2]


def new_browser(path: str, **parameters: str) -> AppTest:
    """Open a page in a browser session of its own.

    Args:
        path: file of the page, such as "pages/training.py".
        parameters: of the address.
    """
    app = AppTest.from_file(str(_ROOT / "app.py"), default_timeout=60)
    app.switch_page(path)
    for name, value in parameters.items():
        app.query_params[name] = value
    open_menus(app).run()
    assert not app.exception
    return app


def reloaded(page: AppTest, path: str) -> AppTest:
    """Reload a tab: open a page in a new session that has what the tab keeps."""
    new = new_browser(path)
    for key in KEPT:
        if key in page.session_state:
            new.session_state[key] = page.session_state[key]
    new.run()
    assert not new.exception
    return new


def open_menus(page: AppTest) -> AppTest:
    """Open all menus of the session, which the next run shows."""
    page.session_state["few_shot_lab_opened_menus"] = _All()
    return page


class _All(set[str]):
    """A set of strings with every string in it."""

    def __contains__(self, _: object) -> bool:
        return True


def state(page: AppTest) -> Session:
    """Return what the app keeps for this visitor."""
    held: Session = page.session_state["few_shot_lab"]
    return held


def drop(page: AppTest, place: str, *files: tuple[str, bytes]) -> None:
    """Drop files on the place's zone, whichever number its widget has by now."""
    key = f"drop_{place}_{state(page).drops[place]}"
    uploads = [(name, data, "application/octet-stream") for name, data in files]
    single = place in ("zip", "project")
    page.file_uploader(key=key).set_value(uploads[0] if single else uploads).run()
    assert not page.exception


def fill(page: AppTest) -> None:
    """Drop two red and two blue pictures as classes, and a red query, on the Classify page."""
    drop_all(
        page,
        class_0=[("r1.png", picture((250, 0, 0))), ("r2.png", picture((220, 10, 0)))],
        class_1=[("b1.png", picture((0, 0, 250))), ("b2.png", picture((0, 10, 220)))],
        queries=[("q.png", picture((235, 5, 5)))],
    )


def drop_all(page: AppTest, **places: list[tuple[str, bytes]]) -> None:
    """Drop files on several zones of the Classify page in one run, which takes them one after another."""
    for place, files in places.items():
        key = f"drop_{place}_{state(page).drops[place]}"
        uploads = [(name, data, "application/octet-stream") for name, data in files]
        page.file_uploader(key=key).set_value(uploads)
    page.run()
    assert not page.exception


def shown(page: AppTest) -> str:
    """Return all text of the page, without Markdown's backslashes."""
    said = [*page.info, *page.success, *page.warning, *page.error, *page.toast]
    elements = [*page.markdown, *page.caption, *said, *page.header]
    return "\n".join(element.value.replace("\\", "").replace("\u2060", "") for element in elements)


def component_data(page: AppTest, key: str, component: str = "") -> dict[str, Any]:
    """Return the data that a browser component was sent; the key is any part of its id."""
    for element in page.get("bidi_component"):
        if element.proto.component_name.endswith(component) and key in element.proto.id:
            data: dict[str, Any] = json.loads(element.proto.json)
            return data
    raise AssertionError(f"no component {key}")


def grid(page: AppTest, key: str) -> dict[str, Any]:
    """Return the data of a grid of pictures."""
    return component_data(page, key, "few_shot_lab_pictures")


def map_data(page: AppTest, key: str = "map_small") -> dict[str, Any]:
    """Return the data of a map of embeddings."""
    return component_data(page, key, "few_shot_lab_map")


def start(page: AppTest, rates: list[float], steps: int = 20, size: int = 16) -> list[RunInfo]:
    """Start training runs on the Train page; return all runs there are.

    Args:
        page: the app on its Train page.
        rates: learning rates, one run each.
        steps: batches of each run.
        size: side of the pictures; 0 leaves the setting as it is.
    """
    page.multiselect(key="rates").set_value(rates)
    page.number_input(key="steps").set_value(steps)
    if size:
        page.select_slider(key="image_size").set_value(size)
    page.select_slider(key="batch").set_value(8)
    page.button(key="start_training").click().run()
    assert not page.exception
    return list_runs()


def wait_until_over(page: AppTest) -> list[RunInfo]:
    """Wait for all runs to end, draw the page again, and return the runs."""
    deadline = time.monotonic() + 90
    while any(run.is_live for run in list_runs()) and time.monotonic() < deadline:
        time.sleep(0.1)
    page.run()
    assert not page.exception
    return list_runs()


def stored(name: str, data: bytes = b"x") -> StoredPicture:
    """Return a picture as the workspace keeps it, with made-up bytes."""
    return StoredPicture(name, data, f"digest of {name}", "data:")
