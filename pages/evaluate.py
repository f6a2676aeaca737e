"""Measure how good a network is, honestly, and against whom."""

from fsl.ui.pages.evaluate.page import show_evaluate_page
from fsl.ui.shared.frame import bootstrap

bootstrap("Evaluate")
show_evaluate_page()
