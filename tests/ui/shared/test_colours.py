"""One accent: the theme's, and no green but that in what the app is drawn with."""

from __future__ import annotations

import colorsys
import re
import tomllib
from pathlib import Path

from fsl.charts.style import ACCENT

ROOT = Path(__file__).resolve().parents[3]
THEME = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text(encoding="utf-8"))["theme"]
GREEN, VIVID, PALE = (0.38, 0.50), 0.4, 0.42  # hue, saturation, lightness: paler ones are steps of a scale


def is_green(colour: str) -> bool:
    red, green, blue = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    hue, lightness, saturation = colorsys.rgb_to_hls(red, green, blue)
    return GREEN[0] < hue < GREEN[1] and saturation > VIVID and lightness < PALE


def test_the_accent_is_the_themes_wherever_it_is_written() -> None:
    assert THEME["light"]["primaryColor"] == THEME["dark"]["primaryColor"] == ACCENT
    style = (ROOT / "fsl" / "ui" / "shared" / "frame.css").read_text(encoding="utf-8")
    assert f"--accent: {ACCENT};" in style
    assert f", {THEME['dark']['linkColor']});" in style


def test_there_is_no_other_green() -> None:
    themes = {THEME[name]["linkColor"] for name in ("light", "dark")} | {ACCENT}
    files = [*(ROOT / "fsl" / "charts").rglob("*.py"), *(ROOT / "fsl" / "ui").rglob("*.*")]
    found = {
        (path.name, colour)
        for path in files
        if path.suffix in (".py", ".css", ".js")
        for colour in re.findall(r"#[0-9a-f]{6}\b", path.read_text(encoding="utf-8"))
        if is_green(colour)
    }
    assert {colour for _, colour in found} >= {ACCENT}
    assert {(name, colour) for name, colour in found if colour not in themes} == set()
