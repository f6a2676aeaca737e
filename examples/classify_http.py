"""Classify pictures over HTTP, with Python's standard library alone.

fsl serve
python examples/classify_http.py http://127.0.0.1:8000 CLASSES.zip QUERY...

Set FSL_API_TOKEN if the server needs a token.
"""

import json
import os
import secrets
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

TRIES = 10


class RefusedError(Exception):
    """The server does not answer this; its text says why."""


def form(files, values):
    """Return a form as bytes, and its content type."""
    mark = secrets.token_hex(16)
    parts = []
    for name, value in values.items():
        parts.append(f'--{mark}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode())
    for name, path in files:
        shown = path.name.replace('"', "%22")
        head = f'--{mark}\r\nContent-Disposition: form-data; name="{name}"; filename="{shown}"\r\n\r\n'
        parts += [head.encode(), path.read_bytes(), b"\r\n"]
    return b"".join([*parts, f"--{mark}--\r\n".encode()]), f"multipart/form-data; boundary={mark}"


def ask(method, url, files=(), **values):
    """Send a request and return its answer; wait and try again while the server is busy.

    Raises:
        RefusedError: the server says why it does not answer.
    """
    headers = {}
    if token := os.environ.get("FSL_API_TOKEN"):
        headers["Authorization"] = f"Bearer {token}"
    body = None
    if method == "POST":
        body, headers["Content-Type"] = form(files, values)
    for _ in range(TRIES):
        try:
            with urllib.request.urlopen(urllib.request.Request(url, body, headers, method=method)) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            if error.code != 503:
                raise RefusedError(f"{error.code}: {json.load(error)['error']}") from error
            time.sleep(float(error.headers["Retry-After"]))
    raise RefusedError("The server stayed busy.")


def main():
    """Send the classes once, then classify one picture after another; name those that cannot be read."""
    server, classes, *queries = sys.argv[1:]
    kept = ask("POST", f"{server}/api/support", [("support", Path(classes))])
    for query in queries:
        try:
            files = [("query", Path(query))]
            found = ask("POST", f"{server}/api/classify", files, support_id=kept["support"])
        except RefusedError as error:
            print(error, file=sys.stderr)
            continue
        for one in found["predictions"]:
            label = "unknown" if one["unknown"] else one["label"]
            print(one["query"], label, f"{one['probability']:.3f}", sep="\t")
    ask("DELETE", f"{server}/api/support/{kept['support']}")


if __name__ == "__main__":
    try:
        main()
    except RefusedError as error:
        sys.exit(str(error))
