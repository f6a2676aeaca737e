"""The corpus through the pages, many inputs in one drop: messages, good files kept, names shown as text."""

from __future__ import annotations

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from tests.hostile.archives import archives
from tests.hostile.checkpoints import checkpoints
from tests.hostile.images import images
from tests.hostile.projects import projects
from tests.hostile.runs import runs
from tests.hostile.watch import watching
from tests.pages.conftest import app, checkpoint_folder, page  # noqa: F401 - fixtures
from tests.pages.helpers import picture, save_small_checkpoint
from tests.pages.test_classify_page import drop, shown, state

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:PIL")


def assert_harmless(page: AppTest) -> None:  # noqa: F811
    """No exception, no general apology, no picture from elsewhere, no HTML."""
    assert not page.exception
    elements = [*page.markdown, *page.caption, *page.info, *page.warning, *page.error, *page.success]
    for element in elements:
        text = element.value
        assert "Something went wrong" not in text
        assert "Traceback" not in text
        assert "![" not in text.replace("\\[", "")
        assert "<script" not in text.replace("\\<", "")
        text.encode()


def _sent(name: str) -> str:
    """As a browser sends it: always text."""
    return name.encode(errors="replace").decode()


def test_all_hostile_pictures_in_one_drop(page: AppTest, tmp_path: Path) -> None:  # noqa: F811
    inputs = [one for one in images() if one.kind != "decompression bomb"]
    with watching(tmp_path) as watch:
        drop(page, "class_0", *((_sent(one.name), one.data) for one in inputs))
    assert watch.faults == []
    assert_harmless(page)
    kept = {p.data for p in state(page).workspace.card(0).pictures}
    assert {one.data for one in inputs if one.good} <= kept
    assert not {one.data for one in inputs if one.good is False} & kept
    refused = sum(one.data not in kept for one in inputs)
    assert f"{refused} files could not be used" in shown(page)


def test_zips_and_projects_dropped_one_after_another(page: AppTest, tmp_path: Path) -> None:  # noqa: F811
    drop(page, "class_0", ("mine.png", picture("orange")))
    zips = [("zip", one) for one in list(archives())[::4]]
    zips += [("project", one) for one in list(projects())[::3]]
    for place, one in zips:
        before = {p.digest for card in state(page).workspace.classes for p in card.pictures}
        with watching(tmp_path) as watch:
            drop(page, place, (_sent(one.name), one.data))
        assert watch.faults == [], one.name
        assert_harmless(page)
        now = state(page).workspace
        if one.good is False:
            assert one.name.split(".")[0][:20] in shown(page), one.name
            assert before == {p.digest for card in now.classes for p in card.pictures}, one.name
        if one.keeps:
            assert {"apple", "pear"} <= {card.name.rpartition("/")[2] for card in now.classes}, one.name


def test_a_folder_full_of_hostile_checkpoints(
    page: AppTest,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    save_small_checkpoint(tmp_path)
    bad = [one for one in checkpoints() if one.good is False]
    for number, one in enumerate(bad):
        (tmp_path / f"bad {number}.safetensors").write_bytes(one.data)
    monkeypatch.setenv("FSL_CHECKPOINT_DIR", str(tmp_path))
    drop(page, "class_0", ("r.png", picture("red")))
    drop(page, "class_1", ("b.png", picture("blue")))
    assert "small answers instead." in shown(page)
    drop(page, "queries", ("q.png", picture((250, 10, 10))))
    assert_harmless(page)
    assert "Most like Class 1" in shown(page)
    for name in page.selectbox(key="checkpoint").options:
        page.selectbox(key="checkpoint").set_value(name.partition(":")[0]).run()
        assert_harmless(page)
        assert "Most like Class 1" in shown(page)


def test_a_folder_full_of_hostile_runs(
    app: AppTest,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    names = []
    for number, run in enumerate(runs()):
        names.append(f"run{number}")
        for file, data in run.files.items():
            path = tmp_path / names[-1] / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
    monkeypatch.setenv("FSL_RUNS_DIR", str(tmp_path))
    for start in range(0, len(names), 4):
        app.query_params["run"] = ",".join([*names[start : start + 4], "no such run", "../..", "![x](y)"])
        app.switch_page("pages/training.py").run()
        assert_harmless(app)
        app.session_state["few_shot_lab_training"] = {}
