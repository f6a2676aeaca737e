"""The installable package: what the wheel holds, and that it works in an environment of its own."""

import json
import os
import re
import socket
import subprocess
import sys
import sysconfig
import time
import tomllib
import urllib.error
import urllib.request
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import fsl

ROOT = Path(__file__).resolve().parents[1]
SHIPPED = ("app.py", "pages/*.py", ".streamlit/config.toml", "checkpoints/*.safetensors")


def run(*command: str | Path, cwd: Path = ROOT) -> str:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [str(word) for word in command], cwd=cwd, env=environment, capture_output=True, text=True, timeout=240
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("hatchling", reason="in the extra [dev]")
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", folder)
    (built,) = folder.iterdir()
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The scripts of a new environment with the wheel in it; its libraries are those of this environment."""
    folder = tmp_path_factory.mktemp("environment")
    run(sys.executable, "-m", "venv", "--without-pip", folder)
    scripts = folder / ("Scripts" if os.name == "nt" else "bin")
    python = scripts / "python"
    packages = Path(run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").strip())
    (packages / "libraries.pth").write_text(sysconfig.get_path("purelib"), encoding="utf-8")
    pip = (sys.executable, "-m", "pip", "--python", python, "install", "--disable-pip-version-check")
    run(*pip, "--no-deps", "--no-index", "--ignore-installed", wheel)
    return scripts


def test_the_wheel_holds_all_that_the_program_needs(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        sizes = {entry.filename: entry.file_size for entry in archive.infolist()}
    needed = {f"fsl/shipped/{f.relative_to(ROOT).as_posix()}": f for p in SHIPPED for f in ROOT.glob(p)}
    for file in (ROOT / "fsl").rglob("*"):
        if file.is_file() and "__pycache__" not in file.parts:
            needed[file.relative_to(ROOT).as_posix()] = file
    assert {"fsl/py.typed", "fsl/ui/shared/core.pyi", "fsl/shipped/checkpoints/photos.safetensors"} <= set(
        needed
    )
    metadata = {name for name in sizes if name.startswith(f"few_shot_lab-{fsl.__version__}.dist-info/")}
    assert set(sizes) == set(needed) | metadata
    assert all(sizes[name] == file.stat().st_size for name, file in needed.items())


def test_the_version_is_in_one_place() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["dynamic"] == ["version"]
    assert "version" not in project
    assert re.search(r"^version:", (ROOT / "CITATION.cff").read_text(encoding="utf-8"), re.MULTILINE) is None


def test_the_command_works_from_any_folder(installed: Path, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for name, colour in (("red", (220, 30, 30)), ("blue", (30, 30, 220))):
        (tmp_path / "classes" / name).mkdir(parents=True)
        pixels = np.clip(rng.normal(colour, 10, (64, 64, 3)), 0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(tmp_path / "classes" / name / "0.png")
    Image.new("RGB", (64, 64), (215, 40, 35)).save(tmp_path / "query.png")
    assert run(installed / "fsl", "--version", cwd=tmp_path) == f"Few-Shot Lab {fsl.__version__}\n"
    where = run(installed / "python", "-c", "import fsl; print(fsl.__file__)", cwd=tmp_path)
    assert Path(where.strip()).is_relative_to(installed.parent)
    answer = run(
        installed / "fsl", "classify", "--support", "classes", "--query", "query.png", "--json", cwd=tmp_path
    )
    (prediction,) = json.loads(answer)["predictions"]
    assert max(prediction["scores"], key=prediction["scores"].get) == "red"


def test_the_app_opens_from_any_folder_and_stays_on_this_machine(installed: Path, tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    options = ("--server.port", str(port), "--server.scriptHealthCheckEnabled", "true")
    log = tmp_path / "log.txt"
    with log.open("wb") as out:
        server = subprocess.Popen([installed / "fsl", "app", *options], cwd=tmp_path, stdout=out, stderr=out)
    try:
        # Streamlit runs the script of the home page for this address, and says whether it ended well.
        assert status(f"http://127.0.0.1:{port}/_stcore/script-health-check", server) == 200, log.read_text()
        assert f"URL: http://127.0.0.1:{port}" in log.read_text()  # no address of the network
        assert not list(tmp_path.glob("*/"))
    finally:
        server.terminate()
        server.wait(30)


def status(address: str, server: subprocess.Popen[bytes], seconds: float = 60) -> int:
    """The answer's HTTP status, once there is one."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and server.poll() is None:
        try:
            with urllib.request.urlopen(address, timeout=30) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code
        except OSError:
            time.sleep(0.1)
    return 0
