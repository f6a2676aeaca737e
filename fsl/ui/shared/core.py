"""Lazy facade of the core: each name is imported when it is first used, because torch takes seconds.

``core.pyi`` beside this file lists the names and where they come from. Type checkers read it directly, and
this module reads it to know what to import. So a page draws its first frame before torch is loaded, and
functions need no imports of their own.
"""

import ast
from importlib import import_module
from pathlib import Path


def _listed() -> dict[str, tuple[str, str]]:
    """Return {name: (module, name in that module, "" for the module itself)} as listed in ``core.pyi``."""
    listed = {}
    for node in ast.parse(Path(__file__).with_suffix(".pyi").read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ImportFrom):
            listed |= {str(alias.asname): (str(node.module), alias.name) for alias in node.names}
        elif isinstance(node, ast.Import):
            listed |= {str(alias.asname): (alias.name, "") for alias in node.names}
    return listed


_LISTED = _listed()


def __getattr__(name: str) -> object:
    try:
        module, original = _LISTED[name]
    except KeyError:
        raise AttributeError(f"{__name__} lists no {name!r}") from None
    found = import_module(module)
    return getattr(found, original) if original else found
