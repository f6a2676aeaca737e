"""The Evaluate page through Streamlit's own test runner."""

from __future__ import annotations

import csv
import io
import json
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path
from threading import Semaphore
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from fsl.__main__ import main
from fsl.config import EpisodeConfig
from fsl.data.builtin import rendered_set
from fsl.data.download import Answer
from fsl.data.query import ImageQuery
from fsl.fewshot import answers
from fsl.fewshot.accuracy_grid import GridCell
from fsl.ui.pages.evaluate.sources import sources
from fsl.ui.pages.evaluate.state import EvaluateState
from fsl.ui.shared.sources import zip_of
from fsl.ui.shared.work import CancelledError, ReportProgress, Work
from tests.helpers.answers import answers_of
from tests.helpers.pages import fill, shown
from tests.helpers.pictures import picture
from tests.helpers.waiting import until


@pytest.fixture
def page_(app: AppTest, monkeypatch: pytest.MonkeyPatch) -> AppTest:
    """The app on its Evaluate page, drawn once, with no named data sets."""
    monkeypatch.delenv("FSL_DATA_DIR", raising=False)
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
    page.file_uploader(key=f"ev_zip_{state(page).drops}").set_value((name, data, "application/zip")).run()
    assert not page.exception


def evaluate(page: AppTest, episodes: int = 40, **settings: int) -> None:
    for name, value in {"episodes": episodes, **settings}.items():
        page.number_input(key=f"ev_{name}").set_value(value)
    page.button(key="ev_start").click().run()
    assert not page.exception


