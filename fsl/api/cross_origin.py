"""Pages of other addresses that may use the server (CORS): those that are named, none by default."""

from __future__ import annotations

import re
from collections.abc import Iterable

from starlette.datastructures import Headers

from fsl.base.errors import SettingsError

_ORIGIN = re.compile(r"https?://[^\s/?#@,*]+")
_PREFLIGHT = {
    "Access-Control-Allow-Methods": "GET, POST, DELETE",
    "Access-Control-Allow-Headers": "Authorization, Content-Type",
    "Access-Control-Max-Age": "600",
}


def checked_origins(given: Iterable[str]) -> frozenset[str]:
    """Return addresses of pages as browsers write them: scheme, host, and the port if it is not the usual.

    Raises:
        SettingsError: one is no such address. "*" is none: any page could use the server then.
    """
    found = [one.strip().lower().removesuffix("/") for one in given]
    for one, shown in zip(found, given, strict=True):
        if not _ORIGIN.fullmatch(one):
            raise SettingsError(
                f"{shown!r} is not an address that pages of the HTTP API may have. Name each as browsers do, "
                "such as https://example.org or http://localhost:3000."
            )
    return frozenset(found)


def is_let_in(headers: Headers, origins: frozenset[str]) -> bool:
    """Return whether a request comes from a page of one of the addresses."""
    return headers.get("origin", "").lower() in origins


def is_preflight(method: str, headers: Headers) -> bool:
    """Return whether a browser asks what a page may send; it does not send the token with that."""
    return method == "OPTIONS" and "access-control-request-method" in headers


def cross_origin_headers(method: str, headers: Headers, origins: frozenset[str]) -> dict[str, str]:
    """Return the headers of an answer that let a browser show it to the page that asked.

    Args:
        method: of the request.
        headers: of the request.
        origins: addresses of the pages that are let in.
    """
    if not origins:
        return {}
    # Caches must not hand an answer for one page to another.
    found = {"Vary": "Origin"}
    if is_let_in(headers, origins):
        found["Access-Control-Allow-Origin"] = headers["origin"]
        found["Access-Control-Expose-Headers"] = "Retry-After"
        found |= _PREFLIGHT if is_preflight(method, headers) else {}
    return found
