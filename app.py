"""Few-Shot Lab, the web app: ``streamlit run app.py``. This is its home page."""

from fsl.ui.frame import bootstrap
from fsl.ui.home import show_home_page

bootstrap("Few-Shot Lab")
show_home_page()
