"""The Evaluate page through Streamlit's own test runner."""

from __future__ import annotations

import csv
import io
import json
import zipfile

import pytest
from streamlit.testing.v1 import AppTest

from fsl.__main__ import main
from fsl.ui.evaluate.sources import sources
from fsl.ui.evaluate.state import EvaluateState
from tests.pages.helpers import picture
from tests.pages.test_classify_page import fill, shown


@pytest.fixture
def page_(app: AppTest, monkeypatch: pytest.MonkeyPatch) -> AppTest:
    """The app on its Evaluate page, drawn once, with no named data sets."""
    monkeypatch.delenv("FSL_DATA_DIR", raising=False)
    app.run()
    app.switch_page("pages/evaluate.py").run()
    assert not app.exception
    return app


def state(page: AppTest) -> EvaluateState:
    held: EvaluateState = page.session_state["few_shot_lab_evaluate"]
    return held


def archive(n_classes: int = 4, each: int = 5, *more: tuple[str, bytes]) -> bytes:
    """A zip of flat pictures; classes differ in colour, two of them hardly."""
    colours = [(220, 30, 30), (30, 200, 40), (30, 60, 230), (32, 62, 228), (128, 128, 128)][:n_classes]
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        for slot, colour in enumerate(colours):
            for i in range(each):
                file.writestr(f"top/class {slot}/{i}.png", picture(tuple(c + 3 * i for c in colour), 24))
        for name, data in more:
            file.writestr(name, data)
    return buffer.getvalue()


def drop(page: AppTest, data: bytes, name: str = "mine.zip") -> None:
    page.file_uploader(key=f"ev_zip_{state(page).uploads}").set_value((name, data, "application/zip")).run()
    assert not page.exception


def evaluate(page: AppTest, episodes: int = 40, **settings: int) -> None:
    for name, value in {"episodes": episodes, **settings}.items():
        page.number_input(key=f"ev_{name}").set_value(value)
    page.button(key="ev_start").click().run()
    assert not page.exception


def test_the_empty_page_says_what_to_do(page_: AppTest) -> None:
    assert "a first figure" in shown(page_)
    assert page_.selectbox(key="ev_source").value == "rendered"
    assert page_.multiselect(key="ev_networks").value == ["small"]


def test_an_uploaded_zip_from_start_to_figures(page_: AppTest) -> None:
    drop(page_, archive(4, 5, ("top/class 0/bad<b>.png", b"no picture")))
    page_.multiselect(key="ev_networks").set_value(["small", "small-two"]).run()
    page_.multiselect(key="ev_baselines").set_value(["pixels", "untrained:small"]).run()
    evaluate(page_, way=3, shot=2, query=2)
    job = state(page_).job
    assert job is not None
    assert not job.running
    assert job.n_done == 40
    assert "bad<b>.png" in shown(page_).replace("\\", "")
    assert not page_.error
    assert [one.name for one in job.contenders] == ["small", "small-two", "pixels", "untrained:small"]
    table = page_.dataframe[0].value
    assert len(table) == 4
    # The two small networks are the same: no difference on the same episodes.
    assert "no clear difference (0.0% ± 0.0%)" in list(table["Against the first"])[1]
    assert len(page_.get("plotly_chart")) >= 5


