"""The core as the pages use it. Each name is imported when it is first used, because torch takes seconds.

``core.pyi`` beside this file lists the names and where they come from. Type checkers read it as it stands;
this module reads it to know what to import. So a page draws its first frame before torch is loaded, and its
functions need no imports of their own.
"""

import ast
from importlib import import_module
from pathlib import Path


def _listed() -> dict[str, tuple[str, str]]:
    """Return {name used by the pages: (module, name in that module)}, as ``core.pyi`` lists them."""
    stub = ast.parse(Path(__file__).with_suffix(".pyi").read_text(encoding="utf-8"))
    imports = [node for node in stub.body if isinstance(node, ast.ImportFrom) and node.module]
    return {
        alias.asname or alias.name: (str(node.module), alias.name) for node in imports for alias in node.names
    }


_LISTED = _listed()


def __getattr__(name: str) -> object:
    try:
        module, original = _LISTED[name]
    except KeyError:
        raise AttributeError(f"{__name__} lists no {name!r}") from None
    return getattr(import_module(module), original)
