"""The import directions of the design, held by walking the code, and no Streamlit in the core."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
# Each part may import the parts named, and itself.
MAY_IMPORT = {
    "base": set[str](),
    "config": {"base"},
    "data": {"base", "config"},
    "twin": {"base", "config", "data"},
    "fewshot": {"base", "config", "data", "twin"},
    "embedding": {"base", "config", "data", "twin"},
    "training": {"base", "config", "data", "twin", "fewshot", "embedding", "fsl"},
    "charts": {"base", "config"},
    "cli": {"base", "config", "data", "twin", "fewshot", "embedding", "training", "fsl"},
    "__main__": {"base", "cli", "fsl"},
    "ui": {"base", "config", "data", "twin", "fewshot", "embedding", "training", "charts", "fsl"},
    "fsl": {"base", "config", "data", "twin", "fewshot"},
}
CORE = sorted(
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    for path in (ROOT / "fsl").rglob("*.py")
    if "ui" not in path.relative_to(ROOT / "fsl").parts[:1] and path.name != "__main__.py"
)


def part_of(module: str) -> str:
    """ "fsl.data.images.decode" is of part "data", "fsl" itself of part "fsl"."""
    return module.split(".")[1] if "." in module else "fsl"


def imported_modules(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{path}: relative import"
            if node.module == "fsl":  # "from fsl import x" may mean a module
                found |= {f"fsl.{a.name}" if (ROOT / "fsl" / a.name).exists() else "fsl" for a in node.names}
            else:
                found.add(node.module)
    return found


@pytest.mark.parametrize("path", sorted((ROOT / "fsl").rglob("*.py")), ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_point_one_way(path: Path) -> None:
    parts = path.relative_to(ROOT / "fsl").with_suffix("").parts
    part = "fsl" if parts == ("__init__",) else parts[0]
    modules = imported_modules(path)
    own = {part_of(m) for m in modules if m == "fsl" or m.startswith("fsl.")} - {part}
    assert own <= MAY_IMPORT[part], f"{part} must not import {own - MAY_IMPORT[part]}"
    roots = {m.split(".")[0] for m in modules}
    if part != "ui":
        assert "streamlit" not in roots
    if part in {"charts", "data", "config", "base"}:
        assert "torch" not in roots


@pytest.mark.parametrize(
    "path", [ROOT / "app.py", *sorted((ROOT / "pages").glob("*.py"))], ids=lambda p: p.name
)
def test_pages_hold_no_maths(path: Path) -> None:
    roots = {m.split(".")[0] for m in imported_modules(path)}
    assert roots <= {"__future__", "streamlit", "fsl"}
    assert {part_of(m) for m in imported_modules(path) if m.startswith("fsl")} <= {"ui"}


def test_the_core_loads_no_streamlit() -> None:
    imports = f"import sys, importlib\nfor m in {CORE!r}: importlib.import_module(m)"
    code = f"{imports}\nprint('streamlit' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.stdout.strip() == "False", done.stderr


def test_importing_fsl_waits_for_no_torch() -> None:
    code = "import sys, fsl, fsl.config, fsl.data.images.decode\nprint('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "False", done.stderr
