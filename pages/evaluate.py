"""Measure how good a network is, honestly, and against whom."""

from fsl.ui.evaluate.page import show_evaluate_page
from fsl.ui.frame import bootstrap

bootstrap("Evaluate")
show_evaluate_page()
