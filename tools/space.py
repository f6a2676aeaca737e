"""Write a folder that runs the app as a Hugging Face Space: ``python -m tools.space --host NAME --out DIR``.

The folder is the content of a Space of the kind "Docker": the files that the container image needs, a
Dockerfile, and a README with the header that Spaces read.
"""

from __future__ import annotations

import argparse
import re
import shutil
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PORT = 8501
_USER = 1000  # Spaces run a container as this user
_HEADER = f"""---
title: Few-Shot Lab
emoji: 🍐
colorFrom: green
colorTo: gray
sdk: docker
app_port: {PORT}
license: mit
short_description: Tell things apart from one to five pictures of each
---

# Few-Shot Lab

Drop a few pictures per class and pictures to classify; nothing needs to be trained. Pictures stay in the
memory of this Space and are forgotten half an hour after the last visit. Pictures that you train a network on
are kept with its run for up to 14 days, or until the Space restarts.
"""
# Files of more than 10 MB must be stored with Git LFS.
_ATTRIBUTES = "*.safetensors filter=lfs diff=lfs merge=lfs -text\n"


def dockerfile(host: str) -> str:
    """Return the project's Dockerfile, changed for a Space.

    Args:
        host: the Space's own host name, "OWNER-NAME.hf.space".
    """
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    changed = re.sub(r"--uid \d+", f"--uid {_USER}", text)
    # The app answers no host name that it does not know, and lets no other page show it in a frame.
    known = (
        f'ENV STREAMLIT_SERVER_ALLOWED_HOSTS="{host} 127.0.0.1" FSL_FRAME_ANCESTORS="https://huggingface.co"'
    )
    return changed.replace("EXPOSE", f"{known}\nEXPOSE", 1)


def copied_files() -> list[str]:
    """Return the files and folders that the Dockerfile copies from the project."""
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    lines = re.findall(r"^COPY (.+)$", text, re.MULTILINE)
    return [name for line in lines for name in line.split()[:-1]]


def write_space(folder: Path, host: str) -> None:
    """Write the folder of a Space.

    Args:
        folder: must not exist.
        host: the Space's own host name.

    Raises:
        FileExistsError: the folder exists.
    """
    folder.mkdir(parents=True)
    leave_out = shutil.ignore_patterns("__pycache__", "saved")
    for name in copied_files():
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=leave_out)
        else:
            shutil.copy(ROOT / name, folder / name)
    for name, text in (
        ("README.md", _HEADER),
        ("Dockerfile", dockerfile(host)),
        (".gitattributes", _ATTRIBUTES),
        (".dockerignore", (ROOT / ".dockerignore").read_text(encoding="utf-8")),
    ):
        (folder / name).write_text(text, encoding="utf-8")


def main() -> None:
    """Read the command line and write the folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--host", required=True, metavar="OWNER-NAME.hf.space")
    parser.add_argument("--out", required=True, type=Path, metavar="DIR", help="a new folder")
    options = parser.parse_args()
    write_space(options.out, options.host)


if __name__ == "__main__":
    main()
