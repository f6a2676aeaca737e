"""Colours, text and imports that all charts share."""

import subprocess
import sys

import pytest

from fsl.charts.style import label


def test_labels_are_escaped() -> None:
    assert label("<b>a</b> & b\n") == "&lt;b&gt;a&lt;/b&gt; &amp; b "


@pytest.mark.parametrize("module", ["evaluation", "maps", "pairs"])
def test_charts_import_neither_torch_nor_streamlit(module: str) -> None:
    code = f"import sys, fsl.charts.{module}; sys.exit(bool({{'torch', 'streamlit'}} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
