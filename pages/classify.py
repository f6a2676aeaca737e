"""Classify pictures from a few examples."""

from fsl.ui.classify.page import show_classify_page
from fsl.ui.frame import bootstrap

bootstrap("Classify")
show_classify_page()
