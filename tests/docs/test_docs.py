"""The docs are true: links lead somewhere, the map matches the tree, labels exist, and every block runs."""

from __future__ import annotations

import argparse
import configparser
import importlib
import json
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
import pytest
import streamlit.config
from PIL import Image
from playwright._impl._driver import compute_driver_executable

from fsl.__main__ import main
from fsl.api.settings import ApiSettings
from fsl.data.drawn_fruit import FRUIT_CLASSES, fruit_pictures
from fsl.data.examples import write_example_files
from tests.e2e.screenshots import DOCS, DOCS_SCENES, MOST_BYTES, SCHEMES
from tests.helpers.api import running_api, service
from tests.helpers.faces import photo_of
from tools.notebooks import REMEDY, as_text, notebook_of, tutorials

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
# Programs that the reader runs, or that other tests cover.
ELSEWHERE = {"pip", "pytest", "pre-commit", "streamlit", "apt-get", "docker", ".", "export"}
API = "http://127.0.0.1:8000"
"""The address of the HTTP API in the docs."""
NODE = compute_driver_executable()[0]  # Playwright brings it, so it is always there
# Smaller numbers for commands that would take minutes.
SHORTER = {"--steps": "3", "--episodes": "20", "--points": "4"}
LONG_BY_DEFAULT = {"train": ("--steps", "3"), "lr-range": ("--points", "4")}


@dataclass(frozen=True)
class Block:
    file: str
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


def blocks_of(path: Path) -> Iterator[Block]:
    text = path.read_text(encoding="utf-8")
    for found in re.finditer(r"^( *)```(\w*)\n(.*?)^\1```", text, re.MULTILINE | re.DOTALL):
        line = text[: found.start()].count("\n") + 1
        code = re.sub(rf"^{found[1]}", "", found[3], flags=re.MULTILINE)
        yield Block(str(path.relative_to(ROOT)), line, found[2], code)


BLOCKS = [block for path in FILES for block in blocks_of(path)]


@pytest.fixture(scope="module")
def drawn_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the classes and photos that the docs mention, all of drawn pictures."""
    folder = tmp_path_factory.mktemp("drawn")
    write_example_files(folder)
    shutil.make_archive(str(folder / "my_classes"), "zip", folder / "my_classes")
    draw_people(folder)
    return folder


def draw_people(folder: Path) -> None:
    """Write photos of two drawn people whom the detector finds, alone and together, and a folder of them."""
    photo_of(5).save(folder / "known.jpg")
    photo_of(5, wide=360).save(folder / "portrait.jpg")
    photo_of(7, 5, 8).save(folder / "group.jpg")
    for person in (5, 7):
        (folder / "people" / str(person)).mkdir(parents=True)
        for number in range(2):
            photo_of(person, wide=300 + 60 * number).save(folder / "people" / str(person) / f"{number}.jpg")


@pytest.fixture
def workplace(drawn_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder: a copy of the drawn one, to read from and write to."""
    shutil.copytree(drawn_folder, tmp_path, dirs_exist_ok=True)
    monkeypatch.setattr("fsl.data.builtin.PER_CLASS", 4)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FSL_RUNS_DIR", str(tmp_path / "runs"))
    return tmp_path


@pytest.fixture(scope="module")
def api_address(drawn_folder: Path) -> Iterator[str]:
    """A running HTTP API."""
    with running_api(service(ApiSettings(folders={"my_classes": drawn_folder / "my_classes"}))) as address:
        yield address


