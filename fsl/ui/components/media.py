"""Addresses for small pictures, so that a page's messages need not hold the pictures themselves."""

from __future__ import annotations

import base64

import streamlit as st
from streamlit import runtime


def media_url(src: str, place: str) -> str:
    """Return an address from which the browser loads a picture once, when it comes into view.

    A ``data:`` URI would be sent again with every change of the element that shows it.

    Args:
        src: the picture, a base64 ``data:`` URI; any other address is returned unchanged.
        place: where it is shown, unique on the page; the former picture of that place is forgotten.
    """
    head, comma, content = src.partition(";base64,")
    if not comma or not runtime.exists():
        return src
    files = runtime.get_instance().media_file_mgr
    url = files.add(base64.b64decode(content), head.removeprefix("data:"), place)
    base = st.get_option("server.baseUrlPath").strip("/")
    return f"/{base}{url}" if base else url
