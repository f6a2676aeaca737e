"""Few-Shot Lab, the web app: ``streamlit run app.py``. The server around all pages, and the home page."""

import streamlit as st

from fsl.ui.pages.home.page import show_home_page
from fsl.ui.server.page_changes import keep_page_changes
from fsl.ui.server.stack import MIDDLEWARE, ROUTES, tell_visitor
from fsl.ui.shared.frame import bootstrap
from fsl.ui.shared.resources import warm_up_soon

if __name__ == "__main__":  # Streamlit runs this file for the home page,
    bootstrap("Few-Shot Lab")
    show_home_page()
else:  # and imports it once, for the server.
    keep_page_changes()
    warm_up_soon()
    app = st.App(__file__, routes=ROUTES, middleware=MIDDLEWARE, on_script_error=tell_visitor)
