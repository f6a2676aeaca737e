"""Build hook: add the app and the checkpoints, which the repository keeps beside ``fsl``, to the wheel."""

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

SHIPPED = ("app.py", "pages/*.py", ".streamlit/config.toml", "checkpoints/*.safetensors")
"""Patterns of the files that ``fsl.base.shipped`` finds at run time."""


class ShippedFiles(BuildHookInterface):
    """Add the shipped files to the wheel, in the folder ``fsl/shipped``."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Name the files to include; an editable installation uses those of the repository."""
        if version == "editable":
            return
        root = Path(self.root)
        for pattern in SHIPPED:
            files = sorted(root.glob(pattern))
            if not files:
                raise FileNotFoundError(f"No file matches {pattern} in {root}.")
            for file in files:
                build_data["force_include"][str(file)] = f"fsl/shipped/{file.relative_to(root).as_posix()}"
