"""One budget for all pages of a session, and no upload is kept twice."""

from __future__ import annotations

import io
import zipfile
from typing import Any

import pytest
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.testing.v1 import AppTest

from fsl.ui.pages.evaluate import run
from fsl.ui.shared import budget
from tests.helpers.pages import drop, shown, state
from tests.helpers.pictures import picture

COLOURS = ("red", "blue", "green", "grey")


def zip_of(n: int, note: bytes = b"") -> bytes:
    """A folder for each of n colours, two pictures in each, and a file that is none."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for colour in COLOURS[:n]:
            for size in (20, 30):
                archive.writestr(f"{colour}/{size}.png", picture(colour, size))
        archive.writestr("note.txt", note)
    return out.getvalue()


def put(page: AppTest, key: str, *files: tuple[str, bytes]) -> None:
    """Drop files on a zone; one on a zone that takes one."""
    uploads = [(name, data, "application/octet-stream") for name, data in files]
    zone: Any = page.file_uploader(key=key)
    zone.set_value(uploads if zone.multiple_files else uploads[0]).run()
    assert not page.exception


def test_all_pages_share_one_budget(page: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(budget, "MAX_PICTURES", 5)
    drop(page, "class_0", ("a.png", picture("red")), ("b.png", picture("blue")))
    page.switch_page("pages/compare.py").run()
    put(page, "compare_drop_references_0", ("c.png", picture("green")), ("d.png", picture("white")))
    put(page, "compare_drop_probes_0", ("e.png", picture("black")), ("f.png", picture("pink")))
    assert "at most 5 pictures together; nothing was added" in shown(page)
    assert page.session_state["few_shot_lab_compare"].probes == ()
    page.switch_page("pages/embeddings.py").run()
    put(page, "map_zip_0", ("four.zip", zip_of(2)))
    assert "at most 5 pictures together; nothing was added" in shown(page)
    assert page.session_state["few_shot_lab_embeddings"].upload is None
    page.switch_page("pages/classify.py").run()
    page.menu_button(key="class_menu_0").click_index(1).run()
    drop(page, "class_0", ("g.png", picture("cyan")), ("h.png", picture("gold")), ("i.png", picture("navy")))
    assert len(state(page).workspace.card(0).pictures) == 3
    assert not state(page).history
    page.menu_button(key="class_menu_0").click_index(1).run()
    assert state(page).history.removals
    page.switch_page("pages/embeddings.py").run()
    put(page, "map_zip_1", ("two.zip", zip_of(1)))
    assert len(page.session_state["few_shot_lab_embeddings"].upload.pictures) == 2
    assert not state(page).history  # what was only kept to be brought back makes way


def test_zips_count_by_their_size(page: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(budget, "MAX_BYTES", 300_000)
    large, small = zip_of(4, bytes(200_000)), zip_of(4)
    page.switch_page("pages/evaluate.py").run()
    put(page, "ev_zip_0", ("large.zip", large))
    assert page.session_state["few_shot_lab_evaluate"].upload.title == "large.zip"
    page.switch_page("pages/training.py").run()
    page.selectbox(key="data").set_value("a zip of my own").run()
    put(page, "training_zip_0", ("small.zip", small))
    put(page, "training_zip_1", ("large.zip", large))
    assert "MB together; nothing was added" in shown(page)
    put(page, "training_zip_2", ("broken.zip", b"PK no zip"))
    assert "broken.zip: this is not a zip" in shown(page)
    assert "Dropped: **small.zip" in shown(page)  # the good one stays, and so does the form
    assert page.button(key="start_training")
    monkeypatch.setattr(budget, "MAX_BYTES", len(large) + len(small) + 1000)
    put(page, "training_zip_3", ("again.zip", small))
    page.button(key="start_training").click().run()  # for a network, its pictures would take 98 kB
    assert "MB together; nothing was added" in shown(page)


def test_an_evaluation_of_more_than_fits_is_refused(
    page: AppTest,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(run, "MAX_BYTES", 1000)
    page.switch_page("pages/evaluate.py").run()
    put(page, "ev_zip_0", ("mine.zip", zip_of(4)))
    page.button(key="ev_start").click().run()
    assert "8 images of" in shown(page)
    assert "Use fewer images of each class" in shown(page)


def test_streamlit_keeps_no_dropped_file(page: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever zone it was dropped on, and whether it could be used or not."""
    held: list[MemoryUploadedFileManager] = []
    really = MemoryUploadedFileManager.add_file

    def add_file(self: MemoryUploadedFileManager, *rest: Any, **more: Any) -> None:
        held.append(self)
        really(self, *rest, **more)

    monkeypatch.setattr(MemoryUploadedFileManager, "add_file", add_file)
    one, archive, bad = ("a.png", picture("red")), ("a.zip", zip_of(4)), ("b.zip", b"no zip")
    for key, file in (("drop_class_0_0", one), ("drop_queries_0", one), ("drop_zip_0", archive)):
        put(page, key, file)
    put(page, "drop_project_0", bad)
    put(page, "drop_folder_0", ("mine/red/a.png", picture("red")))
    page.switch_page("pages/compare.py").run()
    put(page, "compare_drop_probes_0", one)
    page.switch_page("pages/embeddings.py").run()
    put(page, "map_zip_0", bad)
    put(page, "map_folder_1", ("mine/red/a.png", picture("red")))
    page.switch_page("pages/evaluate.py").run()
    put(page, "ev_zip_0", archive)
    put(page, "ev_folder_1", ("mine/red/a.png", picture("red")))
    page.switch_page("pages/training.py").run()
    page.selectbox(key="data").set_value("a zip of my own").run()
    put(page, "training_zip_0", archive)
    assert len(held) >= 11
    assert [file for manager in held for files in manager.file_storage.values() for file in files] == []