class PartByPart:
    """Makes evaluations answer one episode at a time, each when it is told to."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.n_started, self.go_on = 0, Semaphore(0)
        self._stream = answers.stream_answers
        monkeypatch.setattr(answers, "N_PARTS", 1_000)
        monkeypatch.setattr(answers, "stream_answers", self._one_by_one)

    def _one_by_one(self, *arguments: Any) -> Iterator[tuple[answers.Answers, ...]]:
        self.n_started += 1
        for part in self._stream(*arguments):
            assert self.go_on.acquire(timeout=20)
            yield part


def test_a_click_with_the_address_of_before_undoes_nothing(page_: AppTest) -> None:
    """The browser may not have the new address yet; once it has, going back to the old one counts."""
    before = dict(page_.query_params)
    page_.selectbox(key="ev_source").set_value("digits").run()
    after = dict(page_.query_params)
    assert before["source"] == "rendered"
    assert after["source"] == "digits"
    page_.query_params = before
    page_.run()
    assert page_.selectbox(key="ev_source").value == "digits"
    page_.query_params = after
    page_.run()
    page_.query_params = before
    page_.run()
    assert page_.selectbox(key="ev_source").value == "rendered"


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
    assert job.n_done == 40
    assert "bad<b>.png" in shown(page_).replace("\\", "")
    assert not page_.error
    assert [one.name for one in job.contenders] == ["small", "small-two", "pixels", "untrained:small"]
    table = page_.dataframe[0].value
    assert len(table) == 4
    # The two small networks are the same: no difference on the same episodes.
    assert "no clear difference: 0.0% ± 0.0%" in list(table["Compared with small"])[1]
    assert len(page_.get("plotly_chart")) >= 5

    page_.button(key="ev_remove").click().run()
    assert not page_.exception
    assert not list(state(page_).holdings())
    assert page_.selectbox(key="ev_source").value == "rendered"
    assert "mine.zip" not in page_.selectbox(key="ev_source").options
    assert len(page_.get("plotly_chart")) >= 5  # its figures stay until the next evaluation


def test_figures_are_those_of_the_command(
    page_: AppTest, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
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
    assert "1 question per class instead of 5" in shown(page_)
    assert "3 classes to choose from instead of 5" in shown(page_)
    for word in ("quer", "-way", "-shot", "episode"):
        assert word not in shown(page_).partition("**The same on the command line**")[0]
    evaluate(page_, shot=4)
    assert "4 to show and 1 to ask about" in page_.error[0].value
    drop(page_, archive(3, 3), "another.zip")
    # Still: it was the evaluation that failed, and a good drop after it mends nothing.
    assert "2 classes with at least 5 pictures each" in page_.error[0].value
    assert "You stopped the evaluation" not in shown(page_)
    evaluate(page_, shot=1)
    assert not page_.error


def test_a_limit_on_pictures_is_not_called_a_lack_of_them(page_: AppTest) -> None:
    drop(page_, archive(3, 5))
    evaluate(page_, shot=2, query=5, per_class=4)
    assert "2 questions per class instead of 5: at most 4 of its pictures are used" in shown(page_)
    evaluate(page_, shot=4, per_class=4)
    assert "“Pictures per class” under “More settings” is 4" in page_.error[0].value
    evaluate(page_, shot=4, query=5, per_class=6)
    assert "1 question per class instead of 5: the classes have no more pictures" in shown(page_)


def test_with_two_classes_unknown_classes_need_a_third_one(page_: AppTest) -> None:
    drop(page_, archive(2, 4))
    evaluate(page_, way=2, query=1)
    assert "none is left to be unknown. Add a third class" in shown(page_)
    drop(page_, archive(3, 4))
    evaluate(page_, way=3, query=1)
    assert "Ask for fewer than 3 classes" in shown(page_)


def test_any_contender_can_be_what_the_others_are_compared_with(page_: AppTest) -> None:
    drop(page_, archive())
    page_.multiselect(key="ev_networks").set_value(["small", "small-two"]).run()
    evaluate(page_, way=3)
    page_.selectbox(key="ev_reference").set_value("pixels").run()
    assert not page_.exception
    job = state(page_).job
    assert job is not None
    ours, _, pixels = (given.right.mean(axis=(1, 2)) for given in job.answers)
    against = list(page_.dataframe[0].value["Compared with Pixels alone"])
    assert against[2] == "–"
    assert f"{abs((ours - pixels).mean()):.1%} ± " in against[0]
    assert ("better" in against[0]) == (ours.mean() > pixels.mean()) or "no clear" in against[0]


@pytest.mark.parametrize("is_here", [False, True])
def test_a_public_set_is_fetched_when_asked_for_with_a_plain_word_offline(
    page_: AppTest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, is_here: bool
) -> None:
    monkeypatch.setenv("FSL_CACHE_DIR", str(tmp_path))

    def offline(url: str, start: int = 0) -> Answer:
        raise OSError("no route to host")

    def fetched(source: object, query: ImageQuery, progress: object) -> object:
        return rendered_set(query.size, 4), ()

    monkeypatch.setattr("fsl.data.download.fetch_url", offline)
    if is_here:
        monkeypatch.setattr("fsl.data.source.FileSource.load", fetched)
    page_.selectbox(key="ev_source").set_value("fruits360-sample").run()
    assert "10 fruits, 20 photos each (1 MB)" in shown(page_)
    evaluate(page_, way=3, query=1)
    job = state(page_).job
    assert job is not None
    if is_here:
        assert job.n_done == 40
        assert "--data fruits360-sample" in page_.code[0].value
    else:
        assert "cannot be fetched" in page_.error[0].value
        assert "connection to the internet" in page_.error[0].value
        assert "You stopped the evaluation" not in shown(page_)


def test_a_name_is_escaped_where_details_are_chosen(
    page_: AppTest, checkpoint_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(checkpoint_folder / "small.safetensors", tmp_path / "my _own_ net.safetensors")
    monkeypatch.setenv("FSL_CHECKPOINT_DIR", str(tmp_path))
    drop(page_, archive())
    page_.multiselect(key="ev_networks").set_value(["my _own_ net"])
    evaluate(page_, way=3)
    assert r"my \_own\_ net" in page_.segmented_control(key="ev_look").options


def test_a_hopeless_zip_leaves_everything_as_it_was(page_: AppTest) -> None:
    drop(page_, archive(1, 3), "one.zip")
    assert "at least 2" in page_.error[0].value
    drop(page_, b"no zip", "bad.zip")
    assert "bad.zip" in page_.error[0].value.replace("\\", "")
    assert state(page_).upload is None


@pytest.mark.parametrize("by_hand", [True, False])
def test_a_stopped_evaluation_keeps_what_it_has(
    page_: AppTest, monkeypatch: pytest.MonkeyPatch, by_hand: bool
) -> None:
    """It is stopped while the third part is answered; clicks and other pages go before that.

    Either the Stop button is pressed, or the server stops it as the tab is not connected.
    """
    parts = PartByPart(monkeypatch)
    drop(page_, archive())
    monkeypatch.setattr("fsl.ui.shared.work.PATIENCE_SECONDS", 0.0)
    evaluate(page_, way=3)
    job = state(page_).job
    assert job is not None
    parts.go_on.release(2)
    until(lambda: job.n_done == 2)
    page_.run()
    assert "So far:" in shown(page_)
    page_.switch_page("pages/classify.py").run()
    page_.switch_page("pages/evaluate.py").run()
    assert state(page_).job is job
    assert "So far:" in shown(page_)
    if by_hand:
        page_.button(key="ev_stop").click().run()
    else:
        job.work.cancel()
    parts.go_on.release()
    assert job.work.wait(20)
    page_.run()
    assert job.work.is_cancelled
    assert (job.n_done, parts.n_started) == (3, 1)
    assert "stopped early" in shown(page_)
    assert ("You stopped early" in shown(page_)) == by_hand
    assert ("The evaluation was interrupted" in shown(page_)) != by_hand
    job.answers = ()  # as if stopped before the first test was finished
    page_.run()
    assert ("You stopped the evaluation" in shown(page_)) == by_hand
    assert ("The evaluation was interrupted" in shown(page_)) != by_hand


def stop_at_once(report: ReportProgress) -> list[GridCell]:
    """As the work of a tab that nobody looked at is cancelled."""
    raise CancelledError


def test_without_a_network_nothing_else_is_wrong(
    page_: AppTest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FSL_CHECKPOINT_DIR", str(tmp_path))
    page_.run()
    (said,) = (error.value for error in page_.error)
    assert said.startswith("No trained network was found")


def test_the_grid_is_measured_on_demand_and_its_command_gives_the_same(
    page_: AppTest, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    drop(page_, archive())
    evaluate(page_, way=3)
    page_.button(key="ev_grid").click().run()
    assert not page_.exception
    job = state(page_).job
    assert job is not None
    found = job.measured_grid("small")
    assert found is not None
    assert len(found) == 9
    cells = {(c.n_way, c.n_shot): c.accuracy for c in found}
    assert set(cells) == {(w, s) for w in (2, 3, 4) for s in (1, 2, 3)}
    assert all(value is not None for value in cells.values())
    measured = job.grids["small"]
    job.grids["small"] = Work(stop_at_once)
    assert job.grids["small"].wait(20)
    page_.run()
    assert "Something went wrong" not in shown(page_)
    assert page_.button(key="ev_grid")
    job.grids["small"] = measured
    page_.run()
    grid = page_.code[0].value.splitlines()[-1]
    assert grid.startswith(
        "for way in 2 3 4; do for shot in 1 2 3; do python -m fsl evaluate --data mine.zip"
    )
    words = grid.partition("do python ")[2].partition(";")[0]
    words = words.replace("$way", "4").replace("$shot", "2")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.zip").write_bytes(archive())
    capsys.readouterr()
    assert main([*words.split()[2:], "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["accuracy"] == pytest.approx(cells[4, 2], abs=1e-9)


def test_the_classify_pages_classes_come_here_and_as_a_zip(page: AppTest) -> None:
    fill(page)
    page.switch_page("pages/evaluate.py").run()
    assert not page.exception
    assert str(page.selectbox(key="ev_source").value).startswith("classify-")
    evaluate(page, way=2)
    job = state(page).job
    assert job is not None
    assert job.n_done == 40
    names = zipfile.ZipFile(io.BytesIO(zip_of(job.request.source))).namelist()
    assert len(names) == 4
    assert len({name.split("/")[1] for name in names}) == 2


def test_settings_survive_a_page_change(page_: AppTest) -> None:
    page_.number_input(key="ev_way").set_value(3).run()
    page_.switch_page("pages/classify.py").run()
    page_.switch_page("pages/evaluate.py").run()
    assert page_.number_input(key="ev_way").value == 3


def test_tables_are_safe_and_complete() -> None:
    from fsl.fewshot.report import confusion_csv, episodes_csv, evaluate_command, summary_csv

    answers = {"=first": answers_of(), "second": answers_of(rule="max")}
    summary = summary_csv(answers, 6, EpisodeConfig(4, 2, 3, 50, 3), "second")
    rows = list(csv.DictReader(io.StringIO(summary)))
    assert rows[0]["network"] == "'=first"
    assert [row["compared_with"] for row in rows] == ["second", "second"]
    assert float(rows[1]["difference"]) == 0
    gap = answers["=first"].right.mean() - answers["second"].right.mean()
    assert float(rows[0]["difference"]) == pytest.approx(gap, abs=1e-6)
    reverse = csv.DictReader(io.StringIO(summary_csv(answers, 6, EpisodeConfig(4, 2, 3, 50, 3), "=first")))
    assert float([*reverse][1]["difference"]) == pytest.approx(-gap, abs=1e-6)  # negative: no formula
    assert float(rows[1]["accuracy"]) == pytest.approx(answers["second"].right.mean(), abs=1e-6)
    results = {name: given.result(6) for name, given in answers.items()}
    table = list(csv.reader(io.StringIO(confusion_csv(results, [*"abcde", "+f"]))))
    assert table[0][-1] == "answered: +f"
    assert [row[0] for row in table[1:]] == ["'=first"] * 6 + ["second"] * 6
    assert [int(cell) for cell in table[8][3:]] == results["second"].confusion[1].tolist()
    tests = list(csv.reader(io.StringIO(episodes_csv(answers))))
    assert len(tests) == 51
    command = evaluate_command("my data.zip", "a b", EpisodeConfig(4, 2, 3, 50, 3), "f.json:x", 7)
    assert "--data 'my data.zip' --classes f.json:x --per-class 7 --checkpoint 'a b' --way 4" in command


def test_tables_of_confidence_unknown_classes_and_mistakes_add_up() -> None:
    from fsl.fewshot.report import confused_csv, open_set_csv, reliability_csv

    answers = {"first": answers_of(), "second": answers_of(rule="max")}
    bins = list(csv.DictReader(io.StringIO(reliability_csv(answers))))
    assert len(bins) == 20
    assert sum(int(row["answers"]) for row in bins) == sum(given.right.size for given in answers.values())
    right = sum(int(row["answers"]) * float(row["accuracy"] or 0) for row in bins[:10])
    assert right == pytest.approx(answers["first"].right.sum(), abs=1e-2)
    hundredths = list(csv.DictReader(io.StringIO(open_set_csv(answers))))
    first = answers["first"]
    assert first.unknown_similarity is not None
    assert sum(int(row["unknown"]) for row in hundredths[:100]) == first.unknown_similarity.size
    above = sum(int(row["known"]) for row in hundredths[:100] if float(row["from"]) >= 0.5)
    assert above == (first.similarity >= 0.5).sum()
    pictures = [f"{number}.png" for number in range(72)]
    mistakes = list(csv.DictReader(io.StringIO(confused_csv(answers, [*"abcdef"], pictures))))
    confusion = first.result(6).confusion
    of_pair = [r for r in mistakes if (r["network"], r["true class"], r["taken for"]) == ("first", "c", "f")]
    assert sum(int(row["times"]) for row in of_pair) == confusion[2, 5] > 0
    assert all(24 <= int(row["picture"].removesuffix(".png")) < 36 for row in of_pair)


def test_named_sets_offer_their_lists(data_dir: object) -> None:
    from fsl.ui.shared.workspace import Workspace

    known = sources(Workspace.fresh(), None)
    assert known["fruits360"].class_lists() == ("train", "val", "novel")
    assert known["grocery"].class_lists() == ("train", "val")


def test_an_unexpected_fault_ends_the_evaluation(page_: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError("secret detail")

    monkeypatch.setattr("fsl.fewshot.answers.stream_answers", fail)
    drop(page_, archive())
    evaluate(page_, way=3)
    assert "Something went wrong here." in shown(page_)
    page_.run()  # it is not tried again by itself
    assert "Something went wrong here." in shown(page_)
