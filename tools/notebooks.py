"""Write each tutorial as a notebook beside it: ``python -m tools.notebooks``.

Blocks of Python and of the shell become cells, everything else is text. What starts a server or several
processes stays text. A first cell writes the pictures that the tutorial mentions.
"""

from __future__ import annotations

import re
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

TUTORIALS = Path(__file__).resolve().parents[1] / "docs" / "tutorials"
REMEDY = "run python -m tools.notebooks"
_BLOCK = re.compile(r"^```(python|sh)\n(.*?)^```\n", re.MULTILINE | re.DOTALL)
_NOT_IN_A_CELL = re.compile(r"^(streamlit|torchrun|fsl (app|serve))\b", re.MULTILINE)
_EXAMPLES = re.compile(r"my_classes|photo1\.jpg|query\.jpg")
_SETUP = """from fsl.data.examples import write_example_files

write_example_files()  # drawn pictures to try this with; your own files of these names stay as they are"""


def tutorials() -> list[Path]:
    """Return the tutorials that have something to run in a notebook."""
    blocks = {
        file: _BLOCK.findall(file.read_text(encoding="utf-8")) for file in sorted(TUTORIALS.glob("*.md"))
    }
    return [file for file in blocks if any(not _NOT_IN_A_CELL.search(code) for _, code in blocks[file])]


def notebook_of(tutorial: Path) -> nbformat.NotebookNode:
    """Return a tutorial as a notebook.

    Args:
        tutorial: a Markdown file.
    """
    text = tutorial.read_text(encoding="utf-8")
    cells: list[nbformat.NotebookNode] = []
    place = 0
    for block in _BLOCK.finditer(text):
        language, code = block.groups()
        if _NOT_IN_A_CELL.search(code):
            continue
        if not cells and _EXAMPLES.search(text):
            cells.append(new_code_cell(_SETUP))
        if before := text[place : block.start()].strip():
            cells.append(new_markdown_cell(before))
        cells.append(new_code_cell(code.strip() if language == "python" else f"%%sh\n{code.strip()}"))
        place = block.end()
    if after := text[place:].strip():
        cells.append(new_markdown_cell(after))
    for number, cell in enumerate(cells):
        cell.id = f"cell-{number}"  # else a random one, which would change with every run
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    made: nbformat.NotebookNode = new_notebook(
        cells=cells, metadata={"kernelspec": kernel, "language_info": {"name": "python"}}
    )
    return made


def as_text(notebook: nbformat.NotebookNode) -> str:
    """Return a notebook as the text of its file."""
    return str(nbformat.writes(notebook)) + "\n"


def main() -> None:
    """Write all notebooks."""
    for tutorial in tutorials():
        tutorial.with_suffix(".ipynb").write_text(as_text(notebook_of(tutorial)), encoding="utf-8")


if __name__ == "__main__":
    main()
