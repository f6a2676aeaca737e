"""Few-Shot Lab, the web app: ``streamlit run app.py``. This is its home page."""

from fsl.ui.pages.home.page import show_home_page
from fsl.ui.shared.frame import bootstrap

bootstrap("Few-Shot Lab")
show_home_page()
