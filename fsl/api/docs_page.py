"""A page that documents the API, made from the table of operations; it needs no script."""

from __future__ import annotations

from html import escape

import fsl
from fsl.api.forms import Field
from fsl.api.operations import ERRORS, Operation

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 56rem; margin: 2rem auto; padding: 0 1rem; }
code { font-family: ui-monospace, monospace; font-size: 0.9em; overflow-wrap: anywhere; }
pre { padding: 0.75rem; overflow-x: auto; border: 1px solid #8888; border-radius: 8px; }
table { border-collapse: collapse; width: 100%; }
td code { white-space: nowrap; }
th, td { padding: 0.3rem 0.8rem 0.3rem 0; text-align: left; vertical-align: top; }
tr { border-top: 1px solid #8888; }
h2 { margin-top: 2.5rem; font-size: 1.15rem; }
a { color: #0b7a5c; }
@media (prefers-color-scheme: dark) { body { background: #101715; color: #e8efec; } a { color: #4fd1a8; } }
"""


def docs_page(operations: tuple[Operation, ...], root: str) -> str:
    """Return the page as HTML.

    Args:
        root: path below which they are ("/api").
    """
    parts = "".join(_section(operation, root) for operation in operations)
    errors = "".join(f"<tr><td>{status}</td><td>{escape(text)}</td></tr>" for status, text in ERRORS.items())
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>Few-Shot Lab: HTTP API</title><style>{_STYLE}</style></head><body>"
        f"<h1>Few-Shot Lab: HTTP API</h1><p>Version {fsl.__version__}. The same as a machine reads it: "
        f'<a href="{escape(root)}/openapi.json">openapi.json</a>. Figures for Prometheus: '
        f'<a href="{escape(root)}/metrics">metrics</a>.</p>{parts}'
        '<h2>Errors</h2><p>Their answer is <code>{"error": "..."}</code>.</p>'
        f"<table><tr><th>status</th><th>meaning</th></tr>{errors}</table></body></html>"
    )


def _section(operation: Operation, root: str) -> str:
    path = escape(f"{root}{operation.path}")
    about = f"{escape(operation.summary)}. {escape(operation.about)}".strip()
    section = f"<h2><code>{operation.method} {path}</code></h2><p>{about}</p>"
    if operation.fields:
        rows = "".join(map(_row, operation.fields))
        head = "<tr><th>field</th><th>kind</th><th>meaning</th><th>default</th></tr>"
        section += f"<table>{head}{rows}</table>"
    return section


def _row(field: Field) -> str:
    kind = f"{field.kind}{', one or more' if field.many else ''}"
    about = escape(field.about + (f" ({', '.join(field.choices)})" if field.choices else ""))
    usual = "required" if field.required else escape("" if field.default is None else str(field.default))
    return f"<tr><td><code>{field.name}</code></td><td>{kind}</td><td>{about}</td><td>{usual}</td></tr>"