def test_figures_are_those_of_the_command(
    page_: AppTest, tmp_path: object, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from pathlib import Path

    assert isinstance(tmp_path, Path)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.zip").write_bytes(archive())
    drop(page_, archive())
    evaluate(page_, way=3)
    (code,) = page_.code
    command = code.value.splitlines()[0].split()
    assert command[:4] == ["python", "-m", "fsl", "evaluate"]
    capsys.readouterr()
    assert main([*command[3:], "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    job = state(page_).job
    assert job is not None
    assert found["accuracy"] == pytest.approx(job.answers[0].result(4).accuracy, abs=1e-9)
    assert found["episodes"] == 40


def test_a_mistake_opens_its_pictures(page_: AppTest) -> None:
    drop(page_, archive())
    evaluate(page_, way=4)
    job = state(page_).job
    assert job is not None
    assert job.mistake is not None
    pairs = {job.mistake, tuple(reversed(job.mistake))}
    assert pairs == {(2, 3), (3, 2)}  # the two blues
    (grid,) = [e for e in page_.get("bidi_component") if "ev_confused-" in f"{e.proto.id}-"][:1] or [None]
    assert grid is not None
    tiles = json.loads(grid.proto.json)["tiles"]
    assert tiles
    assert all(f"class {job.mistake[0]}/" in tile["name"] for tile in tiles)


def test_too_few_pictures_are_a_message_and_fewer_questions_a_note(page_: AppTest) -> None:
    drop(page_, archive(3, 2))
    evaluate(page_, shot=1, query=5)
    assert "1 instead of 5 queries" in shown(page_)
    evaluate(page_, shot=4)
    assert "at least" in page_.error[0].value
    evaluate(page_, shot=1)
    assert not page_.error


def test_a_hopeless_zip_leaves_everything_as_it_was(page_: AppTest) -> None:
    drop(page_, archive(1, 3), "one.zip")
    assert "at least 2" in page_.error[0].value
    drop(page_, b"no zip", "bad.zip")
    assert "bad.zip" in page_.error[0].value.replace("\\", "")
    assert state(page_).upload is None


def test_a_stopped_evaluation_keeps_what_it_has(page_: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    from fsl.ui.evaluate import job as module

    step = module.Job.step

    def stop_after_three(job: module.Job) -> bool:
        went_on = step(job)
        if job.n_done >= 3:
            job.running = False  # as the button does
            return False
        return went_on

    monkeypatch.setattr(module.Job, "step", stop_after_three)
    drop(page_, archive())
    evaluate(page_, way=3)
    assert "stopped early" in shown(page_)
    assert "You stopped early" in shown(page_)


def test_the_grid_is_measured_on_demand(page_: AppTest) -> None:
    drop(page_, archive())
    evaluate(page_, way=3)
    page_.button(key="ev_grid").click().run()
    assert not page_.exception
    job = state(page_).job
    assert job is not None
    cells = {(c.n_way, c.n_shot): c.accuracy for c in job.grids["small"]}
    assert set(cells) == {(w, s) for w in (2, 3, 4) for s in (1, 2, 3)}
    assert all(value is not None for value in cells.values())


def test_the_classify_pages_classes_come_here_and_as_a_zip(page: AppTest) -> None:
    fill(page)
    page.switch_page("pages/evaluate.py").run()
    assert not page.exception
    assert str(page.selectbox(key="ev_source").value).startswith("classify-")
    evaluate(page, way=2)
    job = state(page).job
    assert job is not None
    assert job.n_done == 40
    archive_of = job.request.source.archive
    assert archive_of is not None
    names = zipfile.ZipFile(io.BytesIO(archive_of())).namelist()
    assert len(names) == 4
    assert len({name.split("/")[1] for name in names}) == 2


def test_settings_survive_a_page_change(page_: AppTest) -> None:
    page_.number_input(key="ev_way").set_value(3).run()
    page_.switch_page("pages/classify.py").run()
    page_.switch_page("pages/evaluate.py").run()
    assert page_.number_input(key="ev_way").value == 3


def test_tables_are_safe_and_complete() -> None:
    from fsl.config import EpisodeConfig
    from fsl.fewshot.report import confusion_csv, episodes_csv, evaluate_command, summary_csv
    from tests.fewshot.test_assess import last

    answers = {"=first": last(), "second": last(rule="max")}
    rows = list(csv.DictReader(io.StringIO(summary_csv(answers, 6, EpisodeConfig(4, 2, 3, 50, 3)))))
    assert rows[0]["network"] == "'=first"
    assert float(rows[0]["difference_from_first"]) == 0
    assert float(rows[1]["accuracy"]) == pytest.approx(answers["second"].right.mean(), abs=1e-6)
    result = answers["second"].result(6)
    table = list(csv.reader(io.StringIO(confusion_csv(result, [*"abcde", "+f"]))))
    assert table[0][-1] == "'+f"
    assert [int(cell) for cell in table[2][2:]] == result.confusion[1].tolist()
    tests = list(csv.reader(io.StringIO(episodes_csv(answers))))
    assert len(tests) == 51
    command = evaluate_command("my data.zip", "a b", EpisodeConfig(4, 2, 3, 50, 3), "f.json:x", 7)
    assert "--data 'my data.zip' --classes f.json:x --per-class 7 --checkpoint 'a b' --way 4" in command


def test_named_sets_offer_their_lists(data_dir: object) -> None:
    from fsl.ui.workspace import Workspace

    known = sources(Workspace.fresh(), None)
    assert [name for name, _ in known["fruits360"].lists] == ["train", "val", "novel"]
    assert [name for name, _ in known["grocery"].lists] == ["train", "val"]


def test_what_was_embedded_before_a_click_is_not_embedded_again(
    page_: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A click while the network looks at the pictures interrupts it between two chunks."""
    from fsl.twin import inference
    from fsl.ui.evaluate import job as module

    class ClickError(Exception):
        pass

    seen: list[int] = []
    embed = inference.embed_images

    def counted(twin: object, images: object) -> object:
        seen.append(len(images))  # type: ignore[arg-type]
        if len(seen) == 3:
            raise ClickError
        return embed(twin, images)  # type: ignore[arg-type]

    monkeypatch.setattr(inference, "embed_images", counted)
    monkeypatch.setattr(module, "_CHUNK", 4)
    drop(page_, archive())
    page_.multiselect(key="ev_baselines").set_value([]).run()
    evaluate(page_, way=3)
    assert seen == [4, 4, 4]
    page_.run()
    assert seen[3:] == [4, 4, 4]  # 20 pictures in five chunks, the third one again
    job = state(page_).job
    assert job is not None
    assert job.n_done == 40
    assert len(job.contenders[0].embeddings) == 20
