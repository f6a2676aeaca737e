"""Export a network as a static web page that classifies in the browser, without a server behind it.

The folder holds the network as ONNX, ``network.json`` with what turns embeddings into answers, and the page
from ``fsl/twin/web``. ONNX Runtime Web is not part of it: the page's README says how to fetch it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from fsl.base.errors import SettingsError
from fsl.data.examples import rendered_task
from fsl.data.images.bounds import DEFAULT_LIMITS
from fsl.twin.checkpoint import Checkpoint
from fsl.twin.export import describe, export_onnx

NETWORK = "network.onnx"
ABOUT = "network.json"
_PAGE = Path(__file__).resolve().parent / "web"


@dataclass(frozen=True)
class WebPage:
    """A network as a web page.

    Attributes:
        files: the content of each file, by its path in the folder.
        difference: the largest one between onnxruntime's and torch's embeddings of the same noise.
    """

    files: dict[str, bytes]
    difference: float


def export_web(checkpoint: Checkpoint, version: str) -> WebPage:
    """Export a checkpoint as a web page.

    Raises:
        SettingsError: onnx or onnxruntime is not installed, or the network finds faces before it compares.
        FslError: ONNX lacks an operation of the network, or the outputs differ.
    """
    if checkpoint.info.model.fit == "face":
        raise SettingsError(
            f"{checkpoint.info.name} finds the faces in a photo first, which the web page cannot do. "
            "Export another network."
        )
    made = export_onnx(checkpoint)
    example = _example()
    about = {
        **describe(checkpoint),
        "longest_side": DEFAULT_LIMITS.max_side,
        "example": list(example),
        "version": version,
    }
    page = {file.name: file.read_bytes() for file in sorted(_PAGE.iterdir()) if file.is_file()}
    pictures = {f"example/{path}": data for path, data in example.items()}
    data = json.dumps(about, ensure_ascii=False).encode()
    return WebPage({NETWORK: made.data, ABOUT: data, **page, **pictures}, made.difference)


def _example() -> Mapping[str, bytes]:
    """Return drawn pictures by path: a folder per class, and "queries"."""
    task = rendered_task(n_way=4, n_shot=2, n_query=5, seed=1)
    support = {f"{name}/{file}": data for name, files in task.classes.items() for file, data in files}
    return {**support, **{f"queries/{file}": data for file, data in task.queries}}
