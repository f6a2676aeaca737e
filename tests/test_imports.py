"""Imports go down the list of the design, pages are leaves, files form no circle, the core has no Streamlit.

The code is read, not run: imports inside functions and those for type checkers count like all others.
"""

import ast
import subprocess
import sys
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from fsl.ui.shared import core

ROOT = Path(__file__).resolve().parents[1]
SOURCES = sorted([*(ROOT / "fsl").rglob("*.py"), *(ROOT / "fsl").rglob("*.pyi")])
FACADE = ROOT / "fsl/ui/shared/core.pyi"
# Each part may import the parts named, and itself.
MAY_IMPORT = {
    "base": set[str](),
    "config": {"base"},
    "data": {"base", "config"},
    "twin": {"base", "config", "data"},
    "fewshot": {"base", "config", "data", "twin"},
    "embedding": {"base", "config", "data", "twin"},
    "index": {"base", "config", "data", "twin", "embedding"},
    "training": {"base", "config", "data", "twin", "fewshot", "embedding", "fsl"},
    "charts": {"base", "config"},
    "api": {"base", "config", "data", "twin", "fewshot", "fsl"},
    "cli": {"api", "base", "config", "data", "twin", "fewshot", "embedding", "index", "training", "fsl"},
    "__main__": {"base", "cli", "fsl"},
    "ui": {
        "api",
        "base",
        "config",
        "data",
        "twin",
        "fewshot",
        "embedding",
        "index",
        "training",
        "charts",
        "fsl",
    },
    "fsl": {"base", "config", "data", "twin", "fewshot"},
}


def name_of(path: Path) -> str:
    """Return the module name of a file: "fsl.data" for fsl/data/__init__.py."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


MODULES = {name_of(path) for path in SOURCES}
CORE = sorted(
    module for module in MODULES if module.split(".")[1:2] != ["ui"] and not module.endswith("__main__")
)


def part_of(module: str) -> str:
    """Return the part a module belongs to: "data" for "fsl.data.images.decode", "fsl" for "fsl" itself."""
    return module.split(".")[1] if "." in module else "fsl"


@cache
def imported_modules(path: Path) -> frozenset[str]:
    found = set[str]()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{path}: relative import"
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            # "from fsl.ui.shared import core" means a module, "from fsl import load" a name in one.
            found |= (names & MODULES) | ({node.module} if names - MODULES else set())
    return frozenset(found)


def test_imports_point_one_way() -> None:
    faults = []
    for path in SOURCES:
        parts = path.relative_to(ROOT / "fsl").with_suffix("").parts
        part = "fsl" if parts == ("__init__",) else parts[0]
        modules = imported_modules(path)
        own = {part_of(m) for m in modules if m == "fsl" or m.startswith("fsl.")} - {part}
        roots = {m.split(".")[0] for m in modules}
        faults += [f"{path}: {part} must not import {other}" for other in own - MAY_IMPORT[part]]
        if part != "ui" and "streamlit" in roots:
            faults.append(f"{path}: {part} must not import streamlit")
        if part in {"charts", "data", "config", "base"} and "torch" in roots:
            faults.append(f"{path}: {part} must not import torch")
    assert faults == []


def test_pages_are_leaves() -> None:
    """A page imports the shared files and the components below it, never another page."""

    def room(module: str) -> str:
        parts = module.split(".")[2:]
        return ".".join(parts[: 2 if parts[:1] == ["pages"] else 1])

    faults = []
    for path in SOURCES:
        if not path.is_relative_to(ROOT / "fsl/ui"):
            continue
        own = room(name_of(path))
        below = {"components": set[str](), "shared": {"components"}}.get(own, {"components", "shared"})
        imported = {room(m) for m in imported_modules(path) if m.startswith("fsl.ui.")} - {own}
        faults += [f"{path}: {own} must not import {other}" for other in imported - below]
    assert faults == []


def test_pages_import_at_their_top() -> None:
    """What takes long to import comes through the facade, so no function has an import of its own."""
    inside = {
        f"{name_of(path)}.{function.name}"
        for path in (ROOT / "fsl/ui").rglob("*.py")
        for function in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(function, ast.FunctionDef)
        and any(isinstance(node, ast.Import | ast.ImportFrom) for node in ast.walk(function))
    }
    assert inside == set()


def test_popovers_are_built_when_they_are_opened() -> None:
    """Every popover is a ``menu``: what a page builds but nobody opens costs each visitor in each run."""
    makers = {
        name_of(path) for path in (ROOT / "fsl/ui").rglob("*.py") if "popover(" in path.read_text("utf-8")
    }
    assert makers == {"fsl.ui.shared.menu"}


def test_no_circles() -> None:
    """No file imports, through however many others, itself."""
    graph: dict[str, set[str]] = {}
    for path in SOURCES:
        own = name_of(path)
        graph.setdefault(own, set()).update((imported_modules(path) & MODULES) - {own})
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" <- ".join(error.args[1]))


def test_every_name_of_the_facade_is_used_and_resolves() -> None:
    stub = ast.parse(FACADE.read_text(encoding="utf-8"))
    imports = [node for node in stub.body if isinstance(node, ast.Import | ast.ImportFrom)]
    listed = {alias.asname for node in imports for alias in node.names}
    used = {
        node.attr
        for path in (ROOT / "fsl/ui").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "core"
    }
    assert listed - used == set(), "unused names in core.pyi"
    assert used - listed == set(), "names that core.pyi lacks"
    for name in sorted(used):
        assert getattr(core, name) is not None


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