@pytest.fixture
def at_address(request: pytest.FixtureRequest) -> Callable[[str], str]:
    """A function that puts the address of the running API into a text that asks it, and starts it if so."""

    def changed(text: str) -> str:
        return text.replace(API, request.getfixturevalue("api_address")) if API in text else text

    return changed


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_links_lead_somewhere(path: Path) -> None:
    text = re.sub(r"```.*?```", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if target.startswith(("https://", "http://")):
            continue
        file, _, anchor = target.partition("#")
        there = path.parent / file if file else path
        assert there.exists(), target
        if anchor:
            headings = re.findall(r"^#+ (.+)$", there.read_text(encoding="utf-8"), re.MULTILINE)
            slugs = {re.sub(r"[^\w -]", "", h.lower()).replace(" ", "-") for h in headings}
            assert anchor in slugs, target


def test_the_map_matches_the_tree() -> None:
    text = (ROOT / "docs" / "how-it-works.md").read_text(encoding="utf-8")
    mapped = set(re.findall(r"^\| `([\w/]+)` \|", text, re.MULTILINE))
    packages = {str(p.parent.relative_to(ROOT)) for p in (ROOT / "fsl").rglob("__init__.py")}
    packages -= {package for package in packages if package.startswith("fsl/ui/pages/")}
    assert mapped == packages | {"pages", "bench", "checkpoints", "examples", "tests", "tools"}


def test_files_that_are_named_are_there() -> None:
    for path in FILES:
        text = re.sub(r"```.*?```", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
        for name in re.findall(r"`((?:fsl|tests|pages|bench)/[\w/]+\.\w+)`", text):
            made_by_a_command = name.startswith("bench/results/")
            assert made_by_a_command or (ROOT / name).exists(), f"{path.name} names {name}"


@pytest.mark.parametrize("path", sorted((ROOT / "docs" / "tutorials").glob("*.md")), ids=lambda p: p.stem)
def test_labels_that_a_tutorial_names_are_on_a_page(path: Path) -> None:
    """In the numbered steps of a tutorial, bold words are the labels of buttons, fields and pages."""
    steps = re.findall(r"^\d\. .*\n(?:   .*\n)*", path.read_text(encoding="utf-8"), re.MULTILINE)
    labels = [" ".join(label.split()) for step in steps for label in re.findall(r"\*\*([^*]+)\*\*", step)]
    sources = [*(ROOT / "fsl").rglob("*.py"), *(ROOT / "fsl").rglob("*.js")]
    text = " ".join(source.read_text(encoding="utf-8") for source in sources)
    # Words that begin a step and end with a stop say what the step is about.
    assert [label for label in labels if label[-1] != "." and f'"{label}' not in text] == []


@pytest.mark.parametrize("block", [b for b in BLOCKS if b.language == "python"], ids=str)
def test_python_runs(block: Block, workplace: Path, at_address: Callable[[str], str]) -> None:
    exec(compile(at_address(block.text), str(block), "exec"), {"__name__": "docs"})


@pytest.mark.parametrize("block", [b for b in BLOCKS if b.language == "js"], ids=str)
def test_javascript_runs(block: Block, workplace: Path, at_address: Callable[[str], str]) -> None:
    (workplace / "block.mjs").write_text(at_address(block.text), encoding="utf-8")
    assert run_program(workplace, NODE, "block.mjs").startswith("photo1.jpg ")


def test_clients_of_the_http_api(
    workplace: Path, api_address: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """They answer what the command line prints."""
    shutil.copy("photo2.jpg", "two, or; more.jpg")
    Path("notes.txt").write_text("no picture", encoding="utf-8")
    words = ["my_classes.zip", "photo1.jpg", "notes.txt", "two, or; more.jpg"]
    assert main(["classify", "--support", words[0], "--query", *words[1:]]) == 0
    expected = capsys.readouterr().out
    examples = ROOT / "examples"
    assert (
        run_program(workplace, sys.executable, examples / "classify_http.py", api_address, *words) == expected
    )
    assert run_program(workplace, NODE, examples / "classify_http.mjs", api_address, *words) == expected
    printed = json.loads(run_program(workplace, "sh", examples / "classify_http.sh", api_address, *words))
    assert [one["label"] for one in printed["predictions"]] == [
        line.split("\t")[1] for line in expected.splitlines()
    ]


def run_program(folder: Path, *words: str | Path) -> str:
    """Run a program and return what it prints."""
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("block", [b for b in BLOCKS if b.language == "ini"], ids=str)
def test_a_service_starts_the_program_with_variables_that_are_set(block: Block) -> None:
    parser = configparser.ConfigParser()
    parser.read_string(block.text)
    service = parser["Service"]
    assert service["ExecStart"].endswith("streamlit run app.py")
    assert all("=" in setting for setting in service["Environment"].split())


@pytest.mark.parametrize("path", tutorials(), ids=lambda p: p.stem)
def test_a_notebook_is_its_tutorial(path: Path) -> None:
    """Its code cells are the blocks that the tests here run, so the notebook runs as well."""
    notebook = notebook_of(path)
    nbformat.validate(notebook)
    assert path.with_suffix(".ipynb").read_text(encoding="utf-8") == as_text(notebook), REMEDY
    cells = "\n".join(cell.source for cell in notebook.cells)
    assert all(line in cells for line in path.read_text(encoding="utf-8").splitlines() if line[:3] != "```")


def test_all_blocks_are_of_a_kind_that_is_run() -> None:
    assert {block.language for block in BLOCKS} <= {"sh", "python", "js", "nginx", "ini", ""}
    assert all("fsl" not in block.text for block in BLOCKS if not block.language)


@pytest.mark.skipif(shutil.which("nginx") is None, reason="nginx is not installed")
def test_nginx_accepts_the_proxy_of_the_docs(tmp_path: Path) -> None:
    (server,) = [b.text for b in BLOCKS if b.language == "nginx" and "upstream" in b.text]
    settings = tmp_path / "nginx.conf"
    plain = server.replace("listen 443 ssl;", "listen 127.0.0.1:8443;")  # there is no certificate here
    folders = "".join(f"{kind}_temp_path {tmp_path};" for kind in ("client_body", "proxy", "fastcgi"))
    folders += f"uwsgi_temp_path {tmp_path}; scgi_temp_path {tmp_path}; access_log off;"
    settings.write_text(f"pid {tmp_path}/pid; events {{}} http {{ {folders}\n{plain}\n}}")
    command = ["nginx", "-t", "-e", str(tmp_path / "log"), "-c", str(settings)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("block", [b for b in BLOCKS if b.language == "sh"], ids=str)
def test_commands_run(
    block: Block,
    workplace: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    at_address: Callable[[str], str],
) -> None:
    if "curl " in block.text:
        strict = 'set -eu; curl() { command curl --silent --fail-with-body "$@"; }'
        run_program(workplace, "bash", "-c", f"{strict}\n{at_address(block.text)}")
        return
    for line in block.text.replace("\\\n", " ").splitlines():
        for command in filter(None, (part.strip() for part in line.partition("#")[0].split("&&"))):
            run_command(shlex.split(command), workplace, monkeypatch)


def run_command(words: list[str], workplace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    while re.fullmatch(r"[A-Z_]+=\w+", words[0]):
        monkeypatch.setenv(*words[0].split("="))
        words = words[1:]
    for word in words:
        if word.startswith("requirements") or word == "app.py":
            assert (ROOT / word).is_file(), word
    if words[0] == "torchrun":
        words = words[words.index("-m") + 1 :]  # as the only process
    if words[:2] == ["fsl", "app"]:
        monkeypatch.setattr("fsl.cli.app.run_module", lambda *_, **__: None)
        monkeypatch.setattr(sys, "argv", words)
        assert main(words[1:]) == 0
        assert {w[2:] for w in words if w.startswith("--")} <= set(streamlit.config.get_config_options())
    elif words[:2] == ["fsl", "serve"]:
        monkeypatch.setattr("uvicorn.Server.run", lambda *_, **__: None)
        assert main([*words[1:], "--port", "0"]) == 0
    elif words[0] == "fsl":
        named_data(words, workplace, monkeypatch)
        assert main(shortened(words[1:])) == 0, " ".join(words)
    elif words[0] == "make":
        targets = re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
        assert set(words[1:]) <= set(targets)
    elif words[:3] == ["python", "-m", "bench"]:
        understands(f"bench.{words[3]}", words[4:], monkeypatch)
    elif words[:3] == ["python", "-m", "venv"]:
        assert len(words) == 4
    elif words[:2] == ["python", "-m"]:
        understands(words[2], words[3:], monkeypatch)
    else:
        assert words[0] in ELSEWHERE, words[0]


class Understood(Exception):  # noqa: N818 - no error
    """A program has parsed its options, and would now begin."""


def understands(module: str, options: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that takes long runs as far as its options; an unknown one ends it with status 2."""
    parse = argparse.ArgumentParser.parse_args

    def parse_and_stop(self: argparse.ArgumentParser, *arguments: Any) -> None:
        parse(self, *arguments)
        raise Understood

    with monkeypatch.context() as patch:
        patch.setattr(argparse.ArgumentParser, "parse_args", parse_and_stop)
        patch.setattr(sys, "argv", [module, *options])
        with pytest.raises(Understood):
            importlib.import_module(module).main()


def test_an_option_that_is_not_there_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    understands("bench.lesson", ["--out", "x.json"], monkeypatch)
    with pytest.raises(SystemExit):
        understands("bench.lesson", ["--output", "x.json"], monkeypatch)


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_programs_named_in_passing_are_understood(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = re.sub(r"```.*?```", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    for command in re.findall(r"`python\s-m\s((?:bench|tests)[^`]*)`", text):
        module, *options = command.split()
        if module == "bench":
            module = f"bench.{options.pop(0)}"
        if module != "bench.NAME":
            understands(module, options, monkeypatch)


@pytest.mark.parametrize("name", DOCS_SCENES)
def test_every_page_is_pictured_in_both_themes(name: str) -> None:
    text = (ROOT / "docs" / "how-it-works.md").read_text(encoding="utf-8")
    for scheme in SCHEMES:
        picture = DOCS / f"{name}-{scheme}.png"
        assert f"(images/{picture.name})" in text
        assert picture.stat().st_size <= 1.05 * MOST_BYTES
        with Image.open(picture) as image:
            assert image.width >= 1000
            thumbnail = image.convert("L").resize((32, 32))
            (dark, light) = thumbnail.getextrema()
            assert light - dark > 40  # not blank, averaged over pieces of 45 x 40 pixels
            is_dark = sum(thumbnail.tobytes()) / 32**2 < 128
        assert is_dark == (scheme == "dark"), picture.name


def shortened(words: list[str]) -> list[str]:
    """Return the same command with smaller numbers."""
    short = [SHORTER.get(before, word) for before, word in zip(["", *words], words, strict=False)]
    if short[0] == "evaluate":  # a test needs no more pictures of a class than it shows and asks about
        needed = sum(int(short[short.index(option) + 1]) for option in ("--shot", "--query"))
        return [*short, "--per-class", str(needed)]
    option = LONG_BY_DEFAULT.get(short[0])
    return [*short, *option] if option and option[0] not in short else short


def named_data(words: list[str], workplace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a command asks for a public data set: one of its layout and classes, drawn."""
    if "fruits360" not in words:
        return
    import io
    import zipfile

    names = [f"Kind {i}" for i in range(24)]
    (workplace / "splits").mkdir(exist_ok=True)
    lists = {"train": [], "val": [], "novel": names}
    (workplace / "splits" / "fruits360.json").write_text(json.dumps(lists), encoding="utf-8")
    pictures = [fruit_pictures(kind)[:6] for kind in FRUIT_CLASSES]
    with zipfile.ZipFile(workplace / "fruits360-subset.zip", "w") as archive:
        for name, images in zip(names, pictures, strict=True):
            for i, image in enumerate(images):
                buffer = io.BytesIO()
                Image.fromarray(image).save(buffer, "PNG")
                archive.writestr(f"Training/{name}/{i}.png", buffer.getvalue())
    monkeypatch.setenv("FSL_DATA_DIR", str(workplace))


def test_shortening_changes_numbers_alone() -> None:
    assert shortened(["train", "--steps", "300", "--lr", "1"]) == ["train", "--steps", "3", "--lr", "1"]
    assert shortened(["train", "--lr", "1"]) == ["train", "--lr", "1", "--steps", "3"]
    assert shortened(["classify"]) == ["classify"]
    shown = ["evaluate", "--shot", "2", "--query", "1"]
    assert shortened(shown) == [*shown, "--per-class", "3"]
