"""Classify pictures from a few examples."""

from fsl.ui.pages.classify.page import show_classify_page
from fsl.ui.shared.frame import bootstrap

bootstrap("Classify")
show_classify_page()
