"""The server around the pages, as ``app.py`` hands it to ``st.App``."""

from __future__ import annotations

import logging

import streamlit as st
from starlette.middleware import Middleware

from fsl.ui.server.api import api_routes
from fsl.ui.server.files import file_routes
from fsl.ui.server.headers import SecurityHeaders
from fsl.ui.server.hosts import KnownHosts
from fsl.ui.server.page_html import AdaptedPage
from fsl.ui.server.private import PrivateRoutes
from fsl.ui.server.upload_limit import UploadLimit
from fsl.ui.server.visitor_cookie import VisitorCookie
from fsl.ui.shared.guard import UNEXPECTED

_LOG = logging.getLogger(__name__)

ROUTES = [*api_routes(), *file_routes()]
"""HTTP routes beside the pages."""

MIDDLEWARE = [
    Middleware(SecurityHeaders),  # first, so that refusals have the headers, too
    Middleware(KnownHosts),
    Middleware(PrivateRoutes),
    Middleware(VisitorCookie),
    Middleware(UploadLimit),
    Middleware(AdaptedPage),
]
"""Called in this order for each request."""


def tell_visitor(error: Exception) -> bool:
    """Log an error that no part of a page caught, and show a message instead of it.

    Returns:
        True: Streamlit shows nothing of its own.
    """
    _LOG.error("Unexpected error on a page", exc_info=error)
    st.error(UNEXPECTED, icon=":material/error:")
    return True
