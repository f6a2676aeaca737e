"""The folder of a Hugging Face Space holds what its Dockerfile copies, and the app runs from it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import yaml

from tools.space import ROOT, write_space

HOST = "owner-few-shot-lab.hf.space"


def test_the_folder_is_complete(tmp_path: Path) -> None:
    folder = tmp_path / "space"
    write_space(folder, HOST)
    dockerfile = (folder / "Dockerfile").read_text(encoding="utf-8")
    sources = [
        name for line in re.findall(r"^COPY (.+)", dockerfile, re.MULTILINE) for name in line.split()[:-1]
    ]
    assert len(sources) > 5
    assert all((folder / name).exists() for name in sources)
    header = yaml.safe_load((folder / "README.md").read_text(encoding="utf-8").split("---")[1])
    port = re.search(r'"--server.port", "(\d+)"', dockerfile)
    assert port is not None
    assert (header["sdk"], header["app_port"]) == ("docker", int(port[1]))
    assert len(header["short_description"]) <= 60  # Spaces refuse a longer one
    assert f'STREAMLIT_SERVER_ALLOWED_HOSTS="{HOST} 127.0.0.1"' in dockerfile
    assert "--uid 1000" in dockerfile
    assert not list(folder.rglob("__pycache__"))
    program = "from fsl.twin.checkpoint_files import available; print(*available())"
    found = subprocess.run(
        [sys.executable, "-c", program],
        cwd=folder, capture_output=True, text=True, check=True, timeout=60, env={"PYTHONPATH": str(folder)},
    )  # fmt: skip
    assert set(found.stdout.split()) == {file.stem for file in (ROOT / "checkpoints").glob("*.safetensors")}
